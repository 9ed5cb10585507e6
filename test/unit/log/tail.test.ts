import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTail } from '../../../src/log/tail.ts';

const LIMITS = { records: 1_000, characters: 1_000_000 };
const records = (from: number, count: number, characters = 1) =>
  Array.from({ length: count }, (_, i) => ({
    partition: 0,
    offset: from + i,
    key: null,
    value: 'x'.repeat(characters),
    timeMs: 0,
  }));

describe('the tail of a topic', () => {
  it('answers null below what it holds, and what it holds without a hole', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(3_000), { maxLength: 6 }),
        fc.nat(12_000),
        fc.integer({ min: 1, max: 900 }),
        (sizes, offset, limit) => {
          const tail = createTail();
          let next = 0;
          for (const size of sizes) {
            tail.push(records(next, size));
            next += size;
          }
          expect(tail.end()).toBe(next);
          const page = tail.from(offset, { ...LIMITS, records: limit });
          if (page === null) return;
          const count = Math.max(0, Math.min(limit, next - offset));
          expect(page.map((record) => record.offset)).toEqual(records(offset, count).map((record) => record.offset));
        },
      ),
    );
  });

  it('holds the newest records, bounded by count and by size', () => {
    const tail = createTail();
    tail.push(records(0, 4_000));
    expect(tail.from(0, LIMITS)).toHaveLength(1_000);
    tail.push(records(4_000, 500));
    expect(tail.from(0, LIMITS)).toBeNull();
    expect(tail.from(4_499, LIMITS)).toHaveLength(1);
    tail.push(records(4_500, 40, 1_000_000));
    expect(tail.from(4_499, LIMITS)).toBeNull();
    expect(tail.from(4_538, LIMITS)).toHaveLength(1);
    expect(tail.from(4_538, { records: 10, characters: 2_000_000 })).toHaveLength(2);
  });

  it('begins anew after a hole', () => {
    const tail = createTail();
    tail.push(records(0, 3));
    tail.push(records(7, 2));
    expect(tail.from(2, LIMITS)).toBeNull();
    expect(tail.from(7, LIMITS)).toHaveLength(2);
  });

  it('rings for what comes after the bell was asked for, and when cancelled', async () => {
    const tail = createTail();
    const bell = tail.bell();
    tail.push(records(0, 1));
    await bell.rung;
    const other = tail.bell();
    other.cancel();
    await other.rung;
  });
});
