import { describe, expect, it } from 'vitest';
import { hashText, type TextHash } from '../../../src/detectors/text-hash.ts';

function hashOf(text: string, salt: number): TextHash {
  const hash: TextHash = [0, 0, 0];
  hashText(hash, text, salt);
  return hash;
}

describe('the hash of a text', () => {
  it('is a function of text and salt, in each of its thirds', () => {
    for (const text of ['', 'a', 'ab', 'abc', 'payer1@example.com', '\ud800', 'ж'.repeat(300)]) {
      const hash = hashOf(text, 1);
      expect(hashOf(text, 1)).toEqual(hash);
      for (const [third, number] of hash.entries()) {
        expect(number | 0).toBe(number);
        expect(hashOf(text, 2)[third]).not.toBe(number);
      }
      expect(new Set(hash).size).toBe(3);
    }
  });

  it('differs for each character, wherever it stands, and for what is longer, in each of its thirds', () => {
    const texts: string[] = [];
    for (let at = 0; at < 40; at++) texts.push(`${'a'.repeat(at)}b${'a'.repeat(40 - at)}`);
    for (let length = 0; length < 40; length++) texts.push('\0'.repeat(length));
    for (const third of [0, 1, 2] as const) expect(new Set(texts.map((text) => hashOf(text, 0)[third])).size).toBe(80);
  });

  it('spreads texts that differ by little over the slots of a table, by its first bits and by its last', () => {
    for (const third of [0, 1, 2] as const) {
      for (const shift of [0, 20]) {
        const slots = new Int32Array(4_096);
        for (let i = 0; i < 40_960; i++) {
          const slot = (hashOf(`payer${i}@example.com`, 0)[third] >>> shift) & 4_095;
          slots[slot] = (slots[slot] ?? 0) + 1;
        }
        // Ten each on average; by chance one of 4,096 would have more than 40 once in many thousand years of runs.
        expect(Math.max(...slots)).toBeLessThan(40);
      }
    }
  });
});
