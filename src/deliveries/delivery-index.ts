// The newest receipt of every slot of the newest incidents, for people: what was told where, and what failed.
import { randomUUID } from 'node:crypto';
import { decode } from '../log/codec.ts';
import type { EventLog } from '../log/event-log.ts';
import { type Delivery, deliveryId } from '../model/delivery.ts';

export type DeliveryIndex = {
  /** Of one incident, oldest first; empty if there is none, or it is not among the newest. */
  of(incident: string): readonly Delivery[];
  /** Newest first, at most 200. */
  failed(): readonly Delivery[];
  close(): Promise<void>;
};

const MAX_SUBJECTS = 20_000;
/** Threads grow with an incident: of one incident the newest so many. */
const MAX_SLOTS = 200;
const MAX_FAILED = 200;

/** `group`: where groups are kept for ever (embedded), one that stays the same. */
export async function openDeliveryIndex({
  log,
  group = `delivery-index-${randomUUID()}`,
  posted,
}: {
  readonly log: EventLog;
  readonly group?: string;
  /** Told of the first time that something was delivered, of past ones too. */
  readonly posted?: (delivery: Delivery) => void;
}): Promise<DeliveryIndex> {
  const subjects = new Map<string, Map<string, Delivery>>();
  const failed = new Map<string, Delivery>();
  const take = (delivery: Delivery): void => {
    const id = deliveryId(delivery);
    const slots = subjects.get(delivery.subject) ?? new Map<string, Delivery>();
    if (delivery.state === 'posted' && (slots.get(id)?.place ?? null) === null) posted?.(delivery);
    slots.delete(id);
    slots.set(id, delivery);
    dropEldest(slots, MAX_SLOTS);
    subjects.set(delivery.subject, slots);
    dropEldest(subjects, MAX_SUBJECTS);
    failed.delete(id);
    if (delivery.state !== 'failed') return;
    failed.set(id, delivery);
    dropEldest(failed, MAX_FAILED);
  };
  const consumer = await log.consume({
    topic: 'deliveries',
    group,
    assigned: async (partition) =>
      (await log.ends('deliveries')).find((end) => end.partition === partition)?.first ?? 0,
    batch: async ({ records }) => {
      for (const { value } of records) take(decode<Delivery>('deliveries', value));
      return null;
    },
  });
  return {
    of: (incident) => [...(subjects.get(incident)?.values() ?? [])],
    failed: () => [...failed.values()].reverse(),
    close: () => consumer.close(),
  };
}

function dropEldest(map: Map<string, unknown>, max: number): void {
  if (map.size <= max) return;
  for (const eldest of map.keys()) {
    map.delete(eldest);
    return;
  }
}
