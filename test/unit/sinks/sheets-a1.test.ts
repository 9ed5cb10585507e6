import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { a1Of, columnIndex, columnLetters, parseA1 } from '../../../src/sinks/sheets-a1.ts';

describe('A1 notation', () => {
  it('names columns', () => {
    expect([0, 25, 26, 701, 702].map(columnLetters)).toEqual(['A', 'Z', 'AA', 'ZZ', 'AAA']);
    fc.assert(fc.property(fc.nat(18_277), (index) => columnIndex(columnLetters(index)) === index));
  });

  it('is read as it is written, with any title', () => {
    const range = fc.record({
      title: fc.string({ minLength: 1, unit: 'grapheme' }),
      row: fc.nat(9_999),
      column: fc.nat(700),
      height: fc.integer({ min: 1, max: 500 }),
      width: fc.integer({ min: 1, max: 50 }),
    });
    fc.assert(
      fc.property(range, ({ title, row, column, height, width }) => {
        const wanted = { title, row, column, endRow: row + height, endColumn: column + width };
        expect(parseA1(a1Of(wanted))).toEqual(wanted);
      }),
    );
  });

  it('is read as Google writes it', () => {
    expect(parseA1('Incidents!C1:C1000')).toEqual({
      title: 'Incidents',
      row: 0,
      column: 2,
      endRow: 1000,
      endColumn: 3,
    });
    expect(parseA1("'Ana''s list'!B7")).toEqual({ title: "Ana's list", row: 6, column: 1, endRow: 7, endColumn: 2 });
    expect(parseA1('Incidents!A:A')).toBeNull();
    expect(parseA1('')).toBeNull();
  });
});
