// A person with the sheet open in a browser: sorts, moves, inserts, renames, deletes, types. And what that person sees.
import type { sheets_v4 } from 'googleapis/build/src/apis/sheets/index.js';
import { columnId, type TabKey } from '../../src/sinks/sheets-layout.ts';
import {
  type Book,
  type Cell,
  deleteLines,
  insertLines,
  moveLine,
  setMasked,
  type Tab,
  tabOf,
} from './local-sheets-book.ts';

export type Hands = ReturnType<typeof handsOn>;

type Desk = { readonly book: () => Book; readonly change: (requests: readonly sheets_v4.Schema$Request[]) => void };

export function handsOn({ book, change }: Desk) {
  const tab = (title: string): Tab => {
    const found = book().tabs.find((one) => one.title === title);
    if (found === undefined) throw new Error(`There is no tab ${title}: ${book().tabs.map((one) => one.title)}`);
    return found;
  };
  const columnOf = (title: string, header: string): number => {
    const index = (tab(title).rows[0] ?? []).findIndex((cell) => textOf(cell) === header);
    if (index === -1) throw new Error(`Tab ${title} has no column ${header}.`);
    return index;
  };
  const cellAt = (title: string, row: number, column: number): Cell => {
    const cells = tab(title).rows[row];
    if (cells === undefined) throw new Error(`Tab ${title} has no row ${row}.`);
    while (cells.length <= column) cells.push({});
    return cells[column] ?? {};
  };
  const rowOf = (title: string, id: string): number => {
    const row = tab(title).rows.findIndex((cells) => cells.some((cell) => textOf(cell) === id));
    if (row === -1) throw new Error(`Tab ${title} has no row with ${id}.`);
    return row;
  };
  const line = (title: string, dimension: 'ROWS' | 'COLUMNS', at: number) => ({
    sheetId: tab(title).sheetId,
    dimension,
    at,
    count: 1,
  });
  return {
    titles: () => book().tabs.map(({ title }) => title),
    tab,
    columnOf,
    rowOf,
    marks: () => book().marks,
    cell: (title: string, id: string, header: string): Cell => cellAt(title, rowOf(title, id), columnOf(title, header)),
    /** Texts of a row by header; numbers as they are. */
    row: (title: string, id: string): Record<string, string | number> => {
      const headers = (tab(title).rows[0] ?? []).map(textOf);
      const cells = tab(title).rows[rowOf(title, id)] ?? [];
      return Object.fromEntries(headers.map((header, n) => [header, shownIn(cells[n] ?? {})]));
    },
    incidentIds: (): string[] =>
      book()
        .marks.filter(({ metadataId }) => SERIALS.some((key) => columnId(key, 1) === metadataId))
        .flatMap(({ sheetId, index }) => tabOf(book(), sheetId).rows.map((cells) => textOf(cells[index] ?? {})))
        .filter((text) => /^INC-\d+$/.test(text)),
    type: (title: string, id: string, header: string, value: string | number): void =>
      setMasked(
        cellAt(title, rowOf(title, id), columnOf(title, header)),
        { userEnteredValue: typeof value === 'number' ? { numberValue: value } : { stringValue: value } },
        'userEnteredValue',
      ),
    renameHeader: (title: string, header: string, to: string): void =>
      setMasked(
        cellAt(title, 0, columnOf(title, header)),
        { userEnteredValue: { stringValue: to } },
        'userEnteredValue',
      ),
    /** Rows under the header by a column's text. UNVERIFIED whether marks follow: `doMarksFollow` tries both. */
    sort: (title: string, header: string, { isDescending = false, doMarksFollow = false } = {}): void => {
      const one = tab(title);
      const column = columnOf(title, header);
      const from = one.rows.map((cells, row) => ({ cells, row })).slice(1);
      const text = ({ cells }: { cells: Cell[] }): string => String(shownIn(cells[column] ?? {}));
      // Rows that are empty there stay at the end, in both directions.
      from.sort((a, b) => {
        if (text(a) === '' || text(b) === '') return Number(text(a) === '') - Number(text(b) === '');
        return (isDescending ? -1 : 1) * text(a).localeCompare(text(b), 'en', { numeric: true });
      });
      one.rows = [one.rows[0] ?? [], ...from.map(({ cells }) => cells)];
      if (!doMarksFollow) return;
      const to = new Map(from.map(({ row }, n) => [row, n + 1]));
      for (const mark of book().marks)
        if (mark.sheetId === one.sheetId && mark.dimension === 'ROWS') mark.index = to.get(mark.index) ?? mark.index;
    },
    insertRow: (title: string, at: number): void => insertLines(book(), line(title, 'ROWS', at)),
    insertColumn: (title: string, at: number): void => insertLines(book(), line(title, 'COLUMNS', at)),
    deleteRow: (title: string, id: string): void => deleteLines(book(), line(title, 'ROWS', rowOf(title, id))),
    deleteHeaderRow: (title: string): void => deleteLines(book(), line(title, 'ROWS', 0)),
    deleteColumn: (title: string, header: string): void =>
      deleteLines(book(), line(title, 'COLUMNS', columnOf(title, header))),
    moveRow: (title: string, id: string, to: number): void =>
      moveLine(book(), { sheetId: tab(title).sheetId, dimension: 'ROWS', from: rowOf(title, id), to }),
    moveColumn: (title: string, header: string, to: number): void =>
      moveLine(book(), { sheetId: tab(title).sheetId, dimension: 'COLUMNS', from: columnOf(title, header), to }),
    renameTab: (title: string, to: string): void =>
      change([{ updateSheetProperties: { properties: { sheetId: tab(title).sheetId, title: to }, fields: 'title' } }]),
    deleteTab: (title: string): void => change([{ deleteSheet: { sheetId: tab(title).sheetId } }]),
    setTimeZone: (timeZone: string): void => {
      book().timeZone = timeZone;
    },
    /** Anything else that Google's own requests can do. */
    change,
  };
}

const SERIALS: readonly TabKey[] = Array.from({ length: 10 }, (_, serial) => ({ name: 'incidents', serial }));

function shownIn({ userEnteredValue: value }: Cell): string | number {
  return value?.stringValue ?? value?.numberValue ?? value?.formulaValue ?? '';
}

const textOf = (cell: Cell): string => String(shownIn(cell));
