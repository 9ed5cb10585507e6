// A spreadsheet as Google keeps it, for the stand-in: tabs, cells, developer metadata, and what batchUpdate does to them. All
// requests of a batch or none. What Google does not document is marked UNVERIFIED; the harsher reading is taken.
import type { sheets_v4 } from 'googleapis/build/src/apis/sheets/index.js';

export type Cell = sheets_v4.Schema$CellData;
export type Mark = {
  readonly metadataId: number;
  readonly metadataKey: string;
  metadataValue: string;
  /** null: the whole spreadsheet; dimension null: the tab. */
  sheetId: number | null;
  dimension: 'ROWS' | 'COLUMNS' | null;
  index: number;
};
export type Tab = {
  sheetId: number;
  title: string;
  rows: Cell[][];
  columnCount: number;
  frozenRowCount: number;
  protectedRanges: sheets_v4.Schema$ProtectedRange[];
  conditionalFormats: sheets_v4.Schema$ConditionalFormatRule[];
  charts: sheets_v4.Schema$EmbeddedChart[];
};
export type Book = { title: string; timeZone: string; tabs: Tab[]; marks: Mark[]; nextId: number };

export class Refused extends Error {}

const CELL_LIMIT = 50_000;
const MARK_CHARACTERS = 30_000;

export function newBook(title: string): Book {
  return {
    title,
    timeZone: 'Europe/Berlin',
    tabs: [newTab(0, 'Sheet1', { rowCount: 1000, columnCount: 26 })],
    marks: [],
    nextId: 1000,
  };
}

function newTab(
  sheetId: number,
  title: string,
  size: { rowCount: number; columnCount: number; frozenRowCount?: number },
): Tab {
  return {
    sheetId,
    title,
    rows: Array.from({ length: size.rowCount }, () => []),
    columnCount: size.columnCount,
    frozenRowCount: size.frozenRowCount ?? 0,
    protectedRanges: [],
    conditionalFormats: [],
    charts: [],
  };
}

/** Answers the book after all of them; throws Refused and leaves the given one as it was. */
export function applyAll(book: Book, requests: readonly sheets_v4.Schema$Request[]): Book {
  const after = copyOf(book);
  requests.forEach((request, n) => {
    const kinds = Object.keys(request);
    const [kind = ''] = kinds;
    const apply = REQUESTS[kind];
    if (kinds.length !== 1 || apply === undefined)
      throw new Refused(`Invalid requests[${n}]: ${kinds.join()} not implemented`);
    try {
      apply(after, Reflect.get(request, kind));
    } catch (error) {
      throw new Refused(`Invalid requests[${n}].${kind}: ${error instanceof Error ? error.message : error}`);
    }
  });
  return after;
}

/** Cells are shared until one is written (cellAt): copying each of them for every write takes long in a large sheet. */
function copyOf({ tabs, marks, ...rest }: Book): Book {
  return {
    ...rest,
    tabs: tabs.map(({ rows, ...tab }) => ({ ...structuredClone(tab), rows: rows.map((cells) => [...cells]) })),
    marks: marks.map((mark) => ({ ...mark })),
  };
}

function need(claim: boolean, message: string): asserts claim {
  if (!claim) throw new Refused(message);
}

export function tabOf(book: Book, sheetId: number | null | undefined): Tab {
  const tab = book.tabs.find((one) => one.sheetId === (sheetId ?? 0));
  need(tab !== undefined, `No grid with id: ${sheetId ?? 0}`);
  return tab;
}

export type Box = { readonly top: number; readonly bottom: number; readonly left: number; readonly right: number };

/** Ends that are left out are the grid's. */
export function boxOf(tab: Tab, range: sheets_v4.Schema$GridRange): Box {
  return {
    top: range.startRowIndex ?? 0,
    bottom: Math.min(range.endRowIndex ?? tab.rows.length, tab.rows.length),
    left: range.startColumnIndex ?? 0,
    right: Math.min(range.endColumnIndex ?? tab.columnCount, tab.columnCount),
  };
}

function cellAt(tab: Tab, row: number, column: number): Cell {
  const cells = tab.rows[row];
  need(
    cells !== undefined,
    `Attempting to write row: ${row}, beyond the last requested row of: ${tab.rows.length - 1}`,
  );
  need(
    column < tab.columnCount,
    `Attempting to write column: ${column}, beyond the last requested column of: ${tab.columnCount - 1}`,
  );
  while (cells.length <= column) cells.push({});
  const cell = structuredClone(cells[column] ?? {});
  cells[column] = cell;
  return cell;
}

