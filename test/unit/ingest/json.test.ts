// Texts from outside become fit to be keys, and those that are fit stay the very same.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { idOf, objectOf, ownAt, secondOf, textOf, wholeOf } from '../../../src/ingest/json.ts';

/** The same, one character after the other. */
function cleaned(text: string): string {
  const signs = [...text.slice(0, 512).toWellFormed()];
  return signs.map((sign) => (sign < ' ' || sign === '\x7f' ? '\ufffd' : sign)).join('');
}

describe('a text', () => {
  it('is at most 512 characters without halves of characters and control characters', () => {
    const signs = fc.oneof(
      { weight: 8, arbitrary: fc.string({ unit: 'grapheme' }) },
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '\0',
        '\n',
        '\x1f',
        '\x7f',
        '\x80',
        ' ',
        '\ud800',
        '\udfff',
        '\ud7ff',
        '\ue000',
        '💳',
        'x'.repeat(511),
      ),
    );
    fc.assert(
      fc.property(fc.array(signs, { maxLength: 6 }), (parts) => {
        const text = parts.join('');
        expect(textOf(text)).toBe(text === '' ? null : cleaned(text));
      }),
      { numRuns: 500 },
    );
  });

  it.each([null, undefined, '', 0, true, [], ['a'], {}])('is none in %o', (value) => {
    expect(textOf(value)).toBeNull();
  });
});

it('an id is a text, or that of an expanded object', () => {
  expect(['ch_1', { id: 'ch_1' }, { id: 1 }, {}, [], null].map(idOf)).toEqual(['ch_1', 'ch_1', null, null, null, null]);
});

it('a number is whole, and a time not before 1970', () => {
  expect([1, -1, 1.5, 2 ** 53, '1', null].map(wholeOf)).toEqual([1, -1, null, null, null, null]);
  expect([1, 0, -1, 1.5].map(secondOf)).toEqual([1, 0, null, null]);
});

it('a name from outside finds only what the object itself holds', () => {
  const held = objectOf(JSON.parse('{"__proto__":"a","toString":"b"}'));
  expect(['__proto__', 'toString', 'constructor', 'valueOf'].map((name) => ownAt(held, name))).toEqual([
    ...['a', 'b'],
    ...[null, null],
  ]);
  expect(ownAt(null, 'id')).toBeNull();
});
