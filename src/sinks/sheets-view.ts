// The rows as they stand now: which incident is in which row of which tab. Read anew before every write, since people sort,
// move and insert; what seldom changes (which column is where) is kept until the headers look different.
import type { Clock } from '../model/clock.ts';
import { type DetectorTab, readDetectorTab } from './detectors-tab.ts';
import { COLUMNS, ID_COLUMN, NOTES_COLUMN, OWNER_COLUMN, VERDICT_COLUMN } from './rows.ts';
import { yearIn } from './rows-cells.ts';
import { setUp } from './setup.ts';
import type { MatchedRange, SheetsApi } from './sheets-client.ts';
import { SheetsError } from './sheets-errors.ts';
import { byId, columnId, headerId, incidentNumber, type MarkedTab, readMarks } from './sheets-layout.ts';
import { rangeOf, textOf } from './sheets-ranges.ts';

/** One tab of rows. Indices count from 0. */
export type TabView = {
  readonly tab: MarkedTab;
  readonly title: string;
  readonly headerRow: number;
  readonly headers: readonly string[];
  readonly rowCount: number;
  /** Text of the id column by row; '' above the header and where it is empty. */
  readonly ids: readonly string[];
  /** By incident id; of a row that somebody copied the uppermost. */
  readonly rows: ReadonlyMap<string, number>;
};

export type View = {
  readonly timeZone: string;
  readonly fence: number;
  /** Every tab of rows there is, the eldest first; new rows go to the last. */
  readonly known: readonly MarkedTab[];
  /** Those that were read. The last one always is. */
  readonly tabs: readonly TabView[];
};

export type Wanted = ReadonlySet<number> | 'all' | 'newest';

export type Viewer = {
  /** `gids`: tabs to read beside the last; `newest`: the last two. Makes what lacks. Rejects with a SheetsError. */
  look(gids: Wanted, signal: AbortSignal): Promise<View>;
  /** What analysts wrote, in one read, from the newest two tabs. Rejects with a SheetsError. */
  readEdits(signal: AbortSignal): Promise<readonly WrittenRow[]>;
  /** The tab of detectors as it stands: one read. Makes it if it lacks. Rejects with a SheetsError. */
  lookAtDetectors(signal: AbortSignal): Promise<DetectorView>;
  /** A write has been carried out. */
  wrote(fence: number): void;
  /** What is kept may be wrong: read it again. */
  forget(): void;
};

export type DetectorView = Pick<View, 'timeZone' | 'fence'> & { readonly tab: DetectorTab };

/** The analysts' cells of one row as text, trimmed. */
export type WrittenRow = {
  readonly id: string;
  readonly verdict: string;
  readonly owner: string;
  readonly notes: string;
};

export type ViewerOptions = {
  readonly api: SheetsApi;
  readonly clock: Clock;
  /** Called with what the set-up made or repaired. */
  readonly changed: (what: readonly string[]) => void;
  /** Rows after which a further tab is made. */
  readonly rowsPerTab: number;
};

type Kept = {
  readonly at: number;
  readonly timeZone: string;
  fence: number;
  readonly known: readonly MarkedTab[];
  readonly detectors: MarkedTab | null;
  readonly headers: Map<number, string>;
};

/** Keep the time zone and the columns for so long at most. */
const KEPT_MS = 3_600_000;
const LOOKS = 4;
/** Rows of elder tabs are not read for edits: an edit must be seen in seconds. */
const EDITED_TABS = 2;
const ID_NUMBER = COLUMNS.find(({ id }) => id === ID_COLUMN)?.number ?? 0;

export function createViewer({ api, clock, changed, rowsPerTab }: ViewerOptions): Viewer {
  let kept: Kept | null = null;
  const learn = async (signal: AbortSignal, addIncidentsTab: boolean): Promise<Kept> => {
    const done = await setUp({ api, signal, isWhole: false, addIncidentsTab, nowMs: clock.now() });
    if (done.changed.length > 0) changed(done.changed);
    const { tabs, fence } = await readMarks(api, signal);
    const known = tabs.filter(({ key }) => key.name === 'incidents');
    const detectors = tabs.find(({ key }) => key.name === 'detectors') ?? null;
    return { at: clock.now(), timeZone: done.timeZone, fence, known, detectors, headers: new Map() };
  };
  return {
    look: async (gids, signal) => {
      for (let looks = 1; ; looks += 1) {
        if (kept !== null && clock.now() - kept.at > KEPT_MS) kept = null;
        kept ??= await learn(signal, false);
        const tabs = await readTabs(api, tabsToRead(kept.known, gids), signal);
        const last = tabs?.at(-1);
        if (tabs !== null && last !== undefined && isAsKept(kept, tabs)) {
          const isYearOver = last.rows.size > 0 && yearIn(clock.now(), kept.timeZone) > (last.tab.year ?? 9_999);
          if (last.rows.size < rowsPerTab && !isYearOver) return { ...kept, tabs };
          kept = await learn(signal, true);
        } else kept = null;
        if (looks === LOOKS) throw changing('rows');
      }
    },
    lookAtDetectors: async (signal) => {
      for (let looks = 1; looks <= LOOKS; looks += 1) {
        kept ??= await learn(signal, false);
        const { detectors, fence, timeZone } = kept;
        const tab = detectors === null ? null : await readDetectorTab(api, detectors, signal);
        if (tab !== null) return { tab, fence, timeZone };
        kept = null;
      }
      throw changing('detectors');
    },
    readEdits: async (signal) => {
      kept ??= await learn(signal, false);
      const rows = await readWritten(api, kept.known.slice(-EDITED_TABS), signal);
      if (rows === null) kept = null;
      return rows ?? [];
    },
    wrote: (fence) => {
      if (kept !== null) kept.fence = fence;
    },
    forget: () => {
      kept = null;
    },
  };
}

