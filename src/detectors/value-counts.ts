// How often each value of each kind occurs, in a typed array: values by a keyed hash, so that a hundred thousand of them are no
// hundred thousand texts.
import type { Cursor } from './bytes.ts';
import { hashText, hashTextAt, type TextHash } from './text-hash.ts';

export type ValueCounts = {
  /** Open addressing; side by side HASH (two numbers) and COUNT. */
  rows: Int32Array;
  /** Places that are not empty. */
  taken: number;
  /** By kind: how many different values occur. */
  readonly different: number[];
};

const FIRST_PLACES = 16;
const STRIDE = 3;
/**
 * Of kind and value: 64 bits under the process's key. That any two of a million values have the same has a chance of one in
 * 36 million; then a count of different values is one too low.
 */
const HASH = 0;
/** 0: empty; else how often it occurs, and one: what occurs no more keeps its place. */
const COUNT = 2;

export function createValueCounts(kinds: number): ValueCounts {
  return { rows: new Int32Array(FIRST_PLACES * STRIDE), taken: 0, different: new Array<number>(kinds).fill(0) };
}

/** Of the value that is looked for. */
const sought: TextHash = [0, 0, 0];

/** `by` -1 takes back what was counted before. */
export function countValue(counts: ValueCounts, kind: number, value: string, by: 1 | -1): void {
  hashText(sought, value, kind);
  countSought(counts, kind, by);
}

/** The same of a packed text (bytes.ts). */
export function countValueAt(counts: ValueCounts, kind: number, { bytes, at }: Cursor, by: 1 | -1): void {
  hashTextAt(sought, bytes, at, kind);
  countSought(counts, kind, by);
}

function countSought(counts: ValueCounts, kind: number, by: 1 | -1): void {
  const [first, second] = sought;
  if ((counts.taken + 1) * STRIDE * 4 > counts.rows.length * 3) rebuild(counts);
  const { rows, different } = counts;
  const row = rowOf(rows, first, second);
  if (rows[row + COUNT] === 0) {
    rows[row + HASH] = first;
    rows[row + HASH + 1] = second;
    rows[row + COUNT] = 1;
    counts.taken += 1;
  }
  const before = (rows[row + COUNT] ?? 1) - 1;
  if (before + by < 0) throw new Error('a value was taken back that had not been counted');
  rows[row + COUNT] = before + by + 1;
  if (before === 0) different[kind] = (different[kind] ?? 0) + 1;
  else if (before + by === 0) different[kind] = (different[kind] ?? 0) - 1;
}

/** Where a hash is, or would be. */
function rowOf(rows: Int32Array, first: number, second: number): number {
  const { length } = rows;
  let row = Math.floor((first >>> 0) * (length / STRIDE) * 2 ** -32) * STRIDE;
  while (rows[row + COUNT] !== 0 && (rows[row + HASH] !== first || rows[row + HASH + 1] !== second)) {
    row += STRIDE;
    if (row === length) row = 0;
  }
  return row;
}

/** Without what occurs no more, and half as long again if more than half of it is in use. */
function rebuild(counts: ValueCounts): void {
  const before = counts.rows;
  const places = before.length / STRIDE;
  const inUse = counts.different.reduce((sum, count) => sum + count, 0);
  const rows = new Int32Array((inUse * 2 > places ? Math.ceil(places * 1.5) : places) * STRIDE);
  for (let from = 0; from < before.length; from += STRIDE) {
    const count = before[from + COUNT] ?? 0;
    if (count <= 1) continue;
    const [first = 0, second = 0] = [before[from + HASH], before[from + HASH + 1]];
    const to = rowOf(rows, first, second);
    rows[to + HASH] = first;
    rows[to + HASH + 1] = second;
    rows[to + COUNT] = count;
  }
  counts.rows = rows;
  counts.taken = inUse;
}