/** Fewer: those at the end go, with what stands in them. */
function setRowCount(tab: Tab, count: number): void {
  need(count > 0, 'rowCount must be greater than 0');
  while (tab.rows.length < count) tab.rows.push([]);
  tab.rows.length = count;
}

/** Sets what the mask names; what the mask names and the given cell lacks is cleared. */
export function setMasked(target: object, given: object, fields: string): void {
  need(fields !== '', 'At least one field must be listed in fields');
  for (const path of fields.split(',')) {
    const names = path.split('.');
    const last = names.pop() ?? '';
    let to: object = target;
    let from: unknown = given;
    for (const name of names) {
      const child: unknown = Reflect.get(to, name);
      const next = typeof child === 'object' && child !== null ? child : {};
      Reflect.set(to, name, next);
      to = next;
      from = typeof from === 'object' && from !== null ? Reflect.get(from, name) : undefined;
    }
    const value: unknown = typeof from === 'object' && from !== null ? Reflect.get(from, last) : undefined;
    if (value === undefined) Reflect.deleteProperty(to, last);
    else Reflect.set(to, last, structuredClone(value));
  }
}

/** What is behind the inserted rows or columns moves on; what is removed takes its marks with it. */
function shiftMarks(
  book: Book,
  { sheetId, dimension, at, by }: { sheetId: number; dimension: string; at: number; by: number },
): void {
  book.marks = book.marks.filter(
    (mark) =>
      by > 0 || mark.sheetId !== sheetId || mark.dimension !== dimension || mark.index < at || mark.index >= at - by,
  );
  for (const mark of book.marks)
    if (mark.sheetId === sheetId && mark.dimension === dimension && mark.index >= at) mark.index += by;
}

export function insertLines(
  book: Book,
  range: { sheetId: number; dimension: string; at: number; count: number },
): void {
  const tab = tabOf(book, range.sheetId);
  const { dimension, at, count } = range;
  if (dimension === 'ROWS') tab.rows.splice(at, 0, ...Array.from({ length: count }, (): Cell[] => []));
  else {
    tab.columnCount += count;
    for (const row of tab.rows)
      if (row.length > at) row.splice(at, 0, ...Array.from({ length: count }, (): Cell => ({})));
  }
  shiftMarks(book, { sheetId: range.sheetId, dimension, at, by: count });
}

export function deleteLines(
  book: Book,
  range: { sheetId: number; dimension: string; at: number; count: number },
): void {
  const tab = tabOf(book, range.sheetId);
  const { dimension, at, count } = range;
  if (dimension === 'ROWS') tab.rows.splice(at, count);
  else {
    tab.columnCount -= count;
    for (const row of tab.rows) row.splice(at, count);
  }
  shiftMarks(book, { sheetId: range.sheetId, dimension, at, by: -count });
}

/** Moved with its marks: that is documented. `to`: where it stands afterwards. */
export function moveLine(
  book: Book,
  range: { sheetId: number; dimension: 'ROWS' | 'COLUMNS'; from: number; to: number },
): void {
  const { sheetId, dimension, from, to } = range;
  const tab = tabOf(book, sheetId);
  const moved = book.marks.filter(
    (mark) => mark.sheetId === sheetId && mark.dimension === dimension && mark.index === from,
  );
  const lists: unknown[][] = dimension === 'ROWS' ? [tab.rows] : tab.rows;
  for (const list of lists) {
    while (dimension === 'COLUMNS' && list.length <= Math.max(from, to)) list.push({});
    list.splice(to, 0, ...list.splice(from, 1));
  }
  for (const mark of book.marks) {
    if (mark.sheetId !== sheetId || mark.dimension !== dimension) continue;
    if (mark.index > from && mark.index <= to) mark.index -= 1;
    else if (mark.index < from && mark.index >= to) mark.index += 1;
  }
  for (const mark of moved) mark.index = to;
}

