// The other fraud-related facts: early fraud warnings, disputes, reviews, refunds.
import type { SignalKind } from '../model/attempt.ts';
import { currencyOf } from './fields.ts';
import { idOf, type Json, textOf, wholeOf } from './json.ts';
import type { EventHead, Normalised } from './normalised.ts';

/** What ends in a dot begins the type, the rest is it. */
const TYPES: readonly (readonly [type: string, signal: SignalKind])[] = [
  ['radar.early_fraud_warning.', 'early_fraud_warning'],
  ['charge.dispute.', 'dispute'],
  ['review.', 'review'],
  ['charge.refunded', 'refund'],
  ['charge.refund.updated', 'refund'],
  ['refund.', 'refund'],
];

const kindOf = (type: string): SignalKind | undefined =>
  TYPES.find(([known]) => (known.endsWith('.') ? type.startsWith(known) : type === known))?.[1];

export function isSignalType(type: string): boolean {
  return kindOf(type) !== undefined;
}

export function signalView(head: EventHead, object: Json): Normalised {
  const id = textOf(object.id);
  const signal = kindOf(head.type);
  if (id === null || signal === undefined)
    return { kind: 'bad', reason: 'no_id', message: `${head.type} has an object without an id.` };
  const { type, event, created, account, livemode } = head;
  const ofCharge = type === 'charge.refunded';
  const amount = wholeOf(ofCharge ? object.amount_refunded : object.amount);
  const currency = currencyOf(object);
  return {
    kind: 'signal',
    signal: {
      record: 'signal',
      event,
      created,
      account,
      livemode,
      ...(amount === null ? {} : { amount }),
      ...(currency === null ? {} : { currency }),
      signal,
      id,
      charge: ofCharge ? id : idOf(object.charge),
      reason: textOf(object.reason) ?? textOf(object.fraud_type) ?? '',
      time: created,
    },
  };
}
