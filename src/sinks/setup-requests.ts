// The requests of which a set-up is made: headers, widths, drop-downs, the protection. Pure.
import type { TabColumn } from './setup-tabs.ts';
import type { Request } from './sheets-client.ts';

export const PROTECTION = 'declinewatch: columns that the program writes';

/** A column and where it stands. */
export type Placed = { readonly column: TabColumn; readonly index: number };

/** One request a run of neighbours: what stands between them is not touched. */
export function writeHeaders(sheetId: number, row: number, placed: readonly Placed[]): Request {
  const first = placed[0]?.index ?? 0;
  return {
    updateCells: {
      start: { sheetId, rowIndex: row, columnIndex: first },
      rows: [{ values: placed.map(({ column }) => ({ userEnteredValue: { stringValue: column.header } })) }],
      fields: 'userEnteredValue',
    },
  };
}

export function headerStyle(sheetId: number, columnCount: number): Request {
  return {
    repeatCell: {
      range: { sheetId, startRowIndex: 0, endRowIndex: 1, startColumnIndex: 0, endColumnIndex: columnCount },
      cell: { userEnteredFormat: { textFormat: { bold: true }, wrapStrategy: 'WRAP' } },
      fields: 'userEnteredFormat.textFormat.bold,userEnteredFormat.wrapStrategy',
    },
  };
}

export function widthRequest(sheetId: number, index: number, pixelSize: number): Request {
  return {
    updateDimensionProperties: {
      range: { sheetId, dimension: 'COLUMNS', startIndex: index, endIndex: index + 1 },
      properties: { pixelSize },
      fields: 'pixelSize',
    },
  };
}

export function dropDown(sheetId: number, index: number, { choices }: TabColumn, headerRow = 0): readonly Request[] {
  if (choices.length === 0) return [];
  return [
    {
      setDataValidation: {
        range: { sheetId, startRowIndex: headerRow + 1, startColumnIndex: index, endColumnIndex: index + 1 },
        rule: choiceRule(choices),
      },
    },
  ];
}

export type ChoiceRule = {
  readonly condition: { readonly type: 'ONE_OF_LIST'; readonly values: { readonly userEnteredValue: string }[] };
  readonly strict: true;
  readonly showCustomUi: true;
};

export function choiceRule(choices: readonly string[]): ChoiceRule {
  const values = choices.map((userEnteredValue) => ({ userEnteredValue }));
  return { condition: { type: 'ONE_OF_LIST', values }, strict: true, showCustomUi: true };
}

export function openRanges(sheetId: number, open: readonly number[]) {
  return open.map((index) => ({ sheetId, startRowIndex: 1, startColumnIndex: index, endColumnIndex: index + 1 }));
}

/** The whole tab, but for the analysts' columns; the sheet's owner may always edit everything. */
export function protect(sheetId: number, open: readonly number[], email: string): Request {
  return {
    addProtectedRange: {
      protectedRange: {
        range: { sheetId },
        description: PROTECTION,
        warningOnly: false,
        unprotectedRanges: openRanges(sheetId, open),
        editors: { users: [email] },
      },
    },
  };
}
