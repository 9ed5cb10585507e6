// What the three window stores share: which segment an append's attempts go to, and how an append is recognised when it
// comes again.
import { createHash } from 'node:crypto';
import { AppError } from '../../model/errors.ts';
import type { AppendRows, KeptRow, Row } from '../window-store.ts';

/**
 * Version of what the stores hold. A store of a newer one is refused with `newer_store`; one of an older one is emptied, and
 * the windows are rebuilt from the log. 3: attempts as the table packs them, their words as marks.
 */
export const STORE_SCHEMA = 3;

/** Offsets in one segment of attempts: a segment is what expires and is dropped as a whole. */
export const SEGMENT_OFFSETS = 16_384;

/** Most rows that are kept by id in a page of `load`. */
export const PAGE_ROWS = 1_000;

/** An append's attempts stand in the segment of its last record, so that a segment never ends before its attempts do. */
export function segmentOf(next: number): number {
  return Math.max(0, Math.floor((next - 1) / SEGMENT_OFFSETS));
}

/** The first segment that may hold what was last appended at `offset` or later. */
export function firstSegmentFrom(offset: number): number {
  return Math.max(0, Math.floor(offset / SEGMENT_OFFSETS));
}

/** `rule` and `mark` do not share ids. */
function rowKey({ kind, id }: Pick<KeptRow, 'kind' | 'id'>): string {
  return `${kind === 'rule' ? 'r' : 'm'}${id}`;
}

export function rowOf(key: string, value: string): KeptRow {
  return { kind: key.startsWith('r') ? 'rule' : 'mark', id: key.slice(1), value };
}

/** The rows of an append, as the stores write them. */
export type Parts = {
  /** All attempts, one after the other; none: no bytes. */
  readonly attempts: Uint8Array;
  /** By `rowKey`, each id once: the last counts, whatever came before it. null deletes. */
  readonly kept: ReadonlyMap<string, string | null>;
};

export function partsOf(rows: readonly Row[]): Parts {
  const bytes: Uint8Array[] = [];
  const kept = new Map<string, string | null>();
  for (const row of rows) {
    if (row.kind === 'attempts') bytes.push(row.bytes);
    else kept.set(rowKey(row), row.value);
  }
  const [only] = bytes;
  return { attempts: bytes.length === 1 && only !== undefined ? only : Buffer.concat(bytes), kept };
}

/** Equal for the same append and, as far as a 160-bit hash tells, for no other. */
export function sealOf({ expectedNext, next }: AppendRows, { attempts, kept }: Parts): string {
  const hash = createHash('sha1').update(attempts);
  if (kept.size > 0) hash.update(JSON.stringify([attempts.length, ...kept]));
  return `${expectedNext ?? ''}:${next}:${hash.digest('hex')}`;
}

export function newerStore(found: number): AppError {
  return new AppError('newer_store', `The window store has schema ${found}; this program knows ${STORE_SCHEMA}.`, {
    help: 'A newer declinewatch has written to this store: run that version or a later one, or empty the store to rebuild it from the log.',
  });
}
