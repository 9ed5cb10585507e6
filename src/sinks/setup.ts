// Makes a spreadsheet ready for the program: reads what is there, writes what lacks, in one atomic request. Run again it
// writes nothing. The sink runs the part that rows need; `declinewatch sheet setup` all of it.
import { yearIn } from './rows-cells.ts';
import { planBook, planTab, type SeenTab, type Step, titleOf } from './setup-plan.ts';
import { PROTECTION } from './setup-requests.ts';
import { summaryContent } from './setup-summary.ts';
import { formOf } from './setup-tabs.ts';
import type { DataFilter, SheetsApi, Spreadsheet } from './sheets-client.ts';
import { SheetsError } from './sheets-errors.ts';
import { fenceAfter, freshSheetId, type MarkedTab, type Marks, readMarks, type TabKey } from './sheets-layout.ts';

export type SetupOptions = {
  readonly api: SheetsApi;
  readonly signal: AbortSignal;
  /** False: only the tabs that are written into, and their columns. */
  readonly isWhole: boolean;
  /** Take a copy of another installation's sheet for this one. */
  readonly takeCopy?: boolean;
  /** Only say what would be made. */
  readonly isTrial?: boolean;
  /** Milliseconds. */
  readonly nowMs: number;
  /** A further tab for rows, because the last one is full or its year is over. */
  readonly addIncidentsTab?: boolean;
};

export type SetupDone = {
  readonly title: string;
  readonly timeZone: string;
  /** What was made or repaired, in words; empty: nothing lacked. */
  readonly changed: readonly string[];
};

const BOOK_FIELDS =
  'properties(title,timeZone),sheets(properties(sheetId,title,gridProperties),conditionalFormats(ranges),protectedRanges(protectedRangeId,description,unprotectedRanges))';
const GRID_FIELDS =
  'sheets(properties(sheetId),data(startRow,startColumn,rowData(values(userEnteredValue,dataValidation(condition)))))';
const TRIES = 3;

/** Rejects with a SheetsError. */
export async function setUp(options: SetupOptions): Promise<SetupDone> {
  const { api, signal } = options;
  for (let attempt = 1; ; attempt += 1) {
    const book = await api.get(BOOK_FIELDS, signal);
    const marks = await readMarks(api, signal);
    refuseCopy(marks, options);
    const seen = await readTabs(api, { book, marks, signal });
    // The first time all of it, whoever asks.
    const isWhole = options.isWhole || marks.book === null;
    const year = yearIn(options.nowMs, book.properties?.timeZone ?? 'UTC');
    const steps = plan({ ...options, isWhole, year }, marks, seen);
    const done: SetupDone = {
      title: book.properties?.title ?? '',
      timeZone: book.properties?.timeZone ?? 'UTC',
      changed: steps.map(({ what }) => what),
    };
    if (steps.length === 0 || options.isTrial === true) return done;
    try {
      await api.write([...fenceAfter(marks.fence), ...steps.flatMap(({ requests }) => requests)], [], signal);
      return done;
    } catch (error) {
      // Somebody else wrote in between: look again.
      if (!(error instanceof SheetsError) || error.failure.code !== 'sheet_bad_request' || attempt === TRIES)
        throw error;
    }
  }
}

/** Throws `sheet_is_a_copy`: the marks are those of another spreadsheet. */
export function refuseCopy({ book }: Marks, { api, takeCopy = false }: Pick<SetupOptions, 'api' | 'takeCopy'>): void {
  if (book === null || book === api.spreadsheetId || takeCopy) return;
  throw new SheetsError({
    code: 'sheet_is_a_copy',
    message: `The sheet ${api.spreadsheetId} is a copy of ${book}, which declinewatch wrote.`,
    help: `Set GOOGLE_SHEET_ID to ${book}, or run "declinewatch sheet setup --take-copy" to go on with the copy.`,
    sent: 'no',
  });
}

