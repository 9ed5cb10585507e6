// The sheet as an output: one row per incident, inserted once and rewritten in place, wherever people have moved it. Several
// incidents share a write; each write is carried out once or not at all (sheets-layout.ts).
import type { Logger } from 'pino';
import type { Item, Result, Sink } from '../deliveries/sink.ts';
import type { Clock } from '../model/clock.ts';
import type { DeliveryPlace } from '../model/delivery.ts';
import type { Incident } from '../model/incident.ts';
import { plural } from '../model/words.ts';
import { COLUMNS, OPENED_COLUMN, VERSION_COLUMN } from './rows.ts';
import { serialOf } from './rows-cells.ts';
import type { SheetsApi, SheetsClient } from './sheets-client.ts';
import { retryOf, SheetsError } from './sheets-errors.ts';
import { byId, columnId, incidentNumber } from './sheets-layout.ts';
import {
  findRow,
  type Located,
  type MarkedRows,
  placeOf,
  planWrite,
  type Sorted,
  sortOut,
  type Write,
} from './sheets-plan.ts';
import { verifyWrite } from './sheets-verify.ts';
import { createViewer, type View, type Viewer } from './sheets-view.ts';

export type SheetsSinkOptions = {
  readonly client: SheetsClient;
  /** The newest state of an incident, for rows that were met by mistake; null: not known any more. */
  readonly stateOf: (id: string) => Incident | null;
  /** The console's root without a slash at its end. */
  readonly consoleUrl: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Rows after which a further tab is made. Default 20,000. */
  readonly rowsPerTab?: number;
  /** Between two writes. Default 2 s: 30 a minute. */
  readonly everyMs?: number;
};

const ROWS_PER_TAB = 20_000;
const EVERY_MS = 2_000;
/** About 0.8 MB of requests; Google advises at most 2 MB. */
const MAX_BATCH = 200;
/** Looks and writes of one batch before the rest of it waits for the next. */
const ROUNDS = 6;

type Session = { readonly api: SheetsApi; readonly viewer: Viewer };
type Parts = SheetsSinkOptions & {
  readonly session: () => Promise<Session>;
  /** Incidents whose rows may hold another's cells. */
  readonly spoilt: Set<string>;
};
/** One batch on its way. */
type Batch = {
  readonly parts: Parts;
  readonly session: Session;
  readonly signal: AbortSignal;
  readonly results: Map<Item, Result>;
};

export function createSheetsSink(options: SheetsSinkOptions): Sink {
  const parts: Parts = { ...options, session: createSession(options), spoilt: new Set() };
  return {
    slot: 'row',
    batch: { maxSize: MAX_BATCH, everyMs: options.everyMs ?? EVERY_MS },
    parallel: 1,
    // Every incident has its row: late, shadow, merged and withdrawn ones too.
    accepts: () => 'now',
    deliver: async (items, signal) => await deliver(parts, items, signal),
    lookUp: async (items, signal) => {
      const { api, viewer } = await parts.session();
      const view = await viewer.look('all', signal);
      return items.map(({ incident }) => {
        const found = findRow(view, incident.id);
        return found === null ? null : placeOf(api.spreadsheetId, found.view, found.row);
      });
    },
  };
}

function createSession({ client, clock, logger, rowsPerTab = ROWS_PER_TAB }: SheetsSinkOptions): Parts['session'] {
  let session: Session | null = null;
  const changed = (what: readonly string[]): void => logger.info({ what }, 'the sheet was set up');
  return async () => {
    const api = await client.connect();
    if (session?.api !== api) session = { api, viewer: createViewer({ api, clock, changed, rowsPerTab }) };
    return session;
  };
}

async function deliver(parts: Parts, items: readonly Item[], signal: AbortSignal): Promise<readonly Result[]> {
  const results = new Map<Item, Result>();
  try {
    await writeAll({ parts, session: await parts.session(), signal, results }, items);
  } catch (error) {
    if (!(error instanceof SheetsError)) throw error;
    for (const item of items) if (!results.has(item)) results.set(item, retryOf(error.failure, parts.clock.now()));
  }
  const unsettled: Result = {
    outcome: 'retry',
    scope: 'item',
    sent: 'maybe',
    error: 'the rows are being moved all the time',
  };
  return items.map((item) => results.get(item) ?? unsettled);
}

