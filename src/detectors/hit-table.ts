// Which handles (of attempts or signals) lie on which entity, in typed arrays: entities by the hash of their value, the hits
// of one as a chain through its handles, newest first. The value itself is read off the newest hit: it is held only once.
import { hashText } from './text-hash.ts';

/** Whether a handle lies on the entity of that scope (its number) and value. */
export type LiesOn = (handle: number, scope: number, value: string) => boolean;

export type HitTable = {
  readonly liesOn: LiesOn;
  /** Open addressing by hash: entity + 1; 0: empty; -1: was in use. */
  index: Int32Array;
  /** Slots of the index that are not empty. */
  taken: number;
  /** Entities to be used again, and the end of those ever in use. */
  readonly free: number[];
  end: number;
  /** By entity, side by side, so that one look into memory finds all: HASH, HEAD, COUNT, NOTE. */
  rows: Int32Array;
  /** By handle: 0: not listed; -1: the last of its chain; else the next handle + 1. */
  next: Int32Array;
  /** By handle: the owner's own eight bits of what is listed. */
  bits: Uint8Array;
};

const FIRST_LENGTH = 64;
const STRIDE = 4;
/** Of the value. */
const HASH = 0;
/** The newest hit. */
const HEAD = 1;
/** How many hits; 0: the entity is not in use. */
const COUNT = 2;
/** A number of the owner's own, at first 0. */
const NOTE = 3;

export function createHitTable(liesOn: LiesOn): HitTable {
  return {
    liesOn,
    index: new Int32Array(FIRST_LENGTH * 4),
    taken: 0,
    free: [],
    end: 0,
    rows: new Int32Array(FIRST_LENGTH * STRIDE),
    next: new Int32Array(FIRST_LENGTH),
    bits: new Uint8Array(FIRST_LENGTH),
  };
}

export const entitiesIn = ({ end, free }: HitTable): number => end - free.length;

export const countOf = ({ rows }: HitTable, entity: number): number => rows[entity * STRIDE + COUNT] ?? 0;

export const newestHit = ({ rows }: HitTable, entity: number): number => rows[entity * STRIDE + HEAD] ?? 0;

export const isListed = ({ next }: HitTable, handle: number): boolean => (next[handle] ?? 0) !== 0;

export const noteOf = ({ rows }: HitTable, entity: number): number => rows[entity * STRIDE + NOTE] ?? 0;

export function setNote({ rows }: HitTable, entity: number, note: number): void {
  rows[entity * STRIDE + NOTE] = note;
}

/** The number of an entity; -1 if nothing lies on it. */
export function entityAt(table: HitTable, scope: number, value: string): number {
  return entityOfHash(table, hashText(value, scope), scope, value);
}

function entityOfHash({ liesOn, index, rows }: HitTable, hash: number, scope: number, value: string): number {
  const mask = index.length - 1;
  for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
    const held = index[slot] ?? 0;
    if (held === 0) return -1;
    if (held < 0) continue;
    const row = (held - 1) * STRIDE;
    if (rows[row + HASH] === hash && liesOn(rows[row + HEAD] ?? 0, scope, value)) return held - 1;
  }
}

/** Lists a handle, unless it is listed, on the entity of that scope and value; the entity's number. */
export function addHit(table: HitTable, handle: number, scope: number, value: string): number {
  const hash = hashText(value, scope);
  const entity = entityOfHash(table, hash, scope, value);
  if (handle >= table.next.length) growHandles(table, handle + 1);
  if (entity >= 0 && isListed(table, handle)) return entity;
  const { rows } = table;
  if (entity < 0) return addEntity(table, handle, hash);
  const row = entity * STRIDE;
  table.next[handle] = (rows[row + HEAD] ?? 0) + 1;
  rows[row + HEAD] = handle;
  rows[row + COUNT] = (rows[row + COUNT] ?? 0) + 1;
  return entity;
}

