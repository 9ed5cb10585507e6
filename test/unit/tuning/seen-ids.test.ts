import { describe, expect, it } from 'vitest';
import { createSeenIds } from '../../../src/tuning/seen-ids.ts';

describe('createSeenIds', () => {
  it('knows every id that it was given, and no other', () => {
    const seen = createSeenIds();
    const ids = Array.from({ length: 100_000 }, (_, index) => `evt_1Nx${index.toString(36)}`);
    expect(ids.every((id) => seen.add(id))).toBe(true);
    expect(ids.some((id) => seen.add(id))).toBe(false);
    expect(seen.size).toBe(100_000);
  });

  it('tells ids apart that differ in their beginning, end, length or order of characters', () => {
    const seen = createSeenIds();
    for (const id of [
      '',
      'a',
      'b',
      'aa',
      'ab',
      'ba',
      'evt_1',
      'evt_2',
      'evt_12',
      'evt_21',
      'ö',
      '\u0000',
      '\u0000\u0000',
    ])
      expect(seen.add(id), JSON.stringify(id)).toBe(true);
  });
});
