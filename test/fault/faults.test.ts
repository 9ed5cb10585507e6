// A short form of the fault matrix (`npm run faults` runs all of it): a few faults in the middle of traffic, of which nothing
// may be missed or doubled; and that its judge would see it if something were.
import { describe, expect, it } from 'vitest';
import { type CellResult, runMatrix } from '../support/matrix.ts';
import { isSound, matrixTable } from '../support/matrix-table.ts';

const LIMIT_MS = 600_000;
const SEEDS = [Number(process.env.FAULTS_SEED ?? 1)];

describe('faults under traffic', () => {
  it('embedded and over Kafka and Redis: nothing missed, nothing doubled', { timeout: LIMIT_MS }, async () => {
    const [embedded, services] = await Promise.all([
      runMatrix({ forms: ['embedded'], faults: ['disk full', 'Slack lost answers'], seeds: SEEDS, isQuick: true }),
      runMatrix({ forms: ['services'], faults: ['SIGSTOP', 'Redis rolled back'], seeds: SEEDS, isQuick: true }),
    ]);
    const results = [...embedded, ...services];
    expect(results).toHaveLength(4);
    expect(results.filter((cell) => !isSound(cell))).toEqual([]);
    expect(results.every(({ injected, expected }) => injected > 0 && expected > 5)).toBe(true);
  });

  it('the table sums what is wrong', () => {
    const cell: CellResult = {
      fault: 'kill -9',
      form: 'embedded',
      seed: 1,
      injected: 1,
      expected: 9,
      missed: ['incident a'],
      doubled: [],
      longestMs: 1_250,
      possiblyDuplicate: 0,
      problem: null,
    };
    const table = matrixTable([cell, { ...cell, seed: 2, missed: [], doubled: ['2 rows of INC-1'], longestMs: 900 }]);
    expect(
      table
        .split('\n')
        .at(-1)
        ?.split(/\s*\|\s*/),
    ).toEqual(['', 'kill -9', 'embedded', '2', '2', '18', '1', '1', '1.3 s', '']);
    expect(isSound(cell)).toBe(false);
  });
});
