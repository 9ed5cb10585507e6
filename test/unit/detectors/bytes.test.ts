// What goes in comes out, in as few bytes as promised.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  areTextsAlike,
  type Cursor,
  createDictionary,
  readNumber,
  readText,
  readWord,
  writeNumber,
  writeText,
  writeWord,
} from '../../../src/detectors/bytes.ts';

const cursor = (): Cursor => ({ bytes: Buffer.alloc(4), at: 0 });

function sizeOf(write: (to: Cursor) => void): number {
  const to = cursor();
  write(to);
  return to.at;
}

const numberArb = fc.oneof(
  fc.constantFrom(0, 1, 247, 248, 255, 256, 65_535, 2 ** 31, 2 ** 32, 2 ** 48 - 1, 2 ** 48, -1, 0.5),
  fc.integer(),
  fc.maxSafeInteger(),
);
const textArb = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('', 'é', '\ud800', 'a'.repeat(254), 'a'.repeat(255), 'ж'.repeat(300)),
);

describe('bytes', () => {
  it('give back numbers, words and texts, one after the other', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(numberArb, textArb, textArb), { maxLength: 30 }), (all) => {
        const dictionary = createDictionary();
        const to = cursor();
        for (const [number, word, text] of all) {
          writeNumber(to, number);
          writeWord(to, dictionary, word);
          writeText(to, text);
        }
        const from = { bytes: to.bytes, at: 0 };
        for (const [number, word, text] of all) {
          expect(readNumber(from)).toBe(number);
          expect(readWord(from, dictionary)).toBe(word);
          const isAlike = (other: string): boolean => {
            const elsewhere = cursor();
            writeText(elsewhere, other);
            return areTextsAlike(from.bytes, from.at, { bytes: elsewhere.bytes, at: 0 });
          };
          expect([isAlike(text), isAlike(`${text}x`), isAlike(text.slice(1))]).toEqual([true, false, text === '']);
          expect(readText(from)).toBe(text);
        }
        expect(from.at).toBe(to.at);
      }),
    );
  });

  it('of small numbers and early words are one', () => {
    const dictionary = createDictionary();
    for (let i = 0; i < 254; i++) expect(sizeOf((to) => writeWord(to, dictionary, `w${i}`))).toBe(1);
    for (let i = 254; i < 1_000; i++) expect(sizeOf((to) => writeWord(to, dictionary, `w${i}`))).toBe(3);
    expect(sizeOf((to) => writeNumber(to, 247))).toBe(1);
    expect(sizeOf((to) => writeNumber(to, 9_999))).toBe(3);
    expect(sizeOf((to) => writeNumber(to, 1_800_000_000_000))).toBe(7);
  });

  it('do not let words from outside fill the memory', () => {
    const dictionary = createDictionary();
    for (let i = 0; i < 70_000; i++) sizeOf((to) => writeWord(to, dictionary, `w${i}`));
    expect(dictionary.words).toHaveLength(60_000);
    const to = cursor();
    for (const word of ['w65000', 'x'.repeat(65), 'w59999']) writeWord(to, dictionary, word);
    const from = { bytes: to.bytes, at: 0 };
    expect([1, 2, 3].map(() => readWord(from, dictionary))).toEqual(['w65000', 'x'.repeat(65), 'w59999']);
  });
});