function changing(what: string): SheetsError {
  const message = `The tab for ${what} is being changed all the time.`;
  return new SheetsError({ code: 'sheet_unavailable', message, help: '', sent: 'no' });
}

function tabsToRead(known: readonly MarkedTab[], gids: Wanted): readonly MarkedTab[] {
  if (gids === 'newest') return known.slice(-EDITED_TABS);
  return known.filter(({ sheetId }, n) => n === known.length - 1 || gids === 'all' || gids.has(sheetId));
}

/** Columns that were moved, inserted or deleted show in the headers. */
function isAsKept({ headers }: Kept, tabs: readonly TabView[]): boolean {
  return tabs.every((view) => {
    const now = JSON.stringify([view.headerRow, view.headers]);
    const before = headers.get(view.tab.sheetId) ?? now;
    headers.set(view.tab.sheetId, now);
    return before === now;
  });
}

/** Header row and id column of each tab: one read. null: a mark is not there any more. */
async function readTabs(
  api: SheetsApi,
  tabs: readonly MarkedTab[],
  signal: AbortSignal,
): Promise<readonly TabView[] | null> {
  const filters = tabs.flatMap(({ key }) => [byId(headerId(key)), byId(columnId(key, ID_NUMBER))]);
  try {
    const ranges = filters.length === 0 ? [] : await api.values(filters, signal);
    const views = tabs.map((tab) => viewOf(tab, ranges));
    return views.every((view) => view !== null) ? views : null;
  } catch (error) {
    // A look-up of a mark that is gone may be refused as a whole.
    if (error instanceof SheetsError && error.failure.code === 'sheet_bad_request') return null;
    throw error;
  }
}

function viewOf(tab: MarkedTab, ranges: readonly MatchedRange[]): TabView | null {
  const header = rangeOf(ranges, headerId(tab.key));
  const ids = rangeOf(ranges, columnId(tab.key, ID_NUMBER));
  if (header === null || ids === null) return null;
  const texts = Array.from({ length: ids.row }, () => '').concat(ids.values.map(([cell]) => textOf(cell)));
  const rows = new Map<string, number>();
  texts.forEach((text, row) => {
    if (text !== '' && row !== header.row && !rows.has(text)) rows.set(text, row);
  });
  return {
    tab: { ...tab, headerRow: header.row },
    title: ids.title,
    headerRow: header.row,
    headers: Array.from({ length: header.column }, () => '').concat((header.values[0] ?? []).map(textOf)),
    rowCount: ids.endRow,
    ids: texts,
    rows,
  };
}

const WRITTEN = [ID_COLUMN, VERDICT_COLUMN, OWNER_COLUMN, NOTES_COLUMN].map(
  (wanted) => COLUMNS.find(({ id }) => id === wanted)?.number ?? 0,
);

/** Ids and edits in one read, so that a sort in between cannot part them. null: a column is not there. */
async function readWritten(
  api: SheetsApi,
  tabs: readonly MarkedTab[],
  signal: AbortSignal,
): Promise<readonly WrittenRow[] | null> {
  const filters = tabs.flatMap(({ key }) => WRITTEN.map((number) => byId(columnId(key, number))));
  const ranges = filters.length === 0 ? [] : await api.values(filters, signal);
  const rows: WrittenRow[] = [];
  const seen = new Set<string>();
  for (const { key } of tabs) {
    const [ids, verdicts, owners, notes] = WRITTEN.map((number) => rangeOf(ranges, columnId(key, number)));
    if (!ids || !verdicts || !owners || !notes) return null;
    ids.values.forEach(([cell], row) => {
      const id = textOf(cell);
      // Of a row that somebody copied the upper one counts.
      if (incidentNumber(id) === null || seen.has(id)) return;
      seen.add(id);
      const [verdict = '', owner = '', note = ''] = [verdicts, owners, notes].map(({ values }) =>
        textOf(values[row]?.[0]),
      );
      rows.push({ id, verdict, owner, notes: note });
    });
  }
  return rows;
}
