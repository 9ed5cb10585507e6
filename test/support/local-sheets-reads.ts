// What the stand-in answers to reads: field masks, data filters, and ranges without their empty ends, as Google does.
import type { sheets_v4 } from 'googleapis/build/src/apis/sheets/index.js';
import { type Book, type Box, boxOf, type Mark, matchMarks, Refused, type Tab, tabOf } from './local-sheets-book.ts';

export type Area = { readonly tab: Tab; readonly box: Box };

export function spreadsheetJson(
  book: Book,
  spreadsheetId: string,
  areas: readonly Area[] | null,
): sheets_v4.Schema$Spreadsheet {
  const tabs = areas === null ? book.tabs : book.tabs.filter((tab) => areas.some((area) => area.tab === tab));
  return {
    spreadsheetId,
    properties: { title: book.title, timeZone: book.timeZone, locale: 'en_US' },
    sheets: tabs.map((tab) => ({
      properties: {
        sheetId: tab.sheetId,
        title: tab.title,
        index: book.tabs.indexOf(tab),
        sheetType: 'GRID',
        gridProperties: { rowCount: tab.rows.length, columnCount: tab.columnCount, frozenRowCount: tab.frozenRowCount },
      },
      ...(tab.protectedRanges.length > 0 ? { protectedRanges: tab.protectedRanges } : {}),
      ...(tab.conditionalFormats.length > 0 ? { conditionalFormats: tab.conditionalFormats } : {}),
      ...(tab.charts.length > 0 ? { charts: tab.charts } : {}),
      ...(areas === null ? {} : { data: areas.filter((area) => area.tab === tab).map(gridJson) }),
    })),
  };
}

function gridJson({ tab, box }: Area): sheets_v4.Schema$GridData {
  const rowData = tab.rows.slice(box.top, box.bottom).map((row) => {
    const values = row.slice(box.left, box.right);
    while (values.length > 0 && Object.keys(values.at(-1) ?? {}).length === 0) values.pop();
    return values.length === 0 ? {} : { values };
  });
  // What is 0 is left out.
  return {
    ...(box.top > 0 ? { startRow: box.top } : {}),
    ...(box.left > 0 ? { startColumn: box.left } : {}),
    rowData,
  };
}

/** The ranges that a filter selects; a mark of a row or column selects all of it. */
export function areasOf(book: Book, filter: sheets_v4.Schema$DataFilter): readonly Area[] {
  if (filter.gridRange) {
    const tab = tabOf(book, filter.gridRange.sheetId);
    return [{ tab, box: boxOf(tab, filter.gridRange) }];
  }
  if (filter.a1Range) return [areaOfA1(book, filter.a1Range)];
  return matchMarks(book, filter).flatMap((mark) => {
    if (mark.sheetId === null) return [];
    const tab = tabOf(book, mark.sheetId);
    const whole = { top: 0, bottom: tab.rows.length, left: 0, right: tab.columnCount };
    if (mark.dimension === 'ROWS') return [{ tab, box: { ...whole, top: mark.index, bottom: mark.index + 1 } }];
    if (mark.dimension === 'COLUMNS') return [{ tab, box: { ...whole, left: mark.index, right: mark.index + 1 } }];
    return [{ tab, box: whole }];
  });
}

export function areaOfA1(book: Book, range: string): Area {
  const [, quoted, plain, left = 'A', top = '1', right = left, bottom = top] =
    /^(?:'((?:[^']|'')*)'|([^'!]+))!([A-Z]+)(\d+)(?::([A-Z]+)(\d+))?$/.exec(range) ?? [];
  const title = quoted?.replaceAll("''", "'") ?? plain;
  const tab = book.tabs.find((one) => one.title === title);
  if (tab === undefined) throw new Refused(`Unable to parse range: ${range}`);
  const box = { top: Number(top) - 1, bottom: Number(bottom), left: indexOf(left), right: indexOf(right) + 1 };
  if (box.bottom > tab.rows.length || box.right > tab.columnCount)
    throw new Refused(
      `Range (${range}) exceeds grid limits. Max rows: ${tab.rows.length}, max columns: ${tab.columnCount}`,
    );
  return { tab, box };
}

const indexOf = (letters: string): number =>
  [...letters].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0) - 1;

const lettersOf = (index: number): string =>
  index < 26 ? String.fromCharCode(65 + index) : lettersOf(Math.floor(index / 26) - 1) + lettersOf(index % 26);

/** Empty rows at the end and empty cells at the end of each row are not there. */
export function valueRange({ tab, box }: Area): sheets_v4.Schema$ValueRange {
  const values = tab.rows.slice(box.top, box.bottom).map((row) => {
    const cells = row
      .slice(box.left, box.right)
      .map(
        ({ userEnteredValue: value }) =>
          value?.stringValue ?? value?.numberValue ?? value?.boolValue ?? value?.formulaValue ?? '',
      );
    while (cells.length > 0 && cells.at(-1) === '') cells.pop();
    return cells;
  });
  while (values.length > 0 && values.at(-1)?.length === 0) values.pop();
  const title = /^[A-Za-z][A-Za-z0-9]*$/.test(tab.title) ? tab.title : `'${tab.title.replaceAll("'", "''")}'`;
  const range = `${title}!${lettersOf(box.left)}${box.top + 1}:${lettersOf(box.right - 1)}${box.bottom}`;
  return { range, majorDimension: 'ROWS', ...(values.length > 0 ? { values } : {}) };
}

export function markJson(mark: Mark): sheets_v4.Schema$DeveloperMetadata {
  const { metadataId, metadataKey, metadataValue, sheetId, dimension, index } = mark;
  const range = {
    ...(sheetId === 0 ? {} : { sheetId }),
    dimension,
    ...(index === 0 ? {} : { startIndex: index }),
    endIndex: index + 1,
  };
  const location =
    sheetId === null
      ? { locationType: 'SPREADSHEET', spreadsheet: true }
      : dimension === null
        ? { locationType: 'SHEET', ...(sheetId === 0 ? {} : { sheetId }) }
        : { locationType: dimension === 'ROWS' ? 'ROW' : 'COLUMN', dimensionRange: range };
  return { metadataId, metadataKey, metadataValue, visibility: 'DOCUMENT', location };
}

/** A partial response: `a,b(c,d.e)`. An unknown mask is an error at Google; here an unknown name selects nothing. */
export function masked(value: unknown, fields: string | null): unknown {
  return fields === null || fields === '*' ? value : select(value, parseMask(fields));
}

type MaskTree = { [name: string]: MaskTree };

function parseMask(fields: string): MaskTree {
  const root: MaskTree = {};
  const stack: MaskTree[] = [root];
  let at: MaskTree = root;
  for (const [token] of fields.matchAll(/[A-Za-z0-9]+|[(),./]/g)) {
    const top = stack.at(-1) ?? root;
    if (token === '(') stack.push(at);
    else if (token === ')') stack.pop();
    else if (token === ',') at = top;
    else if (token !== '.' && token !== '/') {
      at[token] ??= {};
      at = at[token];
    }
    if (token === ')') at = stack.at(-1) ?? root;
    else if (token === '(') at = stack.at(-1) ?? root;
  }
  return root;
}

function select(value: unknown, mask: MaskTree): unknown {
  const names = Object.keys(mask);
  if (names.length === 0 || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((one) => select(one, mask));
  const entries = names.flatMap((name) => {
    const child: unknown = Reflect.get(value, name);
    return child === undefined ? [] : [[name, select(child, mask[name] ?? {})] as const];
  });
  return Object.fromEntries(entries);
}
