// What the three window stores share: which segment a row goes to, how an append is recognised when it comes again, and
// rows packed into one string, compressed if there are many.
import { createHash } from 'node:crypto';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { AppError } from '../../model/errors.ts';
import type { AppendRows, Row } from '../window-store.ts';

/** Version of what the stores hold. A store of a newer one is refused with `newer_store`. 2: rows may be compressed. */
export const STORE_SCHEMA = 2;

/** Offsets in one segment of attempt rows: a segment is what expires and is dropped as a whole. */
export const SEGMENT_OFFSETS = 16_384;

/** Most rows in a page of `load`. */
export const PAGE_ROWS = 1_000;

/** An append's rows stand in the segment of its last record, so that a segment never ends before its rows do. */
export function segmentOf(next: number): number {
  return Math.max(0, Math.floor((next - 1) / SEGMENT_OFFSETS));
}

/** The first segment that may hold rows last appended at `offset` or later. */
export function firstSegmentFrom(offset: number): number {
  return Math.max(0, Math.floor(offset / SEGMENT_OFFSETS));
}

/** Rows that are kept by id: `rule` and `mark` do not share ids. */
export function rowKey({ kind, id }: Pick<Row, 'kind' | 'id'>): string {
  return `${kind === 'rule' ? 'r' : 'm'}${id}`;
}

export function rowOf(key: string, value: string): Row {
  return { kind: key.startsWith('r') ? 'rule' : 'mark', id: key.slice(1), value };
}

/** Equal for the same append and, as far as a 160-bit hash tells, for no other. `packed`: all its rows. */
export function sealOf({ expectedNext, next }: AppendRows, packed: readonly PackedRows[]): string {
  const sha1 = createHash('sha1');
  for (const rows of packed) sha1.update(rows);
  return `${expectedNext ?? ''}:${next}:${sha1.digest('hex')}`;
}

/** A row is 200 to 350 characters; of a thousand together a third or less is left, and fewer bytes to send cost less, too. */
export type PackedRows = string | Uint8Array;

/** Shorter ones stay as they are: there is little to gain. */
const COMPRESSED_FROM = 4_096;
/** The quickest, and nearly the smallest. */
const QUICK = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

export function packForStore(rows: readonly Row[]): PackedRows {
  const packed = packRows(rows);
  return packed.length < COMPRESSED_FROM ? packed : zstdCompressSync(packed, QUICK);
}

/** Throws `store_unavailable` for what `packForStore` did not write. */
export function unpackFromStore(stored: PackedRows): Row[] {
  if (typeof stored === 'string') return unpackRows(stored);
  const isCompressed = ZSTD_MAGIC.every((byte, i) => stored[i] === byte);
  if (!isCompressed) return unpackRows(Buffer.from(stored.buffer, stored.byteOffset, stored.length).toString());
  let packed: Buffer;
  try {
    packed = zstdDecompressSync(stored);
  } catch {
    throw broken();
  }
  return unpackRows(packed.toString());
}

/** No row begins with it. */
const ZSTD_MAGIC = [0x28, 0xb5, 0x2f, 0xfd];

/** Lengths first, so that ids and values may hold any character. */
export function packRows(rows: readonly Row[]): string {
  let packed = '';
  for (const { kind, id, value } of rows)
    packed += `${kind[0]}${id.length}:${value === null ? '' : value.length}:${id}${value ?? ''}`;
  return packed;
}

const KINDS: Readonly<Record<string, Row['kind']>> = { a: 'attempt', r: 'rule', m: 'mark' };

function unpackRows(packed: string): Row[] {
  const rows: Row[] = [];
  for (let at = 0; at < packed.length; ) {
    const kind = KINDS[packed.charAt(at)];
    const idEnds = packed.indexOf(':', at);
    const valueEnds = packed.indexOf(':', idEnds + 1);
    if (kind === undefined || idEnds < 0 || valueEnds < 0) throw broken();
    const from = valueEnds + 1;
    const idTo = from + Number(packed.slice(at + 1, idEnds));
    const length = packed.slice(idEnds + 1, valueEnds);
    const to = idTo + (length === '' ? 0 : Number(length));
    if (!(to <= packed.length)) throw broken();
    rows.push({ kind, id: packed.slice(from, idTo), value: length === '' ? null : packed.slice(idTo, to) });
    at = to;
  }
  return rows;
}

function broken(): AppError {
  return new AppError('store_unavailable', 'The window store holds rows that cannot be read.', {
    help: 'Remove the windows of this installation from the store; they are rebuilt from the log at the next start.',
  });
}

export function newerStore(found: number): AppError {
  return new AppError('newer_store', `The window store has schema ${found}; this program knows ${STORE_SCHEMA}.`, {
    help: 'A newer declinewatch has written to this store: run that version or a later one, or empty the store to rebuild it from the log.',
  });
}
