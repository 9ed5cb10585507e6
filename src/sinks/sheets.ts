// Google Sheets, put together: rows out. It may fail without anything else noticing.
import type { Logger } from 'pino';
import { incidentsOf, startDeliveries } from '../deliveries/loop.ts';
import type { DeliveryMetrics, DeliveryStatus } from '../deliveries/status.ts';
import type { IncidentFeed } from '../feed/feed.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import { createSheetsClient, type SheetsSettings } from './sheets-client.ts';
import { createSheetsSink } from './sheets-sink.ts';

export type SheetsOptions = {
  /** As in the configuration. */
  readonly settings: SheetsSettings;
  readonly log: EventLog;
  readonly feed: IncidentFeed;
  /** The console's root without a slash at its end. */
  readonly consoleUrl: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics?: DeliveryMetrics;
};

export type Sheets = {
  status(): DeliveryStatus;
  /** Finishes the write under way. */
  close(): Promise<void>;
};

/** Starts also when Google cannot be reached or refuses: then rows wait, and the status says why and what to do. */
export async function startSheets(options: SheetsOptions): Promise<Sheets> {
  const { settings, log, feed, clock, logger, metrics } = options;
  const client = createSheetsClient({ settings, clock });
  const sink = createSheetsSink({ ...options, client, stateOf: (id) => feed.get(id) });
  return await startDeliveries({
    output: 'sheets',
    log,
    incidents: incidentsOf(feed),
    sink,
    clock,
    logger,
    ...(metrics === undefined ? {} : { metrics }),
  });
}