/** Looks and writes until every item has its result. Rejects with a SheetsError; what has its result by then keeps it. */
async function writeAll(batch: Batch, items: readonly Item[]): Promise<void> {
  const { parts, session, signal, results } = batch;
  const { api, viewer } = session;
  const { spreadsheetId } = api;
  let refusals = 0;
  for (let round = 1; round <= ROUNDS; round += 1) {
    const pending = items.filter((item) => !results.has(item));
    const others = [...parts.spoilt].flatMap((id) => parts.stateOf(id) ?? []);
    if (pending.length + others.length === 0) return;
    const view = await viewer.look(tabsOf(pending, others), signal);
    let sorted = sortOut(view, pending, { spreadsheetId, marked: null, others });
    if (sorted.missing.length > 0 || refusals > 0) {
      const marked = await readMarkedRows({ api, view, signal }, pending);
      sorted = sortOut(view, pending, { spreadsheetId, marked, others });
    }
    await refuseForeign(batch, view, sorted);
    settleGone(batch, sorted);
    // Somebody else has written in between: what stands there may be newer than what is to be written.
    if (refusals > 0 && (await settleNewer(batch, sorted))) continue;
    const write = planWrite(view, sorted, { consoleUrl: parts.consoleUrl, timeZone: view.timeZone });
    if (write === null) {
      parts.spoilt.clear();
      continue;
    }
    try {
      const shown = await api.write(write.requests, write.show, signal);
      viewer.wrote(view.fence + 1);
      settleWritten(batch, write, shown);
    } catch (error) {
      if (!(error instanceof SheetsError) || error.failure.code !== 'sheet_bad_request') throw error;
      viewer.forget();
      refusals += 1;
      if (refusals > 1) return await takeApart(batch, pending, error);
    }
  }
}

/** Tabs in which rows are to be looked for: those they were seen in last. */
function tabsOf(items: readonly Item[], others: readonly Incident[]): ReadonlySet<number> | 'all' {
  // What was seen nowhere may stand in any.
  if (others.length > 0) return 'all';
  return new Set(items.flatMap(({ place }) => place?.gid ?? []));
}

type Asking = { readonly api: SheetsApi; readonly view: View; readonly signal: AbortSignal };

/** Where the marks of these incidents' rows are. A row whose id was overwritten still shows when its incident opened. */
async function readMarkedRows({ api, view, signal }: Asking, items: readonly Item[]): Promise<MarkedRows> {
  const incidents = new Map(items.map(({ incident }) => [incidentNumber(incident.id) ?? 0, incident]));
  const found = await api.metadata([...incidents.keys()].map(byId), signal);
  const places = found.flatMap(({ metadataId, location }) => {
    const { sheetId, startIndex } = location?.dimensionRange ?? {};
    const tab = view.tabs.find((one) => one.tab.sheetId === (sheetId ?? 0));
    const row = startIndex ?? 0;
    const isNameless = tab !== undefined && row !== tab.headerRow && incidentNumber(tab.ids[row] ?? '') === null;
    return [{ number: metadataId ?? 0, place: isNameless ? { view: tab, row } : null }];
  });
  const nameless = places.flatMap(({ place }) => place ?? []);
  const opened = nameless.length === 0 ? null : await readColumn(api, OPENED_COLUMN, nameless, signal);
  return new Map(
    places.map(({ number, place }) => {
      const openedAt = incidents.get(number)?.openedAt ?? 0;
      const cell = place === null ? null : opened?.(place);
      const isIts = typeof cell === 'number' && isOpenedThen(cell, serialOf(openedAt, view.timeZone));
      return [number, isIts ? place : null];
    }),
  );
}

/** Refused again although everything was read anew: some incident is the cause. Halves find it in a few writes. */
async function takeApart(batch: Batch, items: readonly Item[], error: SheetsError): Promise<void> {
  const [first, ...rest] = items;
  if (first === undefined) return;
  if (rest.length === 0) {
    batch.results.set(first, { outcome: 'refused', error: error.message });
    return;
  }
  const middle = Math.ceil(items.length / 2);
  await writeAll(batch, items.slice(0, middle));
  await writeAll(batch, items.slice(middle));
}

