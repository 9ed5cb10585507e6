// The value of every window at every instant, for many windows, from one set of cells: what happened in each second is there
// whatever the window, so that one pass over the log is enough. Pure.
import { HERE, MORE_HERE } from '../detectors/cells.ts';
import { valuesAt } from '../detectors/distinct.ts';
import type { KeyCells } from '../detectors/episodes.ts';

export type Instant = { readonly time: number; readonly value: number };

/** The window to look through, and how much a ratio's denominator must hold (else 0). */
export type Over = { readonly windowS: number; readonly minimum: number };

/** At the instants that may breach, in time order; `cells` of a detector whose own window and minimum do not matter. */
export function valuesOver({ revision, cells }: KeyCells, { windowS, minimum }: Over): readonly Instant[] {
  const { list, distinct } = cells;
  const { count, stride, eligible, hasMore } = revision.layout;
  const seen = new Map<string, number>();
  const instants: Instant[] = [];
  let matching = 0;
  let more = 0;
  let oldest = 0;
  for (let at = 0; at < list.length; at += stride) {
    const time = list[at] ?? 0;
    matching += list[at + HERE] ?? 0;
    if (hasMore) more += list[at + MORE_HERE] ?? 0;
    if (distinct !== null) for (const value of valuesAt(distinct, time)) seen.set(value, (seen.get(value) ?? 0) + 1);
    for (; (list[oldest] ?? 0) <= time - windowS; oldest += stride) {
      matching -= list[oldest + HERE] ?? 0;
      if (hasMore) more -= list[oldest + MORE_HERE] ?? 0;
      if (distinct === null) continue;
      for (const value of valuesAt(distinct, list[oldest] ?? 0)) {
        const left = (seen.get(value) ?? 0) - 1;
        if (left > 0) seen.set(value, left);
        else seen.delete(value);
      }
    }
    if (matching === 0 || (list[at + eligible] ?? 0) === 0) continue;
    if (count === 'ratio' && more < minimum) continue;
    const value =
      count === 'attempts' ? matching : distinct !== null ? seen.size : count === 'ratio' ? matching / more : more;
    instants.push({ time, value });
  }
  return instants;
}

/** Seconds. */
export type Chain = { readonly firstAttemptAt: number; readonly firstBreachAt: number; readonly lastBreachAt: number };

/** Episodes of a detector with that lowest threshold. `firstAttemptAt` is the earliest that it can be. */
export function chainsOf(
  instants: readonly Instant[],
  {
    threshold,
    windowS,
    quietForS,
  }: { readonly threshold: number; readonly windowS: number; readonly quietForS: number },
): readonly Chain[] {
  const chains: Chain[] = [];
  let begun: number | null = null;
  let last = 0;
  for (const { time, value } of instants) {
    if (value < threshold) continue;
    if (begun !== null && time - last > quietForS) {
      chains.push({ firstAttemptAt: begun - windowS + 1, firstBreachAt: begun, lastBreachAt: last });
      begun = null;
    }
    begun ??= time;
    last = time;
  }
  if (begun !== null) chains.push({ firstAttemptAt: begun - windowS + 1, firstBreachAt: begun, lastBreachAt: last });
  return chains;
}
