// Keeps to what Google allows: 60 reads and 60 writes a minute for the service account. Half of the writes are left to
// others that use the same account.
import type { Clock } from '../model/clock.ts';

export type Pace = {
  /** Resolves with true when the next call may go out, in the order of asking; false if the signal is aborted before. */
  take(signal: AbortSignal): Promise<boolean>;
};

/** A minute as Google sees it: a call may be a second longer under way than the one a minute later. */
const MINUTE_MS = 61_000;

export const WRITES_PER_MINUTE = 30;
export const READS_PER_MINUTE = 50;

/** At most `perMinute` calls in any 60 seconds, by the times at which they arrive. */
export function createPace({ clock, perMinute }: { readonly clock: Clock; readonly perMinute: number }): Pace {
  /** When the last calls went out. */
  const times: number[] = [];
  let turn: Promise<unknown> = Promise.resolve();
  const wait = async (signal: AbortSignal): Promise<boolean> => {
    while (!signal.aborted) {
      const now = clock.now();
      const first = times.length < perMinute ? undefined : times[0];
      const waitMs = first === undefined ? 0 : first + MINUTE_MS - now;
      if (waitMs <= 0) {
        times.push(now);
        if (times.length > perMinute) times.shift();
        return true;
      }
      await clock.sleep(waitMs, signal);
    }
    return false;
  };
  return {
    take: async (signal) => {
      const own = turn.then(async () => await wait(signal));
      turn = own;
      return await own;
    },
  };
}