function settleGone({ parts, results }: Batch, { gone }: Sorted): void {
  const { clock, logger } = parts;
  for (const item of gone) {
    const deletedAt = item.place?.deletedAt ?? clock.now();
    if (item.place?.deletedAt === undefined)
      logger.info({ incident: item.incident.id }, 'its row was deleted by a person and stays deleted');
    const place: DeliveryPlace = { ...item.place, deletedAt };
    results.set(item, { outcome: 'delivered', place });
  }
}

function settleWritten(
  { parts, session, results }: Batch,
  write: Write,
  shown: Parameters<typeof verifyWrite>[1],
): void {
  const { met, spoilt, areColumnsMet } = verifyWrite(write, shown);
  const { spreadsheetId } = session.api;
  if (!areColumnsMet) {
    // Somebody moved columns in that moment: everything is written again where it belongs.
    session.viewer.forget();
    for (const { incident } of write.rewrites) parts.spoilt.add(incident.id);
    return;
  }
  for (const { item, view, rowAfter } of write.inserts)
    results.set(item, { outcome: 'delivered', place: placeOf(spreadsheetId, view, rowAfter) });
  for (const { incident, item, view, rowAfter } of write.rewrites) {
    if (!met.has(incident.id)) continue;
    parts.spoilt.delete(incident.id);
    if (item !== null) results.set(item, { outcome: 'delivered', place: placeOf(spreadsheetId, view, rowAfter) });
  }
  if (spoilt.size === 0) return;
  parts.logger.warn(`rows were moved while they were written: ${plural(spoilt.size, 'row')} written again`);
  for (const id of spoilt) parts.spoilt.add(id);
}

/** Rows that show a newer state than these items settle them; answers whether there were any. */
async function settleNewer({ session: { api }, signal, results }: Batch, { rewrites }: Sorted): Promise<boolean> {
  const versions = await readColumn(api, VERSION_COLUMN, rewrites, signal);
  const newer = rewrites.filter((one) => {
    const version = versions(one);
    return one.item !== null && typeof version === 'number' && version > one.incident.version;
  });
  for (const { item, view: tab, row } of newer)
    if (item !== null) results.set(item, { outcome: 'delivered', place: placeOf(api.spreadsheetId, tab, row) });
  return newer.length > 0;
}

/** One read: what stands in a column, by row. */
async function readColumn(
  api: SheetsApi,
  id: string,
  places: readonly Located[],
  signal: AbortSignal,
): Promise<(place: Located) => unknown> {
  const number = COLUMNS.find((column) => column.id === id)?.number ?? 0;
  const tabs = [...new Set(places.map(({ view }) => view))];
  const filters = tabs.map(({ tab }) => byId(columnId(tab.key, number)));
  const ranges = filters.length === 0 ? [] : await api.values(filters, signal);
  return ({ view: { tab }, row }) => {
    const wanted = columnId(tab.key, number);
    const matched = ranges.find(({ dataFilters = [] }) =>
      dataFilters.some(({ developerMetadataLookup: look }) => look?.metadataId === wanted),
    );
    return matched?.valueRange?.values?.[row]?.[0];
  };
}

/** Rows that nobody here remembers must be this installation's: the same number opened at another time is not. */
async function refuseForeign({ session: { api }, signal }: Batch, view: View, { adopted }: Sorted): Promise<void> {
  const places = adopted.flatMap(({ incident }) => {
    const found = findRow(view, incident.id);
    return found === null ? [] : [{ incident, ...found }];
  });
  if (places.length === 0) return;
  const opened = await readColumn(api, OPENED_COLUMN, places, signal);
  for (const place of places) {
    const { incident } = place;
    if (isOpenedThen(opened(place), serialOf(incident.openedAt, view.timeZone))) continue;
    throw new SheetsError({
      code: 'sheet_of_another',
      message: `${incident.id} in this sheet is another installation’s: it opened at another time.`,
      help: 'Give this installation a sheet of its own: make one, share it, and set GOOGLE_SHEET_ID.',
      sent: 'no',
    });
  }
}

const DAY_S = 86_400;
const QUARTER_S = 900;

/** A cell that was overwritten proves nothing; one written in another time zone differs by whole quarters of an hour. */
function isOpenedThen(cell: unknown, serial: number): boolean {
  if (typeof cell !== 'number') return true;
  const apartS = Math.abs(cell - serial) * DAY_S;
  const offS = apartS % QUARTER_S;
  return apartS <= 2 || (apartS <= 27 * 3600 && Math.min(offS, QUARTER_S - offS) <= 2);
}
