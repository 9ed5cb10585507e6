// Which handles (of attempts or signals) lie on which entity, in typed arrays: entities by the hash of their scope and value,
// which is long enough to stand for them, the hits of one as a chain through its handles, newest first.
import { hashText, type TextHash } from './text-hash.ts';

export type HitTable = {
  /**
   * Open addressing by hash; an entity is its place here, which may change when one is added. What is known of it lies side by
   * side, so that one look into memory finds all: HASH (three numbers), HEAD, COUNT, NOTE.
   */
  rows: Int32Array;
  /** Entities. */
  size: number;
  /** Places that are not empty: those that were in use too. */
  taken: number;
  /** By handle: 0: not listed; -1: the last of its chain; else the next handle + 1. */
  next: Int32Array;
  /** By handle: the owner's own eight bits of what is listed. */
  bits: Uint8Array;
};

const FIRST_LENGTH = 64;
const STRIDE = 6;
/** Of scope and value. */
const HASH = 0;
/** The newest hit. */
const HEAD = 3;
/** How many hits; 0: empty; WAS_IN_USE. */
const COUNT = 4;
const WAS_IN_USE = -1;
/** A number of the owner's own, at first 0. */
const NOTE = 5;

export function createHitTable(): HitTable {
  return {
    rows: new Int32Array(FIRST_LENGTH * STRIDE),
    size: 0,
    taken: 0,
    next: new Int32Array(FIRST_LENGTH),
    bits: new Uint8Array(FIRST_LENGTH),
  };
}

export const countOf = ({ rows }: HitTable, entity: number): number => rows[entity * STRIDE + COUNT] ?? 0;

export const newestHit = ({ rows }: HitTable, entity: number): number => rows[entity * STRIDE + HEAD] ?? 0;

export const isListed = ({ next }: HitTable, handle: number): boolean => (next[handle] ?? 0) !== 0;

export const noteOf = ({ rows }: HitTable, entity: number): number => rows[entity * STRIDE + NOTE] ?? 0;

export function setNote({ rows }: HitTable, entity: number, note: number): void {
  rows[entity * STRIDE + NOTE] = note;
}

/** Of the text that is looked for. */
const sought: TextHash = [0, 0, 0];

/** The place of an entity; -1 if nothing lies on it. */
export function entityAt({ rows }: HitTable, scope: number, value: string): number {
  hashText(sought, value, scope);
  return entityOfHash({ rows }, sought);
}

/** The same by the hash of the value with the scope as its salt. */
export function entityOfHash({ rows }: Pick<HitTable, 'rows'>, [first, second, third]: TextHash): number {
  for (let row = firstRow(rows, first); ; row = rowAfter(rows, row)) {
    const count = rows[row + COUNT] ?? 0;
    if (count === 0) return -1;
    if (rows[row + HASH] !== first || rows[row + HASH + 1] !== second || rows[row + HASH + 2] !== third) continue;
    if (count > 0) return row / STRIDE;
  }
}

/** In the order of the hashes, so that a longer table is filled from its beginning to its end. */
const firstRow = ({ length }: Int32Array, hash: number): number =>
  Math.floor((hash >>> 0) * (length / STRIDE) * 2 ** -32) * STRIDE;

const rowAfter = ({ length }: Int32Array, row: number): number => (row + STRIDE === length ? 0 : row + STRIDE);

/** What lies where an entity of that hash is looked for first. */
export const glanceAt = ({ rows }: HitTable, [hash]: TextHash): number => rows[firstRow(rows, hash)] as number;

/** Lists a handle, unless it is listed, on the entity of that scope and value; the entity's place. */
export function addHit(table: HitTable, handle: number, scope: number, value: string): number {
  hashText(sought, value, scope);
  return addHitOf(table, handle, sought);
}

/** The same, by the hash of the value with the scope as its salt. */
export function addHitOf(table: HitTable, handle: number, hash: TextHash): number {
  const entity = entityOfHash(table, hash);
  if (handle >= table.next.length) growHandles(table, handle + 1);
  if (entity < 0) return addEntity(table, handle, hash);
  if (isListed(table, handle)) return entity;
  const { rows, next } = table;
  const row = entity * STRIDE;
  next[handle] = (rows[row + HEAD] ?? 0) + 1;
  rows[row + HEAD] = handle;
  rows[row + COUNT] = (rows[row + COUNT] ?? 0) + 1;
  return entity;
}

function addEntity(table: HitTable, handle: number, [first, second, third]: TextHash): number {
  if ((table.taken + 1) * STRIDE * 4 > table.rows.length * 3) rebuild(table);
  table.next[handle] = -1;
  table.size += 1;
  const row = rowFor(table, first);
  const { rows } = table;
  rows[row + HASH] = first;
  rows[row + HASH + 1] = second;
  rows[row + HASH + 2] = third;
  rows[row + HEAD] = handle;
  rows[row + COUNT] = 1;
  rows[row + NOTE] = 0;
  return row / STRIDE;
}

/** Takes a listed handle off its entity; true: nothing lies on that any more. */
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

/** Keeps of an entity's hits those that are wanted; true: none is. */
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

/** The hit after one, on the same entity; -1: there is none. */
export function nextHit({ next }: HitTable, handle: number): number {
  const after = next[handle] ?? 0;
  return after < 0 ? -1 : after - 1;
}

/** The handles on an entity, or those of them that are wanted, newest first. */
export function hitsOn(table: HitTable, entity: number, isWanted: (handle: number) => boolean = () => true): number[] {
  const hits: number[] = [];
  if (entity < 0) return hits;
  for (let handle = newestHit(table, entity); handle >= 0; handle = nextHit(table, handle))
    if (isWanted(handle)) hits.push(handle);
  return hits;
}

/** Entities are numbers below it; those without hits are none. */
export const capacityOf = ({ rows }: HitTable): number => rows.length / STRIDE;

/** Bytes. */
export function bytesOfHits({ rows, next, bits }: HitTable): number {
  return rows.byteLength + next.byteLength + bits.byteLength;
}

function lessHits(table: HitTable, entity: number, count: number): boolean {
  table.rows[entity * STRIDE + COUNT] = count > 0 ? count : WAS_IN_USE;
  if (count > 0) return false;
  table.size -= 1;
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
  const to = new Int32Array(Math.max(length, Math.ceil(from.length * 1.5)));
  to.set(from);
  return to;
}

/** The first row from a hash on that is not in use; it is then. */
function rowFor(table: HitTable, hash: number): number {
  const { rows } = table;
  let row = firstRow(rows, hash);
  while ((rows[row + COUNT] ?? 0) > 0) row = rowAfter(rows, row);
  if (rows[row + COUNT] === 0) table.taken += 1;
  return row;
}

/** Without the places that were in use, and half as long again if more than half are in use now. */
function rebuild(table: HitTable): void {
  const before = table.rows;
  const places = before.length / STRIDE;
  const isCrowded = table.size * 2 > places;
  table.rows = new Int32Array((isCrowded ? Math.ceil(places * 1.5) : places) * STRIDE);
  table.taken = 0;
  for (let row = 0; row < before.length; row += STRIDE) {
    if ((before[row + COUNT] ?? 0) <= 0) continue;
    const to = rowFor(table, before[row + HASH] ?? 0);
    for (let i = 0; i < STRIDE; i++) table.rows[to + i] = before[row + i] ?? 0;
  }
}
