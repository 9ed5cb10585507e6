// Google Sheets, both ways, put together: rows out, edits in. Each may fail without anything else noticing.
import type { Logger } from 'pino';
import { incidentsOf, startDeliveries } from '../deliveries/loop.ts';
import type { DeliveryMetrics, DeliveryStatus } from '../deliveries/status.ts';
import type { IncidentFeed } from '../feed/feed.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import type { Months } from '../model/month.ts';
import type { Proposals } from '../model/proposal.ts';
import type { Suggestions } from '../model/suggestions.ts';
import { startCurveTab } from './curve-tab.ts';
import { startDetectorDesk } from './detectors-desk.ts';
import { type Edits, startEdits } from './edits.ts';
import { startMonthTab } from './month-tab.ts';
import { createSheetsClient, type SheetsSettings } from './sheets-client.ts';
import { createSheetsSink } from './sheets-sink.ts';
import { startSweep } from './sheets-sweep.ts';

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
  /** Where edits of detectors go. Absent: the tab of detectors is left alone. */
  readonly proposals?: Proposals;
  /** What the past suggests, for the same tab. */
  readonly suggestions?: Suggestions;
  /** Months that are over: each gets a tab, once. */
  readonly months?: Months;
  /** Milliseconds between two readings of edits (default 10 s, of detectors 6 s), and between two writes of rows (default 2 s). */
  readonly readEveryMs?: number;
  readonly writeEveryMs?: number;
  /** Milliseconds between two looks at what was overwritten (default a minute). */
  readonly sweepEveryMs?: number;
};

export type Sheets = {
  status(): DeliveryStatus;
  /** Edits first, then rows: what was asked last is still written if it can be. */
  close(): Promise<void>;
};

/** Starts also when Google cannot be reached or refuses: then rows wait, and the status says why and what to do. */
export async function startSheets(options: SheetsOptions): Promise<Sheets> {
  const { settings, log, feed, clock, logger, metrics, readEveryMs, writeEveryMs } = options;
  const client = createSheetsClient({ settings, clock });
  const reading: { edits: Edits | null } = { edits: null };
  const problemOf = (id: string): string | null => reading.edits?.problemOf(id) ?? null;
  const sink = createSheetsSink({
    ...options,
    client,
    problemOf,
    stateOf: (id) => feed.get(id),
    ...(writeEveryMs === undefined ? {} : { everyMs: writeEveryMs }),
  });
  const deliveries = await startDeliveries({
    output: 'sheets',
    log,
    incidents: incidentsOf(feed),
    sink,
    clock,
    logger,
    ...(metrics === undefined ? {} : { metrics }),
  });
  const edits = startEdits({
    sink,
    feed,
    log,
    clock,
    logger,
    isActive: () => deliveries.status().active,
    ...(readEveryMs === undefined ? {} : { everyMs: readEveryMs }),
  });
  reading.edits = edits;
  const sweeping = startSweep({
    sweep: sink.sweep,
    clock,
    logger,
    isIdle: () => deliveries.status().active && deliveries.status().pending === 0,
    ...(options.sweepEveryMs === undefined ? {} : { everyMs: options.sweepEveryMs }),
  });
  const { proposals } = options;
  const detectors =
    proposals === undefined
      ? null
      : startDetectorDesk({
          sink,
          feed,
          proposals,
          ...(options.suggestions === undefined ? {} : { suggestions: options.suggestions }),
          clock,
          logger,
          isActive: () => deliveries.status().active,
          ...(readEveryMs === undefined ? {} : { everyMs: readEveryMs }),
        });
  const { suggestions, months } = options;
  const apart = { sink, clock, logger, isActive: () => deliveries.status().active };
  const curves = suggestions === undefined ? null : startCurveTab({ ...apart, suggestions });
  const month = months === undefined ? null : startMonthTab({ ...apart, months });
  return {
    status: deliveries.status,
    close: async () => {
      await month?.close();
      await curves?.close();
      await sweeping.close();
      await detectors?.close();
      await edits.close();
      await deliveries.close();
    },
  };
}
