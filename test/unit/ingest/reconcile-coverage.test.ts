import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addRun,
  type CoverageHour,
  createTallies,
  dropBefore,
  HOUR_S,
} from '../../../src/ingest/reconcile-coverage.ts';

const START = 500_000 * HOUR_S;
const at = (minutes: number): string => new Date((START + minutes * 60) * 1000).toISOString();

/** Minutes after START; those with a minus sign lacked. */
function run(
  before: readonly CoverageHour[],
  minutes: readonly number[],
  hours = 2,
  account: string | null = null,
): CoverageHour[] {
  const untilS = START + hours * HOUR_S - 1;
  const tallies = createTallies(START, untilS);
  for (const minute of minutes) tallies.add(START + Math.abs(minute) * 60, minute > 0);
  return addRun(before, { account, untilS, tallies: tallies.byHour() });
}

describe('coverage', () => {
  it('counts each hour, newest first, also one without events', () => {
    expect(run([], [1, 2, 61], 3)).toEqual([
      { hour: at(120), account: null, stripe: 0, ours: 0, closedGaps: 0, gaps: [], complete: true },
      { hour: at(60), account: null, stripe: 1, ours: 1, closedGaps: 0, gaps: [], complete: true },
      { hour: at(0), account: null, stripe: 2, ours: 2, closedGaps: 0, gaps: [], complete: true },
    ]);
  });

  it('says from when to when events lacked', () => {
    const [, first] = run([], [1, -2, -3, -31, 40, -50]);
    expect(first).toMatchObject({
      stripe: 6,
      ours: 6,
      closedGaps: 4,
      gaps: [
        { from: at(2), to: at(31), events: 3 },
        { from: at(50), to: at(50), events: 1 },
      ],
    });
  });

  it('begins a gap anew in the next hour', () => {
    const [second, first] = run([], [-58, -59, -61, 62]);
    expect(first?.gaps).toEqual([{ from: at(58), to: at(59), events: 2 }]);
    expect(second?.gaps).toEqual([{ from: at(61), to: at(61), events: 1 }]);
  });

  it('adds up: an hour looked at again is counted anew, and what was closed stays told', () => {
    const first = run([], [1, -2, 3]);
    const again = run(first, [1, 2, 3, 4, -5]);
    expect(again.at(-1)).toMatchObject({ stripe: 5, ours: 5, closedGaps: 2 });
    expect(again.at(-1)?.gaps).toHaveLength(2);
    expect(run(again, [1, 2, 3, 4, 5])).toEqual(again);
  });

  it('keeps accounts apart', () => {
    const both = run(run([], [1]), [-2, 3], 2, 'acct_1');
    expect(both.map(({ account, stripe }) => [account, stripe])).toEqual([
      [null, 0],
      ['acct_1', 0],
      [null, 1],
      ['acct_1', 2],
    ]);
  });

  it('is not complete before the hour is over', () => {
    const untilS = START + HOUR_S + 600;
    const hours = addRun([], { account: null, untilS, tallies: createTallies(START, untilS).byHour() });
    expect(hours.map(({ complete }) => complete)).toEqual([false, true]);
  });

  it('drops what is too old', () => {
    const hours = run([], [1, 61], 2);
    expect(dropBefore(hours, START + HOUR_S + 5).map(({ hour }) => hour)).toEqual([at(60)]);
  });

  it('never loses count, however many gaps there are', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 300 }), (had) => {
        const tallies = createTallies(START, START + HOUR_S - 1);
        for (const [index, one] of had.entries()) tallies.add(START + index * 10, one);
        const [hour] = addRun([], { account: null, untilS: START + HOUR_S - 1, tallies: tallies.byHour() });
        const lacked = had.filter((one) => !one).length;
        expect(hour).toMatchObject({ stripe: had.length, closedGaps: lacked });
        expect(hour?.gaps.reduce((sum, { events }) => sum + events, 0)).toBe(lacked);
        expect(hour?.gaps.length).toBeLessThanOrEqual(20);
      }),
    );
  });
});
