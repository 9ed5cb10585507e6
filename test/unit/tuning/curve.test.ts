// The curve against counting again for each threshold.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { candidatesOf, curveOf } from '../../../src/tuning/curve.ts';

const valuesArb = fc
  .array(fc.record({ time: fc.integer({ min: 0, max: 500 }), value: fc.integer({ min: 1, max: 12 }) }), {
    maxLength: 40,
  })
  .map((values) => [...new Map(values.map((one) => [one.time, one])).values()].sort((a, b) => a.time - b.time));

describe('the curve', () => {
  it('counts what a detector with that lowest threshold would open', () => {
    fc.assert(
      fc.property(fc.array(valuesArb, { maxLength: 4 }), fc.integer({ min: 1, max: 60 }), (keys, quietForS) => {
        const input = { settings: { quietForS }, candidates: [1, 3, 6, 12], sinceS: 0, weeks: 2 };
        const points = curveOf({ ...input, keys: keys.map((values) => ({ values })) });
        for (const { threshold, incidents, perWeek } of points) {
          let episodes = 0;
          for (const values of keys) {
            const breaches = values.filter(({ value }) => value >= threshold).map(({ time }) => time);
            episodes += breaches.filter((time, i) => i === 0 || time - (breaches[i - 1] ?? 0) > quietForS).length;
          }
          expect([incidents, perWeek]).toEqual([episodes, episodes / 2]);
        }
        const counts = points.map(({ incidents }) => incidents);
        if (keys.every((values) => values.length <= 1)) expect([...counts].sort((a, b) => b - a)).toEqual(counts);
      }),
    );
  });

  it('leaves out what began before', () => {
    const keys = [
      {
        values: [
          { time: 10, value: 5 },
          { time: 12, value: 5 },
          { time: 200, value: 5 },
        ],
      },
    ];
    const input = { settings: { quietForS: 60 }, candidates: [5], weeks: 1, keys };
    expect(curveOf({ ...input, sinceS: 11 })).toMatchObject([{ incidents: 1 }]);
    expect(curveOf({ ...input, sinceS: 10 })).toMatchObject([{ incidents: 2 }]);
  });

  it('offers what is in force among the candidates', () => {
    expect(candidatesOf({ count: 'attempts', thresholds: { warning: 3, critical: 70 } })).toContain(70);
    expect(candidatesOf({ count: 'attempts', thresholds: { warning: 3 } })).toHaveLength(20);
    expect(candidatesOf({ count: 'ratio', thresholds: { warning: 0.33 } })).toContain(0.33);
    expect(candidatesOf({ count: 'sum(amount)', thresholds: { warning: 1_000 } })).toEqual([
      250, 500, 750, 1_000, 1_250, 1_500, 2_000, 3_000, 4_000,
    ]);
  });
});
