// How often messages are edited. Slack takes 50 edits a minute, whatever they are of: an attack that grows all the time
// must leave room for what people do, and for the growth of other attacks.
import type { Clock } from '../model/clock.ts';

export type Edit = {
  /** Which message. */
  readonly message: string;
  /** Somebody did something, or it got worse; else it only grew. */
  readonly isUrgent: boolean;
};

export type EditPace = {
  /** Milliseconds: the earliest time for it, in the past if now is right. Takes nothing. */
  nextAt(edit: Edit): number;
  /** Resolves with true once it may be done, which it then counts as; false if the signal is aborted before. */
  take(edit: Edit, signal: AbortSignal): Promise<boolean>;
};

export type EditPaceOptions = {
  readonly clock: Clock;
  /** Edits of all messages in any minute; of those that only grew fewer. */
  readonly perMinute?: number;
  readonly growthPerMinute?: number;
  /** Milliseconds between two edits of one message that only grew, and of two such messages. */
  readonly sameMs?: number;
  readonly growthMs?: number;
};

const MINUTE_MS = 60_000;
/** Between two edits of one message, whatever they are. */
const LEAST_SAME_MS = 300;

export function createEditPace(options: EditPaceOptions): EditPace {
  const { clock, perMinute = 40, growthPerMinute = 34, sameMs = 3_000, growthMs = 1_200 } = options;
  /** Of the last minute, oldest first. */
  const taken: (Edit & { readonly at: number })[] = [];
  const forget = (now: number): void => {
    while (taken[0] !== undefined && taken[0].at <= now - MINUTE_MS) taken.shift();
  };
  const nextAt = ({ message, isUrgent }: Edit): number => {
    forget(clock.now());
    const most = isUrgent ? perMinute : growthPerMinute;
    const full = taken.length >= most ? (taken[taken.length - most]?.at ?? 0) + MINUTE_MS : 0;
    const same = taken.findLast((edit) => edit.message === message)?.at;
    const sameAt = same === undefined ? 0 : same + (isUrgent ? Math.min(LEAST_SAME_MS, sameMs) : sameMs);
    const grown = isUrgent ? undefined : taken.findLast((edit) => !edit.isUrgent)?.at;
    return Math.max(full, sameAt, grown === undefined ? 0 : grown + growthMs);
  };
  return {
    nextAt,
    take: async (edit, signal) => {
      for (;;) {
        if (signal.aborted) return false;
        const now = clock.now();
        const at = nextAt(edit);
        if (at <= now) {
          taken.push({ ...edit, at: now });
          return true;
        }
        await clock.sleep(at - now, signal);
      }
    },
  };
}
