// How many incidents each lowest threshold would make: read off the values at every instant, without a fold for each. Pure.
import { instantsOf } from '../detectors/episodes.ts';
import { keysOf } from '../detectors/fold.ts';
import { unhurried } from '../detectors/replay.ts';
import { type FoldState, partsOf } from '../detectors/state.ts';
import type { CountKind, DetectorSettings } from '../model/detector.ts';
import type { Key } from '../model/entity.ts';
import type { CurvePoint } from '../model/what-if.ts';

export type KeyValues = {
  readonly key: Key;
  /** At every instant that may breach, in time order (seconds). */
  readonly values: readonly { readonly time: number; readonly value: number }[];
};

const ALWAYS = { firstBreachAt: 0, lastBreachAt: Number.POSITIVE_INFINITY };

/** Of a detector that breaches with every match. */
export async function valuesOf(state: FoldState, detector: string): Promise<readonly KeyValues[]> {
  const rules = state.detectors.get(detector);
  const found: KeyValues[] = [];
  if (rules === undefined) return found;
  for await (const key of unhurried(keysOf(state))) {
    if (key.detector !== detector) continue;
    const { times, values } = instantsOf(rules, partsOf(state, key), { fromS: 0, episode: ALWAYS });
    if (times.length > 0) found.push({ key, values: times.map((time, i) => ({ time, value: values[i] ?? 0 })) });
  }
  return found;
}

/** The least value that says anything: every matching attempt breaches. */
export function lowestOf(count: CountKind): number {
  return count === 'ratio' ? 0.000_001 : 1;
}

const MOST_STEPS = 50;

/** Ascending. Counts one by one, a ratio in twentieths, a sum in steps around what is in force. */
export function candidatesOf({ count, thresholds }: Pick<DetectorSettings, 'count' | 'thresholds'>): readonly number[] {
  const own = Object.values(thresholds);
  if (count === 'ratio') return sortedOnce([...Array.from({ length: 20 }, (_, i) => (i + 1) / 20), ...own]);
  const highest = Math.max(1, ...own);
  if (count === 'sum(amount)') {
    const lowest = Math.min(highest, ...own);
    const steps = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 3, 4].map((factor) => Math.round(lowest * factor));
    return sortedOnce([...steps, ...own]);
  }
  const most = Math.min(MOST_STEPS, Math.max(20, Math.ceil(2 * highest)));
  return sortedOnce([...Array.from({ length: most }, (_, i) => i + 1), ...own]);
}

const sortedOnce = (values: readonly number[]): readonly number[] => [...new Set(values)].sort((a, b) => a - b);

export type CurveInput = {
  readonly settings: Pick<DetectorSettings, 'quietForS'>;
  /** Of each key the value at every instant that may breach, in time order (seconds). */
  readonly keys: readonly { readonly values: readonly { readonly time: number; readonly value: number }[] }[];
  readonly candidates: readonly number[];
  /** Seconds: episodes that begin before it do not count. */
  readonly sinceS: number;
  readonly weeks: number;
};

export function curveOf({ settings, keys, candidates, sinceS, weeks }: CurveInput): readonly CurvePoint[] {
  return candidates.map((threshold) => {
    let incidents = 0;
    for (const { values } of keys) {
      let last = Number.NEGATIVE_INFINITY;
      for (const { time, value } of values) {
        if (value < threshold) continue;
        if (time - last > settings.quietForS && time >= sinceS) incidents += 1;
        last = time;
      }
    }
    return { threshold, incidents, perWeek: incidents / weeks };
  });
}
