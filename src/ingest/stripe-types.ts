// The event types that declinewatch handles: what a backfill lists, what a webhook endpoint must send. At most 20, which
// is what one list call takes; a test holds them against the normaliser.

export const HANDLED_TYPES: readonly string[] = [
  'charge.failed',
  'charge.succeeded',
  'payment_intent.payment_failed',
  'setup_intent.setup_failed',
  'setup_intent.succeeded',
  'radar.early_fraud_warning.created',
  'radar.early_fraud_warning.updated',
  'charge.dispute.created',
  'charge.dispute.updated',
  'charge.dispute.closed',
  'charge.dispute.funds_withdrawn',
  'charge.dispute.funds_reinstated',
  'review.opened',
  'review.closed',
  'charge.refunded',
  'charge.refund.updated',
  'refund.created',
  'refund.updated',
  'refund.failed',
];

/** Slug in Stripe's errors (`rak_charge_read`) → as the Dashboard names it. Source: docs.stripe.com, Stripe Apps permissions reference. */
const PERMISSIONS: Readonly<Record<string, string>> = {
  event_read: 'Events',
  charge_read: 'Charges and Refunds',
  dispute_read: 'Disputes',
  payment_intent_read: 'PaymentIntents',
  setup_intent_read: 'SetupIntents',
  review_read: 'Reviews',
  checkout_session_read: 'Checkout Sessions',
  webhook_read: 'Webhook Endpoints',
};

type NeededPermission = {
  /** As in Stripe's errors. */
  readonly slug: string;
  /** An object that cannot exist: asked for it, Stripe says 404 to who may read such objects, else 403. */
  readonly probe: string;
};

export const NEEDED_PERMISSIONS: readonly NeededPermission[] = [
  { slug: 'rak_event_read', probe: '/v1/events/evt_declinewatch_probe' },
  { slug: 'rak_charge_read', probe: '/v1/charges/ch_declinewatch_probe' },
  { slug: 'rak_payment_intent_read', probe: '/v1/payment_intents/pi_declinewatch_probe' },
  { slug: 'rak_setup_intent_read', probe: '/v1/setup_intents/seti_declinewatch_probe' },
  { slug: 'rak_dispute_read', probe: '/v1/disputes/dp_declinewatch_probe' },
  { slug: 'rak_review_read', probe: '/v1/reviews/prv_declinewatch_probe' },
];

/** `rak_charge_read` → `Charges and Refunds: Read (rak_charge_read)`. */
export function permissionLabel(slug: string): string {
  const name = PERMISSIONS[slug.replace(/^rak_/, '')];
  return name === undefined ? slug : `${name}: Read (${slug})`;
}
