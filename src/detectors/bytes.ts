// Numbers, words and texts as bytes, in as few as is quick: small numbers are one, words that repeat (codes, brands, countries)
// are numbers of a dictionary, other texts are one byte a character where that is possible.

/** Where bytes are written or read; `at` moves on. */
export type Cursor = { bytes: Buffer; at: number };

export type Dictionary = {
  readonly words: string[];
  readonly numbers: Map<string, number>;
  /** By what a run looks like: the word that was found last for such a one, as a run of `recentBytes`, and its number + 1. */
  readonly recent: Uint16Array;
  readonly recentBytes: Buffer;
};

/** Texts of less than 255 characters that lie side by side somewhere, one byte a character, by number. */
export type Runs = { readonly bytes: Buffer; readonly starts: Int32Array; readonly ends: Int32Array };

/** Beyond them a word is written out: what comes from outside cannot fill the memory. */
const MAX_WORDS = 60_000;
const MAX_WORD_CHARACTERS = 64;
/** In place of its length: a text of two bytes a character. */
export const WIDE = 255;
/** A power of two. */
const RECENT = 1_024;
/** Bytes of one: the length of the word first. A longer one is found by its text. */
const SLOT = 48;

export function createDictionary(): Dictionary {
  return { words: [], numbers: new Map(), recent: new Uint16Array(RECENT), recentBytes: Buffer.alloc(RECENT * SLOT) };
}

/** Below it a number is its byte; else so many bytes follow, the least first; or a double. */
const SMALL = 248;
const DOUBLE = 255;

export function writeNumber(to: Cursor, value: number): void {
  room(to, 9);
  const { bytes } = to;
  if (value >= 0 && value < SMALL && Number.isInteger(value)) {
    bytes[to.at++] = value;
    return;
  }
  const tagAt = to.at++;
  if (value >= 0 && value < 2 ** 48 && Number.isInteger(value)) {
    for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes[to.at++] = rest & 255;
    bytes[tagAt] = SMALL + to.at - tagAt - 1;
    return;
  }
  bytes[tagAt] = DOUBLE;
  to.at = bytes.writeDoubleLE(value, to.at);
}

export function readNumber(from: Cursor): number {
  const { bytes } = from;
  const tag = bytes[from.at++] ?? 0;
  if (tag < SMALL) return tag;
  if (tag === DOUBLE) {
    from.at += 8;
    return bytes.readDoubleLE(from.at - 8);
  }
  let value = 0;
  for (let i = tag - SMALL - 1; i >= 0; i--) value = value * 256 + (bytes[from.at + i] ?? 0);
  from.at += tag - SMALL;
  return value;
}

export function skipNumber(from: Cursor): void {
  from.at = endOfNumber(from.bytes, from.at);
}

/** Behind the number that begins there. */
export function endOfNumber(bytes: Buffer, at: number): number {
  const tag = bytes[at] ?? 0;
  return at + 1 + (tag < SMALL ? 0 : tag === DOUBLE ? 8 : tag - SMALL);
}

/** The words that come first, which are those that come often, take one byte. */
const LONG_WORD = 254;
const WRITTEN_OUT = 255;

export function writeWord(to: Cursor, dictionary: Dictionary, word: string): void {
  const number = numberOf(dictionary, word);
  if (number === undefined) {
    room(to, 1);
    to.bytes[to.at++] = WRITTEN_OUT;
    writeText(to, word);
  } else writeWordNumber(to, number);
}

/** The same of a run. */
export function writeRunAsWord(to: Cursor, dictionary: Dictionary, runs: Runs, index: number): void {
  const { recent, recentBytes } = dictionary;
  const look = lookOf(runs, index);
  if (isRecent(recentBytes, look * SLOT, runs, index)) {
    const number = recent[look] as number;
    if (number > 0) {
      writeWordNumber(to, number - 1);
      return;
    }
  }
  const word = runs.bytes.toString('latin1', runs.starts[index], runs.ends[index]);
  const number = numberOf(dictionary, word);
  if (number !== undefined && word.length < SLOT) {
    recent[look] = number + 1;
    recentBytes[look * SLOT] = word.length;
    recentBytes.write(word, look * SLOT + 1, 'latin1');
  }
  writeWord(to, dictionary, word);
}

