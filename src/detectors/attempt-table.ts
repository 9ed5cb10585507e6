// The merged attempts of a partition: found by scope and id, kept as bytes, named by handles that the windows hold.
import type { MergedAttempt } from '../attempts/merge.ts';
import type { Outcome } from '../model/attempt.ts';
import { type Scope, scopeId } from '../model/scope.ts';
import { isIdAt, packAttempt, unpackAttempt, unpackOutcome } from './attempt-pack.ts';
import { type Cursor, createDictionary, type Dictionary, readNumber, readText, room, writeNumber } from './bytes.ts';
import {
  bytesOf,
  type Chunks,
  chunkOf,
  createChunks,
  dropRecord,
  growChunks,
  HEADER_BYTES,
  isHeld,
  keepTail,
  lengthOf,
  OWN,
  putRecord,
  STRIDE,
  startOf,
  tailOf,
} from './chunks.ts';

export type AttemptTable = {
  readonly scopes: ScopeNumbers;
  readonly chunks: Chunks;
  readonly dictionary: Dictionary;
  readonly scratch: Cursor;
  /** Rows for the window store, while they are written. */
  readonly rowBytes: Cursor;
  /** Handles to be used again. */
  readonly free: number[];
  /** Handles below it have been in use. */
  end: number;
  /** By handle: seconds; of one that is not in use, never. The number of the scope is beside its place in the chunks. */
  times: Float64Array;
  /** Open addressing by the hash of scope and id: that, and beside it the handle + 1; 0: empty; -1: was in use. */
  index: Int32Array;
  /** Places of the index that are not empty. */
  taken: number;
};

/** Scopes by number, what ids in them begin with, and numbers by account: [test, live]. */
export type ScopeNumbers = {
  readonly list: Scope[];
  readonly prefixes: string[];
  readonly byAccount: Map<string | null, [number, number]>;
};

const FIRST_LENGTH = 1_024;
const SCOPE = OWN;
/** Numbers a place of the index. */
const PLACE = 2;

export function createAttemptTable(): AttemptTable {
  return {
    scopes: { list: [], prefixes: [], byAccount: new Map() },
    chunks: createChunks(),
    dictionary: createDictionary(),
    scratch: { bytes: Buffer.allocUnsafe(4_096), at: 0 },
    rowBytes: { bytes: Buffer.allocUnsafe(4_096), at: 0 },
    free: [],
    end: 0,
    times: new Float64Array(FIRST_LENGTH),
    index: new Int32Array(FIRST_LENGTH * 2 * PLACE),
    taken: 0,
  };
}

/** The number of a scope, given at its first sight. */
export function scopeNumber({ scopes }: AttemptTable, { account, livemode }: Scope): number {
  let numbers = scopes.byAccount.get(account);
  if (numbers === undefined) {
    const first = scopes.list.length;
    for (const each of [false, true]) {
      scopes.list.push({ account, livemode: each });
      scopes.prefixes.push(`${scopeId({ account, livemode: each })}/`);
    }
    numbers = [first, first + 1];
    scopes.byAccount.set(account, numbers);
  }
  return numbers[livemode ? 1 : 0];
}

export function sizeOf({ end, free }: AttemptTable): number {
  return end - free.length;
}

/** The handle of an attempt; -1 if it is not held. */
export function handleOf({ index, chunks }: AttemptTable, scope: number, id: string): number {
  const hash = hashOf(id, scope);
  for (let at = firstPlace(index, hash); ; at = placeAfter(index, at)) {
    const held = index[at + 1] ?? 0;
    if (held === 0) return -1;
    if (index[at] !== hash || held < 0) continue;
    const handle = held - 1;
    if (chunks.rows[handle * STRIDE + SCOPE] !== scope) continue;
    if (isIdAt(chunkOf(chunks, handle), startOf(chunks, handle), id)) return handle;
  }
}

/** In the order of the hashes, so that a longer index is filled from its beginning to its end. */
const firstPlace = ({ length }: Int32Array, hash: number): number =>
  Math.floor((hash >>> 0) * (length / PLACE) * 2 ** -32) * PLACE;

const placeAfter = ({ length }: Int32Array, at: number): number => (at + PLACE === length ? 0 : at + PLACE);

/** The number of the scope of a held attempt. */
export function scopeAt({ chunks }: AttemptTable, handle: number): number {
  return chunks.rows[handle * STRIDE + SCOPE] ?? -1;
}

/** The scope of a held attempt. */
export function scopeOf(table: AttemptTable, handle: number): Scope {
  const scope = table.scopes.list[scopeAt(table, handle)];
  if (scope === undefined) throw new Error('a handle of no scope');
  return scope;
}

/** `isNameless`: without ids, for who only counts. */
export function attemptAt(table: AttemptTable, handle: number, isNameless = false): MergedAttempt {
  const { chunks, dictionary, times } = table;
  const scope = scopeOf(table, handle);
  const from = { bytes: chunkOf(chunks, handle), at: startOf(chunks, handle) };
  return unpackAttempt(from, dictionary, { scope, time: times[handle] ?? 0, isNameless });
}

/** Stores an attempt that is not held yet; its handle. */
export function addAttempt(table: AttemptTable, scope: number, merged: MergedAttempt): number {
  const { chunks, dictionary } = table;
  const handle = newHandle(table, scope, merged.id);
  const tail = tailOf(chunks);
  packAttempt(tail, dictionary, merged);
  keepTail(chunks, handle, tail);
  table.times[handle] = merged.time;
  return handle;
}

