// What charges, intents and setups have in common: the card, the e-mail, metadata, the decline's class, dunning hints.
import { classify } from '../attempts/codes.ts';
import type { Outcome, Result } from '../model/attempt.ts';
import { publicAddress } from './ip.ts';
import { type Json, objectOf, ownAt, textOf } from './json.ts';
import type { NormaliseContext } from './normalised.ts';
import { withoutSecrets } from './redact.ts';

export function resultOf(outcome: Outcome, code: string, livemode: boolean): Result {
  return { outcome, code, class: classify({ outcome, code, livemode }) };
}

type MethodName = 'card' | 'brand' | 'last4' | 'funding' | 'country' | 'wallet' | 'method';
/** Null: it does not say. */
export type MethodFields = { readonly [K in MethodName]: string | null };

/**
 * Of `payment_method_details` or a payment method: `type` and the object under that name. The fingerprint of a bank
 * account is no card's; without one (Link, some wallets) no card counter is touched.
 */
export function methodFields(details: Json | null): MethodFields {
  const method = textOf(details?.type);
  const own = method === null ? null : objectOf(ownAt(details, method));
  const card = method === 'card' ? own : null;
  return {
    method,
    card: textOf(card?.fingerprint),
    brand: textOf(card?.brand),
    last4: textOf(card?.last4),
    funding: textOf(card?.funding),
    country: textOf(own?.country),
    wallet: textOf(objectOf(card?.wallet)?.type),
  };
}

/** A legacy `source` (2018 and before): a card itself, or a source with a `card` in it; else by its type. */
export function legacySourceFields(source: Json | null): MethodFields {
  const object = textOf(source?.object);
  const card = object === 'card' ? source : objectOf(source?.card);
  return {
    method: card === null ? (textOf(source?.type) ?? bareObject(object)) : 'card',
    card: textOf(card?.fingerprint),
    brand: textOf(card?.brand)?.toLowerCase() ?? null,
    last4: textOf(card?.last4),
    funding: textOf(card?.funding),
    country: textOf(card?.country),
    wallet: textOf(card?.tokenization_method),
  };
}

/** `bank_account`; `source` says nothing. */
const bareObject = (object: string | null): string | null => (object === 'source' ? null : object);

/** In lower case. */
export function currencyOf(object: Json): string | null {
  return textOf(object.currency)?.toLowerCase() ?? null;
}

/** The first that is an address, trimmed and lower-cased. */
export function emailOf(first: string | null, second: string | null = null): string | null {
  const email = first?.trim().toLowerCase();
  if (email) return email;
  return second === null ? null : emailOf(second);
}

export function metadataFields(
  object: Json,
  { metadata }: NormaliseContext,
): { readonly ip: string | null; readonly metadata: Readonly<Record<string, string>> | null } {
  const values = objectOf(object.metadata);
  const kept: [string, string][] = [];
  for (const key of metadata.keys) {
    const value = key === '__proto__' ? null : textOf(ownAt(values, key));
    if (value !== null) kept.push([key, withoutSecrets(value)]);
  }
  const address = metadata.ip === null ? null : textOf(ownAt(values, metadata.ip));
  return {
    ip: address === null ? null : publicAddress(address),
    metadata: kept.length === 0 ? null : Object.fromEntries(kept),
  };
}

/** Does this view name an invoice, and is it a first subscription payment (design §4.1, dunning). */
export function invoiceHints(object: Json): { invoice: boolean; firstPayment: boolean } {
  const description = textOf(object.description);
  const named =
    textOf(object.invoice) !== null ||
    objectOf(object.invoice) !== null ||
    textOf(objectOf(object.payment_details)?.order_reference)?.startsWith('in_') === true;
  return {
    invoice: named || (description !== null && OF_AN_INVOICE.test(description)),
    firstPayment: description?.startsWith('Subscription creation') === true,
  };
}

/** What Stripe itself writes as the description. */
const OF_AN_INVOICE = /^(?:Subscription update|Payment for Invoice)/;