/** Of its length and its first four bytes: more would take longer than to look twice now and then. */
function lookOf({ bytes, starts, ends }: Runs, index: number): number {
  const start = starts[index] as number;
  const length = (ends[index] as number) - start;
  let hash = length;
  for (let i = 0; i < length && i < 4; i++) hash = (hash << 8) ^ (bytes[start + i] as number);
  return Math.imul(hash ^ (length << 4), 0x9e3779b1) >>> 22;
}

function isRecent(recentBytes: Buffer, slot: number, { bytes, starts, ends }: Runs, index: number): boolean {
  const start = starts[index] as number;
  const length = (ends[index] as number) - start;
  if (recentBytes[slot] !== length) return false;
  for (let i = 0; i < length; i++) if (recentBytes[slot + 1 + i] !== bytes[start + i]) return false;
  return true;
}

function writeWordNumber(to: Cursor, number: number): void {
  room(to, 3);
  const { bytes } = to;
  if (number < LONG_WORD) bytes[to.at++] = number;
  else {
    bytes[to.at] = LONG_WORD;
    bytes[to.at + 1] = number & 255;
    bytes[to.at + 2] = number >> 8;
    to.at += 3;
  }
}

function numberOf({ words, numbers }: Dictionary, word: string): number | undefined {
  const known = numbers.get(word);
  if (known !== undefined || words.length >= MAX_WORDS || word.length > MAX_WORD_CHARACTERS) return known;
  const number = words.push(word) - 1;
  numbers.set(word, number);
  return number;
}

/** A word that had a number before. */
export function setWord({ words, numbers }: Dictionary, number: number, word: string): void {
  words[number] = word;
  numbers.set(word, number);
}

export function readWord(from: Cursor, { words }: Dictionary): string {
  const { bytes } = from;
  const first = bytes[from.at++] ?? 0;
  if (first === WRITTEN_OUT) return readText(from);
  if (first < LONG_WORD) return words[first] ?? '';
  from.at += 2;
  return words[(bytes[from.at - 2] ?? 0) | ((bytes[from.at - 1] ?? 0) << 8)] ?? '';
}

export function skipWord(from: Cursor): void {
  from.at = endOfWord(from.bytes, from.at);
}

/** Behind the word that begins there. */
export function endOfWord(bytes: Buffer, at: number): number {
  const first = bytes[at] ?? 0;
  if (first < LONG_WORD) return at + 1;
  return first === WRITTEN_OUT ? endOfText(bytes, at + 1) : at + 3;
}

/** One byte a character after one of length; else UTF-16, which keeps any text as it is, half characters too. */
export function writeText(to: Cursor, text: string): void {
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

/** The same of a run. */
export function writeRun(to: Cursor, { bytes, starts, ends }: Runs, index: number): void {
  const start = starts[index] as number;
  const length = (ends[index] as number) - start;
  room(to, length + 1);
  const { bytes: into, at } = to;
  into[at] = length;
  for (let i = 0; i < length; i++) into[at + 1 + i] = bytes[start + i] as number;
  to.at = at + 1 + length;
}

export function readText(from: Cursor): string {
  const { bytes, at } = from;
  const length = bytes[at] ?? 0;
  if (length < WIDE) {
    from.at = at + 1 + length;
    return bytes.toString('latin1', at + 1, from.at);
  }
  from.at = at + 5 + bytes.readUInt32LE(at + 1);
  return bytes.toString('utf16le', at + 5, from.at);
}

export function skipText(from: Cursor): void {
  from.at = endOfText(from.bytes, from.at);
}

/** Behind the text that begins there. */
export function endOfText(bytes: Buffer, at: number): number {
  const length = bytes[at] ?? 0;
  return length < WIDE ? at + 1 + length : at + 5 + bytes.readUInt32LE(at + 1);
}

/** Whether the text that lies there is the one that lies elsewhere: each text has one way to be written. */
export function areTextsAlike(bytes: Buffer, at: number, other: Cursor): boolean {
  const length = endOfText(other.bytes, other.at) - other.at;
  for (let i = 0; i < length; i++) if (bytes[at + i] !== other.bytes[other.at + i]) return false;
  return true;
}

export function room(to: Cursor, length: number): void {
  if (to.at + length <= to.bytes.length) return;
  const larger = Buffer.allocUnsafe(Math.max(to.bytes.length * 2, to.at + length));
  to.bytes.copy(larger, 0, 0, to.at);
  to.bytes = larger;
}
