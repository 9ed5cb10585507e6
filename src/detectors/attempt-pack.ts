// Merged attempts as bytes: about 130 instead of 900 as objects, out of the garbage collector's sight. Words that repeat
// (codes, brands, countries) are numbers of a dictionary; other texts are one byte a character where that is possible.
import type { MergedAttempt } from '../attempts/merge.ts';
import type { AttemptFields, Outcome, Result, ViewRank } from '../model/attempt.ts';
import type { Scope } from '../model/scope.ts';
import {
  type Cursor,
  type Dictionary,
  readNumber,
  readText,
  readWord,
  room,
  skipNumber,
  skipText,
  skipWord,
  writeNumber,
  writeText,
  writeWord,
} from './bytes.ts';

const SOURCES = ['charge', 'intent', 'setup'] as const;

/** Bits that say which fields there are. */
export const BITS = {
  result: 1,
  amount: 2,
  currency: 4,
  card: 8,
  brand: 16,
  last4: 32,
  funding: 64,
  country: 128,
  wallet: 256,
  customer: 512,
  email: 1_024,
  ip: 2_048,
  method: 4_096,
  intent: 8_192,
  metadata: 16_384,
} as const satisfies Readonly<Record<keyof AttemptFields, number>>;

/** Writes an attempt, but not its time, which the table has. */
export function packAttempt(to: Cursor, dictionary: Dictionary, merged: MergedAttempt): void {
  const { id, kind, time, receivedAt, invoice, firstPayment, layers } = merged;
  writeText(to, id);
  room(to, 2);
  to.bytes[to.at] = (kind === 'setup' ? 1 : 0) + (invoice ? 2 : 0) + (firstPayment ? 4 : 0);
  to.bytes[to.at + 1] = layers.length;
  to.at += 2;
  writeNumber(to, receivedAt - time * 1_000);
  for (const { rank, fields } of layers) {
    room(to, 1);
    to.bytes[to.at++] = SOURCES.indexOf(rank.source);
    writeNumber(to, rank.created - time);
    writeWord(to, dictionary, rank.apiVersion);
    writeAlike(to, dictionary, rank.event, id);
    writeFields(to, dictionary, fields);
  }
}

/** What the table knows of it: scope, and time in seconds. `isNameless`: its own id and its events' are not needed, and are ''. */
export type Known = { readonly scope: Scope; readonly time: number; readonly isNameless?: boolean };

export function unpackAttempt(
  from: Cursor,
  dictionary: Dictionary,
  { scope, time, isNameless = false }: Known,
): MergedAttempt {
  if (isNameless) skipText(from);
  const id = isNameless ? null : readText(from);
  const flags = from.bytes[from.at] ?? 0;
  const count = from.bytes[from.at + 1] ?? 0;
  from.at += 2;
  const receivedAt = readNumber(from) + time * 1_000;
  const layers: { rank: ViewRank; fields: AttemptFields }[] = [];
  for (let i = 0; i < count; i++)
    layers.push({ rank: readRank(from, dictionary, { time, id }), fields: readFields(from, dictionary) });
  return {
    id: id ?? '',
    account: scope.account,
    livemode: scope.livemode,
    kind: (flags & 1) !== 0 ? 'setup' : 'payment',
    time,
    invoice: (flags & 2) !== 0,
    firstPayment: (flags & 4) !== 0,
    receivedAt,
    layers,
  };
}

/** The id of the event that was seen last of a packed attempt; null: none is kept, for no view of it says anything. */
export function unpackEvent(from: Cursor, dictionary: Dictionary): string | null {
  const id = readText(from);
  const count = from.bytes[from.at + 1] ?? 0;
  from.at += 2;
  skipNumber(from);
  return count === 0 ? null : readRank(from, dictionary, { time: 0, id }).event;
}

