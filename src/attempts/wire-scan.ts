// Where the values of a record of `attempts` lie in its bytes, found without making them: most views are never needed as
// objects. Plain records only: whatever is unusual about one (an escape, a character beyond ASCII, a fraction) is left to
// JSON.parse (wire.ts), which decides what it is.

/** Values of one record, by their place in it (wire.ts). Used again for the next. */
export type Scan = {
  bytes: Buffer;
  /** How many there are; with those of an object, name and value in turn. */
  count: number;
  /** Of the first 31, which are a view's own: a bit for each that is a number, a text, an object. Others are null or absent. */
  areNumbers: number;
  areTexts: number;
  areObjects: number;
  /** Of a text: its first byte, and the one after its last. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** Of a number. */
  readonly numbers: Float64Array;
};

/** More values than a record has, with its metadata. */
const MOST_VALUES = 255;
/** A place behind them all, for what its user wants to point at. */
export const SPARE = MOST_VALUES;
const OWN_VALUES = 31;
/** Longer texts are not plain. */
const MOST_CHARACTERS = 254;
/** So many digits are exact. */
const MOST_DIGITS = 15;

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const BEGIN = 0x5b;
const BACKSLASH = 0x5c;
const END = 0x5d;
const SMALL_L = 0x6c;
const SMALL_N = 0x6e;
const SMALL_U = 0x75;
const BEGIN_OBJECT = 0x7b;
const END_OBJECT = 0x7d;
const DELETE = 0x7f;

export function createScan(): Scan {
  return {
    bytes: Buffer.alloc(0),
    count: 0,
    areNumbers: 0,
    areTexts: 0,
    areObjects: 0,
    starts: new Int32Array(MOST_VALUES + 1),
    ends: new Int32Array(MOST_VALUES + 1),
    numbers: new Float64Array(MOST_VALUES + 1),
  };
}

/** Of a record that takes so many of the bytes. False: it is not plain, and nothing is said of it. */
export function scanRecord(scan: Scan, bytes: Buffer, length: number): boolean {
  scan.bytes = bytes;
  scan.count = 0;
  scan.areNumbers = 0;
  scan.areTexts = 0;
  scan.areObjects = 0;
  const last = length - 1;
  // So that no loop need look for the end of the bytes: it stops at what is in none of the values.
  if (bytes[last] !== END) return false;
  let at = 0;
  for (let before = BEGIN; at < last && bytes[at] === before && scan.count < MOST_VALUES; before = COMMA) {
    at = valueEnd(scan, at + 1);
    if (at < 0) return false;
  }
  return at === last;
}

/** Each answers where it ends; -1: it is not plain. */
function valueEnd(scan: Scan, at: number): number {
  const index = scan.count++;
  const bit = index < OWN_VALUES ? 1 << index : 0;
  switch (scan.bytes[at]) {
    case QUOTE:
      scan.areTexts |= bit;
      return textEnd(scan, index, at + 1);
    case SMALL_N:
      return nullEnd(scan, at);
    case BEGIN_OBJECT:
      scan.areObjects |= bit;
      return objectEnd(scan, at);
    default:
      scan.areNumbers |= bit;
      return numberEnd(scan, index, at);
  }
}

function textEnd({ bytes, starts, ends }: Scan, index: number, start: number): number {
  const most = Math.min(start + MOST_CHARACTERS, bytes.length - 1);
  let at = start;
  let byte = bytes[at] as number;
  while (byte !== QUOTE && at < most) {
    if (byte < 0x20 || byte >= DELETE || byte === BACKSLASH) return -1;
    byte = bytes[++at] as number;
  }
  starts[index] = start;
  ends[index] = at;
  return byte === QUOTE ? at + 1 : -1;
}

function numberEnd({ bytes, numbers }: Scan, index: number, start: number): number {
  const isNegative = bytes[start] === MINUS;
  const first = isNegative ? start + 1 : start;
  let at = first;
  let value = 0;
  for (let byte = bytes[at] as number; byte >= ZERO && byte <= NINE; byte = bytes[++at] as number)
    value = value * 10 + (byte - ZERO);
  const digits = at - first;
  if (digits === 0 || digits > MOST_DIGITS || (digits > 1 && bytes[first] === ZERO)) return -1;
  numbers[index] = isNegative ? -value : value;
  return at;
}

function nullEnd({ bytes }: Scan, at: number): number {
  return bytes[at + 1] === SMALL_U && bytes[at + 2] === SMALL_L && bytes[at + 3] === SMALL_L ? at + 4 : -1;
}

/** Texts by name. */
function objectEnd(scan: Scan, start: number): number {
  const { bytes } = scan;
  let at = start + 1;
  if (bytes[at] === END_OBJECT) return at + 1;
  for (;;) {
    if (scan.count + 2 > MOST_VALUES || bytes[at] !== QUOTE) return -1;
    at = textEnd(scan, scan.count++, at + 1);
    if (at < 0 || bytes[at] !== COLON || bytes[at + 1] !== QUOTE) return -1;
    at = textEnd(scan, scan.count++, at + 2);
    if (at < 0) return -1;
    if (bytes[at] === END_OBJECT) return at + 1;
    if (bytes[at] !== COMMA) return -1;
    at += 1;
  }
}
