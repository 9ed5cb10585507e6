// Reads stretches of a partition of `attempts` again and folds them: the history lane, verify, what-if and why. In pages,
// and with room for everything else between them: what is live does not wait.
import type { EventLog, StoredRecord } from '../log/event-log.ts';
import type { Rule } from '../model/detector.ts';
import { type Key, keyId } from '../model/entity.ts';
import { episodesOf, type FoldRecord, fold, keysOf } from './fold.ts';
import { createRevision } from './revision.ts';
import type { FoldState } from './state.ts';
import { decodeAll } from './worker-decode.ts';
import { acceptedRules } from './worker-origin.ts';

/** Offsets, [from, to). */
export type OffsetRange = { readonly from: number; readonly to: number };

export type ReplayInput = {
  readonly log: Pick<EventLog, 'read'>;
  readonly partition: number;
  /** In the order in which they are to be read. */
  readonly ranges: readonly OffsetRange[];
  /** What need not even be decoded; default: nothing. */
  readonly skips?: (value: string) => boolean;
  /** What is to be folded of it; default: everything. */
  readonly wants?: (record: FoldRecord, offset: number) => boolean;
  /** Aborted: rejects with its reason. */
  readonly signal?: AbortSignal;
  /** Told how many records were read since it was told last. */
  readonly onProgress?: (records: number) => void;
};

export type FoundRecord = { readonly offset: number; readonly record: FoldRecord };

/** Records looked at before other work may go on. */
const SLICE = 1_000;

/** Folds into the state what is wanted; resolves with the keys whose episodes may have changed, by keyId. */
export async function replay(state: FoldState, input: ReplayInput): Promise<ReturnType<typeof fold>['touched']> {
  const touched: ReturnType<typeof fold>['touched'] = new Map();
  for await (const slice of recordsIn(input)) {
    const records = slice.map(({ record }) => record);
    for (const [id, key] of fold(state, records).touched) touched.set(id, key);
  }
  return touched;
}

/** In slices of at most 1,000. Records that cannot be read are left out: the detect worker has put them among the dead letters. */
export async function* recordsIn(input: ReplayInput): AsyncGenerator<readonly FoundRecord[]> {
  const { log, partition, ranges, skips, wants, signal, onProgress } = input;
  for (const { from, to } of ranges) {
    if (from >= to) continue;
    for await (const page of log.read('attempts', partition, from, to)) {
      for (let i = 0; i < page.length; i += SLICE) {
        signal?.throwIfAborted();
        const slice = page.slice(i, i + SLICE);
        const kept = skips === undefined ? slice : slice.filter(({ value }) => !skips(value));
        const found = kept.flatMap(readable);
        yield wants === undefined ? found : found.filter(({ record, offset }) => wants(record, offset));
        onProgress?.(slice.length);
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }
}

const NO_LETTERS = { nowMs: 0, poisoned: new Set<number>(), deadLettered: () => undefined };

function readable(stored: StoredRecord): FoundRecord[] {
  const [record] = decodeAll([stored], NO_LETTERS).records;
  if (record === undefined || (record.record === 'rule' && !compiles(record))) return [];
  return [{ offset: stored.offset, record }];
}

/** Every version ever accepted, in any order; those whose filter does not compile are left out, as the worker does. */
export async function usableRules(log: EventLog): Promise<readonly Rule[]> {
  return (await acceptedRules(log)).filter(compiles);
}

function compiles({ settings, revision }: Rule): boolean {
  if (settings === null) return true;
  try {
    createRevision(revision, settings);
    return true;
  } catch {
    return false;
  }
}

/** Seconds: the longest window and the longest quiet gap of any version. */
export function longestOf(state: FoldState): { readonly windowS: number; readonly quietForS: number } {
  let windowS = 0;
  let quietForS = 0;
  for (const { versions } of state.detectors.values()) {
    for (const { settings } of versions) {
      windowS = Math.max(windowS, settings?.windowS ?? 0);
      quietForS = Math.max(quietForS, settings?.quietForS ?? 0);
    }
  }
  return { windowS, quietForS };
}

/** Of a state that nothing else changes meanwhile. */
export async function keysWithEpisodes(state: FoldState): Promise<Map<string, Key>> {
  const found = new Map<string, Key>();
  for await (const key of unhurried(keysOf(state))) if (episodesOf(state, key).length > 0) found.set(keyId(key), key);
  return found;
}

/** Items looked at before other work may go on. */
const SLICE_ITEMS = 1_000;

export async function* unhurried<T>(items: Iterable<T>): AsyncGenerator<T> {
  let looked = 0;
  for (const item of items) {
    yield item;
    if (++looked % SLICE_ITEMS === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}
