// The cells of one key: per second with any hit, what happened in it and the totals of the window that ends there. Totals
// are kept right at each change: one in order touches one cell, a late one those whose windows contain it.
import type { CountKind } from '../model/detector.ts';
import { changeDistinct, createDistinct, type Distinct, leavingValues, valuesAt } from './distinct.ts';
import type { Past, Running } from './kept.ts';
import type { Settled } from './open-episode.ts';

/** What an attempt (or signal) adds to a key; of several in one second, their sum. */
export type Contribution = {
  /** Seconds. */
  readonly time: number;
  /** How many match `where`. */
  readonly matching: number;
  /** How many are in the denominator of a ratio (`where || of`). */
  readonly counted: number;
  /** How many make their time a possible breach instant. */
  readonly eligible: number;
  /** What it adds to a sum, minor units. */
  readonly amount: number;
  /** What it adds to a distinct count; null adds nothing. */
  readonly value: string | null;
};

/** How the cells of a revision are laid out: one after the other in a list of numbers. */
export type Layout = {
  readonly count: CountKind;
  readonly windowS: number;
  /** Numbers a cell. */
  readonly stride: number;
  /** Has the columns `MORE`. */
  readonly hasMore: boolean;
  /** With `at:`, has a last column of its own for how many make it a possible breach instant. */
  readonly hasAt: boolean;
  /** The column that says it. */
  readonly eligible: number;
};

/** Columns, after the time. `MORE` is a ratio's denominator, a sum's amount or, of the window only, the distinct values. */
export const HERE = 1;
export const WINDOW = 2;
export const MORE_HERE = 3;
export const MORE_WINDOW = 4;

export type Cells = {
  /** In time order. */
  list: number[];
  readonly distinct: Distinct | null;
  /** What was read off the earlier part of a long list; null: nothing, or it no longer holds. */
  settled: Settled | null;
  /** What the members of a long episode that goes on add up to; null: nothing is kept. */
  running: Running | null;
  /** What was told of long episodes that are over; null: nothing, or it no longer holds. */
  past: Past | null;
  /** Number of the batch in which they were last said to have changed. */
  touchedIn: number;
};

export function layoutOf(settings: {
  readonly count: CountKind;
  readonly windowS: number;
  readonly at: string | null;
}): Layout {
  const { count, windowS, at } = settings;
  const hasMore = count !== 'attempts';
  const columns = hasMore ? 5 : 3;
  const hasAt = at !== null;
  const eligible = hasAt ? columns : count === 'ratio' ? MORE_HERE : HERE;
  return { count, windowS, stride: hasAt ? columns + 1 : columns, hasMore, hasAt, eligible };
}

export function createCells({ count }: Layout): Cells {
  const distinct = count.startsWith('distinct') ? createDistinct() : null;
  return { list: [], distinct, settled: null, running: null, past: null, touchedIn: 0 };
}

/** `by`: 1 asserts, -1 retracts what was asserted before. */
export function changeCells(cells: Cells, layout: Layout, hit: Contribution, by: 1 | -1): void {
  const { count, windowS, stride } = layout;
  const { time } = hit;
  if (cells.settled !== null && time < cells.settled.beforeS) cells.settled = null;
  if (cells.past !== null && time <= cells.past.untilS) cells.past = null;
  if (cells.running !== null && time < cells.running.readS) cells.running.readS = time;
  const at = seek(cells.list, stride, time);
  if (cells.list[at] !== time) openCell(cells, layout, at, time);
  const { list } = cells;
  const matching = by * hit.matching;
  const more = count === 'ratio' ? by * hit.counted : count === 'sum(amount)' ? by * hit.amount : 0;
  add(list, at + HERE, matching);
  if (more !== 0) add(list, at + MORE_HERE, more);
  if (layout.hasAt) add(list, at + layout.eligible, by * hit.eligible);
  for (let i = at; i < list.length && (list[i] ?? 0) < time + windowS; i += stride) {
    add(list, i + WINDOW, matching);
    if (more !== 0) add(list, i + MORE_WINDOW, more);
  }
  if (hit.value !== null && hit.matching !== 0) changeValue(cells, layout, { time, value: hit.value }, by);
  if (by === -1 && isEmpty(list, at, layout)) list.splice(at, stride);
}

