// What charges, intents and setups have in common: the card, the e-mail, metadata, the decline's class, dunning hints.
import { classify } from '../attempts/codes.ts';
import type { AttemptFields, Outcome, Result } from '../model/attempt.ts';
import { publicAddress } from './ip.ts';
import { compact, type Json, objectAt, textAt } from './json.ts';
import type { NormaliseContext } from './normalised.ts';
import { withoutSecrets } from './redact.ts';

export function resultOf(outcome: Outcome, code: string, livemode: boolean): Result {
  return { outcome, code, class: classify({ outcome, code, livemode }) };
}

type MethodFields = Pick<AttemptFields, 'card' | 'brand' | 'last4' | 'funding' | 'country' | 'wallet' | 'method'>;

/**
 * Of `payment_method_details` or a payment method: `type` and the object under that name. The fingerprint of a bank
 * account is no card's; without one (Link, some wallets) no card counter is touched.
 */
export function methodFields(details: Json | null): MethodFields {
  const method = textAt(details, 'type');
  const own = method === null ? null : objectAt(details, method);
  const card = method === 'card' ? own : null;
  return compact<MethodFields>({
    method,
    card: textAt(card, 'fingerprint'),
    brand: textAt(card, 'brand'),
    last4: textAt(card, 'last4'),
    funding: textAt(card, 'funding'),
    country: textAt(own, 'country'),
    wallet: textAt(objectAt(card, 'wallet'), 'type'),
  });
}

/** A legacy `source` (2018 and before): a card itself, or a source with a `card` in it; else by its type. */
export function legacySourceFields(source: Json | null): MethodFields {
  const object = textAt(source, 'object');
  const card = object === 'card' ? source : objectAt(source, 'card');
  if (card === null) return compact<MethodFields>({ method: textAt(source, 'type') ?? bareObject(object) });
  return compact<MethodFields>({
    method: 'card',
    card: textAt(card, 'fingerprint'),
    brand: textAt(card, 'brand')?.toLowerCase(),
    last4: textAt(card, 'last4'),
    funding: textAt(card, 'funding'),
    country: textAt(card, 'country'),
    wallet: textAt(card, 'tokenization_method'),
  });
}

/** `bank_account`; `source` says nothing. */
const bareObject = (object: string | null): string | null => (object === 'source' ? null : object);

/** The first that is an address, trimmed and lower-cased. */
export function emailOf(...candidates: readonly (string | null)[]): string | null {
  for (const candidate of candidates) {
    const email = candidate?.trim().toLowerCase();
    if (email) return email;
  }
  return null;
}

export function metadataFields(object: Json, { metadata }: NormaliseContext): Pick<AttemptFields, 'ip' | 'metadata'> {
  const values = objectAt(object, 'metadata');
  const kept = metadata.keys.flatMap((key): [string, string][] => {
    const value = key === '__proto__' ? null : textAt(values, key);
    return value === null ? [] : [[key, withoutSecrets(value)]];
  });
  const address = metadata.ip === null ? null : textAt(values, metadata.ip);
  return compact<Pick<AttemptFields, 'ip' | 'metadata'>>({
    ip: address === null ? null : publicAddress(address),
    metadata: kept.length === 0 ? null : Object.fromEntries(kept),
  });
}

/** Does this view name an invoice, and is it a first subscription payment (design §4.1, dunning). */
export function invoiceHints(object: Json): { invoice: boolean; firstPayment: boolean } {
  const description = textAt(object, 'description') ?? '';
  const reference = textAt(objectAt(object, 'payment_details'), 'order_reference') ?? '';
  const named =
    textAt(object, 'invoice') !== null || objectAt(object, 'invoice') !== null || reference.startsWith('in_');
  return {
    invoice: named || description.startsWith('Subscription update') || description.startsWith('Payment for Invoice'),
    firstPayment: description.startsWith('Subscription creation'),
  };
}
