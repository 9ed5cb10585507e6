import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { durationText, parseDuration, parseInstant, parseTime } from '../../../src/console/times.ts';

describe('times in requests', () => {
  it('reads back every duration that it writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999_999 }), (seconds) => {
        expect(parseDuration(durationText(seconds * 1000))).toBe(seconds * 1000);
      }),
    );
  });

  it('writes the shortest form', () => {
    expect([0, 1_000, 90_000, 600_000, 3_600_000, 86_400_000, 1_500].map(durationText)).toEqual([
      '0s',
      '1s',
      '90s',
      '10m',
      '1h',
      '1d',
      '1500ms',
    ]);
  });

  it('reads every instant in ISO 8601, and no other text', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }), (date) => {
        expect(parseInstant(date.toISOString())).toBe(date.getTime());
      }),
    );
    expect(parseInstant('2026-10-01')).toBe(Date.UTC(2026, 9, 1));
    expect(parseInstant('2026-10-01T12:00:00+02:00')).toBe(Date.UTC(2026, 9, 1, 10));
    for (const text of [
      '',
      'yesterday',
      '1',
      '2026-13-01',
      '2026-10-01T12:00:00',
      '2026-10-01T25:00:00Z',
      ' 2026-10-01',
    ])
      expect([text, parseInstant(text)]).toEqual([text, null]);
  });

  it('counts an age from now', () => {
    expect(parseTime('7d', 1_000_000_000_000)).toBe(1_000_000_000_000 - 7 * 86_400_000);
    expect(parseTime('7x', 0)).toBeNull();
  });
});
