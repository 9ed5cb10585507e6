// Numbers, words and texts as bytes, in as few as is quick: small numbers are one, words that repeat (codes, brands, countries)
// are numbers of a dictionary, other texts are one byte a character where that is possible.

/** Where bytes are written or read; `at` moves on. */
export type Cursor = { bytes: Buffer; at: number };

export type Dictionary = {
  readonly words: string[];
  readonly numbers: Map<string, number>;
  /** The word that came last of those that look alike, and its number: the same few come again and again. */
  readonly recent: string[];
  readonly recentNumbers: number[];
};

/** Beyond them a word is written out: what comes from outside cannot fill the memory. */
const MAX_WORDS = 60_000;
const MAX_WORD_CHARACTERS = 64;
const WIDE = 255;

export function createDictionary(): Dictionary {
  return { words: [], numbers: new Map(), recent: [], recentNumbers: [] };
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

/** The words that come first, which are those that come often, take one byte. */
const LONG_WORD = 254;
const WRITTEN_OUT = 255;

export function writeWord(to: Cursor, dictionary: Dictionary, word: string): void {
  const number = numberOf(dictionary, word);
  room(to, 3);
  const { bytes } = to;
  if (number === undefined) {
    bytes[to.at++] = WRITTEN_OUT;
    writeText(to, word);
  } else if (number < LONG_WORD) bytes[to.at++] = number;
  else {
    bytes[to.at] = LONG_WORD;
    bytes[to.at + 1] = number & 255;
    bytes[to.at + 2] = number >> 8;
    to.at += 3;
  }
}

const LOOKS = 64;

function numberOf({ words, numbers, recent, recentNumbers }: Dictionary, word: string): number | undefined {
  const look = (word.length * 5 + word.charCodeAt(0)) & (LOOKS - 1);
  if (recent[look] === word) return recentNumbers[look];
  let number = numbers.get(word);
  if (number === undefined) {
    if (words.length >= MAX_WORDS || word.length > MAX_WORD_CHARACTERS) return undefined;
    number = words.push(word) - 1;
    numbers.set(word, number);
  }
  recent[look] = word;
  recentNumbers[look] = number;
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
  const { bytes, at } = from;
  const length = bytes[at] ?? 0;
  from.at = length < WIDE ? at + 1 + length : at + 5 + bytes.readUInt32LE(at + 1);
}

export function room(to: Cursor, length: number): void {
  if (to.at + length <= to.bytes.length) return;
  const larger = Buffer.allocUnsafe(Math.max(to.bytes.length * 2, to.at + length));
  to.bytes.copy(larger, 0, 0, to.at);
  to.bytes = larger;
}

/** Whether the text that lies there is that one. */
export function isTextAt(bytes: Buffer, at: number, text: string): boolean {
  const length = bytes[at];
  if (length === WIDE) return readText({ bytes, at }) === text;
  if (length !== text.length) return false;
  for (let i = 0; i < length; i++) if (bytes[at + 1 + i] !== text.charCodeAt(i)) return false;
  return true;
}
