// Cells of the program that people have overwritten come back also while an incident does not change: a slice of the rows is
// read at a time, and what does not show what it should is written again.
import type { Logger } from 'pino';
import type { Clock } from '../model/clock.ts';
import { messageOf } from '../model/errors.ts';
import type { Incident } from '../model/incident.ts';
import { plural } from '../model/words.ts';
import { APP_COLUMNS, ID_COLUMN, rowOf, VERSION_COLUMN } from './rows.ts';
import { type Cell, EMPTY, serialOf } from './rows-cells.ts';
import type { SheetsApi } from './sheets-client.ts';
import type { WriteContext } from './sheets-requests.ts';
import type { TabView } from './sheets-view.ts';

/** Rows of one slice: one read. */
export const SLICE_ROWS = 500;
/** A second of a day, as Google counts dates. */
const SECOND = 1 / 86_400;

export type Slice = {
  readonly view: TabView;
  /** From 0. */
  readonly row: number;
  readonly stateOf: (id: string) => Incident | null;
  readonly context: WriteContext;
};

/** Incidents in these rows that do not show their newest state. Rejects with a SheetsError. */
export async function overwrittenIn(api: SheetsApi, slice: Slice, signal: AbortSignal): Promise<readonly string[]> {
  const { view, row } = slice;
  const endRow = Math.min(row + SLICE_ROWS, view.rowCount);
  if (row >= endRow) return [];
  const gridRange = { sheetId: view.tab.sheetId, startRowIndex: row, endRowIndex: endRow };
  const [range] = await api.values([{ gridRange }], signal);
  const values: readonly (readonly unknown[])[] = range?.valueRange?.values ?? [];
  return values.flatMap((cells, index) => {
    const id = view.ids[row + index] ?? '';
    // A row that was moved since its place was read is looked at another time, and so is a copy of a row.
    const isThere = view.rows.get(id) === row + index && cells[placeOf(view, ID_COLUMN)] === id;
    const incident = isThere ? slice.stateOf(id) : null;
    return incident !== null && isOverwritten(cells, incident, slice) ? [id] : [];
  });
}

const placeOf = ({ tab }: TabView, id: string): number =>
  tab.columns.get(APP_COLUMNS.find((column) => column.id === id)?.number ?? 0) ?? -1;

function isOverwritten(cells: readonly unknown[], incident: Incident, { view, context }: Slice): boolean {
  // An elder version is on its way: the delivery writes it.
  const version = cells[placeOf(view, VERSION_COLUMN)];
  if (typeof version === 'number' && version < incident.version) return false;
  const wanted = rowOf(incident, { ...context, problem: context.problemOf(incident.id) });
  return APP_COLUMNS.some(({ id, number }) => {
    const place = view.tab.columns.get(number);
    return place !== undefined && !shows(cells[place], wanted.get(id) ?? EMPTY, context.timeZone);
  });
}

function shows(raw: unknown, cell: Cell, timeZone: string): boolean {
  if (cell.kind === 'empty') return raw === undefined || raw === null || raw === '';
  if (cell.kind === 'text') return raw === cell.text;
  const value = cell.kind === 'date' ? serialOf(cell.ms, timeZone) : cell.value;
  const slack = cell.kind === 'date' ? SECOND / 2 : 1e-9 * Math.abs(value);
  return typeof raw === 'number' && Math.abs(raw - value) <= slack;
}

export type SweepOptions = {
  readonly sweep: (slice: number, signal: AbortSignal) => Promise<{ readonly healed: number; readonly slices: number }>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Nothing waits to be written, and this replica writes. */
  readonly isIdle: () => boolean;
  /** Default a minute: one read, and a write if something was overwritten. */
  readonly everyMs?: number;
};

const EVERY_MS = 60_000;

/** The newest rows every other time, the elder ones in turn. */
export function startSweep({ sweep, clock, logger, isIdle, everyMs = EVERY_MS }: SweepOptions) {
  const stop = new AbortController();
  let turn = 0;
  let elder = 1;
  let failure = '';
  const next = async (): Promise<void> => {
    const slice = turn % 2 === 0 ? 0 : elder;
    const { healed, slices } = await sweep(slice, stop.signal);
    if (slice > 0) elder = elder + 1 < slices ? elder + 1 : 1;
    turn += 1;
    if (healed > 0) logger.info(`${plural(healed, 'row')} that people had overwritten written again`);
  };
  const running = (async () => {
    while (!stop.signal.aborted) {
      await clock.sleep(everyMs, stop.signal);
      if (stop.signal.aborted || !isIdle()) continue;
      const error = await next().then(() => '', messageOf);
      if (error !== '' && error !== failure) logger.warn({ error }, 'rows cannot be compared yet');
      failure = error;
    }
  })();
  return {
    close: async (): Promise<void> => {
      stop.abort();
      await running;
    },
  };
}
