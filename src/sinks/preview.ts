// The sheet without Google: the same rows by the same rules, kept in memory for the console. The demo runs on it.
import type { Logger } from 'pino';
import { type Deliveries, startDeliveries } from '../deliveries/loop.ts';
import { readDeliveries } from '../deliveries/receipts.ts';
import type { Sink } from '../deliveries/sink.ts';
import type { DeliveryMetrics } from '../deliveries/status.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import type { Incident } from '../model/incident.ts';
import { COLUMNS, rowOf } from './rows.ts';
import { EMPTY, shownCell } from './rows-cells.ts';

export type PreviewRows = {
  readonly headers: readonly string[];
  /** Newest first, at most 200; cells as a reader of the sheet would see them, times in UTC. */
  readonly rows: readonly { readonly incident: string; readonly cells: readonly string[] }[];
};

export type SheetsPreviewOptions = {
  readonly log: EventLog;
  readonly incidents: () => Promise<Iterable<Incident>>;
  readonly consoleUrl: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics?: DeliveryMetrics;
};

export type SheetsPreview = Deliveries & { rows(): PreviewRows };

const KEPT = 200;

export async function startSheetsPreview(options: SheetsPreviewOptions): Promise<SheetsPreview> {
  const shown = new Map<string, Incident>();
  const told = new Set<string>();
  for await (const { output, state, subject } of readDeliveries(options.log))
    if (output === 'preview-sheets' && state === 'posted') told.add(subject);
  // What an earlier run showed, as its incidents stand now.
  for (const incident of await options.incidents()) if (told.has(incident.id)) shown.set(incident.id, incident);
  forgetOldest(shown);
  const deliveries = await startDeliveries({ ...options, output: 'preview-sheets', sink: createPreviewSink(shown) });
  return { ...deliveries, rows: () => previewRows(shown.values(), options) };
}

/** Pure. */
export function previewRows(
  incidents: Iterable<Incident>,
  { consoleUrl }: { readonly consoleUrl: string },
): PreviewRows {
  return {
    headers: COLUMNS.map(({ header }) => header),
    rows: newest(incidents).map((incident) => {
      const row = rowOf(incident, { consoleUrl });
      return { incident: incident.id, cells: COLUMNS.map(({ id }) => shownCell(row.get(id) ?? EMPTY, 'UTC')) };
    }),
  };
}

const numberOf = ({ id }: Incident): number => Number(id.slice(id.indexOf('-') + 1));

const newest = (incidents: Iterable<Incident>): readonly Incident[] =>
  [...incidents].sort((a, b) => numberOf(b) - numberOf(a)).slice(0, KEPT);

function createPreviewSink(shown: Map<string, Incident>): Sink {
  return {
    slot: 'row',
    batch: { maxSize: 200, everyMs: 0 },
    parallel: 1,
    accepts: () => 'now',
    deliver: async (items) => {
      for (const { incident } of items) shown.set(incident.id, incident);
      forgetOldest(shown);
      return items.map(() => ({ outcome: 'delivered', place: { tab: 'Incidents' } }));
    },
    // Memory holds nothing of another run: what was under way then is simply shown.
    lookUp: async (items) => items.map(() => null),
  };
}

function forgetOldest(shown: Map<string, Incident>): void {
  if (shown.size <= KEPT) return;
  const kept = new Set(newest(shown.values()).map(({ id }) => id));
  for (const id of shown.keys()) if (!kept.has(id)) shown.delete(id);
}