function plan(
  { api, isWhole, year, addIncidentsTab = false }: SetupOptions & { readonly year: number },
  marks: Marks,
  seen: readonly SeenTab[],
): readonly Step[] {
  const tabs = marks.tabs.filter(({ sheetId }) => seen.some((tab) => tab.sheetId === sheetId));
  const markedOf = (key: TabKey): MarkedTab | null =>
    tabs.find((tab) => tab.key.name === key.name && tab.key.serial === key.serial) ?? null;
  const serials = tabs.filter(({ key }) => key.name === 'incidents').map(({ key }) => key.serial);
  const wanted = serials.length === 0 ? [0] : serials;
  const incidents = addIncidentsTab ? [...wanted, Math.max(...wanted) + 1] : wanted;
  const keys: readonly TabKey[] = [
    ...incidents.map((serial): TabKey => ({ name: 'incidents', serial })),
    { name: 'detectors', serial: 0 },
    ...(isWhole ? [{ name: 'summary', serial: 0 } as const] : []),
  ];
  const newest = incidents.at(-1) ?? 0;
  const source = summarySource({ name: 'incidents', serial: newest }, markedOf, seen);
  return [
    ...planBook(api.spreadsheetId, marks.book),
    ...keys.flatMap((key) =>
      planTab({
        form: formOf(key),
        marked: markedOf(key),
        seen,
        email: api.email,
        isWhole,
        freshSheetId: freshSheetId(key, marks.fence),
        year,
        ...(key.name === 'summary' ? { content: (sheetId: number) => summaryContent(sheetId, source) } : {}),
      }),
    ),
  ];
}

/** Where the rows are, or will be once their tab is made. */
function summarySource(key: TabKey, markedOf: (key: TabKey) => MarkedTab | null, seen: readonly SeenTab[]) {
  const form = formOf(key);
  const marked = markedOf(key);
  const title = titleOf({ form, marked, seen });
  const at = (columnId: string): number | null => {
    const index = form.columns.findIndex(({ id }) => id === columnId);
    const column = form.columns[index];
    if (column === undefined) return null;
    return marked?.columns.get(column.number) ?? index;
  };
  return { title, at };
}

type Read = { readonly book: Spreadsheet; readonly marks: Marks; readonly signal: AbortSignal };

/** The header row of each tab and the one below it: one read. */
async function readTabs(api: SheetsApi, { book, marks, signal }: Read): Promise<readonly SeenTab[]> {
  const sheets = (book.sheets ?? []).filter(({ properties }) => properties?.gridProperties !== undefined);
  const top = (sheetId: number): number => marks.tabs.find((tab) => tab.sheetId === sheetId)?.headerRow ?? 0;
  const filters: readonly DataFilter[] = sheets.map(({ properties }) => {
    const sheetId = properties?.sheetId ?? 0;
    const endRowIndex = Math.min(top(sheetId) + 2, properties?.gridProperties?.rowCount ?? 1);
    return { gridRange: { sheetId, startRowIndex: top(sheetId), endRowIndex } };
  });
  const { sheets: grids = [] } = filters.length === 0 ? {} : await api.grid(filters, GRID_FIELDS, signal);
  return sheets.map(({ properties, conditionalFormats = [], protectedRanges = [] }): SeenTab => {
    const sheetId = properties?.sheetId ?? 0;
    const data = grids.find((grid) => (grid.properties?.sheetId ?? 0) === sheetId)?.data?.[0];
    const left = data?.startColumn ?? 0;
    const [headers = {}, below = {}] = data?.rowData ?? [];
    const own = protectedRanges.find(({ description }) => description === PROTECTION);
    return {
      sheetId,
      title: properties?.title ?? '',
      columnCount: properties?.gridProperties?.columnCount ?? 0,
      headers: [...Array.from({ length: left }, () => ''), ...(headers.values ?? []).map(textOf)],
      dropDowns: new Set((below.values ?? []).flatMap((cell, n) => (cell.dataValidation ? [left + n] : []))),
      colorRules: conditionalFormats.length,
      protection:
        own === undefined
          ? null
          : {
              id: own.protectedRangeId ?? 0,
              openColumns: (own.unprotectedRanges ?? [])
                .map(({ startColumnIndex }) => startColumnIndex ?? 0)
                .sort((a, b) => a - b),
            },
    };
  });
}

function textOf({
  userEnteredValue,
}: {
  readonly userEnteredValue?: {
    stringValue?: string | null;
    numberValue?: number | null;
    boolValue?: boolean | null;
    formulaValue?: string | null;
  };
}): string {
  const { stringValue, numberValue, boolValue, formulaValue } = userEnteredValue ?? {};
  return String(stringValue ?? numberValue ?? boolValue ?? formulaValue ?? '');
}
