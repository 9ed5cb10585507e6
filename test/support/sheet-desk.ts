// One log with incidents that a test appends by hand, and the sheet output following it over the real client, against the
// local Google.
import { pino } from 'pino';
import { startDeliveries } from '../../src/deliveries/loop.ts';
import { readDeliveries } from '../../src/deliveries/receipts.ts';
import type { DeliveryMetrics } from '../../src/deliveries/status.ts';
import { encode } from '../../src/log/codec.ts';
import { type Clock, systemClock } from '../../src/model/clock.ts';
import { type Delivery, deliveryId } from '../../src/model/delivery.ts';
import type { Incident } from '../../src/model/incident.ts';
import { createSheetsClient } from '../../src/sinks/sheets-client.ts';
import { createSheetsSink } from '../../src/sinks/sheets-sink.ts';
import type { LocalSheets } from './local-sheets.ts';
import { changeTo } from './sample-incident.ts';
import { openTempLog } from './temp-log.ts';

export type SheetDesk = Awaited<ReturnType<typeof openSheetDesk>>;

const logger = pino({ level: 'silent' });

type SinkSettings = {
  readonly sheetId?: string;
  readonly credentialsFile?: string;
  readonly rowsPerTab?: number;
  readonly everyMs?: number;
  readonly timeoutMs?: number;
  /** Of this sink alone. */
  readonly clock?: Clock;
};

export async function openSheetDesk(google: LocalSheets, { clock = systemClock }: { readonly clock?: Clock } = {}) {
  const temp = await openTempLog();
  const { log } = temp;
  const states = new Map<string, Incident>();
  const outcomes: string[] = [];
  const metrics: DeliveryMetrics = { count: (_, outcome) => void outcomes.push(outcome) };
  let offset = 0;
  const sinkOf = ({
    sheetId = google.spreadsheetId,
    credentialsFile = google.credentialsFile,
    rowsPerTab,
    everyMs = 20,
    timeoutMs = 20_000,
    clock: own = clock,
  }: SinkSettings = {}) =>
    createSheetsSink({
      client: createSheetsClient({ settings: { sheetId, credentialsFile, url: google.url }, clock: own, timeoutMs }),
      stateOf: (id) => states.get(id) ?? null,
      consoleUrl: 'http://127.0.0.1:4243',
      clock: own,
      logger,
      everyMs,
      ...(rowsPerTab === undefined ? {} : { rowsPerTab }),
    });
  const running = new Set<{ close(): Promise<void> }>();
  return {
    log,
    states,
    outcomes,
    sinkOf,
    /** Appends these states, as the manager would. */
    put: async (...incidents: readonly Incident[]): Promise<void> => {
      const records = incidents.map((incident) => {
        states.set(incident.id, incident);
        offset += 1;
        return { key: incident.id, value: encode('incidents', changeTo(incident, offset)), timeMs: incident.updatedAt };
      });
      await log.append('incidents', records);
    },
    start: async (settings: SinkSettings & { readonly recheckMs?: number } = {}) => {
      const deliveries = await startDeliveries({
        output: 'sheets',
        log,
        incidents: async () => [...states.values()],
        sink: sinkOf(settings),
        clock,
        logger,
        metrics,
        recheckMs: settings.recheckMs ?? 100,
      });
      running.add(deliveries);
      return deliveries;
    },
    receipts: async (): Promise<ReadonlyMap<string, Delivery>> => {
      const newest = new Map<string, Delivery>();
      for await (const delivery of readDeliveries(log)) newest.set(delivery.subject, delivery);
      return newest;
    },
    /** As a process leaves it that died between the call and its answer. */
    leavePosting: async (incident: Incident): Promise<void> => {
      const posting: Delivery = {
        output: 'sheets',
        subject: incident.id,
        slot: 'row',
        state: 'posting',
        version: incident.version,
        at: Date.now(),
        place: null,
        error: null,
        tries: 0,
      };
      await log.append('deliveries', [
        { key: deliveryId(posting), value: encode('deliveries', posting), timeMs: posting.at },
      ]);
    },
    close: async (): Promise<void> => {
      for (const one of running) await one.close();
      await temp.close();
    },
  };
}
