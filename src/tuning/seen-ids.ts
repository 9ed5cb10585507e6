// Which ids were seen before, in 8 bytes each, so that the ids of millions of events that are no attempts cost next to
// nothing. It goes by 64 bits of hash: among ten million ids the chance of one false answer is below one in 100,000.

const FIRST_SLOTS = 1 << 12;

export type SeenIds = {
  /** True if the id is new; it is known from then on. */
  add(id: string): boolean;
  readonly size: number;
};

export function createSeenIds(): SeenIds {
  let high = new Uint32Array(FIRST_SLOTS);
  let low = new Uint32Array(FIRST_SLOTS);
  let size = 0;

  /** False if it was there. A slot of two zeros is empty. */
  const put = (a: number, b: number): boolean => {
    const mask = high.length - 1;
    for (let slot = (a ^ b) & mask; ; slot = (slot + 1) & mask) {
      if (high[slot] === a && low[slot] === b) return false;
      if (high[slot] !== 0 || low[slot] !== 0) continue;
      high[slot] = a;
      low[slot] = b;
      return true;
    }
  };

  const grow = (): void => {
    const [oldHigh, oldLow] = [high, low];
    high = new Uint32Array(oldHigh.length * 2);
    low = new Uint32Array(oldHigh.length * 2);
    for (let slot = 0; slot < oldHigh.length; slot++) {
      const [a, b] = [oldHigh[slot] ?? 0, oldLow[slot] ?? 0];
      if (a !== 0 || b !== 0) put(a, b);
    }
  };

  return {
    add: (id) => {
      const [a, b] = hash64(id);
      if (!put(a, b === 0 && a === 0 ? 1 : b)) return false;
      size += 1;
      if (size * 4 > high.length * 3) grow();
      return true;
    },
    get size() {
      return size;
    },
  };
}

/** cyrb53's mixing, with both halves kept whole. */
function hash64(text: string): readonly [number, number] {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    a = Math.imul(a ^ unit, 2_654_435_761);
    b = Math.imul(b ^ unit, 1_597_334_677);
  }
  a = Math.imul(a ^ (a >>> 16), 2_246_822_507) ^ Math.imul(b ^ (b >>> 13), 3_266_489_909);
  b = Math.imul(b ^ (b >>> 16), 2_246_822_507) ^ Math.imul(a ^ (a >>> 13), 3_266_489_909);
  return [a >>> 0, b >>> 0];
}
