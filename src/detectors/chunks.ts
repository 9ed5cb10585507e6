// Records of bytes under small numbers (handles), in chunks of a megabyte that the garbage collector does not look into. A
// record that grows moves to the end; chunks that have become sparse are emptied, so that dead bytes stay few.

const CHUNK_BYTES = 1_048_576;
/** Before each record: its handle and how many bytes it takes in all. */
export const HEADER_BYTES = 8;

type Chunk = { readonly bytes: Buffer; used: number; live: number };

export type Chunks = {
  readonly list: (Chunk | null)[];
  /** The one that records are appended to. */
  current: number;
  /** By handle; -1: not in use. */
  chunkOf: Int32Array;
  offsetOf: Int32Array;
};

export function createChunks(): Chunks {
  return { list: [], current: -1, chunkOf: new Int32Array(1_024).fill(-1), offsetOf: new Int32Array(1_024) };
}

/** Makes room for handles below `count`. */
export function growChunks(chunks: Chunks, count: number): void {
  const before = chunks.chunkOf.length;
  if (count <= before) return;
  const length = Math.max(count, Math.ceil(before * 1.5));
  chunks.chunkOf = grown(chunks.chunkOf, new Int32Array(length).fill(-1));
  chunks.offsetOf = grown(chunks.offsetOf, new Int32Array(length));
}

export function grown<T extends Int32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

export function isHeld({ chunkOf }: Chunks, handle: number): boolean {
  return (chunkOf[handle] ?? -1) >= 0;
}

/** Where the record of a handle begins, after its header. */
export function recordAt({ list, chunkOf, offsetOf }: Chunks, handle: number): { bytes: Buffer; at: number } {
  const chunk = list[chunkOf[handle] ?? -1];
  if (chunk == null) throw new Error('a handle that is not in use');
  return { bytes: chunk.bytes, at: (offsetOf[handle] ?? 0) + HEADER_BYTES };
}

/** Stores the first `length` bytes, of which the header's are free to be written. */
export function putRecord(chunks: Chunks, handle: number, bytes: Buffer, length: number): void {
  const held = chunks.list[chunks.chunkOf[handle] ?? -1];
  const at = chunks.offsetOf[handle] ?? 0;
  if (held != null && length <= held.bytes.readInt32LE(at + 4)) {
    bytes.copy(held.bytes, at + HEADER_BYTES, HEADER_BYTES, length);
    return;
  }
  if (held != null) dropRecord(chunks, handle);
  bytes.writeInt32LE(handle, 0);
  bytes.writeInt32LE(length, 4);
  const before = chunks.current;
  append(chunks, handle, bytes.subarray(0, length));
  if (chunks.current !== before) emptySparsest(chunks);
}

export function dropRecord({ list, chunkOf, offsetOf, current }: Chunks, handle: number): void {
  const number = chunkOf[handle] ?? -1;
  const chunk = list[number];
  chunkOf[handle] = -1;
  if (chunk == null) return;
  chunk.live -= chunk.bytes.readInt32LE((offsetOf[handle] ?? 0) + 4);
  if (chunk.live === 0 && number !== current) list[number] = null;
}

export function bytesOf({ list }: Chunks): number {
  return list.reduce((sum, chunk) => sum + (chunk?.bytes.length ?? 0), 0);
}

function append(chunks: Chunks, handle: number, record: Buffer): void {
  let chunk = chunks.list[chunks.current];
  if (chunk == null || chunk.used + record.length > chunk.bytes.length) {
    chunk = { bytes: Buffer.allocUnsafe(Math.max(CHUNK_BYTES, record.length)), used: 0, live: 0 };
    const free = chunks.list.indexOf(null);
    chunks.current = free < 0 ? chunks.list.length : free;
    chunks.list[chunks.current] = chunk;
  }
  record.copy(chunk.bytes, chunk.used);
  chunks.chunkOf[handle] = chunks.current;
  chunks.offsetOf[handle] = chunk.used;
  chunk.used += record.length;
  chunk.live += record.length;
}

/** Moves what lives of the emptiest chunk to the end, if at least a third of it is dead. */
function emptySparsest(chunks: Chunks): void {
  const { list, chunkOf, offsetOf, current } = chunks;
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
    const isLive = chunkOf[handle] === sparsest && offsetOf[handle] === at;
    if (isLive) append(chunks, handle, chunk.bytes.subarray(at, at + length));
    at += length;
  }
  list[sparsest] = null;
}
