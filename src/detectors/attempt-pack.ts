// Merged attempts as bytes: about 170 instead of 900 as objects, out of the garbage collector's sight. Words that repeat
// (codes, brands, countries) are numbers of a dictionary; other texts are one byte a character where that is possible.
import type { MergedAttempt } from '../attempts/merge.ts';
import type { AttemptFields, Result, ViewRank } from '../model/attempt.ts';

/** Where bytes are written or read; `at` moves on. */
export type Cursor = { bytes: Buffer; at: number };

export type Dictionary = { readonly words: string[]; readonly numbers: Map<string, number> };

/** Beyond them a word is written out: what comes from outside cannot fill the memory. */
const MAX_WORDS = 60_000;
const MAX_WORD_CHARACTERS = 64;
const NOT_A_WORD = 0xffff;
const WIDE = 255;

const SOURCES = ['charge', 'intent', 'setup'] as const;

type Codec = 'result' | 'number' | 'word' | 'text' | 'metadata';

/** Every field there is: a new one does not compile until it is here. */
const CODECS = {
  result: 'result',
  amount: 'number',
  currency: 'word',
  card: 'text',
  brand: 'word',
  last4: 'word',
  funding: 'word',
  country: 'word',
  wallet: 'word',
  customer: 'text',
  email: 'text',
  ip: 'text',
  method: 'word',
  intent: 'text',
  metadata: 'metadata',
} as const satisfies Readonly<Record<keyof AttemptFields, Codec>>;

const FIELDS = Object.entries(CODECS) as [keyof AttemptFields, Codec][];

export function createDictionary(): Dictionary {
  return { words: [], numbers: new Map() };
}

/** Writes an attempt; its id comes first, so that it can be compared in place. */
export function packAttempt(to: Cursor, dictionary: Dictionary, merged: MergedAttempt): void {
  const { id, kind, time, receivedAt, invoice, firstPayment, layers } = merged;
  writeText(to, id);
  room(to, 18);
  const { bytes } = to;
  bytes[to.at] = (kind === 'setup' ? 1 : 0) + (invoice ? 2 : 0) + (firstPayment ? 4 : 0);
  bytes.writeDoubleLE(time, to.at + 1);
  bytes.writeDoubleLE(receivedAt, to.at + 9);
  bytes[to.at + 17] = layers.length;
  to.at += 18;
  for (const { rank, fields } of layers) {
    writeRank(to, dictionary, rank);
    writeFields(to, dictionary, fields);
  }
}

/** Scope is the caller's to know. */
export function unpackAttempt(
  from: Cursor,
  dictionary: Dictionary,
  { account, livemode }: { readonly account: string | null; readonly livemode: boolean },
): MergedAttempt {
  const id = readText(from);
  const { bytes } = from;
  const flags = bytes[from.at] ?? 0;
  const time = bytes.readDoubleLE(from.at + 1);
  const receivedAt = bytes.readDoubleLE(from.at + 9);
  const count = bytes[from.at + 17] ?? 0;
  from.at += 18;
  const layers: { rank: ViewRank; fields: AttemptFields }[] = [];
  for (let i = 0; i < count; i++)
    layers.push({ rank: readRank(from, dictionary), fields: readFields(from, dictionary) });
  return {
    id,
    account,
    livemode,
    kind: (flags & 1) !== 0 ? 'setup' : 'payment',
    time,
    invoice: (flags & 2) !== 0,
    firstPayment: (flags & 4) !== 0,
    receivedAt,
    layers,
  };
}

/** Whether the text at a cursor is that one; the cursor stays. */
export function isTextAt({ bytes, at }: Cursor, text: string): boolean {
  const length = bytes[at];
  if (length === WIDE) return readText({ bytes, at }) === text;
  if (length !== text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[at + 1 + i] !== text.charCodeAt(i)) return false;
  return true;
}

function writeRank(to: Cursor, dictionary: Dictionary, { source, created, apiVersion, event }: ViewRank): void {
  room(to, 9);
  to.bytes[to.at] = SOURCES.indexOf(source);
  to.bytes.writeDoubleLE(created, to.at + 1);
  to.at += 9;
  writeWord(to, dictionary, apiVersion);
  writeText(to, event);
}

