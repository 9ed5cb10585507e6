import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chartData, chartFigure, sparkline } from '../../../src/console/chart.ts';
import type { Incident } from '../../../src/model/incident.ts';
import { sampleIncident } from '../../support/sample-incident.ts';

const withSeries = (series: Incident['evidence']['series'], overrides: Partial<Incident> = {}): Incident => {
  const incident = sampleIncident(overrides);
  return { ...incident, evidence: { ...incident.evidence, series } };
};

describe('the picture of an episode', () => {
  it('is the values at the breach instants against the thresholds: a step without one has no value', () => {
    expect(chartData(withSeries({ fromS: 100, stepS: 60, values: [3, 0, 8, 5] }))).toEqual({
      times: [100, 220, 280],
      values: [3, 8, 5],
      isStepped: false,
      thresholds: [
        { severity: 'warning', label: 'warning 3', value: 3 },
        { severity: 'critical', label: 'critical 8', value: 8 },
      ],
    });
  });

  it('of a storm is how many incidents joined it in each step, none included', () => {
    const storm = withSeries({ fromS: 100, stepS: 60, values: [3, 0, 8] }, { kind: 'storm' });
    expect(chartData(storm)).toEqual({
      times: [100, 160, 220, 280],
      values: [3, 0, 8, 8],
      isStepped: true,
      thresholds: [],
    });
    expect(String(chartFigure(storm))).toContain('Incidents that joined the storm');
  });

  it('says in words what it shows, and in a table', () => {
    const shown = String(chartFigure(withSeries({ fromS: 0, stepS: 60, values: [3, 8] })));
    expect(shown).toContain(
      'aria-label="Value in the window at each breach, from 1970-01-01 00:00 to 1970-01-01 00:01 UTC. Peak 14; thresholds: warning 3, critical 8."',
    );
    expect(shown).toContain('<td>1970-01-01 00:01:00</td><td class="number">8</td>');
  });

  it('speaks of money and ratios in their own terms', () => {
    const ratio = withSeries(
      { fromS: 0, stepS: 1, values: [0.4, 0.5] },
      { count: 'ratio', peak: 0.5, thresholds: { warning: 0.4 } },
    );
    expect(String(chartFigure(ratio))).toContain('Peak 50 %; thresholds: warning 40 %');
    const sum = withSeries(
      { fromS: 0, stepS: 1, values: [1, 2] },
      { count: 'sum(amount)', currency: 'eur', thresholds: { warning: 5_000 } },
    );
    expect(String(chartFigure(sum))).toContain('warning 50.00 EUR');
  });

  it('is none where there is nothing to draw', () => {
    expect(chartFigure(withSeries({ fromS: 0, stepS: 60, values: [] }))).toBeNull();
    expect(chartFigure(withSeries({ fromS: 0, stepS: 0, values: [1] }))).toBeNull();
    expect(sparkline(withSeries({ fromS: 0, stepS: 60, values: [1] }))).toBeNull();
  });

  it('draws only numbers, inside its frame, whatever the values are', () => {
    fc.assert(
      fc.property(fc.array(fc.double(), { maxLength: 60 }), fc.integer({ min: 1, max: 4_000 }), (values, stepS) => {
        const incident = withSeries({ fromS: 1_800_000_000, stepS, values });
        for (const shown of [String(chartFigure(incident)), String(sparkline(incident))]) {
          const drawn = [...shown.matchAll(/ d="([^"]*)"/g)].map(([, path]) => path ?? '').join('');
          expect(drawn).toMatch(/^[MLHVZ0-9. ]*$/);
          for (const number of drawn.match(/[\d.]+/g) ?? []) expect(Number(number)).toBeLessThanOrEqual(720);
        }
      }),
    );
  });
});
