// Where the program's things are in a spreadsheet that people rearrange: by marks (developer metadata) with fixed ids, never
// by name or position. A mark stays with its row, column or tab when those are moved or renamed; an id can be used once,
// so whatever is created together with its mark is created once, however often it is asked for.
import type { DataFilter, DeveloperMetadata, Request, SheetsApi } from './sheets-client.ts';

/** Incident numbers are the ids of their rows' marks; everything else is above them. */
export const HIGHEST_INCIDENT = 1_499_999_999;
const BOOK_ID = 1_500_000_000;
const TAB_IDS = 1_500_000_100;
/** By month, since 2000: 12,000 of them. */
const MONTH_IDS = 1_500_050_000;
const HEADER_IDS = 1_500_100_000;
const COLUMN_IDS = 1_500_200_000;
const FENCE_IDS = 1_600_000_000;
const FENCE_END = 2_100_000_000;
const COLUMNS_PER_TAB = 100;

/** Keys are short: Google allows 30,000 characters of keys and values on one tab, and every row has one. */
const KEYS = { book: 'declinewatch', tab: 't', header: 'h', column: 'c', row: 'i', fence: 'w', month: 'm' } as const;

export type TabName = 'incidents' | 'detectors' | 'summary' | 'curve';

/** `serial` 0 is the tab of that name; of incidents a further one is added whenever the last is full. */
export type TabKey = { readonly name: TabName; readonly serial: number };

const TAB_NAMES: readonly TabName[] = ['incidents', 'detectors', 'summary'];

/** Above every tab of rows. */
const CURVE_NUMBER = 900;
const MONTH_NUMBER = 901;

function tabNumber({ name, serial }: TabKey): number {
  if (name === 'curve') return CURVE_NUMBER;
  return name === 'incidents' ? TAB_NAMES.length + serial : TAB_NAMES.indexOf(name);
}

function tabOfNumber(number: number): TabKey {
  if (number === CURVE_NUMBER) return { name: 'curve', serial: 0 };
  const name = number < TAB_NAMES.length ? TAB_NAMES[number] : 'incidents';
  return { name: name ?? 'incidents', serial: Math.max(0, number - TAB_NAMES.length) };
}

const SHEET_IDS = 700_000_000;
const SHEET_ID_COUNT = 700_000_000;

/** The id of a tab to be made by the write after `fence`: the same for two who try at once, another for every later one. */
export const freshSheetId = (tab: TabKey, fence: number): number => freshId(tabNumber(tab), fence);

/** The same for the tab of a month, which has no mark by which it is found again: nothing is ever written into it. */
export const freshMonthSheetId = (fence: number): number => freshId(MONTH_NUMBER, fence);

const freshId = (number: number, fence: number): number => SHEET_IDS + ((fence * 1_024 + number) % SHEET_ID_COUNT);

const tabId = (tab: TabKey): number => TAB_IDS + tabNumber(tab);
export const headerId = (tab: TabKey): number => HEADER_IDS + tabNumber(tab);
export const columnId = (tab: TabKey, columnNumber: number): number =>
  COLUMN_IDS + tabNumber(tab) * COLUMNS_PER_TAB + columnNumber;

/** What is marked of one tab. Indices count from 0. */
export type MarkedTab = {
  readonly key: TabKey;
  readonly sheetId: number;
  /** null: nobody knows which row the headers are; it was deleted. */
  readonly headerRow: number | null;
  /** By column number. */
  readonly columns: ReadonlyMap<number, number>;
  /** In which it was made; null: not known. */
  readonly year: number | null;
};

export type Marks = {
  /** The spreadsheet that the marks were made for; null: none yet. */
  readonly book: string | null;
  readonly tabs: readonly MarkedTab[];
  /** `2026-10`: months of which a tab was made, whatever people did to it since. */
  readonly months: ReadonlySet<string>;
  /** The number of the last write, 0 before the first. */
  readonly fence: number;
};

const byKey = (metadataKey: string): DataFilter => ({ developerMetadataLookup: { metadataKey } });
export const byId = (metadataId: number): DataFilter => ({ developerMetadataLookup: { metadataId } });

/** One read. */
export async function readMarks(api: SheetsApi, signal: AbortSignal): Promise<Marks> {
  const { book, tab, header, column, fence, month } = KEYS;
  return marksOf(await api.metadata([book, tab, header, column, fence, month].map(byKey), signal));
}

