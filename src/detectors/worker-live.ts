// The state of one partition in memory: the fold's, what was reported, and what is due when. Loaded from the window
// store, or begun anew from the log.
import type { EventLog } from '../log/event-log.ts';
import { checkGap } from '../log/gap.ts';
import type { Rule } from '../model/detector.ts';
import { type Key, keyId } from '../model/entity.ts';
import type { Later, ReportMark } from './reports.ts';
import { finishRestore, restoreRows } from './restore.ts';
import { horizonMs } from './retain.ts';
import { createState, type FoldState } from './state.ts';
import type { Row, WindowStore } from './window-store.ts';
import { endsOf, findOrigin, ORIGIN_ROW, type Origin } from './worker-origin.ts';
import { type Recalled, recall } from './worker-recall.ts';
import { markRowId } from './worker-report.ts';

export type Live = {
  readonly state: FoldState;
  /** Offset that is to be folded next. */
  next: number;
  /** Next offset in the store; null: nothing is stored yet. */
  stored: number | null;
  /** Where the partition ended when last seen. */
  end: number;
  origin: Origin;
  /** Rows that wait for the first append. */
  unstored: readonly Row[];
  /** By keyId. */
  readonly marks: Map<string, Marked>;
  /** Keys to look at, and when, by keyId. */
  readonly due: Map<string, Due>;
  /** Keys that are not to be looked at before (milliseconds), by keyId: episodes of very many members. */
  readonly restUntil: Map<string, number>;
  /** While it is rebuilt: what the log says was told. */
  readonly recalled: Recalled;
  /** Number of the newest erase that had been heard of before any of it was read. */
  erased: number;
};

export type Due = Later & { readonly key: Key };

/** By the clock alone: milliseconds. */
export const dueAt = (key: Key, atMs: number): Due => ({ key, atMs, endMs: Number.POSITIVE_INFINITY });

export type Marked = { readonly key: Key; readonly mark: ReportMark };

export type LiveParts = {
  readonly log: EventLog;
  readonly store: WindowStore;
  readonly nowMs: number;
  /** Of attempts and signals held. Default: MAX_ATTEMPTS. */
  readonly maxAttempts?: number | undefined;
  /** Number of the newest erase that is known. */
  readonly erased?: number;
};

/** `known`: rules of a state that was just dropped, which the log need not hold any more. */
export async function loadLive(parts: LiveParts, partition: number, known: readonly Rule[] = []): Promise<Live> {
  const { log, store } = parts;
  const { next, pages } = await store.load(partition);
  const ends = await endsOf(log, partition);
  if (next === null) return await beginLive(parts, partition, known);
  checkGap('attempts', next, ends);
  const live = emptyLive(parts, next, ends.next);
  live.stored = next;
  for await (const rows of pages) {
    restoreRows(live.state, rows);
    for (const row of rows) restoreOwn(live, row);
  }
  finishRestore(live.state);
  await recallTold(live, { log, partition }, { nowMs: parts.nowMs, end: ends.next });
  // What was touched and not told before the restart is found by looking at every key that was ever told.
  for (const [id, { key }] of live.marks) live.due.set(id, dueAt(key, 0));
  return live;
}

const ERASED_ROW = 'worker/erased';

/** Records may have been received an hour later than the clock of who reports says. */
const DISORDER_MS = 3_600_000;

/**
 * A report reaches the log before the store knows of it: what was told as of later than the store stands is recalled, and
 * judged once the state has come as far. Else an episode that has left by then would never be withdrawn.
 */
async function recallTold(
  live: Live,
  from: { readonly log: EventLog; readonly partition: number },
  { nowMs, end }: { readonly nowMs: number; readonly end: number },
): Promise<void> {
  const isRebuilding = live.origin.rebuildUntil !== null;
  const horizonFromMs = nowMs - horizonMs(live.state);
  const sinceMs = isRebuilding ? horizonFromMs : Math.max(horizonFromMs, live.state.greatestReceivedAt - DISORDER_MS);
  let until = live.origin.rebuildUntil;
  for (const [id, recalled] of await recall(from, sinceMs)) {
    if (!isRebuilding && recalled.offset <= live.next) continue;
    live.recalled.set(id, recalled);
    if (recalled.offset > live.next) until = Math.max(until ?? 0, Math.min(recalled.offset, end));
  }
  live.origin = { ...live.origin, rebuildUntil: until };
}

async function beginLive(parts: LiveParts, partition: number, known: readonly Rule[]): Promise<Live> {
  const live = emptyLive(parts, 0, 0);
  const { origin, rows, end, recalled } = await findOrigin({ ...parts, partition }, live.state, known);
  for (const [id, key] of recalled) live.recalled.set(id, key);
  live.origin = origin;
  live.next = origin.from;
  live.end = end;
  live.erased = parts.erased ?? 0;
  live.unstored = [...rows, originRow(origin), { kind: 'mark', id: ERASED_ROW, value: String(live.erased) }];
  return live;
}

function emptyLive({ maxAttempts }: LiveParts, next: number, end: number): Live {
  return {
    state: createState({ lane: 'live', ...(maxAttempts === undefined ? {} : { maxAttempts }) }),
    next,
    stored: null,
    end,
    origin: { from: next, rebuildUntil: null, exactFromS: null, horizonMs: 0 },
    unstored: [],
    marks: new Map(),
    due: new Map(),
    restUntil: new Map(),
    recalled: new Map(),
    erased: 0,
  };
}

/** Rows that are the worker's, not the fold's. */
function restoreOwn(live: Live, row: Row): void {
  if (row.kind !== 'mark' || row.value === null) return;
  const { id, value } = row;
  if (id === ORIGIN_ROW) live.origin = JSON.parse(value) as Origin;
  else if (id === ERASED_ROW) live.erased = Number(value);
  else if (id.startsWith('told/')) {
    const marked = JSON.parse(value) as Marked;
    live.marks.set(keyId(marked.key), marked);
  }
}

export function originRow(origin: Origin): Row {
  return { kind: 'mark', id: ORIGIN_ROW, value: JSON.stringify(origin) };
}

/** Remembers what was told of a key; the row that makes it last. */
export function setMark(live: Live, key: Key, mark: ReportMark | null): Row {
  const id = markRowId(key);
  if (mark === null) {
    live.marks.delete(keyId(key));
    return { kind: 'mark', id, value: null };
  }
  const marked: Marked = { key, mark };
  live.marks.set(keyId(key), marked);
  return { kind: 'mark', id, value: JSON.stringify(marked) };
}

export function rulesOf(state: FoldState): readonly Rule[] {
  return [...state.detectors.values()].flatMap(({ versions }) => versions);
}
