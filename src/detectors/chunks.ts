// Records of bytes under small numbers (handles), in chunks of a megabyte that the garbage collector does not look into. A
// record that grows moves to the end; chunks that have become sparse are emptied, so that dead bytes stay few.

import type { Cursor } from './bytes.ts';

const CHUNK_BYTES = 1_048_576;
/** Before each record: its handle and how many bytes it takes in all. */
export const HEADER_BYTES = 8;

type Chunk = { readonly bytes: Buffer; used: number; live: number };

export type Chunks = {
  readonly list: (Chunk | null)[];
  /** The one that records are appended to. */
  current: number;
  /** By handle, side by side, so that one look into memory finds all: CHUNK, OFFSET, and a number of the owner's own. */
  rows: Int32Array;
};

export const STRIDE = 3;
/** -1: not in use. */
const CHUNK = 0;
const OFFSET = 1;
export const OWN = 2;

const FIRST_HANDLES = 1_024;

export function createChunks(): Chunks {
  return { list: [], current: -1, rows: new Int32Array(FIRST_HANDLES * STRIDE).fill(-1) };
}

/** Makes room for handles below `count`. */
export function growChunks(chunks: Chunks, count: number): void {
  const before = chunks.rows;
  if (count * STRIDE <= before.length) return;
  const rows = new Int32Array(Math.max(count, Math.ceil((before.length / STRIDE) * 1.5)) * STRIDE);
  rows.set(before);
  chunks.rows = rows.fill(-1, before.length);
}

export function isHeld({ rows }: Chunks, handle: number): boolean {
  return (rows[handle * STRIDE + CHUNK] ?? -1) >= 0;
}

/** The bytes in which the record of a handle lies. */
export function chunkOf({ list, rows }: Chunks, handle: number): Buffer {
  const chunk = list[rows[handle * STRIDE + CHUNK] ?? -1];
  if (chunk == null) throw new Error('a handle that is not in use');
  return chunk.bytes;
}

/** Where the record of a handle begins in them, after its header. */
export function startOf({ rows }: Chunks, handle: number): number {
  return (rows[handle * STRIDE + OFFSET] ?? 0) + HEADER_BYTES;
}

/** How many bytes from there on are its own. */
export function lengthOf(chunks: Chunks, handle: number): number {
  return chunkOf(chunks, handle).readInt32LE(startOf(chunks, handle) - 4) - HEADER_BYTES;
}

/** Stores the first `length` bytes, of which the header's are free to be written. */
export function putRecord(chunks: Chunks, handle: number, bytes: Buffer, length: number): void {
  const held = chunks.list[chunks.rows[handle * STRIDE + CHUNK] ?? -1];
  const at = chunks.rows[handle * STRIDE + OFFSET] ?? 0;
  if (held != null && length <= held.bytes.readInt32LE(at + 4)) {
    bytes.copy(held.bytes, at + HEADER_BYTES, HEADER_BYTES, length);
    return;
  }
  if (held != null) dropRecord(chunks, handle);
  bytes.writeInt32LE(handle, 0);
  bytes.writeInt32LE(length, 4);
  const before = chunks.current;
  append(chunks, handle, { bytes, from: 0, length });
  if (chunks.current !== before) emptySparsest(chunks);
}

export function dropRecord({ list, rows, current }: Chunks, handle: number): void {
  const number = rows[handle * STRIDE + CHUNK] ?? -1;
  const chunk = list[number];
  rows[handle * STRIDE + CHUNK] = -1;
  if (chunk == null) return;
  chunk.live -= chunk.bytes.readInt32LE((rows[handle * STRIDE + OFFSET] ?? 0) + 4);
  if (chunk.live === 0 && number !== current) list[number] = null;
}

export function bytesOf({ list, rows }: Chunks): number {
  return list.reduce((sum, chunk) => sum + (chunk?.bytes.length ?? 0), rows.byteLength);
}

/** What a record takes nearly always: one that takes more is moved. */
const TAIL_BYTES = 8_192;
const tail: Cursor = { bytes: Buffer.alloc(0), at: 0 };

/** Where the next new record may be written, after its header; good until the next call. */
export function tailOf(chunks: Chunks): Cursor {
  let chunk = chunks.list[chunks.current];
  if (chunk == null || chunk.used + TAIL_BYTES > chunk.bytes.length) {
    begin(chunks, CHUNK_BYTES);
    emptySparsest(chunks);
    chunk = chunks.list[chunks.current] as Chunk;
  }
  tail.bytes = chunk.bytes;
  tail.at = chunk.used + HEADER_BYTES;
  return tail;
}

/** Keeps what was written there as the record of a handle that has none. */
export function keepTail(chunks: Chunks, handle: number, { bytes, at }: Cursor): void {
  const chunk = chunks.list[chunks.current] as Chunk;
  const from = chunk.used;
  const length = at - from;
  bytes.writeInt32LE(handle, from);
  bytes.writeInt32LE(length, from + 4);
  // It was too long for what was left, and has been copied to where there is room.
  if (bytes !== chunk.bytes) append(chunks, handle, { bytes, from, length });
  else place(chunks, handle, length);
}

type Source = { readonly bytes: Buffer; readonly from: number; readonly length: number };

function append(chunks: Chunks, handle: number, { bytes, from, length }: Source): void {
  let chunk = chunks.list[chunks.current];
  if (chunk == null || chunk.used + length > chunk.bytes.length) chunk = begin(chunks, Math.max(CHUNK_BYTES, length));
  bytes.copy(chunk.bytes, chunk.used, from, from + length);
  place(chunks, handle, length);
}

/** A chunk to append to. */
function begin(chunks: Chunks, length: number): Chunk {
  const chunk: Chunk = { bytes: Buffer.allocUnsafe(length), used: 0, live: 0 };
  const free = chunks.list.indexOf(null);
  chunks.current = free < 0 ? chunks.list.length : free;
  chunks.list[chunks.current] = chunk;
  return chunk;
}

/** Takes what lies at the end of the current chunk for the record of a handle. */
function place({ list, rows, current }: Chunks, handle: number, length: number): void {
  const chunk = list[current] as Chunk;
  rows[handle * STRIDE + CHUNK] = current;
  rows[handle * STRIDE + OFFSET] = chunk.used;
  chunk.used += length;
  chunk.live += length;
}

/** Moves what lives of the emptiest chunk to the end, if at least a third of it is dead. */
function emptySparsest(chunks: Chunks): void {
  const { list, rows, current } = chunks;
  let sparsest = -1;
  for (let i = 0; i < list.length; i++) {
    const chunk = list[i];
    if (chunk == null || i === current || chunk.live * 3 > chunk.used * 2) continue;
    if (sparsest < 0 || chunk.live < (list[sparsest]?.live ?? 0)) sparsest = i;
  }
  const chunk = list[sparsest];
  if (chunk == null) return;
  for (let at = 0; at < chunk.used; ) {
    const handle = chunk.bytes.readInt32LE(at);
    const length = chunk.bytes.readInt32LE(at + 4);
    const isLive = rows[handle * STRIDE + CHUNK] === sparsest && rows[handle * STRIDE + OFFSET] === at;
    if (isLive) append(chunks, handle, { bytes: chunk.bytes, from: at, length });
    at += length;
  }
  list[sparsest] = null;
}
