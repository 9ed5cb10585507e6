// A tab for each month that is over (`Month 2026-10`): made once, whole, with its figures, and the analysts' from then on. One
// atomic write makes the tab, its cells and its mark, and a mark can be made once: so there is never half a tab, nor a second.
import type { Logger } from 'pino';
import { createBell } from '../deliveries/bell.ts';
import type { Clock } from '../model/clock.ts';
import { messageOf } from '../model/errors.ts';
import type { Months } from '../model/month.ts';
import { type Cell, cellData, WRITTEN_FIELDS } from './rows-cells.ts';
import { MONTH_COLUMNS, monthRows } from './rows-month.ts';
import { refuseCopy } from './setup.ts';
import { headerStyle, widthRequest } from './setup-requests.ts';
import type { Request, SheetsApi } from './sheets-client.ts';
import { SheetsError } from './sheets-errors.ts';
import { fenceAfter, freshMonthSheetId, type Marks, markMonth, readMarks } from './sheets-layout.ts';
import type { SheetsSink } from './sheets-sink.ts';

export type MonthTabOptions = {
  readonly sink: Pick<SheetsSink, 'apart'>;
  readonly months: Months;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly isActive: () => boolean;
};

const AGAIN_MS = 600_000;
/** Looks and writes while others write too. */
const TRIES = 3;

/** Makes the tab of each month as it ends, and again later if that fails. */
export function startMonthTab({ sink, months, clock, logger, isActive }: MonthTabOptions) {
  const stop = new AbortController();
  const { signal } = stop;
  const bell = createBell();
  const unhear = months.subscribe(bell.ring);
  let done: string | null = null;
  let failure = '';
  const isMade = async (month: string): Promise<boolean> =>
    await sink.apart(async (api) => (await ownMarks(api, signal)).months.has(month));
  /** Answers whether the tab is there: a month of which nothing is known yet has none. */
  const make = async (month: string): Promise<boolean> => {
    if (await isMade(month)) return true;
    const report = await months.report(month, signal);
    if (report.scopes.length === 0) return false;
    const isOurs = await sink.apart(
      async (api) => await writeMonthTab(api, month, { rows: monthRows(report), signal }),
    );
    if (isOurs) logger.info({ month }, 'the tab of the month is made');
    return true;
  };
  const attempt = async (month: string): Promise<boolean> => {
    const error = await make(month).then((isThere) => {
      if (isThere) done = month;
      return '';
    }, messageOf);
    if (error !== '' && error !== failure && !signal.aborted)
      logger.warn({ month, error }, 'the tab of the month is made later');
    failure = error;
    return error === '';
  };
  const running = (async () => {
    while (!signal.aborted) {
      const month = months.over();
      const isOwing = month !== null && month !== done;
      const isDone = !isOwing || (isActive() && (await attempt(month)));
      await bell.wait(isDone ? null : AGAIN_MS, clock, signal);
    }
  })();
  return {
    close: async (): Promise<void> => {
      unhear();
      stop.abort();
      await running;
    },
  };
}

/** Rejects with `sheet_is_a_copy` for the sheet of another installation, else with a SheetsError. */
async function ownMarks(api: SheetsApi, signal: AbortSignal): Promise<Marks> {
  const marks = await readMarks(api, signal);
  refuseCopy(marks, { api });
  return marks;
}

type Content = { readonly rows: readonly (readonly Cell[])[]; readonly signal: AbortSignal };

/** False: somebody else has made it. Rejects with a SheetsError. */
async function writeMonthTab(api: SheetsApi, month: string, { rows, signal }: Content): Promise<boolean> {
  for (let tries = 1; ; tries += 1) {
    const marks = await ownMarks(api, signal);
    if (marks.months.has(month)) return false;
    const { sheets = [] } = await api.get('sheets(properties(sheetId,title))', signal);
    const tabs = sheets.map(({ properties }) => ({ id: properties?.sheetId ?? 0, title: properties?.title ?? '' }));
    let sheetId = freshMonthSheetId(marks.fence);
    while (tabs.some(({ id }) => id === sheetId)) sheetId += 1;
    const title = freeTitle(`Month ${month}`, new Set(tabs.map((tab) => tab.title)));
    try {
      const requests = [markMonth(month), ...tabRequests({ sheetId, title, rows })];
      await api.write([...fenceAfter(marks.fence), ...requests], [], signal);
      return true;
    } catch (error) {
      // Somebody else wrote in between: look again.
      if (!(error instanceof SheetsError) || error.failure.code !== 'sheet_bad_request' || tries === TRIES) throw error;
    }
  }
}

/** A tab of that name that a person has made is left alone. */
function freeTitle(title: string, taken: ReadonlySet<string>): string {
  let free = title;
  for (let n = 1; taken.has(free); n += 1) free = `${title} (declinewatch${n === 1 ? '' : ` ${n}`})`;
  return free;
}

type Tab = { readonly sheetId: number; readonly title: string; readonly rows: readonly (readonly Cell[])[] };

function tabRequests({ sheetId, title, rows }: Tab): readonly Request[] {
  const gridProperties = { rowCount: rows.length + 100, columnCount: 26, frozenRowCount: 1 };
  return [
    { addSheet: { properties: { sheetId, title, gridProperties } } },
    {
      updateCells: {
        start: { sheetId, rowIndex: 0, columnIndex: 0 },
        rows: rows.map((row) => ({ values: row.map((cell) => cellData(cell, 'UTC')) })),
        fields: WRITTEN_FIELDS,
      },
    },
    headerStyle(sheetId, MONTH_COLUMNS.length),
    ...MONTH_COLUMNS.map(({ width }, index) => widthRequest(sheetId, index, width)),
  ];
}