function createMark(book: Book, given: sheets_v4.Schema$DeveloperMetadata): void {
  const { metadataId, metadataKey, metadataValue, visibility, location } = given;
  need(typeof metadataKey === 'string' && metadataKey !== '', 'developerMetadata.metadataKey is required');
  need(visibility === 'DOCUMENT' || visibility === 'PROJECT', 'developerMetadata.visibility is required');
  const id = metadataId ?? book.nextId++;
  need(
    Number.isInteger(id) && id > 0 && id < 2 ** 31,
    `developerMetadata.metadataId ${id} is not a positive 32-bit integer`,
  );
  // UNVERIFIED wording; that it is refused is documented.
  need(!book.marks.some((mark) => mark.metadataId === id), `developer metadata with id ${id} already exists`);
  const range = location?.dimensionRange;
  const mark: Mark = {
    metadataId: id,
    metadataKey,
    metadataValue: metadataValue ?? '',
    sheetId: null,
    dimension: null,
    index: 0,
  };
  if (range !== undefined) {
    const { dimension, startIndex = 0, endIndex = 0 } = range;
    need(dimension === 'ROWS' || dimension === 'COLUMNS', 'dimensionRange.dimension is required');
    need((endIndex ?? 0) - (startIndex ?? 0) === 1, 'developer metadata can only be on a single row or column');
    const tab = tabOf(book, range.sheetId);
    need(
      (startIndex ?? 0) < (dimension === 'ROWS' ? tab.rows.length : tab.columnCount),
      'the range is outside the grid',
    );
    Object.assign(mark, { sheetId: tab.sheetId, dimension, index: startIndex ?? 0 });
  } else if (location?.spreadsheet !== true) mark.sheetId = tabOf(book, location?.sheetId).sheetId;
  book.marks.push(mark);
  const here = book.marks.filter(({ sheetId }) => sheetId === mark.sheetId);
  const characters = here.reduce((sum, one) => sum + one.metadataKey.length + one.metadataValue.length, 0);
  need(characters <= MARK_CHARACTERS, 'the developer metadata of this location exceeds 30000 characters');
}

export function matchMarks(book: Book, filter: sheets_v4.Schema$DataFilter): readonly Mark[] {
  const { metadataId, metadataKey } = filter.developerMetadataLookup ?? {};
  if (metadataId === undefined && metadataKey === undefined) throw new Refused('Invalid dataFilter: not implemented');
  return book.marks.filter(
    (mark) =>
      (metadataId ?? mark.metadataId) === mark.metadataId && (metadataKey ?? mark.metadataKey) === mark.metadataKey,
  );
}

// biome-ignore lint/suspicious/noExplicitAny: bodies as they come over the wire; each handler reads what Google documents.
type Handler = (book: Book, body: any) => void;

