// The handover card on a schedule: due once at each change of duty.
import type { Clock } from '../model/clock.ts';
import type { Incident } from '../model/incident.ts';
import type { Card, Notice, NoticesTold } from './notice.ts';

export type HandoverOptions = {
  /** Of the day, UTC: `08:00`; empty: never. */
  readonly at: readonly string[];
  readonly channel: string;
  readonly card: (sinceMs: number) => Card;
  /** What stands in the place of a card that named somebody who was erased. */
  readonly erasedCard: () => Card;
  readonly incidents: () => Iterable<Incident>;
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
const PREFIX = 'handover:';

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

export function createHandovers(options: HandoverOptions): Handovers {
  const { at, channel, card, clock } = options;
  const minutes = timesOfDay(at);
  return {
    due: (told) => {
      const due = dueAt(minutes, clock.now());
      if (due === null) return [];
      const before = toldDues(told).filter((one) => one < due);
      const sinceMs = before.at(-1) ?? due - HALF_DAY_MS;
      const subject = `${PREFIX}${due}`;
      const newest: Notice = { subject, version: due, channel, card: () => card(sinceMs), untilMs: due + LATE_MS };
      return [...withoutErased(options, told), newest];
    },
    lastAt: (told) => toldDues(told).at(-1) ?? clock.now() - HALF_DAY_MS,
  };
}

/** Milliseconds: the changes of duty of which a card was told, ascending. */
function toldDues(told: NoticesTold): readonly number[] {
  return [...told.all()]
    .filter(({ subject }) => subject.startsWith(PREFIX))
    .map(({ subject }) => Number(subject.slice(PREFIX.length)))
    .sort((a, b) => a - b);
}

/** Cards that named somebody who has been erased since: each erasure that a card must follow raises its version by one. */
function withoutErased({ incidents, erasedCard, channel, clock }: HandoverOptions, told: NoticesTold): Notice[] {
  const dues = toldDues(told);
  const erased = dues.length === 0 ? [] : [...incidents()].filter((incident) => incident.erased !== undefined);
  if (erased.length === 0) return [];
  return dues.flatMap((due) => {
    const named = erased.filter((incident) => wasNamed(incident, due)).length;
    const subject = `${PREFIX}${due}`;
    if (named === 0 || (told.of(subject)?.place ?? null) === null) return [];
    const untilMs = clock.now() + DAY_MS;
    return [{ subject, version: due + named, isLiving: true, channel, card: erasedCard, untilMs }];
  });
}

/** By a card of that time, or it may have been. */
function wasNamed({ openedAt, resolved, erased }: Incident, due: number): boolean {
  const isAfter = (erased?.at ?? 0) > due;
  return isAfter && openedAt <= due + LATE_MS && (resolved === null || resolved.at >= due);
}
