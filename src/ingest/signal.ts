// The other fraud-related facts: early fraud warnings, disputes, reviews, refunds.
import type { SignalKind } from '../model/attempt.ts';
import { compact, idAt, type Json, textAt, wholeAt } from './json.ts';
import type { EventHead, Normalised, UnstampedSignal } from './normalised.ts';

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
  const id = textAt(object, 'id');
  const signal = kindOf(head.type);
  if (id === null || signal === undefined)
    return { kind: 'bad', reason: 'no_id', message: `${head.type} has an object without an id.` };
  const { type, apiVersion: _apiVersion, ...rest } = head;
  const ofCharge = type === 'charge.refunded';
  return {
    kind: 'signal',
    signal: {
      ...rest,
      ...compact<Pick<UnstampedSignal, 'amount' | 'currency'>>({
        amount: wholeAt(object, ofCharge ? 'amount_refunded' : 'amount'),
        currency: textAt(object, 'currency')?.toLowerCase(),
      }),
      record: 'signal',
      signal,
      id,
      charge: ofCharge ? id : idAt(object, 'charge'),
      reason: textAt(object, 'reason') ?? textAt(object, 'fraud_type') ?? '',
      time: head.created,
    },
  };
}