/** The outcome alone, without making anything else of the bytes: that of the greatest layer that has one. */
export function unpackOutcome(from: Cursor, dictionary: Dictionary): Outcome | null {
  skipText(from);
  const count = from.bytes[from.at + 1] ?? 0;
  from.at += 2;
  skipNumber(from);
  for (let i = 0; i < count; i++) {
    skipRank(from);
    if (((from.bytes[from.at] ?? 0) & BITS.result) === 0) readFields(from, dictionary);
    else {
      from.at += 2;
      return readWord(from, dictionary) as Outcome;
    }
  }
  return null;
}

/** To the fields of a layer. */
export function skipRank(from: Cursor): void {
  from.at += 1;
  skipNumber(from);
  skipWord(from);
  skipAlike(from);
}

function readRank(
  from: Cursor,
  dictionary: Dictionary,
  { time, id }: { readonly time: number; readonly id: string | null },
): ViewRank {
  const source = SOURCES[from.bytes[from.at++] ?? 0] ?? 'intent';
  const created = readNumber(from) + time;
  return { source, created, apiVersion: readWord(from, dictionary), event: readAlike(from, dictionary, id) };
}

/** Characters of a prefix, and of a beginning that two ids share. */
export const LONGEST_PREFIX = 8;
const MOST_SHARED = 255;

/** Ids that Stripe gives at one time begin alike behind their prefixes (`ch_3Mm…`, `evt_3Mm…`): what is shared is not kept twice. */
function writeAlike(to: Cursor, dictionary: Dictionary, text: string, id: string): void {
  const at = prefixOf(text);
  const from = prefixOf(id);
  const most = Math.min(text.length - at, id.length - from, MOST_SHARED);
  let shared = 0;
  while (shared < most && text.charCodeAt(at + shared) === id.charCodeAt(from + shared)) shared++;
  writeWord(to, dictionary, text.slice(0, at));
  room(to, 1);
  to.bytes[to.at++] = shared;
  writeText(to, text.slice(at + shared));
}

/** Of no id: ''. */
function readAlike(from: Cursor, dictionary: Dictionary, id: string | null): string {
  if (id === null) {
    skipAlike(from);
    return '';
  }
  const prefix = readWord(from, dictionary);
  const shared = from.bytes[from.at++] ?? 0;
  const at = prefixOf(id);
  return prefix + id.slice(at, at + shared) + readText(from);
}

function skipAlike(from: Cursor): void {
  skipWord(from);
  from.at += 1;
  skipText(from);
}

/** Length of what stands before the id itself, its `_` included. */
function prefixOf(text: string): number {
  const length = text.indexOf('_') + 1;
  return length <= LONGEST_PREFIX ? length : 0;
}

/** Field by field, by name: a loop over names costs several times as much. */
function writeFields(to: Cursor, dictionary: Dictionary, fields: AttemptFields): void {
  const { result, amount, currency, card, brand, last4, funding, country } = fields;
  const { wallet, customer, email, ip, method, intent, metadata } = fields;
  const mask = maskOf(fields);
  room(to, 2);
  to.bytes[to.at] = mask & 255;
  to.bytes[to.at + 1] = mask >> 8;
  to.at += 2;
  if (result !== undefined) writeResult(to, dictionary, result);
  if (amount !== undefined) writeNumber(to, amount);
  if (currency !== undefined) writeWord(to, dictionary, currency);
  if (card !== undefined) writeText(to, card);
  if (brand !== undefined) writeWord(to, dictionary, brand);
  if (last4 !== undefined) writeWord(to, dictionary, last4);
  if (funding !== undefined) writeWord(to, dictionary, funding);
  if (country !== undefined) writeWord(to, dictionary, country);
  if (wallet !== undefined) writeWord(to, dictionary, wallet);
  if (customer !== undefined) writeText(to, customer);
  if (email !== undefined) writeText(to, email);
  if (ip !== undefined) writeText(to, ip);
  if (method !== undefined) writeWord(to, dictionary, method);
  if (intent !== undefined) writeText(to, intent);
  if (metadata !== undefined) writeMetadata(to, dictionary, metadata);
}

