// A view of the log as the packed attempt that it makes, without an object or a text in between: most are new attempts, and
// are held just so. What is not plain (wire-scan.ts), and all that is no view, is decoded as an object.
import { SOURCES } from '../attempts/wire-fields.ts';
import { createScan, type Scan, SPARE, scanRecord } from '../attempts/wire-scan.ts';
import type { Lane } from '../model/attempt.ts';
import { TOPICS } from '../model/topics.ts';
import { BITS, LONGEST_PREFIX } from './attempt-pack.ts';
import { type AttemptTable, hashOfId, scopeNumber } from './attempt-table.ts';
import { type Cursor, type Dictionary, room, writeNumber, writeRun, writeRunAsWord } from './bytes.ts';
import type { Packed } from './packed-attempts.ts';

/** An attempt of one view, packed; good until its bytes are written anew. */
export type PackedView = Packed & {
  readonly record: 'packed';
  readonly lane: Lane;
  readonly receivedAt: number;
};

/** The places of a view's values (src/attempts/wire.ts). */
const SCHEMA = 0;
const RECORD = 1;
const RECEIVED_AT = 2;
const LANE = 3;
const LIVEMODE = 4;
const SETUP = 5;
const INVOICE = 6;
const ACCOUNT = 7;
const ATTEMPT = 8;
const SOURCE = 9;
const CREATED = 10;
const API_VERSION = 11;
const EVENT = 12;
const AGE = 13;
const OUTCOME = 14;
const CLASS = 16;
const AMOUNT = 17;
const CURRENCY = 18;
const CARD = 19;
const BRAND = 20;
const LAST4 = 21;
const FUNDING = 22;
const COUNTRY = 23;
const CUSTOMER = 24;
const EMAIL = 25;
const IP = 26;
const METHOD = 27;
const INTENT = 28;
const WALLET = 29;
const METADATA = 30;
const END = 31;

/** A bit for each place: what must be a number or a text, and what may be. */
const bitsOf = (...places: number[]): number => places.reduce((bits, place) => bits | (1 << place), 0);
const NUMBERS = bitsOf(SCHEMA, RECORD, RECEIVED_AT, LANE, LIVEMODE, SETUP, INVOICE, SOURCE, CREATED, AGE);
const TEXTS = bitsOf(ATTEMPT, API_VERSION, EVENT);
const NO_NUMBERS = ~(NUMBERS | bitsOf(AMOUNT));
const NO_TEXTS = NUMBERS | bitsOf(AMOUNT, METADATA);
const NO_OBJECTS = ~bitsOf(METADATA);

const KNOWN_SCHEMA = TOPICS.attempts.schema;
const VIEW = 0;
const AN_INTENT = 1;
const UNDERSCORE = 0x5f;

const scan = createScan();

/** Of the record that takes so many of the bytes; null: it must be decoded. */
export function packView(table: AttemptTable, to: Cursor, bytes: Buffer, length: number): PackedView | null {
  if (!scanRecord(scan, bytes, length) || !isPlainView(scan)) return null;
  const { numbers, areTexts, starts, ends } = scan;
  const created = numbers[CREATED] as number;
  const time = created + (numbers[AGE] as number);
  const receivedAt = numbers[RECEIVED_AT] as number;
  const invoice = numbers[INVOICE] as number;
  const mask = maskOf(scan);
  const start = to.at;
  writeRun(to, scan, ATTEMPT);
  room(to, 2);
  to.bytes[to.at] = (numbers[SETUP] === 1 ? 1 : 0) + ((invoice & 1) << 1) + ((invoice & 2) << 1);
  to.bytes[to.at + 1] = mask === 0 ? 0 : 1;
  to.at += 2;
  writeNumber(to, receivedAt - time * 1_000);
  if (mask !== 0) writeLayer(to, table.dictionary, scan, mask);
  const isOwn = (areTexts & (1 << ACCOUNT)) === 0;
  const account = isOwn ? null : bytes.toString('latin1', starts[ACCOUNT], ends[ACCOUNT]);
  const scope = scopeNumber(table, { account, livemode: numbers[LIVEMODE] === 1 });
  const lane = numbers[LANE] === 0 ? 'live' : 'history';
  const hash = hashOfId({ bytes: to.bytes, at: start }, scope);
  return { record: 'packed', lane, receivedAt, time, scope, hash, bytes: to.bytes, start, end: to.at };
}

/** Whether each value is of the kind that it has in a view, and what must not be empty is not. */
function isPlainView({ areNumbers, areTexts, areObjects, starts, ends, numbers, count }: Scan): boolean {
  return (
    (areNumbers & NUMBERS) === NUMBERS &&
    (areTexts & TEXTS) === TEXTS &&
    (areNumbers & NO_NUMBERS) === 0 &&
    (areTexts & NO_TEXTS) === 0 &&
    (areObjects & NO_OBJECTS) === 0 &&
    (count <= END || areObjects !== 0) &&
    numbers[SCHEMA] === KNOWN_SCHEMA &&
    numbers[RECORD] === VIEW &&
    starts[ATTEMPT] !== ends[ATTEMPT] &&
    ((areTexts & (1 << ACCOUNT)) === 0 || starts[ACCOUNT] !== ends[ACCOUNT])
  );
}

