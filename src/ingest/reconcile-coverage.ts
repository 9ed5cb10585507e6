// Coverage: per hour what Stripe has and what the log has. Pure: tallies of a run, and how runs add up.

type Gap = {
  /** ISO 8601: `created` of the first and the last event of it. */
  readonly from: string;
  readonly to: string;
  readonly events: number;
};

export type CoverageHour = {
  /** ISO 8601: when the hour begins, by the events' `created`. */
  readonly hour: string;
  /** Connected account; null: the key's own. */
  readonly account: string | null;
  /** Events of the handled types that Stripe has. */
  readonly stripe: number;
  /** Of these, in the log now. */
  readonly ours: number;
  /** Events that had not come by webhook and were taken from Stripe's list. */
  readonly closedGaps: number;
  /** Where they lacked: runs of events without one that had come in between. At most 20. */
  readonly gaps: readonly Gap[];
  /** False while the hour is not over, or was not looked at to its end. */
  readonly complete: boolean;
};

/** Of one run over one hour. */
type Tally = { stripe: number; ours: number; closed: number; readonly gaps: OpenGap[] };
type OpenGap = { readonly fromS: number; toS: number; events: number };

export const HOUR_S = 3_600;
const MAX_GAPS = 20;

export const hourOf = (seconds: number): number => Math.floor(seconds / HOUR_S) * HOUR_S;

export type Tallies = {
  /** In time order. `had`: it was in the log. */
  add(createdS: number, had: boolean): void;
  byHour(): ReadonlyMap<number, Tally>;
};

/** Every hour that the range touches is there, also if Stripe has nothing in it. */
export function createTallies(fromS: number, untilS: number): Tallies {
  const hours = new Map<number, Tally>();
  for (let hour = hourOf(fromS); hour <= untilS; hour += HOUR_S)
    hours.set(hour, { stripe: 0, ours: 0, closed: 0, gaps: [] });
  let isInGap = false;
  return {
    add: (createdS, had) => {
      const tally = hours.get(hourOf(createdS));
      if (tally === undefined) return;
      tally.stripe += 1;
      tally.ours += 1;
      if (!had) {
        tally.closed += 1;
        extendGap(tally, createdS, isInGap);
      }
      isInGap = !had;
    },
    byHour: () => hours,
  };
}

/** A gap that goes on into the next hour begins there again. */
function extendGap({ gaps }: Tally, createdS: number, goesOn: boolean): void {
  const last = gaps.at(-1);
  if (last !== undefined && (goesOn || gaps.length >= MAX_GAPS)) {
    last.toS = Math.max(last.toS, createdS);
    last.events += 1;
  } else gaps.push({ fromS: createdS, toS: createdS, events: 1 });
}

export type RunOver = {
  readonly account: string | null;
  readonly untilS: number;
  readonly tallies: ReadonlyMap<number, Tally>;
};

/** A run looks at each of its hours from the beginning: it replaces what was counted, and adds what it closed. */
export function addRun(before: readonly CoverageHour[], { account, untilS, tallies }: RunOver): CoverageHour[] {
  const kept = new Map(before.map((hour) => [keyOf(hour), hour]));
  for (const [hourS, { stripe, ours, closed, gaps }] of tallies) {
    const hour = iso(hourS);
    const earlier = kept.get(keyOf({ hour, account }));
    kept.set(keyOf({ hour, account }), {
      hour,
      account,
      stripe,
      ours,
      closedGaps: (earlier?.closedGaps ?? 0) + closed,
      gaps: [...(earlier?.gaps ?? []), ...gaps.map(gapOf)].slice(-MAX_GAPS),
      complete: hourS + HOUR_S <= untilS + 1,
    });
  }
  return [...kept.values()].sort(newestFirst);
}

/** Drops what began before. */
export function dropBefore(hours: readonly CoverageHour[], seconds: number): CoverageHour[] {
  const first = iso(hourOf(seconds));
  return hours.filter(({ hour }) => hour >= first);
}

const gapOf = ({ fromS, toS, events }: OpenGap): Gap => ({ from: iso(fromS), to: iso(toS), events });
const keyOf = ({ hour, account }: Pick<CoverageHour, 'hour' | 'account'>): string => `${hour} ${account ?? ''}`;
const iso = (seconds: number): string => new Date(seconds * 1000).toISOString();

function newestFirst(a: CoverageHour, b: CoverageHour): number {
  const [left, right] = [keyOf(a), keyOf(b)];
  if (a.hour !== b.hour) return a.hour < b.hour ? 1 : -1;
  return left < right ? -1 : 1;
}
