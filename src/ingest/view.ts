// A view of an attempt, put together from its event and from what was read off the charge, intent or setup.
import type { AttemptFields, Result } from '../model/attempt.ts';
import { invoiceHints, type MethodFields, metadataFields } from './fields.ts';
import type { Json } from './json.ts';
import type { EventHead, NormaliseContext, Normalised, UnstampedView } from './normalised.ts';

/** What each kind of object says in its own way. Null: it does not say. */
type Told = Pick<UnstampedView, 'source' | 'attempt' | 'kind' | 'time'> & {
  readonly object: Json;
  readonly method: MethodFields;
  readonly result: Result;
  readonly amount?: number | null;
  readonly currency?: string | null;
  readonly customer: string | null;
  readonly email: string | null;
  readonly intent: string | null;
};

export function viewOf(head: EventHead, context: NormaliseContext, told: Told): Normalised {
  const { event, created, apiVersion, account, livemode } = head;
  const { object, source, attempt, kind, time } = told;
  const { invoice, firstPayment } = invoiceHints(object);
  const fields = fieldsOf(told, metadataFields(object, context));
  return {
    kind: 'view',
    view: {
      record: 'view',
      event,
      created,
      apiVersion,
      account,
      livemode,
      source,
      attempt,
      kind,
      time,
      invoice,
      firstPayment,
      fields,
    },
  };
}

/** What is not said stays absent. Field by field, by name: a loop over names costs several times as much. */
function fieldsOf(told: Told, { ip, metadata }: ReturnType<typeof metadataFields>): AttemptFields {
  const fields: { -readonly [K in keyof AttemptFields]: AttemptFields[K] } = {};
  const { result, amount, currency, customer, email, intent } = told;
  const { method, card, brand, last4, funding, country, wallet } = told.method;
  fields.result = result;
  if (amount != null) fields.amount = amount;
  if (currency != null) fields.currency = currency;
  if (card !== null) fields.card = card;
  if (brand !== null) fields.brand = brand;
  if (last4 !== null) fields.last4 = last4;
  if (funding !== null) fields.funding = funding;
  if (country !== null) fields.country = country;
  if (wallet !== null) fields.wallet = wallet;
  if (customer !== null) fields.customer = customer;
  if (email !== null) fields.email = email;
  if (ip !== null) fields.ip = ip;
  if (method !== null) fields.method = method;
  if (intent !== null) fields.intent = intent;
  if (metadata !== null) fields.metadata = metadata;
  return fields;
}