function newHandle(table: AttemptTable, scope: number, id: string): number {
  const handle = table.free.pop() ?? table.end++;
  if (handle >= table.times.length) grow(table);
  table.chunks.rows[handle * STRIDE + SCOPE] = scope;
  if (table.taken * PLACE * 4 >= table.index.length * 3) rebuildIndex(table);
  insert(table, hashOf(id, scope), handle);
  return handle;
}

/** Writes the bytes of an attempt, their length first. */
export function copyPacked(to: Cursor, { chunks }: AttemptTable, handle: number): void {
  const bytes = chunkOf(chunks, handle);
  const start = startOf(chunks, handle);
  const length = lengthOf(chunks, handle);
  writeNumber(to, length);
  room(to, length);
  bytes.copy(to.bytes, to.at, start, start + length);
  to.at += length;
}

/** Stores an attempt, held before or not, as `copyPacked` wrote it. Throws if it is cut off. */
export function putPacked(
  table: AttemptTable,
  { scope, time }: { readonly scope: number; readonly time: number },
  from: Cursor,
): void {
  const { scratch, chunks } = table;
  const length = readNumber(from);
  const end = from.at + length;
  if (!(length > 0 && end <= from.bytes.length)) throw new Error('an attempt that is cut off');
  const id = readText({ bytes: from.bytes, at: from.at });
  const known = handleOf(table, scope, id);
  const handle = known < 0 ? newHandle(table, scope, id) : known;
  scratch.at = HEADER_BYTES;
  room(scratch, length);
  from.bytes.copy(scratch.bytes, HEADER_BYTES, from.at, end);
  putRecord(chunks, handle, scratch.bytes, HEADER_BYTES + length);
  table.times[handle] = time;
  from.at = end;
}

export function replaceAttempt(
  { scratch, dictionary, chunks, times }: AttemptTable,
  handle: number,
  merged: MergedAttempt,
): void {
  scratch.at = HEADER_BYTES;
  packAttempt(scratch, dictionary, merged);
  putRecord(chunks, handle, scratch.bytes, scratch.at);
  times[handle] = merged.time;
}

/** Its handle may be given to another attempt: nothing may hold it any more. */
export function removeAttempt(table: AttemptTable, handle: number): void {
  const { index, chunks, free } = table;
  const { id } = attemptAt(table, handle);
  let at = firstPlace(index, hashOf(id, scopeAt(table, handle)));
  while (index[at + 1] !== handle + 1) at = placeAfter(index, at);
  index[at + 1] = -1;
  dropRecord(chunks, handle);
  table.times[handle] = Number.POSITIVE_INFINITY;
  free.push(handle);
}

/** Seconds: of the eldest that is held. */
export function oldestTime({ times, end }: AttemptTable): number {
  let oldest = Number.POSITIVE_INFINITY;
  for (let handle = 0; handle < end; handle++) {
    const time = times[handle] as number;
    if (time < oldest) oldest = time;
  }
  return oldest;
}

export function* handlesOf(table: AttemptTable): Generator<number> {
  for (let handle = 0; handle < table.end; handle++) if (isHeld(table.chunks, handle)) yield handle;
}

/** How many attempts have each outcome. */
export function outcomesOf(table: AttemptTable): ReadonlyMap<Outcome, number> {
  const { chunks, dictionary } = table;
  const counts = new Map<Outcome, number>();
  const from = { bytes: table.scratch.bytes, at: 0 };
  for (let handle = 0; handle < table.end; handle++) {
    if (!isHeld(chunks, handle)) continue;
    from.bytes = chunkOf(chunks, handle);
    from.at = startOf(chunks, handle);
    const outcome = unpackOutcome(from, dictionary);
    if (outcome !== null) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  }
  return counts;
}

/** Bytes outside the heap. */
export function footprintOf({ chunks, times, index }: AttemptTable): number {
  return bytesOf(chunks) + times.byteLength + index.byteLength;
}

function grow(table: AttemptTable): void {
  const times = new Float64Array(Math.ceil(table.times.length * 1.5));
  times.set(table.times);
  table.times = times;
  growChunks(table.chunks, times.length);
}

function insert(table: AttemptTable, hash: number, handle: number): void {
  const { index } = table;
  let at = firstPlace(index, hash);
  while ((index[at + 1] ?? 0) > 0) at = placeAfter(index, at);
  if (index[at + 1] === 0) table.taken += 1;
  index[at] = hash;
  index[at + 1] = handle + 1;
}

/** Without the places that were in use, and half as long again if more than half are in use now. */
function rebuildIndex(table: AttemptTable): void {
  const before = table.index;
  const places = before.length / PLACE;
  table.index = new Int32Array((sizeOf(table) * 2 > places ? Math.ceil(places * 1.5) : places) * PLACE);
  table.taken = 0;
  for (let at = 0; at < before.length; at += PLACE) {
    const held = before[at + 1] ?? 0;
    if (held > 0) insert(table, before[at] ?? 0, held - 1);
  }
}

/** Of the id that was looked for last: what is not found is added next. */
let hashed = { text: '', scope: -1, hash: 0 };

/** FNV-1a over the characters, mixed once more; the ids are Stripe's, so nobody outside chooses them. */
function hashOf(text: string, scope: number): number {
  if (hashed.text === text && hashed.scope === scope) return hashed.hash;
  let hash = 0x811c9dc5 ^ scope;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d) ^ (hash >>> 12);
  hashed = { text, scope, hash };
  return hash;
}
