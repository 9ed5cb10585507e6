// What is drawn of a curve: one window of it, in the detector's unit, on scales that hold it, with what is in force marked.
import { describe, expect, it } from 'vitest';
import {
  curveFigure,
  curvePictures,
  curveTable,
  pointsOf,
  rate,
  sentenceOf,
} from '../../../src/console/curve-chart.ts';
import type { Surface, SurfacePoint } from '../../../src/model/curve.ts';

const COUNT = { count: 'attempts', currency: null } as const;

const point = (windowS: number, threshold: number, alerts: number, more: Partial<SurfacePoint> = {}): SurfacePoint => ({
  ...{ windowS, threshold, alerts, perWeek: alerts / 4, judged: 0, fraud: 0, precision: null },
  ...{ missedDisputes: 0, missedWarnings: 0, ...more },
});

function surface(more: Partial<Surface> = {}): Surface {
  const precision = { value: 0.5, low: 0.1, high: 0.9 };
  const points = [300, 600].flatMap((windowS) =>
    Array.from({ length: 50 }, (_, n) =>
      point(windowS, n + 1, n < 12 ? 1_200 / 3 ** n : 0, n < 3 ? { judged: 2, fraud: 1, precision } : {}),
    ),
  );
  const current = points[52] ?? point(600, 3, 0);
  return {
    ...{ detector: 'a', sinceMs: 0, untilMs: 1, records: 9, lacking: [], disputes: 4, warnings: 0, current, points },
    ...{ windows: [300, 600], thresholds: points.slice(0, 50).map(({ threshold }) => threshold) },
    suggestions: [{ name: 'three_a_day', point: points[5] ?? current, change: {}, words: '' }],
    ...more,
  };
}

describe('the pictures of a curve', () => {
  it('are those of one window, up to where anything alerts, with what is in force marked', () => {
    const [alerts, precision, missed] = curvePictures(surface(), 600, COUNT);
    expect(alerts?.labels).toEqual(Array.from({ length: 13 }, (_, n) => String(n + 1)));
    expect(alerts?.marks).toEqual([{ at: 2, label: 'in force', kind: 'current' }]);
    expect(alerts?.lines[0]?.values.at(-1)).toBeNull();
    expect(precision).toMatchObject({ scale: 'share', low: 0, high: 1 });
    expect(precision?.lines.map(({ kind }) => kind)).toEqual(['low', 'high', 'line']);
    expect(missed).toMatchObject({ scale: 'count', high: 4 });
    expect(missed?.lines.map(({ label }) => label)).toEqual(['missed disputes']);
    const marks = curvePictures(surface(), 300, COUNT)[0]?.marks;
    expect(marks).toEqual([{ at: 5, label: 'about three alerts a day', kind: 'suggested' }]);
    expect(pointsOf(surface(), 42)).toEqual([]);
  });

  it('have a logarithmic scale in whole decades that holds every value', () => {
    for (const alerts of [0.01, 1, 3, 40, 99_999]) {
      const points = [point(600, 1, alerts), point(600, 2, alerts / 7)];
      const [current = point(600, 1, 1)] = points;
      const one = surface({ windows: [600], thresholds: [1, 2], points, current, suggestions: [] });
      const [picture] = curvePictures(one, 600, COUNT);
      const values = (picture?.lines[0]?.values ?? []).filter((value) => value !== null);
      expect(Math.min(...values)).toBeGreaterThanOrEqual(picture?.low ?? Number.POSITIVE_INFINITY);
      expect(Math.max(...values)).toBeLessThanOrEqual((picture?.high ?? 0) * 1.000_001);
      const decades = Math.log10((picture?.high ?? 1) / (picture?.low ?? 1));
      expect(decades).toBeGreaterThanOrEqual(1);
      expect(decades).toBeCloseTo(Math.round(decades), 9);
    }
  });

  it('say nothing of what nobody judged and nothing was missed of', () => {
    const points = [point(600, 1, 4), point(600, 2, 1)];
    const [current = point(600, 1, 1)] = points;
    const quiet = surface({ windows: [600], thresholds: [1, 2], points, current, disputes: 0, suggestions: [] });
    expect(curvePictures(quiet, 600, COUNT).map(({ name }) => name)).toEqual(['alerts']);
  });

  it('are drawn without a script, in the detector’s own unit, without a broken number', () => {
    const share = { count: 'ratio', currency: null } as const;
    const points = [point(600, 0.05, 8), point(600, 0.4, 1)];
    const [current = point(600, 1, 1)] = points;
    const one = surface({ windows: [600], thresholds: [0.05, 0.4], points, current, suggestions: [] });
    const pictures = [...curvePictures(surface(), 600, COUNT), ...curvePictures(one, 600, share)];
    for (const picture of pictures) {
      const drawn = String(curveFigure(picture));
      expect(drawn).toContain('<svg');
      expect(drawn).not.toMatch(/NaN|Infinity|undefined/);
    }
    expect(pictures.at(-2)?.labels).toEqual(['5 %', '40 %']);
    const table = String(curveTable(one, 600, share));
    expect(table).toContain('in force');
    expect(table.match(/<tr/g)).toHaveLength(3);
    expect(sentenceOf(point(600, 0.4, 1), share)).toBe(
      '40 %: 0.25 alerts a week, none judged, 0 disputes and 0 warnings missed',
    );
    expect([rate(0.233), rate(9.61), rate(41.7)]).toEqual(['0.23', '9.61', '42']);
  });
});
