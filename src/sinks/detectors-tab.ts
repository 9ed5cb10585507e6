// The tab of detectors as it stands, and the requests that write into it: rows are found by the detector's name, columns by
// their marks. Reading and writing are one call each.
import {
  askOf,
  DETECTOR_COLUMN_IDS,
  type DetectorColumnId,
  isShown,
  openText,
  type RawCell,
  type RawRow,
} from './detectors-rows.ts';
import { type Cell, cellData, WRITTEN_FIELDS } from './rows-cells.ts';
import { formOf } from './setup-tabs.ts';
import type { Request, SheetsApi } from './sheets-client.ts';
import { SheetsError } from './sheets-errors.ts';
import { byId, columnId, headerId, type MarkedTab, type TabKey } from './sheets-layout.ts';
import { rangeOf } from './sheets-ranges.ts';

export type DetectorRow = {
  readonly name: string;
  /** From 0. */
  readonly row: number;
  readonly cells: RawRow;
};

export type DetectorTab = {
  readonly tab: MarkedTab;
  /** In the order of the sheet; of a row that somebody copied the uppermost. */
  readonly rows: readonly DetectorRow[];
  /** Rows in which something stands, but no name of a row above. */
  readonly nameless: readonly DetectorRow[];
  /** The first row under everything. */
  readonly endRow: number;
  readonly rowCount: number;
};

export type RowWrite = {
  readonly name: string;
  readonly cells: ReadonlyMap<DetectorColumnId, Cell>;
  /** The row by which it was decided: what analysts have written or chosen since is left alone. null: a new row. */
  readonly decidedOn: RawRow | null;
};

const DETECTORS_KEY: TabKey = { name: 'detectors', serial: 0 };

const NUMBERS: ReadonlyMap<DetectorColumnId, number> = new Map(
  DETECTOR_COLUMN_IDS.map((id) => [id, formOf(DETECTORS_KEY).columns.find((column) => column.id === id)?.number ?? 0]),
);
const numberOf = (id: DetectorColumnId): number => NUMBERS.get(id) ?? 0;
const APP_ONLY: readonly DetectorColumnId[] = ['detector', 'in_force', 'what_if', 'error', 'version'];

/** One read. null: a mark is not there any more. Rejects with a SheetsError. */
export async function readDetectorTab(
  api: SheetsApi,
  tab: MarkedTab,
  signal: AbortSignal,
): Promise<DetectorTab | null> {
  const ids = [headerId(tab.key), ...DETECTOR_COLUMN_IDS.map((id) => columnId(tab.key, numberOf(id)))];
  const ranges = await api.values(ids.map(byId), signal).catch((error: unknown) => {
    if (error instanceof SheetsError && error.failure.code === 'sheet_bad_request') return null;
    throw error;
  });
  if (ranges === null) return null;
  const header = rangeOf(ranges, headerId(tab.key));
  const columns = new Map<DetectorColumnId, NonNullable<ReturnType<typeof rangeOf>>>();
  for (const id of DETECTOR_COLUMN_IDS) {
    const range = rangeOf(ranges, columnId(tab.key, numberOf(id)));
    if (range !== null) columns.set(id, range);
  }
  if (header === null || columns.size < DETECTOR_COLUMN_IDS.length) return null;
  const placed = new Map([...columns].map(([id, { column }]) => [numberOf(id), column]));
  const rowCount = Math.max(...[...columns.values()].map(({ endRow }) => endRow));
  const last = Math.max(header.row + 1, ...[...columns.values()].map(({ values }) => values.length));
  const seen = new Set<string>();
  const rows: DetectorRow[] = [];
  const nameless: DetectorRow[] = [];
  for (let row = 0; row < last; row += 1) {
    if (row === header.row) continue;
    const cells = Object.fromEntries(
      DETECTOR_COLUMN_IDS.map((id) => [id, columns.get(id)?.values[row]?.[0] as RawCell]),
    ) as RawRow;
    const name = String(cells.detector ?? '').trim();
    const found = { name, row, cells };
    if (name !== '' && !seen.has(name)) rows.push(found);
    else if (row > header.row && Object.values(cells).some((cell) => (cell ?? '') !== '')) nameless.push(found);
    seen.add(name);
  }
  return { tab: { ...tab, headerRow: header.row, columns: placed }, rows, nameless, endRow: last, rowCount };
}

/** By its name; else the one row whose name was overwritten and that still shows what is in force of it. */
export function findDetectorRow(
  { rows, nameless }: Pick<DetectorTab, 'rows' | 'nameless'>,
  name: string,
  inForce: Cell | undefined,
): DetectorRow | null {
  const found = rows.find((row) => row.name === name);
  if (found !== undefined) return found;
  if (inForce?.kind !== 'text') return null;
  const [only, ...more] = [...rows, ...nameless].filter(({ cells }) => cells.in_force === inForce.text);
  return only === undefined || more.length > 0 ? null : only;
}

/** What differs from what stands there; empty: nothing. */
export function detectorRequests(tab: DetectorTab, writes: readonly RowWrite[], timeZone: string): readonly Request[] {
  const requests: Request[] = [];
  const { endRow, rowCount } = tab;
  let next = endRow;
  for (const { name, cells, decidedOn } of writes) {
    const found = findDetectorRow(tab, name, cells.get('in_force'));
    const isNew = found === null;
    const row = found?.row ?? next;
    if (isNew) next += 1;
    const since = found === null || decidedOn === null ? null : { found: found.cells, decidedOn };
    for (const [id, cell] of cells) {
      if (since !== null && isTaken(id, since)) continue;
      if (found !== null && isShown(found.cells[id], cell)) continue;
      requests.push(cellRequest(tab.tab, { row, id, cell, timeZone }));
    }
  }
  if (next <= rowCount) return requests;
  const grow = { appendDimension: { sheetId: tab.tab.sheetId, dimension: 'ROWS', length: next - rowCount + 20 } };
  return [grow, ...requests];
}

/** Whether analysts have edited their cells, or chosen something in Status, since it was decided. */
function isTaken(
  id: DetectorColumnId,
  { found, decidedOn }: { readonly found: RawRow; readonly decidedOn: RawRow },
): boolean {
  if (id === 'status') return askOf(found) !== null && askOf(found) !== askOf(decidedOn);
  return !APP_ONLY.includes(id) && openText(found) !== openText(decidedOn);
}

type Write = { readonly row: number; readonly id: DetectorColumnId; readonly cell: Cell; readonly timeZone: string };

function cellRequest({ sheetId, columns }: MarkedTab, { row, id, cell, timeZone }: Write): Request {
  return {
    updateCells: {
      start: { sheetId, rowIndex: row, columnIndex: columns.get(numberOf(id)) ?? 0 },
      rows: [{ values: [cellData(cell, timeZone)] }],
      fields: WRITTEN_FIELDS,
    },
  };
}
