// What the history lane knows of one partition, between batches and between runs: where views of which hour stand, and which
// hours wait. Made durable in the window store under a partition number of its own; lost, it is read from the log again.
import type { StoredRecord } from '../log/event-log.ts';
import { scopeId } from '../model/scope.ts';
import { createHistoryIndex, type HistoryIndex } from './history-index.ts';
import { HOUR_S } from './history-plan.ts';
import { idInScope } from './state.ts';
import type { Row, WindowStore } from './window-store.ts';
import { decodeAll } from './worker-decode.ts';

/** Partition numbers of the store from here on are the history lane's. */
const STORE_PARTITIONS_FROM = 1_000_000;
const ROW = 'history/waiting';
/** Scopes named one by one; with more of them every scope is looked at. */
const MAX_SCOPES = 1_000;

export type Seat = {
  readonly partition: number;
  readonly index: HistoryIndex;
  /** Offset that is read next. */
  next: number;
  /** Next offset in the store; null: nothing is stored yet. */
  stored: number | null;
  /** History views at or after it wait. */
  evaluated: number;
  /** Milliseconds. */
  greatestReceivedAt: number;
  /** Event hours with views that wait, and were not there when the running evaluation began. */
  waiting: Set<number>;
  /** Event hours of the running evaluation; null: none runs. */
  running: ReadonlySet<number> | null;
  /** Event hour → seconds: when the boundary has come so far, all its history views are looked at again. */
  again: Map<number, number>;
  /** Of all that waits; null: too many to name. */
  scopes: Set<string> | null;
};

type Kept = {
  readonly evaluated: number;
  readonly greatestReceivedAt: number;
  readonly hours: readonly number[];
  readonly again: readonly (readonly [number, number])[];
  readonly scopes: readonly string[] | null;
};

type StoreParts = { readonly store: WindowStore; readonly partition: number };

/** `ends`: of the partition in the log. */
export async function loadSeat(
  { store, partition }: StoreParts,
  ends: { readonly first: number; readonly next: number },
): Promise<Seat> {
  const own = STORE_PARTITIONS_FROM + partition;
  const { next, pages } = await store.load(own);
  if (next !== null && next <= ends.next) {
    const seat = emptySeat(partition, Math.max(next, ends.first));
    seat.stored = next;
    for await (const rows of pages) for (const row of rows) restore(seat, row);
    return seat;
  }
  // The log is older than what was known of it: then it is read anew.
  if (next !== null) await store.clear(own);
  return emptySeat(partition, ends.first);
}

function emptySeat(partition: number, next: number): Seat {
  return {
    partition,
    index: createHistoryIndex(),
    next,
    stored: null,
    evaluated: next,
    greatestReceivedAt: 0,
    waiting: new Set(),
    running: null,
    again: new Map(),
    scopes: new Set(),
  };
}

function restore(seat: Seat, row: Row): void {
  if (row.kind !== 'mark' || row.id !== ROW || row.value === null) {
    seat.index.restore(row);
    return;
  }
  const kept = JSON.parse(row.value) as Kept;
  seat.evaluated = kept.evaluated;
  seat.greatestReceivedAt = kept.greatestReceivedAt;
  seat.waiting = new Set(kept.hours);
  seat.again = new Map(kept.again);
  seat.scopes = kept.scopes === null ? null : new Set(kept.scopes);
}

/** True if history views are among them. Records that were taken before are passed over. */
export function take(seat: Seat, records: readonly StoredRecord[]): boolean {
  const fresh = records.filter(({ offset }) => offset >= seat.next);
  let hasHistory = false;
  for (const stored of fresh) {
    const [record] = decodeAll([stored], NO_LETTERS).records;
    if (record === undefined || record.record === 'rule') continue;
    seat.index.add(stored.offset, record.time);
    if (record.record === 'signal' && record.charge !== null)
      seat.index.addSignal(stored.offset, idInScope(record, record.charge), record.time);
    if (record.receivedAt > seat.greatestReceivedAt) seat.greatestReceivedAt = record.receivedAt;
    if (record.lane !== 'history') continue;
    hasHistory = true;
    seat.waiting.add(Math.floor(record.time / HOUR_S));
    // A signal takes its card, customer and e-mail from its charge, which may come after it.
    const signalled = record.record === 'view' ? seat.index.signalHour(idInScope(record, record.attempt)) : null;
    if (signalled !== null) seat.waiting.add(signalled);
    seat.scopes?.add(scopeId(record));
    if (seat.scopes !== null && seat.scopes.size > MAX_SCOPES) seat.scopes = null;
  }
  const last = fresh.at(-1);
  if (last !== undefined) seat.next = last.offset + 1;
  return hasHistory;
}

const NO_LETTERS = { nowMs: 0, poisoned: new Set<number>(), deadLettered: () => undefined };

/** `more`: rows besides. `refused`: another process has the partition, or the store went back: load it again. */
export async function saveSeat(
  { store, partition }: StoreParts,
  seat: Seat,
  more: readonly Row[] = [],
): Promise<'appended' | 'refused'> {
  const kept: Kept = {
    evaluated: seat.evaluated,
    greatestReceivedAt: seat.greatestReceivedAt,
    hours: [...new Set([...(seat.running ?? []), ...seat.waiting])],
    again: [...seat.again],
    scopes: seat.scopes === null ? null : [...seat.scopes],
  };
  const rows = [...more, ...seat.index.takeRows(), { kind: 'mark', id: ROW, value: JSON.stringify(kept) } as const];
  const { next, stored } = seat;
  const answer = await store.append(STORE_PARTITIONS_FROM + partition, { expectedNext: stored, next, rows });
  if (answer === 'appended') seat.stored = next;
  return answer;
}
