// Stripe events as Stripe would send them for one try to pay or to save a card: a charge and its intent share the
// charge id, a save has only its SetupIntent. Shapes: facts of the API version named below.
import type { Random } from './random.ts';

const API_VERSION = '2026-10-28.endive';

export type Card = {
  readonly fingerprint: string;
  readonly brand: string;
  readonly last4: string;
  readonly country: string;
  readonly funding: string;
  readonly paymentMethod: string;
};

export type Payer = { readonly customer: string | null; readonly email: string; readonly ip: string };

export type Try = {
  /** Seconds. */
  readonly at: number;
  readonly kind: 'payment' | 'setup';
  readonly card: Card;
  readonly payer: Payer;
  readonly amount: number;
  readonly currency: string;
  /** `approved`, a decline code of the issuer, or `blocked:` + Radar's reason. */
  readonly result: string;
  /** The charge's id, of a payment that is spoken of later; absent: made up. */
  readonly charge?: string;
  /** A subscription's own retry of this invoice, nobody in front of a screen. */
  readonly invoice?: string;
};

/** What others say of an earlier payment. */
export type Notice = {
  /** Seconds. */
  readonly at: number;
  readonly kind: 'refund' | 'dispute' | 'early_fraud_warning';
  readonly charge: string;
  readonly amount: number;
  readonly currency: string;
  /** Stripe's reason, or fraud type. */
  readonly reason: string;
};

export type Act = Try | Notice;

export type StripeEvent = Readonly<Record<string, unknown>> & { readonly id: string; readonly type: string };

/** The events of one try or notice, in the order Stripe makes them (it may deliver them in any). */
export function eventsOf(act: Act, random: Random): readonly StripeEvent[] {
  if (!('card' in act)) return noticeEvents(act, random);
  return act.kind === 'setup' ? [setupEvent(act, random)] : paymentEvents(act, random);
}

export function someCard(random: Random): Card {
  return {
    fingerprint: random.token(16),
    brand: random.pick(['visa', 'mastercard', 'amex']),
    last4: String(random.between(1000, 9999)),
    country: random.pick(['US', 'GB', 'DE', 'FR', 'CA']),
    funding: random.pick(['credit', 'debit']),
    paymentMethod: `pm_${random.token(24)}`,
  };
}

function paymentEvents(attempt: Try, random: Random): readonly StripeEvent[] {
  const charge = chargeObject(attempt, random);
  const request = { id: `req_${random.token(14)}`, idempotency_key: random.token(20) };
  const event = envelope({ at: attempt.at, request, random });
  if (attempt.result === 'approved') return [event('charge.succeeded', charge)];
  return [event('charge.failed', charge), event('payment_intent.payment_failed', intentObject(attempt, charge))];
}

type ChargeObject = Readonly<Record<string, unknown>> & { readonly id: string; readonly payment_intent: string };

function chargeObject(attempt: Try, random: Random): ChargeObject {
  const { card, payer, result } = attempt;
  const approved = result === 'approved';
  const code = declineCodeOf(result);
  return {
    id: attempt.charge ?? `ch_${random.token(24)}`,
    object: 'charge',
    amount: attempt.amount,
    amount_captured: approved ? attempt.amount : 0,
    billing_details: {
      email: payer.email,
      name: null,
      phone: null,
      address: { country: card.country, postal_code: null },
    },
    captured: approved,
    created: attempt.at,
    currency: attempt.currency,
    customer: payer.customer,
    description: attempt.invoice === undefined ? null : 'Subscription update',
    failure_code: approved ? null : 'card_declined',
    failure_message: approved ? null : 'Your card was declined.',
    livemode: false,
    metadata: metadataOf(attempt),
    outcome: outcomeObject(result),
    paid: approved,
    payment_intent: `pi_${random.token(24)}`,
    payment_method: card.paymentMethod,
    payment_method_details: { type: 'card', card: cardObject(card, code === 'incorrect_cvc' ? 'fail' : 'pass') },
    receipt_email: null,
    status: approved ? 'succeeded' : 'failed',
  };
}

function outcomeObject(result: string) {
  if (result === 'approved')
    return { type: 'authorized', network_status: 'approved_by_network', reason: null, risk_level: 'normal' };
  if (result.startsWith('blocked:'))
    return { type: 'blocked', network_status: 'not_sent_to_network', reason: result.slice(8), risk_level: 'highest' };
  return { type: 'issuer_declined', network_status: 'declined_by_network', reason: result, risk_level: 'normal' };
}

