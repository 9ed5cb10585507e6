import { describe, expect, it } from 'vitest';
import { hashText } from '../../../src/detectors/text-hash.ts';

describe('the hash of a text', () => {
  it('is a function of text and salt', () => {
    for (const text of ['', 'a', 'ab', 'abc', 'payer1@example.com', '\ud800', 'ж'.repeat(300)]) {
      expect(hashText(text, 1)).toBe(hashText(text, 1));
      expect(Number.isInteger(hashText(text, 1))).toBe(true);
      expect(hashText(text, 1)).not.toBe(hashText(text, 2));
    }
  });

  it('differs for each character, wherever it stands, and for what is longer', () => {
    const hashes = new Set<number>();
    for (let at = 0; at < 40; at++) hashes.add(hashText(`${'a'.repeat(at)}b${'a'.repeat(40 - at)}`, 0));
    for (let length = 0; length < 40; length++) hashes.add(hashText('\0'.repeat(length), 0));
    expect(hashes.size).toBe(80);
  });

  it('spreads texts that differ by little over the slots of a table', () => {
    const slots = new Int32Array(4_096);
    for (let i = 0; i < 40_960; i++) {
      const slot = hashText(`payer${i}@example.com`, 0) & 4_095;
      slots[slot] = (slots[slot] ?? 0) + 1;
    }
    // Ten each on average; by chance one of 4,096 would have more than 40 once in many thousand years of runs.
    expect(Math.max(...slots)).toBeLessThan(40);
  });
});
