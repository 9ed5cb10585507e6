// Whether an entity has so many hits within one window: with fewer no detector can breach on it, and it needs no cells.
// What lies on it a day apart, as most does, costs no more than its place in the list.
import { countOf, type HitTable, hitsOn, newestHit, nextHit } from './hit-table.ts';

export type DenseQuestion = {
  /** How many hits make a breach possible. */
  readonly least: number;
  readonly windowS: number;
  /** Its time, seconds. */
  readonly timeOf: (handle: number) => number;
  /** Seconds: only windows that contain it are of interest; null: all. */
  readonly around: number | null;
};

/** An entity with more hits than this is taken for dense: to look through them at each hit would cost more than its cells. */
const MOST_LOOKED_AT = 64;

export function isDense(hits: HitTable, entity: number, { least, windowS, timeOf, around }: DenseQuestion): boolean {
  const count = countOf(hits, entity);
  if (count < least) return false;
  if (least <= 1 || count > MOST_LOOKED_AT) return true;
  if (around !== null) {
    let near = 0;
    for (let handle = newestHit(hits, entity); handle >= 0; handle = nextHit(hits, handle))
      if (Math.abs(timeOf(handle) - around) < windowS) near += 1;
    if (near < least) return false;
  }
  const times = hitsOn(hits, entity).map(timeOf);
  times.sort((a, b) => a - b);
  return times.some((time, i) => (times[i + least - 1] ?? Number.POSITIVE_INFINITY) - time < windowS);
}
