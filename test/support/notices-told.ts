// What has been told in Slack beside the incidents, as the receipts have it.
import type { NoticesTold } from '../../src/alerts/notice.ts';
import type { Delivery, DeliveryState } from '../../src/model/delivery.ts';

/** Of a message on `subject`, up to `version`. */
export const noticeReceipt = (subject: string, version: number, state: DeliveryState = 'posted'): Delivery => ({
  output: 'slack',
  subject,
  slot: 'card',
  state,
  version,
  at: Date.UTC(2026, 9, 1),
  place: null,
  error: null,
  tries: 1,
});

export const toldOf = (receipts: readonly Delivery[]): NoticesTold => ({
  of: (subject) => receipts.find((one) => one.subject === subject) ?? null,
  all: () => receipts,
});
