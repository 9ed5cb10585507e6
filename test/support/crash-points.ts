// Which crash points are tried: all of them by CRASH_POINTS=all, else a seeded part (CRASH_SEED).
import { seededRandom } from '../../src/simulate/random.ts';
import type { CrashPoint } from './crash-gate.ts';

const { CRASH_POINTS, CRASH_SEED = '1' } = process.env;

/** In CI a tenth. */
const PART = 0.1;

export function chosenPoints(effects: number): readonly CrashPoint[] {
  const all = Array.from({ length: effects }, (_, index): readonly CrashPoint[] => [
    { effect: index + 1, side: 'before' },
    { effect: index + 1, side: 'after' },
  ]).flat();
  if (CRASH_POINTS === 'all') return all;
  const random = seededRandom(Number(CRASH_SEED));
  return all
    .map((point) => ({ point, rank: random.next() }))
    .sort((a, b) => a.rank - b.rank)
    .slice(0, Math.ceil(all.length * PART))
    .map(({ point }) => point);
}
