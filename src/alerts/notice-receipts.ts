// The receipts of notices, as of all replicas: read on from where reading ended last.
import type { Logger } from 'pino';
import { appendPatiently, readDeliveries } from '../deliveries/receipts.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import type { Delivery } from '../model/delivery.ts';
import { NOTICE_SLOT, type NoticesTold } from './notice.ts';

export type NoticeReceipts = NoticesTold & {
  /** Takes in what others have recorded since. Rejects with the log's errors. */
  refresh(): Promise<void>;
  /** Resolves once it is durable; it counts here at once. */
  record(delivery: Delivery, signal: AbortSignal): Promise<void>;
};

type Parts = { readonly log: EventLog; readonly clock: Clock; readonly logger: Logger };

export async function openNoticeReceipts(parts: Parts): Promise<NoticeReceipts> {
  const known = new Map<string, Delivery>();
  const next = new Map<number, number>();
  const refresh = async (): Promise<void> => {
    for await (const delivery of readDeliveries(parts.log, next))
      if (delivery.output === 'slack' && delivery.slot === NOTICE_SLOT) known.set(delivery.subject, delivery);
  };
  await refresh();
  return {
    refresh,
    of: (subject) => known.get(subject) ?? null,
    all: () => known.values(),
    record: async (delivery, signal) => {
      known.set(delivery.subject, delivery);
      await appendPatiently({ ...parts, deliveries: [delivery], signal });
    },
  };
}