/** The intent hides Radar's blocks behind generic_decline. */
const declineCodeOf = (result: string): string => (result.startsWith('blocked:') ? 'generic_decline' : result);

function intentObject(attempt: Try, charge: ChargeObject) {
  return {
    id: charge.payment_intent,
    object: 'payment_intent',
    amount: attempt.amount,
    currency: attempt.currency,
    customer: attempt.payer.customer,
    description: null,
    last_payment_error: {
      charge: charge.id,
      code: 'card_declined',
      decline_code: declineCodeOf(attempt.result),
      message: 'Your card was declined.',
      payment_method: paymentMethodObject(attempt),
      type: 'card_error',
    },
    latest_charge: charge.id,
    livemode: false,
    metadata: metadataOf(attempt),
    ...(attempt.invoice === undefined ? {} : { payment_details: { order_reference: attempt.invoice } }),
    payment_method: null,
    receipt_email: null,
    status: 'requires_payment_method',
  };
}

/** Nobody is in front of a screen when a subscription is collected. */
const metadataOf = ({ invoice, payer }: Try) => (invoice === undefined ? { client_ip: payer.ip } : {});

function noticeEvents(notice: Notice, random: Random): readonly StripeEvent[] {
  const { at, kind, charge, amount, currency, reason } = notice;
  const event = envelope({ at, request: { id: null, idempotency_key: null }, random });
  const common = { charge, created: at, livemode: false };
  if (kind === 'early_fraud_warning') {
    const warning = { id: `issfr_${random.token(24)}`, object: 'radar.early_fraud_warning', actionable: true };
    return [event('radar.early_fraud_warning.created', { ...warning, ...common, fraud_type: reason })];
  }
  const money = { ...common, amount, currency, reason };
  if (kind === 'dispute') {
    const dispute = { id: `dp_${random.token(24)}`, object: 'dispute', status: 'needs_response' };
    return [event('charge.dispute.created', { ...dispute, ...money })];
  }
  // One refund is told twice: by the charge, which names no reason, and by the refund.
  const refund = { id: `re_${random.token(24)}`, object: 'refund', status: 'succeeded' };
  const refunded = { id: charge, object: 'charge', amount, amount_refunded: amount, currency, livemode: false };
  return [
    event('charge.refunded', { ...refunded, created: at, refunded: true }),
    event('refund.created', { ...refund, ...money }),
  ];
}

function setupEvent(attempt: Try, random: Random): StripeEvent {
  const failed = attempt.result !== 'approved';
  const event = envelope({ at: attempt.at, request: { id: `req_${random.token(14)}`, idempotency_key: null }, random });
  return event(failed ? 'setup_intent.setup_failed' : 'setup_intent.succeeded', {
    id: `seti_${random.token(24)}`,
    object: 'setup_intent',
    customer: attempt.payer.customer,
    last_setup_error: failed
      ? {
          code: 'card_declined',
          decline_code: declineCodeOf(attempt.result),
          message: 'Your card was declined.',
          payment_method: paymentMethodObject(attempt),
          type: 'card_error',
        }
      : null,
    latest_attempt: `setatt_${random.token(24)}`,
    livemode: false,
    metadata: metadataOf(attempt),
    payment_method: failed ? null : attempt.card.paymentMethod,
    status: failed ? 'requires_payment_method' : 'succeeded',
  });
}

function paymentMethodObject({ card, payer }: Try) {
  return {
    id: card.paymentMethod,
    object: 'payment_method',
    billing_details: { email: payer.email, name: null, phone: null },
    card: cardObject(card, 'pass'),
    type: 'card',
  };
}

function cardObject(card: Card, cvcCheck: string) {
  return {
    brand: card.brand,
    checks: { cvc_check: cvcCheck },
    country: card.country,
    fingerprint: card.fingerprint,
    funding: card.funding,
    last4: card.last4,
    wallet: null,
  };
}

function envelope({ at, request, random }: { at: number; request: object; random: Random }) {
  return (type: string, object: Readonly<Record<string, unknown>>): StripeEvent => ({
    id: `evt_${random.token(24)}`,
    object: 'event',
    api_version: API_VERSION,
    created: at,
    data: { object },
    livemode: false,
    pending_webhooks: 1,
    request,
    type,
  });
}
