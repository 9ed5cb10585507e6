// The cells of one key: its matching attempts by second, and the value of the window that ends at each second that has
// any. Values are brought up to date lazily: only the windows that contain a changed second are computed again.
import type { CountKind } from '../model/detector.ts';
import type { Key } from '../model/entity.ts';

/** What one attempt (or signal) is to one key. */
export type Hit = {
  /** Attempt id, or the id of the signal's object. */
  readonly id: string;
  /** Seconds. */
  readonly time: number;
  /** Matches `where`. */
  readonly matches: boolean;
  /** Its time may be a breach instant: it matches (ratio: is in the denominator; with `at:`: is selected by it). */
  readonly eligible: boolean;
  /** What it adds to a distinct count; null adds nothing. */
  readonly value: string | null;
  /** What it adds to a sum, minor units. */
  readonly amount: number;
  /** In the denominator of a ratio (`where || of`). */
  readonly counted: boolean;
};

export type Cell = {
  readonly time: number;
  readonly hits: Hit[];
  /** Of the window (time − W, time]: aggregate, matching attempts, denominator. Valid once refreshed. */
  value: number;
  matching: number;
  denominator: number;
};

export type Cells = {
  readonly key: Key;
  readonly list: Cell[];
  /** Seconds that changed since the last refresh: [from, to], or none. */
  dirtyFrom: number;
  dirtyTo: number;
  /** Running totals of the window that ends just before the newest cell: in-order arrival costs O(1). */
  head: { readonly totals: Totals; readonly before: number; readonly from: number } | null;
  /** Instants before this second are no longer known here (their cells were dropped). */
  cutS: number;
};

export function createCells(key: Key): Cells {
  return { key, list: [], dirtyFrom: Number.POSITIVE_INFINITY, dirtyTo: Number.NEGATIVE_INFINITY, head: null, cutS: 0 };
}

export function addHit(cells: Cells, hit: Hit): void {
  const index = indexFrom(cells.list, hit.time);
  const found = cells.list[index];
  if (found?.time === hit.time) found.hits.push(hit);
  else {
    const cell: Cell = { time: hit.time, hits: [hit], value: 0, matching: 0, denominator: 0 };
    if (index === cells.list.length) cells.list.push(cell);
    else cells.list.splice(index, 0, cell);
  }
  markDirty(cells, hit.time);
}

export function removeHit(cells: Cells, hit: Hit): void {
  const index = indexFrom(cells.list, hit.time);
  const cell = cells.list[index];
  if (cell?.time !== hit.time) return;
  const at = cell.hits.indexOf(hit);
  if (at < 0) return;
  const last = cell.hits.pop();
  if (last !== undefined && last !== hit) cell.hits[at] = last;
  if (cell.hits.length === 0) cells.list.splice(index, 1);
  markDirty(cells, hit.time);
}

function markDirty(cells: Cells, time: number): void {
  if (time < cells.dirtyFrom) cells.dirtyFrom = time;
  if (time > cells.dirtyTo) cells.dirtyTo = time;
}

/** Index of the first cell at or after `time`; the newest is looked at first, since that is where nearly all go. */
export function indexFrom(list: readonly Cell[], time: number): number {
  const last = list[list.length - 1];
  if (last === undefined || last.time < time) return list.length;
  let low = 0;
  let high = list.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle]?.time ?? 0) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Brings the value of every window up to date that contains a changed second. */
export function refresh(cells: Cells, count: CountKind, windowS: number): void {
  const { list, dirtyFrom, dirtyTo } = cells;
  if (dirtyFrom > dirtyTo) return;
  cells.dirtyFrom = Number.POSITIVE_INFINITY;
  cells.dirtyTo = Number.NEGATIVE_INFINITY;
  const head = cells.head !== null && dirtyFrom >= cells.head.before ? cells.head : null;
  cells.head = null;
  const first = indexFrom(list, head?.before ?? dirtyFrom);
  if (first === list.length) return;
  const totals = head?.totals ?? createTotals(count);
  let oldest = indexFrom(list, head?.from ?? (list[first]?.time ?? 0) - windowS + 1);
  if (head === null) for (let i = oldest; i < first; i++) totals.add(list[i]);
  for (let i = first; i < list.length; i++) {
    const cell = list[i];
    if (cell === undefined || cell.time >= dirtyTo + windowS) return;
    for (let out = list[oldest]; out !== undefined && out.time <= cell.time - windowS; out = list[++oldest])
      totals.remove(out);
    const isNewest = i === list.length - 1;
    if (isNewest) {
      evaluate(cell, totals, count);
      cells.head = { totals, before: cell.time, from: list[oldest]?.time ?? cell.time };
    } else {
      totals.add(cell);
      read(cell, totals, count);
    }
  }
}

/** The newest cell's value, leaving the totals as they were before it. */
function evaluate(cell: Cell, totals: Totals, count: CountKind): void {
  totals.add(cell);
  read(cell, totals, count);
  totals.remove(cell);
}

function read(cell: Cell, totals: Totals, count: CountKind): void {
  cell.matching = totals.matching;
  cell.denominator = totals.denominator;
  cell.value = totals.value(count);
}

type Totals = {
  matching: number;
  denominator: number;
  add(cell: Cell | undefined): void;
  remove(cell: Cell): void;
  value(count: CountKind): number;
};

function createTotals(count: CountKind): Totals {
  const distinct = count.startsWith('distinct') ? new Map<string, number>() : null;
  let sum = 0;
  const change = (hits: readonly Hit[], by: 1 | -1): void => {
    for (const hit of hits) {
      if (hit.counted) totals.denominator += by;
      if (!hit.matches) continue;
      totals.matching += by;
      sum += by * hit.amount;
      if (distinct !== null && hit.value !== null) {
        const times = (distinct.get(hit.value) ?? 0) + by;
        if (times === 0) distinct.delete(hit.value);
        else distinct.set(hit.value, times);
      }
    }
  };
  const totals: Totals = {
    matching: 0,
    denominator: 0,
    add: (cell) => change(cell?.hits ?? [], 1),
    remove: (cell) => change(cell.hits, -1),
    value: (kind) => {
      if (kind === 'attempts') return totals.matching;
      if (kind === 'ratio') return totals.denominator === 0 ? 0 : totals.matching / totals.denominator;
      return distinct === null ? sum : distinct.size;
    },
  };
  return totals;
}