/** As attempt-pack.ts has it. Most of its bits lie as those of the places do. */
function maskOf({ areNumbers, areTexts, areObjects }: Scan): number {
  return (
    (((areTexts >> OUTCOME) & 1) * BITS.result) |
    (((areNumbers >> AMOUNT) & 1) * BITS.amount) |
    (((areTexts >> CURRENCY) & 63) * BITS.currency) |
    (((areTexts >> WALLET) & 1) * BITS.wallet) |
    (((areTexts >> CUSTOMER) & 31) * BITS.customer) |
    (((areObjects >> METADATA) & 1) * BITS.metadata)
  );
}

function writeLayer(to: Cursor, dictionary: Dictionary, from: Scan, mask: number): void {
  const { numbers } = from;
  const source = numbers[SOURCE] as number;
  room(to, 1);
  to.bytes[to.at++] = source >= 0 && source < SOURCES.length ? source : AN_INTENT;
  // Its time is its age after it was created.
  writeNumber(to, -(numbers[AGE] as number));
  writeRunAsWord(to, dictionary, from, API_VERSION);
  writeAlikeRun(to, dictionary, from);
  room(to, 2);
  to.bytes[to.at] = mask & 255;
  to.bytes[to.at + 1] = mask >> 8;
  to.at += 2;
  if ((mask & BITS.result) !== 0) writeResult(to, dictionary, from);
  if ((mask & BITS.amount) !== 0) writeNumber(to, numbers[AMOUNT] as number);
  if ((mask & BITS.currency) !== 0) writeRunAsWord(to, dictionary, from, CURRENCY);
  if ((mask & BITS.card) !== 0) writeRun(to, from, CARD);
  if ((mask & BITS.brand) !== 0) writeRunAsWord(to, dictionary, from, BRAND);
  if ((mask & BITS.last4) !== 0) writeRunAsWord(to, dictionary, from, LAST4);
  if ((mask & BITS.funding) !== 0) writeRunAsWord(to, dictionary, from, FUNDING);
  if ((mask & BITS.country) !== 0) writeRunAsWord(to, dictionary, from, COUNTRY);
  if ((mask & BITS.wallet) !== 0) writeRunAsWord(to, dictionary, from, WALLET);
  if ((mask & BITS.customer) !== 0) writeRun(to, from, CUSTOMER);
  if ((mask & BITS.email) !== 0) writeRun(to, from, EMAIL);
  if ((mask & BITS.ip) !== 0) writeRun(to, from, IP);
  if ((mask & BITS.method) !== 0) writeRunAsWord(to, dictionary, from, METHOD);
  if ((mask & BITS.intent) !== 0) writeRun(to, from, INTENT);
  if ((mask & BITS.metadata) !== 0) writeMetadata(to, dictionary, from);
}

/** A code or a class that is absent is ''. */
function writeResult(to: Cursor, dictionary: Dictionary, from: Scan): void {
  const { areTexts, starts, ends } = from;
  for (let place = OUTCOME; place <= CLASS; place++) {
    if ((areTexts & (1 << place)) === 0) ends[place] = starts[place] as number;
    writeRunAsWord(to, dictionary, from, place);
  }
}

function writeMetadata(to: Cursor, dictionary: Dictionary, from: Scan): void {
  writeNumber(to, (from.count - END) / 2);
  for (let i = END; i < from.count; i += 2) {
    writeRunAsWord(to, dictionary, from, i);
    writeRun(to, from, i + 1);
  }
}

/** As packAttempt writes the event's id: what it shares with the attempt's is not written again. */
function writeAlikeRun(to: Cursor, dictionary: Dictionary, from: Scan): void {
  const { bytes, starts, ends } = from;
  const [start, end] = [starts[EVENT] as number, ends[EVENT] as number];
  const at = start + prefixOf(from, EVENT);
  const alike = (starts[ATTEMPT] as number) + prefixOf(from, ATTEMPT);
  const most = Math.min(end - at, (ends[ATTEMPT] as number) - alike);
  let shared = 0;
  while (shared < most && bytes[at + shared] === bytes[alike + shared]) shared++;
  starts[SPARE] = start;
  ends[SPARE] = at;
  writeRunAsWord(to, dictionary, from, SPARE);
  room(to, 1);
  to.bytes[to.at++] = shared;
  starts[SPARE] = at + shared;
  ends[SPARE] = end;
  writeRun(to, from, SPARE);
}

/** As in attempt-pack.ts: the length of what stands before the id itself. */
function prefixOf({ bytes, starts, ends }: Scan, index: number): number {
  const start = starts[index] as number;
  const end = Math.min(ends[index] as number, start + LONGEST_PREFIX);
  for (let at = start; at < end; at++) if (bytes[at] === UNDERSCORE) return at + 1 - start;
  return 0;
}
