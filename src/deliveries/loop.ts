// The one delivery loop, the same for every output: skip if recorded, record `posting`, deliver, record `posted`
// (design §4.5). It follows the newest state of each incident; what it missed while away it sees in the feed.
import type { Logger } from 'pino';
import type { IncidentFeed } from '../feed/feed.ts';
import { decode } from '../log/codec.ts';
import type { EventLog, Hold } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import type { Change } from '../model/commands.ts';
import type { DeliveryOutput } from '../model/delivery.ts';
import type { Incident } from '../model/incident.ts';
import { openReceipts } from './receipts.ts';
import { type Session, startSession } from './session.ts';
import type { Sink } from './sink.ts';
import type { DeliveryMetrics, DeliveryStatus } from './status.ts';

export type DeliveryOptions = {
  readonly output: DeliveryOutput;
  readonly log: EventLog;
  /** The newest state of every incident, up to at least the end of `incidents` at the time of the call. */
  readonly incidents: () => Promise<Iterable<Incident>>;
  readonly sink: Sink;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics?: DeliveryMetrics;
  /** A failed delivery is tried again so long after. Default 5 min. */
  readonly recheckMs?: number;
};

export type Deliveries = {
  status(): DeliveryStatus;
  /** Whether this process is the one that tells: asked right before what is told beside incidents. */
  isOurs(signal: AbortSignal): Promise<boolean>;
  /** What the output tells beside this incident has changed: where it stands, it is told again. */
  refresh(incident: Incident): void;
  /** Finishes the calls under way and gives the partition back. */
  close(): Promise<void>;
};

/** The feed as a source of incidents. */
export function incidentsOf(feed: Pick<IncidentFeed, 'all' | 'caughtUp'>): DeliveryOptions['incidents'] {
  return async () => {
    await feed.caughtUp();
    return feed.all();
  };
}

const RECHECK_MS = 300_000;
const NO_METRICS: DeliveryMetrics = { count: () => undefined };

/** Delivers while this process holds the partition of `incidents` in group `deliver-<output>`: one replica at a time. */
export async function startDeliveries(options: DeliveryOptions): Promise<Deliveries> {
  const { output, log, clock, logger, recheckMs = RECHECK_MS, metrics = NO_METRICS } = options;
  let session: Session | null = null;
  let held: Hold | null = null;
  const take = async (_partition: number, hold: Hold): Promise<number> => {
    held = hold;
    await session?.stop();
    // First the end, then the states: what is appended in between is seen twice, which is harmless, and never missed.
    const next = (await log.ends('incidents'))[0]?.next ?? 0;
    const incidents = await options.incidents();
    const receipts = await openReceipts({ output, log, clock, logger });
    session = startSession({ ...options, receipts, metrics, recheckMs, hold });
    for (const incident of incidents) session.offer(incident);
    return next;
  };
  const consumer = await log.consume({
    topic: 'incidents',
    group: `deliver-${output}`,
    assigned: take,
    revoked: async () => {
      await session?.stop();
      session = null;
    },
    batch: async ({ records }) => {
      for (const { value } of records) {
        const { incident } = decode<Change>('incidents', value);
        if (incident !== null) session?.offer(incident);
      }
      return null;
    },
  });
  return {
    status: () => session?.status() ?? idleStatus(output),
    isOurs: async (signal) => held !== null && session !== null && (await held.certain(signal)),
    refresh: (incident) => session?.refresh(incident),
    close: async () => {
      await consumer.close();
      await session?.stop();
      session = null;
    },
  };
}

function idleStatus(output: DeliveryOutput): DeliveryStatus {
  return {
    output,
    active: false,
    pending: 0,
    oldestPendingAt: null,
    lastDeliveredAt: null,
    lastError: null,
    pausedUntil: null,
    failed: [],
    failedCount: 0,
  };
}
