// The sheet as an output: one row per incident, inserted once and rewritten in place, wherever people have moved it. Several
// incidents share a write; each write is carried out once or not at all (sheets-layout.ts).
import type { Logger } from 'pino';
import type { Item, Result, Sink } from '../deliveries/sink.ts';
import type { Clock } from '../model/clock.ts';
import type { DeliveryPlace } from '../model/delivery.ts';
import type { Incident } from '../model/incident.ts';
import { plural } from '../model/words.ts';
import { type DetectorTab, detectorRequests, type RowWrite } from './detectors-tab.ts';
import { VERSION_COLUMN } from './rows.ts';
import { readColumn, readMarkedRows, refuseForeign } from './sheets-ask.ts';
import type { SheetsApi, SheetsClient } from './sheets-client.ts';
import { retryOf, SheetsError } from './sheets-errors.ts';
import { fenceAfter } from './sheets-layout.ts';
import { findRow, placeOf, planWrite, type Sorted, sortOut, type Write } from './sheets-plan.ts';
import { overwrittenIn, SLICE_ROWS } from './sheets-sweep.ts';
import { verifyWrite } from './sheets-verify.ts';
import { createViewer, type Viewer, type WrittenRow } from './sheets-view.ts';

export type SheetsSinkOptions = {
  readonly client: SheetsClient;
  /** The newest state of an incident, for rows that were met by mistake; null: not known any more. */
  readonly stateOf: (id: string) => Incident | null;
  /** What is wrong with what analysts wrote beside an incident; null: nothing. */
  readonly problemOf?: (id: string) => string | null;
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

export type SheetsSink = Sink & {
  /** What analysts wrote, in one read. Rejects with a SheetsError. */
  readEdits(signal: AbortSignal): Promise<readonly WrittenRow[]>;
  /** The tab of detectors, in one read. Rejects with a SheetsError. */
  readDetectors(signal: AbortSignal): Promise<DetectorTab>;
  /** What differs from what stands there, in one write; nothing if nothing does. Rejects with a SheetsError. */
  writeDetectors(writes: readonly RowWrite[], signal: AbortSignal): Promise<void>;
  /** Reads and writes of a tab of its own, in turn with everything else. Rejects with a SheetsError. */
  apart<T>(call: (api: SheetsApi) => Promise<T>): Promise<T>;
  /** Writes again what people have overwritten in one slice of the newest two tabs, 0 the newest. Rejects with a SheetsError. */
  sweep(slice: number, signal: AbortSignal): Promise<{ readonly healed: number; readonly slices: number }>;
  /** Writes the rows of these incidents again as they stand. Rejects with a SheetsError; then the next write does it. */
  rewrite(ids: readonly string[], signal: AbortSignal): Promise<void>;
};

export function createSheetsSink(options: SheetsSinkOptions): SheetsSink {
  const parts: Parts = { ...options, session: createSession(options), spoilt: new Set() };
  const inTurn = createTurns();
  let seenDetectors: DetectorTab | null = null;
  return {
    slot: 'row',
    batch: { maxSize: MAX_BATCH, everyMs: options.everyMs ?? EVERY_MS },
    parallel: 1,
    // Every incident has its row: late, shadow, merged and withdrawn ones too.
    accepts: () => 'now',
    deliver: async (items, { signal }) => await inTurn(async () => await deliver(parts, items, signal)),
    lookUp: async (items, signal) =>
      await inTurn(async () => {
        const { api, viewer } = await parts.session();
        const view = await viewer.look('all', signal);
        return items.map(({ incident }) => {
          const found = findRow(view, incident.id);
          return found === null ? null : placeOf(api.spreadsheetId, found.view, found.row);
        });
      }),
    readDetectors: async (signal) =>
      await inTurn(async () => {
        seenDetectors = (await (await parts.session()).viewer.lookAtDetectors(signal)).tab;
        return seenDetectors;
      }),
    writeDetectors: async (writes, signal) => {
      if (seenDetectors !== null && detectorRequests(seenDetectors, writes, 'UTC').length === 0) return;
      await inTurn(async () => await writeDetectorRows(await parts.session(), writes, signal));
    },
    readEdits: async (signal) => await inTurn(async () => await (await parts.session()).viewer.readEdits(signal)),
    apart: async (call) =>
      await inTurn(async () => {
        const { api, viewer } = await parts.session();
        // Whatever becomes of it, what is known of the last write holds no more.
        viewer.forget();
        return await call(api);
      }),
    sweep: async (slice, signal) => await inTurn(async () => await sweepSlice(parts, slice, signal)),
    rewrite: async (ids, signal) => await inTurn(async () => await rewrite(parts, ids, signal)),
  };
}

async function rewrite(parts: Parts, ids: readonly string[], signal: AbortSignal): Promise<void> {
  for (const id of ids) parts.spoilt.add(id);
  await writeAll({ parts, session: await parts.session(), signal, results: new Map() }, []);
}

async function sweepSlice(parts: Parts, slice: number, signal: AbortSignal) {
  const { api, viewer } = await parts.session();
  const { tabs, timeZone } = await viewer.look('newest', signal);
  const { consoleUrl, problemOf = () => null, stateOf } = parts;
  const context = { consoleUrl, problemOf, timeZone };
  const slices = [...tabs].reverse().flatMap((view) => {
    const count = Math.ceil(Math.max(0, view.ids.length - view.headerRow - 1) / SLICE_ROWS);
    return Array.from({ length: count }, (_, n) => ({ view, row: view.headerRow + 1 + n * SLICE_ROWS }));
  });
  const wanted = slices[slice];
  if (wanted === undefined) return { healed: 0, slices: slices.length };
  const ids = await overwrittenIn(api, { ...wanted, stateOf, context }, signal);
  if (ids.length > 0) await rewrite(parts, ids, signal);
  return { healed: ids.length, slices: slices.length };
}

/** Looks again first: rows may have been moved since it was decided. */
async function writeDetectorRows(
  { api, viewer }: Session,
  writes: readonly RowWrite[],
  signal: AbortSignal,
): Promise<void> {
  const { tab, fence, timeZone } = await viewer.lookAtDetectors(signal);
  const requests = detectorRequests(tab, writes, timeZone);
  if (requests.length === 0) return;
  try {
    await api.write([...fenceAfter(fence), ...requests], [], signal);
    viewer.wrote(fence + 1);
  } catch (error) {
    // Somebody else wrote in between, or the answer was lost: the next reading shows it.
    viewer.forget();
    throw error;
  }
}

/** One call at a time: all of them share what is known of the sheet. */
function createTurns(): <T>(call: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return async (call) => {
    const own = last.then(call, call);
    last = own;
    return await own;
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
    await refuseForeign({ api, view, signal }, sorted);
    settleGone(batch, sorted);
    // Somebody else has written in between: what stands there may be newer than what is to be written.
    if (refusals > 0 && (await settleNewer(batch, sorted))) continue;
    const { consoleUrl, problemOf = () => null } = parts;
    const write = planWrite(view, sorted, { consoleUrl, problemOf, timeZone: view.timeZone });
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
      if (refusals === 2 && others.length > 0) {
        // It may be one of these: without them the batch shows whether it is.
        parts.spoilt.clear();
      } else if (refusals > 1) return await takeApart(batch, pending, error);
    }
  }
}

/** Tabs in which rows are to be looked for: those they were seen in last. */
function tabsOf(items: readonly Item[], others: readonly Incident[]): ReadonlySet<number> | 'all' {
  // What was seen nowhere may stand in any.
  if (others.length > 0) return 'all';
  return new Set(items.flatMap(({ place }) => place?.gid ?? []));
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
