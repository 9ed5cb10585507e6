// The one delivery loop, the same for every output: skip if recorded, record `posting`, deliver, record `posted`
// (design §4.5). It follows the newest state of each incident; what it missed while away it sees in the feed.
import type { Logger } from 'pino';
import type { EventLog } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import type { DeliveryOutput } from '../model/delivery.ts';
import type { Incident } from '../model/incident.ts';
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
  /** Finishes the calls under way and gives the partition back. */
  close(): Promise<void>;
};

/** Delivers while this process holds the partition of `incidents` in group `deliver-<output>`: one replica at a time. */
export type StartDeliveries = (options: DeliveryOptions) => Promise<Deliveries>;