export function marksOf(found: readonly DeveloperMetadata[]): Marks {
  let book: string | null = null;
  let fence = 0;
  const months = new Set<string>();
  const tabs = new Map<
    number,
    { sheetId: number; headerRow: number | null; columns: Map<number, number>; year: number | null }
  >();
  const tabAt = (sheetId: number | null | undefined, number: number) => {
    const tab = tabs.get(number) ?? { sheetId: -1, headerRow: null, columns: new Map<number, number>(), year: null };
    if (sheetId !== null && sheetId !== undefined) tab.sheetId = sheetId;
    tabs.set(number, tab);
    return tab;
  };
  for (const { metadataId, metadataKey, metadataValue, location } of found) {
    const id = metadataId ?? 0;
    const range = location?.dimensionRange;
    // Google leaves out what is 0: the first tab's id, the first row and column.
    const index = range?.startIndex ?? 0;
    const sheetId = range?.sheetId ?? 0;
    if (id === BOOK_ID) book = metadataValue ?? '';
    else if (metadataKey === KEYS.month) months.add(metadataValue ?? '');
    else if (metadataKey === KEYS.fence && id >= FENCE_IDS) fence = Math.max(fence, id - FENCE_IDS);
    else if (id >= COLUMN_IDS && metadataKey === KEYS.column) {
      const offset = id - COLUMN_IDS;
      tabAt(null, Math.floor(offset / COLUMNS_PER_TAB)).columns.set(offset % COLUMNS_PER_TAB, index);
    } else if (id >= HEADER_IDS && metadataKey === KEYS.header) tabAt(sheetId, id - HEADER_IDS).headerRow = index;
    else if (id >= TAB_IDS && metadataKey === KEYS.tab)
      tabAt(location?.sheetId ?? 0, id - TAB_IDS).year = Number(metadataValue) || null;
  }
  const known = [...tabs].filter(([, { sheetId }]) => sheetId >= 0);
  return {
    book,
    fence,
    months,
    tabs: known
      .map(([number, tab]) => ({ key: tabOfNumber(number), ...tab }))
      .sort((a, b) => tabNumber(a.key) - tabNumber(b.key)),
  };
}

const create = (metadataId: number, rest: Omit<DeveloperMetadata, 'metadataId' | 'visibility'>): Request => ({
  createDeveloperMetadata: { developerMetadata: { metadataId, visibility: 'DOCUMENT', ...rest } },
});

const rowAt = (sheetId: number, row: number): DeveloperMetadata => ({
  location: { dimensionRange: { sheetId, dimension: 'ROWS', startIndex: row, endIndex: row + 1 } },
});

/** `year`: in which it is made; a new year gets a tab of its own. */
export const markTab = (tab: TabKey, sheetId: number, year: number): Request =>
  create(tabId(tab), { metadataKey: KEYS.tab, metadataValue: String(year), location: { sheetId } });

export const markHeader = (tab: TabKey, sheetId: number, row: number): Request =>
  create(headerId(tab), { metadataKey: KEYS.header, ...rowAt(sheetId, row) });

export const markColumn = (
  tab: TabKey,
  sheetId: number,
  { number, index }: { readonly number: number; readonly index: number },
): Request =>
  create(columnId(tab, number), {
    metadataKey: KEYS.column,
    location: { dimensionRange: { sheetId, dimension: 'COLUMNS', startIndex: index, endIndex: index + 1 } },
  });

/** With it a row is inserted once: a second request with the same incident number is refused as a whole. */
export const markRow = (incidentNumber: number, sheetId: number, row: number): Request =>
  create(incidentNumber, { metadataKey: KEYS.row, ...rowAt(sheetId, row) });

/** With it the tab of a month is made once. On the spreadsheet, so that it outlives a tab that somebody deletes. */
export function markMonth(month: string): Request {
  const [year = 0, number = 1] = month.split('-').map(Number);
  const metadata = { metadataKey: KEYS.month, metadataValue: month, location: { spreadsheet: true } };
  return create(MONTH_IDS + (year - 2_000) * 12 + number - 1, metadata);
}

/** Of which spreadsheet these marks are: a copy of the sheet carries its original's id. */
export function markBook(spreadsheetId: string, isMarked: boolean): Request {
  if (!isMarked)
    return create(BOOK_ID, { metadataKey: KEYS.book, metadataValue: spreadsheetId, location: { spreadsheet: true } });
  return {
    updateDeveloperMetadata: {
      dataFilters: [byId(BOOK_ID)],
      developerMetadata: { metadataValue: spreadsheetId },
      fields: 'metadataValue',
    },
  };
}

/**
 * Makes a write the one that follows the write `last`: of several that believe so, Google carries out the first and
 * refuses the others. So a request whose answer was lost, or a process that was frozen, cannot write over newer rows.
 */
export function fenceAfter(last: number): readonly Request[] {
  const next = (last + 1) % (FENCE_END - FENCE_IDS);
  const made = create(FENCE_IDS + next, { metadataKey: KEYS.fence, location: { spreadsheet: true } });
  return last === 0 ? [made] : [made, { deleteDeveloperMetadata: { dataFilter: byId(FENCE_IDS + last) } }];
}

/** `INC-12` as 12; null for anything else. */
export function incidentNumber(id: string): number | null {
  const [, digits] = /^INC-(\d{1,10})$/.exec(id) ?? [];
  const number = Number(digits);
  return digits !== undefined && number > 0 && number <= HIGHEST_INCIDENT ? number : null;
}
