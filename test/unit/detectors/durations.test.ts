import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDurationMs, parseDurationMs } from '../../../src/detectors/durations.ts';

describe('durations', () => {
  it.each([
    ['90s', 90_000],
    ['10m', 600_000],
    ['1.5h', 5_400_000],
    ['7d', 604_800_000],
    ['250ms', 250],
    [' 1h ', 3_600_000],
    ['0s', 0],
  ])('%s is %d ms', (text, ms) => expect(parseDurationMs(text)).toBe(ms));

  it.each(['', '10', 'm', '-1m', '1w', '1 m', '1e3s', '1.2345s', '1m30s', 'Infinitys'])('%j is none', (text) =>
    expect(parseDurationMs(text)).toBeNull(),
  );

  it('are written in the shortest form, and read back', () => {
    const seconds = [0, 59, 60, 3_600, 5_400, 86_400, 90_000];
    expect(seconds.map((s) => formatDurationMs(s * 1_000))).toEqual(['0s', '59s', '1m', '1h', '90m', '1d', '25h']);
    fc.assert(fc.property(fc.nat(10_000_000), (s) => parseDurationMs(formatDurationMs(s * 1_000)) === s * 1_000));
  });
});
