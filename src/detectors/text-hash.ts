// A keyed hash of texts that others choose (e-mails, metadata): without the key nobody can make two that clash. The key is the
// process's own and changes nothing but where things lie in a table.
import { readText, WIDE } from './bytes.ts';

const [KEY_0 = 0, KEY_1 = 0] = crypto.getRandomValues(new Int32Array(2));

/** Of 96 bits: that two of ten million texts have the same has a chance of one in 10^15. */
export type TextHash = [first: number, second: number, third: number];

let scratch = Buffer.alloc(1_024);
/** Of the salt: texts of one byte a character and those of two are hashed apart. */
const IS_WIDE = 0x5bd1e995;

/** The three numbers are 32-bit integers; they go into `to`, so that nothing is made anew. */
export function hashText(to: TextHash, text: string, salt: number): void {
  const { length } = text;
  if (length * 2 > scratch.length) scratch = Buffer.alloc(length * 4);
  let all = 0;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    all |= code;
    scratch[i] = code;
  }
  if (all < 256) hashBytes(to, scratch, { start: 0, length }, salt);
  else hashBytes(to, scratch, { start: 0, length: scratch.write(text, 'utf16le') }, salt ^ IS_WIDE);
}

/** The same of a packed text (bytes.ts). */
export function hashTextAt(to: TextHash, bytes: Buffer, at: number, salt: number): void {
  const length = bytes[at] as number;
  if (length === WIDE) hashText(to, readText({ bytes, at }), salt);
  else hashBytes(to, bytes, { start: at + 1, length }, salt);
}

/** HalfSipHash with one round for four bytes, three before the first two thirds of the result, and two before the last. */
function hashBytes(
  to: TextHash,
  bytes: Buffer,
  { start, length }: { readonly start: number; readonly length: number },
  salt: number,
): void {
  let v0 = KEY_0 ^ salt;
  let v1 = KEY_1 ^ length;
  let v2 = 0x6c796765 ^ KEY_0;
  let v3 = 0x74656462 ^ KEY_1;
  const end = start + length;
  const ends = (length + 3) >> 2;
  for (let i = 0; i < ends + LAST_ROUNDS; i++) {
    const word = i < ends ? wordAt(bytes, start + i * 4, end) : 0;
    if (i === ends) v2 ^= 0xff;
    else if (i === ends + ROUNDS) {
      to[0] = v1 ^ v3;
      to[1] = v0 ^ v2;
      v1 ^= 0xdd;
    }
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  to[2] = v1 ^ v3;
}

const ROUNDS = 3;
const LAST_ROUNDS = ROUNDS + 2;

/** Of up to four bytes, those at or after the end being zero. */
function wordAt(bytes: Buffer, at: number, end: number): number {
  let word = bytes[at] as number;
  if (at + 1 < end) word |= (bytes[at + 1] as number) << 8;
  if (at + 2 < end) word |= (bytes[at + 2] as number) << 16;
  return at + 3 < end ? word | ((bytes[at + 3] as number) << 24) : word;
}
