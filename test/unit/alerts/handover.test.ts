import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dueAt, timesOfDay } from '../../../src/alerts/handover.ts';

const DAY = Date.UTC(2026, 9, 1);
const at = (hour: number, minute = 0): number => DAY + (hour * 60 + minute) * 60_000;

describe('the times of handover', () => {
  it('are times of the day, in order, each once; what is none is left out', () => {
    expect(timesOfDay(['20:00', '8:00', '08:00', '24:00', '7', '', ' 12:30 ', '12:60'])).toEqual([480, 750, 1_200]);
  });

  it('are due at the newest that has passed, yesterday’s last before the first', () => {
    const minutes = timesOfDay(['08:00', '20:00']);
    expect(dueAt(minutes, at(7, 59))).toBe(at(20) - 86_400_000);
    expect(dueAt(minutes, at(8))).toBe(at(8));
    expect(dueAt(minutes, at(19, 59))).toBe(at(8));
    expect(dueAt(minutes, at(23))).toBe(at(20));
    expect(dueAt([], at(12))).toBeNull();
  });

  it('never lie ahead, and never more than a day back', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1_439), { minLength: 1, maxLength: 5 }), fc.nat(2 ** 40), (minutes, now) => {
        const due =
          dueAt(
            [...minutes].sort((a, b) => a - b),
            now,
          ) ?? Number.NaN;
        expect(due).toBeLessThanOrEqual(now);
        expect(due).toBeGreaterThan(now - 86_400_000);
      }),
    );
  });
});
