import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/simulate/random.ts';

describe('a seeded generator', () => {
  it('gives the same numbers for the same seed', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const [a, b] = [seededRandom(seed), seededRandom(seed)];
        expect(Array.from({ length: 20 }, a.next)).toEqual(Array.from({ length: 20 }, b.next));
      }),
    );
  });

  it('stays within its bounds', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: -50, max: 50 }), fc.nat({ max: 100 }), (seed, from, span) => {
        const value = seededRandom(seed).between(from, from + span);
        expect(Number.isInteger(value)).toBe(true);
        expect(value).toBeGreaterThanOrEqual(from);
        expect(value).toBeLessThanOrEqual(from + span);
      }),
    );
  });

  it('reaches every choice, and makes tokens of letters and digits', () => {
    const random = seededRandom(7);
    expect(new Set(Array.from({ length: 100 }, () => random.pick(['a', 'b', 'c'])))).toEqual(new Set(['a', 'b', 'c']));
    expect(random.token(40)).toMatch(/^[A-Za-z0-9]{40}$/);
  });
});