function changeValue(
  { list, distinct }: Cells,
  { stride, windowS }: Layout,
  { time, value }: { readonly time: number; readonly value: string },
  by: 1 | -1,
): void {
  if (distinct === null) return;
  const changed = changeDistinct(distinct, { time, value, by, windowS });
  if (changed === null) return;
  for (let i = seek(list, stride, changed.fromS); i < list.length && (list[i] ?? 0) < changed.toS; i += stride)
    add(list, i + MORE_WINDOW, by);
}

function add(list: number[], at: number, by: number): void {
  list[at] = (list[at] ?? 0) + by;
}

function isEmpty(list: readonly number[], at: number, { count, eligible }: Layout): boolean {
  if (list[at + HERE] !== 0 || list[at + eligible] !== 0) return false;
  return count !== 'ratio' || list[at + MORE_HERE] === 0;
}

/** Index of the first cell at or after `time`; the newest is looked at first, since that is where nearly all go. */
export function seek(list: readonly number[], stride: number, time: number): number {
  const { length } = list;
  if (length === 0 || (list[length - stride] ?? 0) < time) return length;
  let low = 0;
  let high = length / stride - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle * stride] ?? 0) < time) low = middle + 1;
    else high = middle;
  }
  return low * stride;
}

/** A cell without hits: its window is that of the cell before it, less what has left since. */
function openCell(cells: Cells, { stride, windowS, hasMore }: Layout, at: number, time: number): void {
  const { list, distinct } = cells;
  const cell = [time, 0, 0];
  while (cell.length < stride) cell.push(0);
  const before = at === 0 ? Number.NEGATIVE_INFINITY : (list[at - stride] ?? 0);
  if (before > time - windowS) {
    let matching = list[at - stride + WINDOW] ?? 0;
    let more = hasMore ? (list[at - stride + MORE_WINDOW] ?? 0) : 0;
    const left = { fromS: before - windowS + 1, toS: time - windowS + 1 };
    for (let i = seek(list, stride, left.fromS); (list[i] ?? time) < left.toS; i += stride) {
      matching -= list[i + HERE] ?? 0;
      if (hasMore) more -= list[i + MORE_HERE] ?? 0;
    }
    cell[WINDOW] = matching;
    if (hasMore) cell[MORE_WINDOW] = more - (distinct === null ? 0 : leavingValues(distinct, { ...left, time }));
  }
  // Most keys have few cells: a list of just the right length takes half the memory of one that grows.
  if (list.length < SMALL) cells.list = at === list.length ? list.concat(cell) : list.toSpliced(at, 0, ...cell);
  else if (at === list.length) for (const number of cell) list.push(number);
  else list.splice(at, 0, ...cell);
}

/** Numbers. */
const SMALL = 96;

/** The value of the window that ends at a cell. A ratio is one division of two whole numbers. */
export function valueAt(list: readonly number[], at: number, count: CountKind): number {
  if (count === 'attempts') return list[at + WINDOW] ?? 0;
  const more = list[at + MORE_WINDOW] ?? 0;
  if (count !== 'ratio') return more;
  return more === 0 ? 0 : (list[at + WINDOW] ?? 0) / more;
}

/** What stays when all before is forgotten: cells whose windows do not contain it. */
export function cellsFrom(cells: Cells, layout: Layout, fromS: number): Cells {
  const { list, distinct } = cells;
  const { stride, count, eligible, hasMore } = layout;
  if ((list[0] ?? fromS) >= fromS) return cells;
  const kept = createCells(layout);
  for (let at = seek(list, stride, fromS); at < list.length; at += stride) {
    const time = list[at] ?? 0;
    const more = hasMore ? (list[at + MORE_HERE] ?? 0) : 0;
    const hit = {
      time,
      matching: list[at + HERE] ?? 0,
      counted: count === 'ratio' ? more : 0,
      amount: count === 'sum(amount)' ? more : 0,
      eligible: list[at + eligible] ?? 0,
      value: null,
    };
    changeCells(kept, layout, hit, 1);
    if (distinct !== null) for (const value of valuesAt(distinct, time)) changeValue(kept, layout, { time, value }, 1);
  }
  return kept;
}
