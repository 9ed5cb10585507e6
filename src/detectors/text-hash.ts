// A keyed hash of texts that others choose (e-mails, metadata): without the key nobody can make many that clash. The key is the
// process's own and changes nothing but where things lie in a table.

const [KEY_0 = 0, KEY_1 = 0] = crypto.getRandomValues(new Int32Array(2));

/** HalfSipHash with one round a word and three at the end, over UTF-16 code units, two a word. A 32-bit integer. */
export function hashText(text: string, salt: number): number {
  const { length } = text;
  let v0 = KEY_0 ^ salt;
  let v1 = KEY_1 ^ length;
  let v2 = 0x6c796765 ^ KEY_0;
  let v3 = 0x74656462 ^ KEY_1;
  const words = ((length + 1) >> 1) + FINAL_ROUNDS;
  for (let i = 0; i < words; i++) {
    const at = i * 2;
    const word =
      at >= length ? 0 : at + 1 < length ? text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16) : text.charCodeAt(at);
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
    if (at + 2 >= length && at < length) v2 ^= 0xff;
  }
  return v1 ^ v3;
}

const FINAL_ROUNDS = 3;
