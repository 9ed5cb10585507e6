// The rhythm in which one account's events arrive, and whether it has fallen silent against it. Pure: times are given.
//
// Two rules, whichever speaks first, and never under 15 minutes:
// - busy hours: what usually arrives in this stretch of the week, by the leaner of its weeks, is 12 events or more;
// - longest pause: it is silent for twice as long as it has ever been in four weeks, the one longest pause left out.
// So a shop that is quiet at night or over the weekend is expected to be, and one outage teaches nothing.

export type Rhythm = {
  /** Milliseconds: the first and the last arrival. */
  firstAt: number;
  lastAt: number;
  arrivals: number;
  /** Arrivals of the hour `h` since the epoch at `h % 672`: four weeks, ending in the hour of `lastAt`. */
  readonly hours: number[];
  /** Longest pause, milliseconds, that ended on day `d` since the epoch, at `d % 28`. */
  readonly pauses: number[];
};

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const WEEK_HOURS = 168;
const HOURS = 4 * WEEK_HOURS;
const DAYS = 28;
const MOST_IN_HOUR = 1_000_000;

/** Shorter is no silence, whatever the rhythm. */
export const SHORTEST_MS = 15 * MINUTE_MS;
/** One night must have been seen, and more than a try-out. */
const LEARN_MS = DAY_MS;
const LEARN_ARRIVALS = 20;
const BUSY = 12;
const FACTOR = 2;
/** From here on the one longest pause is left out: it may have been an outage. */
const LEAVE_OUT_AFTER_MS = 7 * DAY_MS;

/** Forgotten after four weeks without an event: it is not silent, it is gone. */
export const FORGET_MS = DAYS * DAY_MS;

export function newRhythm(atMs: number): Rhythm {
  const rhythm = { firstAt: atMs, lastAt: atMs, arrivals: 0, hours: Array(HOURS).fill(0), pauses: Array(DAYS).fill(0) };
  count(rhythm, atMs);
  return rhythm;
}

/** Arrivals of two doors may be a little out of order: time never goes back here. */
export function arrive(rhythm: Rhythm, receivedAtMs: number): void {
  const atMs = Math.max(receivedAtMs, rhythm.lastAt);
  const [from, to] = [hourOf(rhythm.lastAt), hourOf(atMs)];
  for (let hour = Math.max(from + 1, to - HOURS + 1); hour <= to; hour += 1) rhythm.hours[hour % HOURS] = 0;
  const [fromDay, toDay] = [dayOf(rhythm.lastAt), dayOf(atMs)];
  for (let day = Math.max(fromDay + 1, toDay - DAYS + 1); day <= toDay; day += 1) rhythm.pauses[day % DAYS] = 0;
  const slot = toDay % DAYS;
  rhythm.pauses[slot] = Math.max(rhythm.pauses[slot] ?? 0, atMs - rhythm.lastAt);
  rhythm.lastAt = atMs;
  count(rhythm, atMs);
}

function count(rhythm: Rhythm, atMs: number): void {
  const slot = hourOf(atMs) % HOURS;
  rhythm.hours[slot] = Math.min((rhythm.hours[slot] ?? 0) + 1, MOST_IN_HOUR);
  rhythm.arrivals = Math.min(rhythm.arrivals + 1, MOST_IN_HOUR);
}

export type Silence = {
  /** Milliseconds, of a whole second: the last arrival. */
  readonly sinceMs: number;
  /** What it is held against, for a person: `about 40 events usually come in that time`. */
  readonly usual: string;
};

/** null: it is as lively as it is wont to be, or too little is known of it. */
export function silenceOf(rhythm: Rhythm, nowMs: number): Silence | null {
  const { firstAt, lastAt, arrivals } = rhythm;
  const silentMs = nowMs - lastAt;
  if (silentMs < SHORTEST_MS || silentMs >= FORGET_MS) return null;
  if (lastAt - firstAt < LEARN_MS || arrivals < LEARN_ARRIVALS) return null;
  const sinceMs = Math.floor(lastAt / 1000) * 1000;
  const expected = expectedBetween(rhythm, lastAt, nowMs);
  if (expected >= BUSY) return { sinceMs, usual: `at least ${Math.floor(expected)} events usually come in that time` };
  const longestMs = longestPause(rhythm);
  if (silentMs < FACTOR * longestMs) return null;
  return { sinceMs, usual: `it has not paused for more than ${words(longestMs)} in four weeks` };
}

function longestPause({ firstAt, lastAt, pauses }: Rhythm): number {
  const [longest = 0, second = 0] = [...pauses].sort((a, b) => b - a);
  return Math.max(lastAt - firstAt >= LEAVE_OUT_AFTER_MS ? second : longest, SHORTEST_MS / FACTOR);
}

/** By the lean side of what came in the same hours before. */
function expectedBetween(rhythm: Rhythm, fromMs: number, toMs: number): number {
  let sum = 0;
  for (let hour = hourOf(fromMs); hour <= hourOf(toMs) && sum < BUSY * MOST_SUMMED; hour += 1) {
    const begins = Math.max(fromMs, hour * HOUR_MS);
    const ends = Math.min(toMs, (hour + 1) * HOUR_MS);
    sum += (usualIn(rhythm, hour) * (ends - begins)) / HOUR_MS;
  }
  return sum;
}

const MOST_SUMMED = 100;

/** Of the same hour of the week in four weeks, else of the same hour of the day in a week. */
function usualIn(rhythm: Rhythm, hour: number): number {
  const weekly = samples(rhythm, hour, WEEK_HOURS, 4);
  if (weekly.length >= 2) return lean(weekly);
  const daily = samples(rhythm, hour, 24, 7);
  return daily.length >= 2 ? lean(daily) : 0;
}

/** Whole hours only, of those that are kept. */
function samples({ firstAt, lastAt, hours }: Rhythm, hour: number, step: number, most: number): number[] {
  const found: number[] = [];
  for (let back = 1; back <= most; back += 1) {
    const at = hour - back * step;
    if (at <= hourOf(firstAt) || at <= hourOf(lastAt) - HOURS) break;
    if (at < hourOf(lastAt)) found.push(hours[at % HOURS] ?? 0);
    else found.push(0);
  }
  return found;
}

/** The least, or of four and more the second least: one hour of an outage teaches nothing. */
function lean(values: number[]): number {
  const sorted = values.sort((a, b) => a - b);
  return sorted[sorted.length >= 4 ? 1 : 0] ?? 0;
}

const hourOf = (ms: number): number => Math.floor(ms / HOUR_MS);
const dayOf = (ms: number): number => Math.floor(ms / DAY_MS);

function words(ms: number): string {
  const minutes = Math.round(ms / MINUTE_MS);
  if (minutes < 120) return `${minutes} minutes`;
  return `${Math.round(minutes / 60)} hours`;
}

/** As it is kept between two starts; null for what was no such thing. */
export function restoreRhythm(kept: unknown): Rhythm | null {
  if (kept === null || typeof kept !== 'object') return null;
  const { firstAt, lastAt, arrivals, hours, pauses } = kept as Partial<Rhythm>;
  if (!isCount(firstAt) || !isCount(lastAt) || !isCount(arrivals)) return null;
  if (!isList(hours, HOURS) || !isList(pauses, DAYS)) return null;
  return { firstAt, lastAt, arrivals, hours: [...hours], pauses: [...pauses] };
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
const isList = (value: unknown, length: number): value is number[] =>
  Array.isArray(value) && value.length === length && value.every(isCount);