const REQUESTS: Readonly<Record<string, Handler>> = {
  addSheet: (book, { properties }) => {
    const { sheetId = book.nextId++, title, gridProperties = {} } = properties;
    need(
      !book.tabs.some((tab) => tab.title === title),
      `A sheet with the name "${title}" already exists. Please enter another name.`,
    );
    need(!book.tabs.some((tab) => tab.sheetId === sheetId), `A sheet with the id ${sheetId} already exists`);
    book.tabs.push(newTab(sheetId, title, { rowCount: 1000, columnCount: 26, ...gridProperties }));
  },
  deleteSheet: (book, { sheetId }) => {
    need(book.tabs.length > 1, "You can't remove all the sheets in a document.");
    book.tabs = book.tabs.filter((tab) => tab !== tabOf(book, sheetId));
    book.marks = book.marks.filter((mark) => mark.sheetId !== sheetId);
  },
  updateSheetProperties: (book, { properties, fields }) => {
    const tab = tabOf(book, properties.sheetId);
    for (const field of String(fields).split(',')) {
      if (field === 'title') tab.title = properties.title;
      else if (field === 'gridProperties.frozenRowCount') tab.frozenRowCount = properties.gridProperties.frozenRowCount;
      else if (field === 'gridProperties.rowCount') setRowCount(tab, properties.gridProperties.rowCount);
      else need(false, `fields ${fields} not implemented`);
    }
  },
  insertDimension: (book, { range, inheritFromBefore = false }) => {
    const tab = tabOf(book, range.sheetId);
    const size = range.dimension === 'ROWS' ? tab.rows.length : tab.columnCount;
    const { startIndex = 0, endIndex } = range;
    need(endIndex > startIndex, 'range.endIndex must be after range.startIndex');
    need(
      !(inheritFromBefore && startIndex === 0),
      'inheritFromBefore cannot be true if inserting a row or column at index 0',
    );
    need(
      inheritFromBefore ? startIndex <= size : startIndex < size,
      `range.startIndex ${startIndex} is outside the grid of ${size}`,
    );
    insertLines(book, {
      sheetId: tab.sheetId,
      dimension: range.dimension,
      at: startIndex,
      count: endIndex - startIndex,
    });
  },
  deleteDimension: (book, { range }) => {
    const { startIndex = 0, endIndex, dimension } = range;
    deleteLines(book, { sheetId: range.sheetId ?? 0, dimension, at: startIndex, count: endIndex - startIndex });
  },
  appendDimension: (book, { sheetId, dimension, length }) => {
    const tab = tabOf(book, sheetId);
    if (dimension === 'COLUMNS') tab.columnCount += length;
    else tab.rows.push(...Array.from({ length }, (): Cell[] => []));
  },
  updateCells: (book, { start, rows = [], fields }) => {
    const tab = tabOf(book, start.sheetId);
    rows.forEach(({ values = [] }: sheets_v4.Schema$RowData, down: number) => {
      values.forEach((given, right) => {
        const text = given.userEnteredValue?.stringValue ?? '';
        need(
          text.length <= CELL_LIMIT,
          'Your input contains more than the maximum of 50000 characters in a single cell.',
        );
        setMasked(cellAt(tab, (start.rowIndex ?? 0) + down, (start.columnIndex ?? 0) + right), given, fields);
      });
    });
  },
  repeatCell: (book, { range, cell, fields }) => {
    const tab = tabOf(book, range.sheetId);
    const { top, bottom, left, right } = boxOf(tab, range);
    for (let row = top; row < bottom; row += 1)
      for (let column = left; column < right; column += 1) setMasked(cellAt(tab, row, column), cell, fields);
  },
  setDataValidation: (book, { range, rule }) => {
    const tab = tabOf(book, range.sheetId);
    const { top, bottom, left, right } = boxOf(tab, range);
    for (let row = top; row < bottom; row += 1)
      for (let column = left; column < right; column += 1)
        setMasked(cellAt(tab, row, column), { dataValidation: rule }, 'dataValidation');
  },
  updateDimensionProperties: (book, { range, properties, fields }) => {
    tabOf(book, range.sheetId);
    need(fields === 'pixelSize' && properties.pixelSize > 0, 'properties.pixelSize must be positive');
  },
  addProtectedRange: (book, { protectedRange }) => {
    const tab = tabOf(book, protectedRange.range?.sheetId);
    need(!(protectedRange.warningOnly === true && protectedRange.editors), 'a warning has no editors');
    tab.protectedRanges.push({ ...protectedRange, protectedRangeId: book.nextId++ });
  },
  updateProtectedRange: (book, { protectedRange, fields }) => {
    const all = book.tabs.flatMap((tab) => tab.protectedRanges);
    const own = all.find(({ protectedRangeId }) => protectedRangeId === protectedRange.protectedRangeId);
    need(own !== undefined, 'No protected range with that id');
    setMasked(own, protectedRange, fields);
  },
  deleteProtectedRange: (book, { protectedRangeId }) => {
    for (const tab of book.tabs)
      tab.protectedRanges = tab.protectedRanges.filter((one) => one.protectedRangeId !== protectedRangeId);
  },
  addConditionalFormatRule: (book, { rule, index = 0 }) => {
    const tab = tabOf(book, rule.ranges[0]?.sheetId);
    need(index <= tab.conditionalFormats.length, 'index is outside the rules');
    tab.conditionalFormats.splice(index, 0, rule);
  },
  addChart: (book, { chart }) => {
    tabOf(book, chart.position.overlayPosition.anchorCell.sheetId).charts.push({ ...chart, chartId: book.nextId++ });
  },
  createDeveloperMetadata: (book, { developerMetadata }) => createMark(book, developerMetadata),
  updateDeveloperMetadata: (book, { dataFilters, developerMetadata, fields }) => {
    need(fields === 'metadataValue', `fields ${fields} not implemented`);
    for (const mark of dataFilters.flatMap((filter: sheets_v4.Schema$DataFilter) => matchMarks(book, filter)))
      mark.metadataValue = developerMetadata.metadataValue;
  },
  deleteDeveloperMetadata: (book, { dataFilter }) => {
    const found = new Set(matchMarks(book, dataFilter));
    // UNVERIFIED: Google may allow it.
    need(found.size > 0, 'no developer metadata matches the filter');
    book.marks = book.marks.filter((mark) => !found.has(mark));
  },
};
