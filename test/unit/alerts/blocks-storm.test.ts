import { describe, expect, it } from 'vitest';
import { trendInWords, trendOf } from '../../../src/alerts/blocks-storm.ts';
import { sampleIncident } from '../../support/sample-incident.ts';

const storm = (values: readonly number[]) => {
  const incident = sampleIncident({ kind: 'storm' });
  return { ...incident, evidence: { ...incident.evidence, series: { fromS: 0, stepS: 10, values } } };
};

describe('the trend of a storm', () => {
  it.each([
    [[1, 1, 1, 9, 9, 9, 2], 'rising'],
    [[9, 9, 9, 1, 1, 1, 0], 'falling'],
    [[5, 5, 5, 5, 5, 5, 0], 'steady'],
    [[5, 5, 5], null],
  ] as const)('of %j is %s: the newest step is still being filled', (values, trend) => {
    expect(trendOf(storm(values))).toBe(trend);
  });

  it('is told with what joined last, and with how long it lasted once it is over', () => {
    expect(trendInWords(storm([1, 1, 1, 9, 9, 9, 2]))).toBe('rising: 2 joined in the last 10 s');
    expect(trendInWords(storm([4]))).toBe('4 joined in the last 10 s');
    const over = { ...storm([1]), over: true };
    expect(trendInWords({ ...over, lastBreachAt: over.openedAt + 600_000 })).toBe('over: it lasted 10 min');
    expect(trendInWords(sampleIncident())).toBeNull();
  });
});
