// A keyed hash of texts that others choose (e-mails, metadata): without the key nobody can make two that clash. The key is the
// process's own and changes nothing but where things lie in a table.

const [KEY_0 = 0, KEY_1 = 0] = crypto.getRandomValues(new Int32Array(2));

/** Of 96 bits: that two of ten million texts have the same has a chance of one in 10^15. */
export type TextHash = [first: number, second: number, third: number];

/**
 * HalfSipHash with one round a word and three before each third of the result, over UTF-16 code units, two a word. The three
 * numbers are 32-bit integers; they go into `to`, so that nothing is made anew.
 */
export function hashText(to: TextHash, text: string, salt: number): void {
  const { length } = text;
  let v0 = KEY_0 ^ salt;
  let v1 = KEY_1 ^ length;
  let v2 = 0x6c796765 ^ KEY_0;
  let v3 = 0x74656462 ^ KEY_1;
  const ends = (length + 1) >> 1;
  for (let i = 0; i < ends + LAST_ROUNDS; i++) {
    const at = i * 2;
    const word =
      at >= length ? 0 : at + 1 < length ? text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16) : text.charCodeAt(at);
    if (i === ends) v2 ^= 0xff;
    else if (i === ends + ROUNDS) {
      to[0] = v1 ^ v3;
      v1 ^= 0xdd;
    } else if (i === ends + 2 * ROUNDS) {
      to[1] = v1 ^ v3;
      v1 ^= 0xee;
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
const LAST_ROUNDS = 3 * ROUNDS;
