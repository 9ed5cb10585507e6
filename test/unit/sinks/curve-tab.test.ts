// The rows of the tab of curves.
import { describe, expect, it } from 'vitest';
import type { Surface, SurfacePoint } from '../../../src/model/curve.ts';
import { curveRows } from '../../../src/sinks/curve-tab.ts';
import { shownCell } from '../../../src/sinks/rows-cells.ts';

const point = (threshold: number, alerts: number, more: Partial<SurfacePoint> = {}): SurfacePoint => ({
  ...{ windowS: 600, threshold, alerts, perWeek: alerts / 4, judged: 0, fraud: 0, precision: null },
  ...{ missedDisputes: 1, missedWarnings: 0, ...more },
});

describe('the tab of curves', () => {
  it('has the points that alert and the one in force, with what each is', () => {
    const precision = { value: 0.5, low: 0.1, high: 0.9 };
    const points = [point(1, 8, { judged: 2, fraud: 1, precision }), point(2, 4), point(3, 0), point(4, 0)];
    const [one = point(1, 0), two = point(2, 0), three = point(3, 0)] = points;
    const surface: Surface = {
      ...{ detector: 'card-declines', sinceMs: 0, untilMs: 1, records: 9, lacking: [], disputes: 1, warnings: 0 },
      ...{ windows: [600], thresholds: [1, 2, 3, 4], current: three, points },
      suggestions: [{ name: 'three_a_day', point: two, change: {}, words: '' }],
    };
    const rows = curveRows([surface]).map((cells) => cells.map((cell) => shownCell(cell, 'UTC')));
    expect(rows).toHaveLength(4);
    expect(rows[0]?.slice(0, 4)).toEqual(['Detector', 'Window', 'Lowest threshold', 'Alerts a week']);
    expect(rows[1]).toEqual(['card-declines', '10m', '1', '2', '0.5', '0.1', '0.9', '2', '1', '0', '']);
    expect(rows[2]?.at(-1)).toBe('three a day');
    expect(rows[3]?.slice(2)).toEqual(['3', '0', '', '', '', '0', '1', '0', 'in force']);
    expect(curveRows([])).toHaveLength(1);
    expect(one.alerts).toBe(8);
  });

  it('ends at 20,000 rows', () => {
    const points = Array.from({ length: 30_000 }, (_, n) => point(n + 1, 1));
    const current = point(1, 1);
    const surface: Surface = {
      ...{ detector: 'a', sinceMs: 0, untilMs: 1, records: 9, lacking: [], disputes: 0, warnings: 0 },
      ...{ windows: [600], thresholds: [], current, points, suggestions: [] },
    };
    expect(curveRows([surface])).toHaveLength(20_001);
  });
});
