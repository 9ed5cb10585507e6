import { describe, expect, it } from 'vitest';
import {
  chartOf,
  heapGrowthOf,
  percentiles,
  problemsOf,
  type Sample,
  type Summary,
  slopeOf,
} from '../../../bench/soak-figures.ts';

const sample = (atS: number, more: Partial<Sample> = {}): Sample => ({
  atS,
  residentMb: 100,
  heapMb: 50,
  handles: 30,
  lag: 0,
  heldAttempts: 10,
  answerP50: 2,
  answerP99: 9,
  ...more,
});

const nothing = percentiles([]);
const SOUND: Summary = {
  log: 'embedded',
  minutes: 1,
  askedPerS: 200,
  sentPerS: 199,
  events: 12_000,
  refused: 0,
  residentMbPerHour: 1,
  heap: { before: 50, after: 60, allowed: 44 },
  handlesGrowth: 2,
  lagAtEnd: 0,
  lagMost: 40,
  answerMs: nothing,
  incidentMs: nothing,
  incidents: { expected: 12, opened: 12 },
};

describe('a soak', () => {
  it('that went well has no problem', () => expect(problemsOf(SOUND)).toEqual([]));

  it.each([
    [{ refused: 1 }, '1 webhooks were refused'],
    [{ sentPerS: 179 }, '179 of 200 events a second were taken'],
    [{ heap: { before: 50, after: 95, allowed: 44 } }, 'the heap grew from 50 to 95 MB'],
    [{ handlesGrowth: 21 }, '21 file handles more at the end than in the middle'],
    [{ lagAtEnd: 5 }, '5 records behind a minute after the end'],
    [{ incidents: { expected: 12, opened: 11 } }, '11 of 12 incidents opened'],
  ] as const)('names what is wrong: %j', (more, problem) => {
    expect(problemsOf({ ...SOUND, ...more })).toEqual([problem]);
  });

  it('has the slope of a straight line, and none of one sample', () => {
    const growing = [0, 5, 10, 15].map((atS) => sample(atS, { residentMb: 100 + 0.5 * atS }));
    expect(slopeOf(growing)).toBeCloseTo(0.5);
    expect(slopeOf([sample(0)])).toBe(0);
  });

  it('allows for what is held and for chance, not for more', () => {
    const sawtooth = (base: number, held: number) =>
      [0, 40, 20].map((more) => sample(0, { heapMb: base + more, heldAttempts: held }));
    const quiet = heapGrowthOf([...sawtooth(50, 0), ...sawtooth(60, 0)]);
    expect(quiet).toEqual({ before: 50, after: 60, allowed: 44.5 });
    const leaking = heapGrowthOf([...sawtooth(50, 0), ...sawtooth(100, 0)]);
    expect(leaking.after - leaking.before).toBeGreaterThan(leaking.allowed);
    const filling = heapGrowthOf([...sawtooth(50, 0), ...sawtooth(100, 100_000)]);
    expect(filling.after - filling.before).toBeLessThan(filling.allowed);
  });

  it('has percentiles', () => {
    expect(percentiles([3, 1, 2])).toMatchObject({ p50: 2, most: 3 });
    expect(nothing).toEqual({ p50: 0, p95: 0, p99: 0, most: 0 });
  });

  it('is drawn within its frame, whatever was measured', () => {
    const chart = chartOf('a soak', [
      sample(5),
      sample(10, { lag: 5_000, answerP50: null, answerP99: null }),
      sample(15),
    ]);
    const points = [...chart.matchAll(/points="([^"]*)"/g)].flatMap(([, text = '']) => text.split(' '));
    expect(points).toHaveLength(18);
    for (const point of points) {
      const [x = Number.NaN, y = Number.NaN] = point.split(',').map(Number);
      expect(x).toBeGreaterThanOrEqual(60);
      expect(x).toBeLessThanOrEqual(760);
      expect(y).toBeGreaterThanOrEqual(40);
      expect(y).toBeLessThanOrEqual(140);
    }
  });
});