function readRank(from: Cursor, dictionary: Dictionary): ViewRank {
  const source = SOURCES[from.bytes[from.at] ?? 0] ?? 'intent';
  const created = from.bytes.readDoubleLE(from.at + 1);
  from.at += 9;
  return { source, created, apiVersion: readWord(from, dictionary), event: readText(from) };
}

function writeFields(to: Cursor, dictionary: Dictionary, fields: AttemptFields): void {
  room(to, 2);
  const maskAt = to.at;
  to.at += 2;
  let mask = 0;
  for (let i = 0; i < FIELDS.length; i++) {
    const [name, codec] = FIELDS[i] ?? [];
    const value = name === undefined ? undefined : fields[name];
    if (value === undefined) continue;
    mask |= 1 << i;
    if (codec === 'text') writeText(to, value as string);
    else if (codec === 'word') writeWord(to, dictionary, value as string);
    else if (codec === 'number') writeNumber(to, value as number);
    else if (codec === 'result') writeResult(to, dictionary, value as Result);
    else writeMetadata(to, dictionary, value as Readonly<Record<string, string>>);
  }
  to.bytes.writeUInt16LE(mask, maskAt);
}

function readFields(from: Cursor, dictionary: Dictionary): AttemptFields {
  const mask = from.bytes.readUInt16LE(from.at);
  from.at += 2;
  const fields: Record<string, unknown> = {};
  for (let i = 0; i < FIELDS.length; i++) {
    if ((mask & (1 << i)) === 0) continue;
    const [name, codec] = FIELDS[i] ?? [];
    if (name === undefined) continue;
    if (codec === 'text') fields[name] = readText(from);
    else if (codec === 'word') fields[name] = readWord(from, dictionary);
    else if (codec === 'number') fields[name] = readNumber(from);
    else if (codec === 'result') fields[name] = readResult(from, dictionary);
    else fields[name] = readMetadata(from, dictionary);
  }
  return fields as AttemptFields;
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

function writeNumber(to: Cursor, value: number): void {
  room(to, 8);
  to.at = to.bytes.writeDoubleLE(value, to.at);
}

function readNumber(from: Cursor): number {
  const value = from.bytes.readDoubleLE(from.at);
  from.at += 8;
  return value;
}

function writeWord(to: Cursor, { words, numbers }: Dictionary, word: string): void {
  let number = numbers.get(word);
  if (number === undefined && words.length < MAX_WORDS && word.length <= MAX_WORD_CHARACTERS) {
    number = words.push(word) - 1;
    numbers.set(word, number);
  }
  room(to, 2);
  to.at = to.bytes.writeUInt16LE(number ?? NOT_A_WORD, to.at);
  if (number === undefined) writeText(to, word);
}

function readWord(from: Cursor, { words }: Dictionary): string {
  const number = from.bytes.readUInt16LE(from.at);
  from.at += 2;
  return words[number] ?? readText(from);
}

/** One byte a character after one of length; else UTF-16, which keeps any text as it is, half characters too. */
function writeText(to: Cursor, text: string): void {
  const { length } = text;
  if (length < WIDE) {
    room(to, length + 1);
    const { bytes, at } = to;
    let all = 0;
    bytes[at] = length;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      all |= code;
      bytes[at + 1 + i] = code;
    }
    if (all < 256) {
      to.at = at + 1 + length;
      return;
    }
  }
  room(to, 5 + length * 2);
  to.bytes[to.at] = WIDE;
  to.bytes.writeUInt32LE(length * 2, to.at + 1);
  to.bytes.write(text, to.at + 5, 'utf16le');
  to.at += 5 + length * 2;
}

function readText(from: Cursor): string {
  const { bytes, at } = from;
  const length = bytes[at] ?? 0;
  if (length < WIDE) {
    from.at = at + 1 + length;
    return bytes.toString('latin1', at + 1, from.at);
  }
  from.at = at + 5 + bytes.readUInt32LE(at + 1);
  return bytes.toString('utf16le', at + 5, from.at);
}

function room(to: Cursor, length: number): void {
  if (to.at + length <= to.bytes.length) return;
  const larger = Buffer.allocUnsafe(Math.max(to.bytes.length * 2, to.at + length));
  to.bytes.copy(larger, 0, 0, to.at);
  to.bytes = larger;
}
