// The fields of an attempt as values in fixed order: in records of the log and in rows of the window store.
import type { AttemptFields, Result } from '../model/attempt.ts';

/** By number on the wire. */
export const SOURCES = ['charge', 'intent', 'setup'] as const;

/** The order of the fields on the wire. Append only: a record of an older program ends earlier. */
const FIELDS = [
  'amount',
  'currency',
  'card',
  'brand',
  'last4',
  'funding',
  'country',
  'customer',
  'email',
  'ip',
  'method',
  'intent',
  'wallet',
  'metadata',
] as const satisfies readonly Exclude<keyof AttemptFields, 'result'>[];

export function packFields(fields: AttemptFields): readonly unknown[] {
  const { result } = fields;
  const packed: unknown[] = [result?.outcome, result?.code, result?.class];
  for (const name of FIELDS) packed.push(fields[name]);
  return packed;
}

/** Field by field, by name: a loop over names costs several times as much. */
export function unpackFields(tuple: readonly unknown[], at: number): AttemptFields {
  const fields: { -readonly [K in keyof AttemptFields]: AttemptFields[K] } = new Fields();
  const { length } = tuple;
  const outcome = tuple[at];
  if (outcome != null) fields.result = { outcome, code: tuple[at + 1] ?? '', class: tuple[at + 2] ?? '' } as Result;
  const amount = length > at + 3 ? (tuple[at + 3] as AttemptFields['amount'] | null) : null;
  if (amount != null) fields.amount = amount;
  const currency = length > at + 4 ? (tuple[at + 4] as AttemptFields['currency'] | null) : null;
  if (currency != null) fields.currency = currency;
  const card = length > at + 5 ? (tuple[at + 5] as AttemptFields['card'] | null) : null;
  if (card != null) fields.card = card;
  const brand = length > at + 6 ? (tuple[at + 6] as AttemptFields['brand'] | null) : null;
  if (brand != null) fields.brand = brand;
  const last4 = length > at + 7 ? (tuple[at + 7] as AttemptFields['last4'] | null) : null;
  if (last4 != null) fields.last4 = last4;
  const funding = length > at + 8 ? (tuple[at + 8] as AttemptFields['funding'] | null) : null;
  if (funding != null) fields.funding = funding;
  const country = length > at + 9 ? (tuple[at + 9] as AttemptFields['country'] | null) : null;
  if (country != null) fields.country = country;
  const customer = length > at + 10 ? (tuple[at + 10] as AttemptFields['customer'] | null) : null;
  if (customer != null) fields.customer = customer;
  const email = length > at + 11 ? (tuple[at + 11] as AttemptFields['email'] | null) : null;
  if (email != null) fields.email = email;
  const ip = length > at + 12 ? (tuple[at + 12] as AttemptFields['ip'] | null) : null;
  if (ip != null) fields.ip = ip;
  const method = length > at + 13 ? (tuple[at + 13] as AttemptFields['method'] | null) : null;
  if (method != null) fields.method = method;
  const intent = length > at + 14 ? (tuple[at + 14] as AttemptFields['intent'] | null) : null;
  if (intent != null) fields.intent = intent;
  const wallet = length > at + 15 ? (tuple[at + 15] as AttemptFields['wallet'] | null) : null;
  if (wallet != null) fields.wallet = wallet;
  const metadata = length > at + 16 ? (tuple[at + 16] as AttemptFields['metadata'] | null) : null;
  if (metadata != null) fields.metadata = metadata;
  return fields;
}

/** An object of its own kind has room for its fields from the start. */
class Fields {}
