import { describe, expect, it } from 'vitest';
import { formatCount, formatDuration, formatPeak, plural, statusLine } from '../../../src/model/words.ts';
import { acknowledgedBy, resolvedBy, sampleIncident } from '../../support/sample-incident.ts';

describe('words', () => {
  it.each([
    [0, '0 s'],
    [45, '45 s'],
    [600, '10 min'],
    [5_400, '1 h 30 min'],
    [187_200, '2 d 4 h'],
    [-5, '0 s'],
    [Number.NaN, '0 s'],
  ])('%d s is %s', (seconds, expected) => {
    expect(formatDuration(seconds)).toBe(expected);
  });

  it('count', () => {
    expect(formatCount(1_234_567)).toBe('1,234,567');
    expect(formatCount(0.125)).toBe('0.13');
    expect(formatPeak(0.425, 'ratio')).toBe('42.5 %');
    expect(formatPeak(14, 'attempts')).toBe('14');
    expect(plural(1, 'decline')).toBe('1 decline');
    expect(plural(2_000, 'decline')).toBe('2,000 declines');
  });

  it('say where an incident stands', () => {
    const open = sampleIncident();
    expect(statusLine(open)).toBe('open');
    expect(statusLine(acknowledgedBy(open))).toBe('acknowledged by ana');
    expect(statusLine(resolvedBy(open))).toBe('resolved: fraud');
    expect(statusLine({ ...open, status: 'merged', mergedInto: 'INC-7' })).toBe('merged into INC-7');
  });
});
