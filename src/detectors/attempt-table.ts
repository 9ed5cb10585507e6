// The merged attempts of a partition: found by scope and id, kept as bytes, named by handles that the windows hold.
import type { MergedAttempt } from '../attempts/merge.ts';
import type { Outcome } from '../model/attempt.ts';
import { type Scope, scopeId } from '../model/scope.ts';
import { packAttempt, unpackAttempt, unpackOutcome } from './attempt-pack.ts';
import { areTextsAlike, type Cursor, createDictionary, type Dictionary, endOfText, writeText } from './bytes.ts';
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
  OWN,
  putRecord,
  STRIDE,
  startOf,
  tailOf,
} from './chunks.ts';
import {
  createHandleIndex,
  firstPlace,
  type HandleIndex,
  indexHandle,
  placeAfter,
  unindexHandle,
} from './handle-index.ts';

export type AttemptTable = {
  readonly scopes: ScopeNumbers;
  readonly chunks: Chunks;
  readonly dictionary: Dictionary;
  readonly scratch: Cursor;
  /** Views of the log that are about to be folded. */
  readonly incoming: Cursor;
  /** Rows for the window store, while they are written. */
  readonly rowBytes: Cursor;
  /** Handles to be used again. */
  readonly free: number[];
  /** Handles below it have been in use. */
  end: number;
  /** By handle: seconds; of one that is not in use, never. The number of the scope is beside its place in the chunks. */
  times: Float64Array;
  /** By the hash of scope and id. */
  readonly index: HandleIndex;
};

/** Scopes by number, what ids in them begin with, and numbers by account: [test, live]. */
export type ScopeNumbers = {
  readonly list: Scope[];
  readonly prefixes: string[];
  readonly byAccount: Map<string | null, [number, number]>;
};

const FIRST_LENGTH = 1_024;
const SCOPE = OWN;

export function createAttemptTable(): AttemptTable {
  return {
    scopes: { list: [], prefixes: [], byAccount: new Map() },
    chunks: createChunks(),
    dictionary: createDictionary(),
    scratch: { bytes: Buffer.allocUnsafe(4_096), at: 0 },
    incoming: { bytes: Buffer.allocUnsafe(4_096), at: 0 },
    rowBytes: { bytes: Buffer.allocUnsafe(4_096), at: 0 },
    free: [],
    end: 0,
    times: new Float64Array(FIRST_LENGTH),
    index: createHandleIndex(),
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
export function handleOf(table: AttemptTable, scope: number, id: string): number {
  const { scratch } = table;
  scratch.at = 0;
  writeText(scratch, id);
  const sought = { bytes: scratch.bytes, at: 0 };
  return handleOfId(table, { scope, hash: hashOfId(sought, scope), id: sought });
}

type Sought = { readonly scope: number; readonly hash: number; readonly id: Cursor };

/** The same of an id that lies there as a packed text. */
export function handleOfId({ index, chunks }: AttemptTable, { scope, hash, id }: Sought): number {
  const { places } = index;
  for (let at = firstPlace(places, hash); ; at = placeAfter(places, at)) {
    const held = places[at + 1] ?? 0;
    if (held === 0) return -1;
    if (places[at] !== hash || held < 0) continue;
    const handle = held - 1;
    if (chunks.rows[handle * STRIDE + SCOPE] !== scope) continue;
    if (areTextsAlike(chunkOf(chunks, handle), startOf(chunks, handle), id)) return handle;
  }
}

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
  const { dictionary, times } = table;
  const scope = scopeOf(table, handle);
  return unpackAttempt(packedAt(table, handle), dictionary, { scope, time: times[handle] ?? 0, isNameless });
}

/** Where the bytes of a held attempt begin. */
export function packedAt({ chunks }: AttemptTable, handle: number): Cursor {
  return { bytes: chunkOf(chunks, handle), at: startOf(chunks, handle) };
}

/** Stores an attempt that is not held yet; its handle. */
export function addAttempt(table: AttemptTable, scope: number, merged: MergedAttempt): number {
  const { chunks, dictionary } = table;
  const tail = tailOf(chunks);
  const { at } = tail;
  packAttempt(tail, dictionary, merged);
  const handle = newHandle(table, scope, hashOfId({ bytes: tail.bytes, at }, scope));
  keepTail(chunks, handle, tail);
  table.times[handle] = merged.time;
  return handle;
}

/** For an attempt that is stored next. */
export function newHandle(table: AttemptTable, scope: number, hash: number): number {
  const handle = table.free.pop() ?? table.end++;
  if (handle >= table.times.length) grow(table);
  table.chunks.rows[handle * STRIDE + SCOPE] = scope;
  indexHandle(table.index, hash, handle);
  return handle;
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
  unindexHandle(index, hashOfId(packedAt(table, handle), scopeAt(table, handle)), handle);
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
  return bytesOf(chunks) + times.byteLength + index.places.byteLength;
}

function grow(table: AttemptTable): void {
  const times = new Float64Array(Math.ceil(table.times.length * 1.5));
  times.set(table.times);
  table.times = times;
  growChunks(table.chunks, times.length);
}

/** FNV-1a over the bytes of a packed text, mixed once more; the ids are Stripe's, so nobody outside chooses them. */
export function hashOfId(id: Cursor, scope: number): number {
  const { bytes, at } = id;
  const end = endOfText(id.bytes, id.at);
  let hash = 0x811c9dc5 ^ scope;
  for (let i = at; i < end; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
  hash ^= hash >>> 15;
  return Math.imul(hash, 0x2c1b3c6d) ^ (hash >>> 12);
}