function maskOf(fields: AttemptFields): number {
  return (
    (fields.result === undefined ? 0 : BITS.result) |
    (fields.amount === undefined ? 0 : BITS.amount) |
    (fields.currency === undefined ? 0 : BITS.currency) |
    (fields.card === undefined ? 0 : BITS.card) |
    (fields.brand === undefined ? 0 : BITS.brand) |
    (fields.last4 === undefined ? 0 : BITS.last4) |
    (fields.funding === undefined ? 0 : BITS.funding) |
    (fields.country === undefined ? 0 : BITS.country) |
    (fields.wallet === undefined ? 0 : BITS.wallet) |
    (fields.customer === undefined ? 0 : BITS.customer) |
    (fields.email === undefined ? 0 : BITS.email) |
    (fields.ip === undefined ? 0 : BITS.ip) |
    (fields.method === undefined ? 0 : BITS.method) |
    (fields.intent === undefined ? 0 : BITS.intent) |
    (fields.metadata === undefined ? 0 : BITS.metadata)
  );
}

function readFields(from: Cursor, dictionary: Dictionary): AttemptFields {
  const mask = (from.bytes[from.at] ?? 0) | ((from.bytes[from.at + 1] ?? 0) << 8);
  from.at += 2;
  const fields: { -readonly [K in keyof AttemptFields]: AttemptFields[K] } = {};
  if ((mask & BITS.result) !== 0) fields.result = readResult(from, dictionary);
  if ((mask & BITS.amount) !== 0) fields.amount = readNumber(from);
  if ((mask & BITS.currency) !== 0) fields.currency = readWord(from, dictionary);
  if ((mask & BITS.card) !== 0) fields.card = readText(from);
  if ((mask & BITS.brand) !== 0) fields.brand = readWord(from, dictionary);
  if ((mask & BITS.last4) !== 0) fields.last4 = readWord(from, dictionary);
  if ((mask & BITS.funding) !== 0) fields.funding = readWord(from, dictionary);
  if ((mask & BITS.country) !== 0) fields.country = readWord(from, dictionary);
  if ((mask & BITS.wallet) !== 0) fields.wallet = readWord(from, dictionary);
  if ((mask & BITS.customer) !== 0) fields.customer = readText(from);
  if ((mask & BITS.email) !== 0) fields.email = readText(from);
  if ((mask & BITS.ip) !== 0) fields.ip = readText(from);
  if ((mask & BITS.method) !== 0) fields.method = readWord(from, dictionary);
  if ((mask & BITS.intent) !== 0) fields.intent = readText(from);
  if ((mask & BITS.metadata) !== 0) fields.metadata = readMetadata(from, dictionary);
  return fields;
}

function writeResult(to: Cursor, dictionary: Dictionary, { outcome, code, class: codeClass }: Result): void {
  writeWord(to, dictionary, outcome);
  writeWord(to, dictionary, code);
  writeWord(to, dictionary, codeClass);
}

function readResult(from: Cursor, dictionary: Dictionary): Result {
  const outcome = readWord(from, dictionary) as Result['outcome'];
  return { outcome, code: readWord(from, dictionary), class: readWord(from, dictionary) as Result['class'] };
}

function writeMetadata(to: Cursor, dictionary: Dictionary, metadata: Readonly<Record<string, string>>): void {
  const entries = Object.entries(metadata);
  writeNumber(to, entries.length);
  for (const [name, value] of entries) {
    writeWord(to, dictionary, name);
    writeText(to, value);
  }
}

function readMetadata(from: Cursor, dictionary: Dictionary): Record<string, string> {
  const entries: [string, string][] = [];
  for (let left = readNumber(from); left > 0; left--) entries.push([readWord(from, dictionary), readText(from)]);
  return Object.fromEntries(entries);
}
