// The handover card on a schedule: due once at each change of duty.
import type { Clock } from '../model/clock.ts';
import type { Card, Notice, NoticesTold } from './notice.ts';

export type HandoverOptions = {
  /** Of the day, UTC: `08:00`; empty: never. */
  readonly at: readonly string[];
  readonly channel: string;
  readonly card: (sinceMs: number) => Card;
  readonly clock: Clock;
};

export type Handovers = {
  due(told: NoticesTold): readonly Notice[];
  /** Milliseconds: when duty was handed over last; half a day ago if that is not known. */
  lastAt(told: NoticesTold): number;
};

const DAY_MS = 86_400_000;
const HALF_DAY_MS = DAY_MS / 2;
/** One that is later is no handover any more. */
const LATE_MS = 3_600_000;
const SUBJECT = 'handover';

/** Minutes after midnight, ascending; what is no time of day is left out. */
export function timesOfDay(at: readonly string[]): readonly number[] {
  const minutes = at.flatMap((text) => {
    const [, hour, minute] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text.trim()) ?? [];
    return hour === undefined || minute === undefined ? [] : [Number(hour) * 60 + Number(minute)];
  });
  return [...new Set(minutes)].sort((a, b) => a - b);
}

/** The newest scheduled time that is not after `now`, milliseconds; null: none is scheduled. */
export function dueAt(minutes: readonly number[], now: number): number | null {
  const midnight = Math.floor(now / DAY_MS) * DAY_MS;
  const today = minutes.map((minute) => midnight + minute * 60_000).filter((at) => at <= now);
  const last = minutes.at(-1);
  return today.at(-1) ?? (last === undefined ? null : midnight - DAY_MS + last * 60_000);
}

export function createHandovers({ at, channel, card, clock }: HandoverOptions): Handovers {
  const minutes = timesOfDay(at);
  /** Since when the newest card tells: its own receipt takes the place of the one before. */
  let newest = { due: 0, sinceMs: 0 };
  return {
    due: (told) => {
      const due = dueAt(minutes, clock.now());
      if (due === null) return [];
      if (newest.due !== due) {
        const before = told.of(SUBJECT)?.version;
        newest = { due, sinceMs: before !== undefined && before < due ? before : due - HALF_DAY_MS };
      }
      const { sinceMs } = newest;
      return [{ subject: SUBJECT, version: due, channel, card: () => card(sinceMs), untilMs: due + LATE_MS }];
    },
    lastAt: (told) => told.of(SUBJECT)?.version ?? clock.now() - HALF_DAY_MS,
  };
}
