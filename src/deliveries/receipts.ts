// The receipts of one output: what was told, where, in which version. Folded from `deliveries` when delivering begins,
// then kept up to date by the one who writes them.
import type { Logger } from 'pino';
import { decode, encode } from '../log/codec.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import { type Delivery, type DeliveryOutput, deliveryId } from '../model/delivery.ts';
import { messageOf } from '../model/errors.ts';

export type Receipts = {
  of(subject: string, slot: string): Delivery | null;
  all(): Iterable<Delivery>;
  /**
   * Resolves once they are durable; tries for as long as the log is away, until `signal`. They count here at once: what
   * was delivered is not delivered again by this process, even if the log could not be told yet.
   */
  record(deliveries: readonly Delivery[], signal: AbortSignal): Promise<void>;
};

export type ReceiptsOptions = {
  readonly output: DeliveryOutput;
  readonly log: EventLog;
  readonly clock: Clock;
  readonly logger: Logger;
};

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/** Reads `deliveries` to its end. Rejects with the log's errors. */
export async function openReceipts({ output, log, clock, logger }: ReceiptsOptions): Promise<Receipts> {
  const known = new Map<string, Delivery>();
  for await (const delivery of readDeliveries(log)) {
    if (delivery.output === output) known.set(deliveryId(delivery), delivery);
  }
  return {
    of: (subject, slot) => known.get(deliveryId({ output, subject, slot })) ?? null,
    all: () => known.values(),
    record: async (deliveries, signal) => {
      for (const delivery of deliveries) known.set(deliveryId(delivery), delivery);
      await appendPatiently({ log, clock, logger, deliveries, signal });
    },
  };
}

/**
 * Every record of `deliveries`, oldest first: the last one of an id counts. `next`: where to begin in each partition; it is
 * moved to where reading ended, for the next time.
 */
export async function* readDeliveries(log: EventLog, next = new Map<number, number>()): AsyncGenerator<Delivery> {
  for (const end of await log.ends('deliveries')) {
    const { partition } = end;
    const from = Math.max(end.first, next.get(partition) ?? end.first);
    if (from < end.next)
      for await (const page of log.read('deliveries', partition, from, end.next)) {
        for (const { value } of page) yield decode<Delivery>('deliveries', value);
      }
    next.set(partition, Math.max(from, end.next));
  }
}

/** Resolves once they are durable; tries for as long as the log is away, until `signal`. */
export async function appendPatiently(parts: {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly deliveries: readonly Delivery[];
  readonly signal: AbortSignal;
}): Promise<void> {
  const { log, clock, logger, deliveries, signal } = parts;
  const records = deliveries.map((delivery) => ({
    key: deliveryId(delivery),
    value: encode('deliveries', delivery),
    timeMs: delivery.at,
  }));
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      await log.append('deliveries', records);
      return;
    } catch (error) {
      if (signal.aborted) throw error;
      logger.warn({ error: messageOf(error), pauseMs }, 'receipts cannot be recorded yet');
      await clock.sleep(pauseMs, signal);
    }
  }
}
