// What a storm is doing now: how many join it, and whether that rises or falls. Pure; by the storm's own times, no clock.
import type { Incident } from '../model/incident.ts';
import { formatCount, formatDuration } from '../model/words.ts';

/** Compared are the newest third of a minute's steps, or so, with as many before. */
const COMPARED = 3;
/** Less is no news. */
const CHANGE = 1.25;

export type Trend = 'rising' | 'falling' | 'steady';

/** Null for what is no storm, and while there is too little to compare. The newest step is still being filled. */
export function trendOf({ kind, over, evidence: { series } }: Incident): Trend | null {
  if (kind !== 'storm' || over || series.values.length < 4) return null;
  const whole = series.values.slice(0, -1);
  const newest = whole.slice(-COMPARED);
  const before = whole.slice(-COMPARED - newest.length, -newest.length);
  if (before.length === 0) return null;
  const [now, then] = [mean(newest), mean(before)];
  if (now > then * CHANGE) return 'rising';
  return now * CHANGE < then ? 'falling' : 'steady';
}

/** `rising: 42 joined in the last 10 s`; of one that is over how long it lasted. */
export function trendInWords(incident: Incident): string | null {
  const { kind, over, openedAt, lastBreachAt, evidence } = incident;
  if (kind !== 'storm') return null;
  if (over) return `over: it lasted ${formatDuration((lastBreachAt - openedAt) / 1000)}`;
  const { values, stepS } = evidence.series;
  const joined = `${formatCount(values.at(-1) ?? 0)} joined in the last ${formatDuration(stepS)}`;
  const trend = trendOf(incident);
  return trend === null ? joined : `${trend}: ${joined}`;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
