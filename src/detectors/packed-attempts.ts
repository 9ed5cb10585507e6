// Attempts that lie packed somewhere else, in records of the log or in rows of the window store: held, and written, as they are.
import type { MergedAttempt } from '../attempts/merge.ts';
import { unpackAttempt } from './attempt-pack.ts';
import { type AttemptTable, handleOfId, hashOfId, newHandle } from './attempt-table.ts';
import { type Cursor, endOfText, readNumber, room, writeNumber } from './bytes.ts';
import { chunkOf, HEADER_BYTES, keepTail, lengthOf, putRecord, startOf, tailOf } from './chunks.ts';

/** An attempt that lies packed somewhere else. */
export type Packed = {
  /** Number of its scope. */
  readonly scope: number;
  /** Of its id. */
  readonly hash: number;
  /** Seconds. */
  readonly time: number;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
};

export function handleOfPacked(table: AttemptTable, { scope, hash, bytes, start }: Packed): number {
  return handleOfId(table, { scope, hash, id: { bytes, at: start } });
}

/** As `addAttempt`. */
export function addPacked(table: AttemptTable, packed: Packed): number {
  const { scope, hash, time, bytes, start, end } = packed;
  const handle = newHandle(table, scope, hash);
  const tail = tailOf(table.chunks);
  room(tail, end - start);
  bytes.copy(tail.bytes, tail.at, start, end);
  tail.at += end - start;
  keepTail(table.chunks, handle, tail);
  table.times[handle] = time;
  return handle;
}

/** Whether the attempt is held in just those bytes. */
export function isHeldAs(
  { chunks, times }: AttemptTable,
  handle: number,
  { time, bytes, start, end }: Packed,
): boolean {
  const at = startOf(chunks, handle);
  const length = end - start;
  if (times[handle] !== time || lengthOf(chunks, handle) !== length) return false;
  return chunkOf(chunks, handle).compare(bytes, start, end, at, at + length) === 0;
}

export function unpacked({ scopes, dictionary }: AttemptTable, { scope, time, bytes, start }: Packed): MergedAttempt {
  const of = scopes.list[scope];
  if (of === undefined) throw new Error('a scope without a number');
  return unpackAttempt({ bytes, at: start }, dictionary, { scope: of, time });
}

function replacePacked(
  { chunks, scratch, times }: AttemptTable,
  handle: number,
  { time, bytes, start, end }: Packed,
): void {
  scratch.at = HEADER_BYTES;
  room(scratch, end - start);
  bytes.copy(scratch.bytes, HEADER_BYTES, start, end);
  putRecord(chunks, handle, scratch.bytes, HEADER_BYTES + end - start);
  times[handle] = time;
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

/** An attempt as `copyPacked` wrote it. Throws if it is cut off. */
export function readPacked({ scope, time }: { readonly scope: number; readonly time: number }, from: Cursor): Packed {
  const length = readNumber(from);
  const end = from.at + length;
  if (!(length > 0 && end <= from.bytes.length && endOfText(from.bytes, from.at) <= end))
    throw new Error('an attempt that is cut off');
  const packed = { scope, hash: hashOfId(from, scope), time, bytes: from.bytes, start: from.at, end };
  from.at = end;
  return packed;
}

/** Stores an attempt, held before or not. */
export function putPacked(table: AttemptTable, packed: Packed): void {
  const known = handleOfPacked(table, packed);
  if (known < 0) addPacked(table, packed);
  else replacePacked(table, known, packed);
}
