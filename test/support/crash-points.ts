// Which crash points are tried: all of them by CRASH_POINTS=all, else a seeded part (CRASH_SEED).
import { seededRandom } from '../../src/simulate/random.ts';
import type { CrashPoint } from './crash-gate.ts';

const { CRASH_POINTS, CRASH_SEED = '1' } = process.env;

/** In CI a tenth of the writes and calls of each kind. */
const PART = 0.1;

/** `effects`: what an undisturbed run does. By kind, since the order of what happens side by side is another in each run. */
export function chosenPoints(effects: readonly string[]): readonly CrashPoint[] {
  const random = seededRandom(Number(CRASH_SEED));
  return [...Map.groupBy(effects, (name) => name)].flatMap(([of, some]) => {
    const all = some.flatMap((_, index): readonly CrashPoint[] => [
      { of, effect: index + 1, side: 'before' },
      { of, effect: index + 1, side: 'after' },
    ]);
    if (CRASH_POINTS === 'all') return all;
    return all
      .map((point) => ({ point, rank: random.next() }))
      .sort((a, b) => a.rank - b.rank)
      .slice(0, Math.ceil(all.length * PART))
      .map(({ point }) => point);
  });
}