function addEntity(table: HitTable, handle: number, hash: number): number {
  const entity = table.free.pop() ?? table.end++;
  const row = entity * STRIDE;
  if (row >= table.rows.length) table.rows = longer(table.rows, row + STRIDE);
  const { rows, next } = table;
  next[handle] = -1;
  rows[row + HASH] = hash;
  rows[row + HEAD] = handle;
  rows[row + COUNT] = 1;
  rows[row + NOTE] = 0;
  if (table.taken * 2 >= table.index.length) rebuildIndex(table);
  else insert(table, entity);
  return entity;
}

/** Takes a listed handle off its entity; true: nothing lies on that any more, and its number is free. */
export function removeHit(table: HitTable, entity: number, handle: number): boolean {
  const { next, rows } = table;
  const row = entity * STRIDE;
  const after = next[handle] ?? 0;
  if (rows[row + HEAD] === handle) rows[row + HEAD] = after - 1;
  else {
    let before = rows[row + HEAD] ?? 0;
    while (next[before] !== handle + 1) before = (next[before] ?? 0) - 1;
    next[before] = after;
  }
  next[handle] = 0;
  return lessHits(table, entity, (rows[row + COUNT] ?? 0) - 1);
}

/** Keeps of an entity's hits those that are wanted; true: none is, and its number is free. */
export function keepHits(table: HitTable, entity: number, isWanted: (handle: number) => boolean): boolean {
  const { next, rows } = table;
  const hits = hitsOn(table, entity);
  const kept = hits.filter(isWanted);
  if (kept.length === hits.length) return false;
  for (const handle of hits) next[handle] = 0;
  for (const [i, handle] of kept.entries()) next[handle] = (kept[i + 1] ?? -2) + 1;
  rows[entity * STRIDE + HEAD] = kept[0] ?? -1;
  return lessHits(table, entity, kept.length);
}

/** The handles on an entity, newest first. */
export function hitsOn(table: HitTable, entity: number): number[] {
  const hits: number[] = [];
  if (entity < 0) return hits;
  for (let handle = newestHit(table, entity); handle >= 0; ) {
    hits.push(handle);
    const after = table.next[handle] ?? 0;
    handle = after < 0 ? -1 : after - 1;
  }
  return hits;
}

export function* entitiesOf(table: HitTable): Generator<number> {
  for (let entity = 0; entity < table.end; entity++) if (countOf(table, entity) > 0) yield entity;
}

/** Bytes. */
export function bytesOfHits({ index, rows, next, bits }: HitTable): number {
  return index.byteLength + rows.byteLength + next.byteLength + bits.byteLength;
}

function lessHits(table: HitTable, entity: number, count: number): boolean {
  table.rows[entity * STRIDE + COUNT] = count;
  if (count > 0) return false;
  const { index, rows, free } = table;
  const mask = index.length - 1;
  let slot = (rows[entity * STRIDE + HASH] ?? 0) & mask;
  while (index[slot] !== entity + 1) slot = (slot + 1) & mask;
  index[slot] = -1;
  free.push(entity);
  return true;
}

function growHandles(table: HitTable, count: number): void {
  table.next = longer(table.next, count);
  const bits = new Uint8Array(table.next.length);
  bits.set(table.bits);
  table.bits = bits;
}

/** At least half as long again, so that growing is rare. */
function longer(from: Int32Array, length: number): Int32Array {
  const to = new Int32Array(Math.max(length, Math.ceil((from.length / STRIDE) * 1.5) * STRIDE));
  to.set(from);
  return to;
}

function insert(table: HitTable, entity: number): void {
  const { index, rows } = table;
  const mask = index.length - 1;
  let slot = (rows[entity * STRIDE + HASH] ?? 0) & mask;
  while ((index[slot] ?? 0) > 0) slot = (slot + 1) & mask;
  if (index[slot] === 0) table.taken += 1;
  index[slot] = entity + 1;
}

/** Without the slots that were in use, and twice as long if it is more than a quarter full. */
function rebuildIndex(table: HitTable): void {
  const { length } = table.index;
  table.index = new Int32Array(entitiesIn(table) * 4 > length ? length * 2 : length);
  table.taken = 0;
  for (const entity of entitiesOf(table)) insert(table, entity);
}
