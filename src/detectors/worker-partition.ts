// One source partition: a batch is folded, what is due is reported, and one compare-and-set makes it last. Whatever is
// refused or lost has one of two answers: say it again, or drop the state and load it.
import type { Batch, StoredRecord } from '../log/event-log.ts';
import { AppError, messageOf } from '../model/errors.ts';
import { type Foldable, fold } from './fold.ts';
import { expire } from './retain.ts';
import { type Decoded, decodeFor } from './worker-decode.ts';
import type { Live } from './worker-live.ts';
import { emptyOutput, forgetEnded, lookAtDue, lookOrRest, nextDueMs } from './worker-look.ts';
import { createOutbox } from './worker-outbox.ts';
import { dropOldRows, ensureReach, forgetErased, goBack, goOnRebuilding, lookAtAll } from './worker-rebuild.ts';
import {
  drop,
  flush,
  lookOf,
  type Mover,
  type PartitionOptions,
  type PartitionStatus,
  present,
  type Seat,
  statusOf,
  storeOutput,
  watched,
} from './worker-seat.ts';

export type PartitionWorker = {
  /** Loads the state; resolves with the offset to read from. */
  assigned(): Promise<number>;
  revoked(): Promise<void>;
  /** As ConsumerOptions.batch: null, or the offset to go on at. */
  batch(batch: Batch): Promise<number | null>;
  /** Reports what is due by the clock; resolves with when it should be called next (milliseconds). */
  tick(): Promise<number>;
  status(): PartitionStatus;
};

const LONGEST_WAIT_MS = 1_000;

export function createPartition(partition: number, options: PartitionOptions): PartitionWorker {
  const { log, store } = options;
  const seat: Seat = {
    partition,
    options,
    poisoned: new Set(),
    outbox: createOutbox({ log, store, partition }),
    live: null,
    isAssigned: false,
    gapAt: null,
    isCareful: false,
    problem: null,
  };
  let queue: Promise<unknown> = Promise.resolve();
  // Batches and the clock take turns: both append to the store at the offset where they stand.
  const inTurn = async <T>(by: Mover, work: () => Promise<T>): Promise<T> => {
    const turn = queue.then(async () => await watched(seat, by, work));
    queue = turn.catch(() => undefined);
    return await turn;
  };
  return {
    assigned: async () =>
      await inTurn('records', async () => {
        drop(seat);
        seat.isAssigned = true;
        return (await present(seat)).next;
      }),
    revoked: async () => {
      seat.isAssigned = false;
      await inTurn('records', async () => drop(seat));
    },
    batch: async (batch) => await inTurn('records', async () => await takeBatch(seat, batch)),
    tick: async () => await inTurn('clock', async () => await tick(seat)),
    status: () => statusOf(seat),
  };
}

async function takeBatch(seat: Seat, batch: Batch): Promise<number | null> {
  await forgetErased(seat);
  const live = await present(seat);
  if (!(await flush(seat))) return (await present(seat)).next;
  const first = batch.records[0]?.offset ?? live.next;
  const last = batch.records.at(-1)?.offset ?? live.next - 1;
  live.end = Math.max(batch.next, last + 1);
  if (first > live.next) return await goBack(seat, live);
  seat.gapAt = null;
  const goOnAt = await ensureReach(seat, live);
  if (goOnAt !== null) return goOnAt;
  if (last < live.next) return last + 1 === live.next ? null : live.next;
  const fresh = batch.records.filter(({ offset }) => offset >= live.next);
  const portions = seat.isCareful ? fresh.map((record) => [record]) : [fresh];
  for (const portion of portions) {
    if (batch.signal.aborted) return null;
    const goOnAt = await takePortion(seat, live, portion);
    if (goOnAt !== null) return goOnAt;
  }
  seat.isCareful = false;
  return null;
}

/** Null, or the offset to go on at. */
async function takePortion(seat: Seat, live: Live, stored: readonly StoredRecord[]): Promise<number | null> {
  const { clock, metrics } = seat.options;
  const startedMs = clock.now();
  const decoded = decodeFor(live.state, stored, {
    nowMs: startedMs,
    poisoned: seat.poisoned,
    deadLettered: (reason) => metrics?.deadLettered(reason),
  });
  const hasExpired = foldAndLook(seat, live, { stored, decoded });
  if (!(await flush(seat))) return (await present(seat)).next;
  metrics?.folded(stored.length, clock.now() - startedMs);
  if (hasExpired) await dropOldRows(seat, live);
  return (await ensureReach(seat, live)) ?? (await goOnRebuilding(seat, live, stored.length));
}

type Portion = { readonly stored: readonly StoredRecord[]; readonly decoded: Decoded<Foldable> };

/** Puts into the outbox what the records lead to. True if old state was dropped. */
function foldAndLook(seat: Seat, live: Live, { stored, decoded }: Portion): boolean {
  try {
    const output = emptyOutput();
    const { rows, touched } = fold(live.state, decoded.records);
    live.next = (stored.at(-1)?.offset ?? live.next - 1) + 1;
    output.deadLetters.push(...decoded.deadLetters);
    output.rows.push(...live.unstored, ...rows);
    live.unstored = [];
    const look = lookOf(seat, live, false);
    if (live.origin.rebuildUntil === null) {
      for (const key of touched.values()) lookOrRest(look, key, output);
      lookAtDue(look, output);
    }
    const expired = expire(live.state);
    output.rows.push(...expired);
    if (expired.length > 0) forgetEnded(live, output);
    seat.outbox.add(output, { expectedNext: live.stored, next: live.next });
    return expired.length > 0;
  } catch (cause) {
    // Half of it may be in the state: load it again, go record by record, and leave out the one that fails alone.
    drop(seat);
    const [only] = stored;
    if (stored.length === 1 && only !== undefined) seat.poisoned.add(only.offset);
    else seat.isCareful = true;
    throw new AppError('bad_record', `A record of attempts cannot be folded: ${messageOf(cause)}`, {
      help: 'It is looked for, and put among the dead letters.',
      retriable: true,
      cause,
    });
  }
}

/** After an erase nothing may come that would set the partition in motion: it reads by itself what it had read before. */
async function readAgain(seat: Seat): Promise<void> {
  const { log } = seat.options;
  const from = (await present(seat)).next;
  const end = (await log.ends('attempts')).find(({ partition }) => partition === seat.partition)?.next ?? from;
  if (from >= end) return;
  for await (const page of log.read('attempts', seat.partition, from, end)) {
    const { live } = seat;
    // Whatever else moved it meanwhile goes on from there.
    if (!seat.isAssigned || live === null || page[0]?.offset !== live.next) return;
    live.end = Math.max(live.end, end);
    if ((await takePortion(seat, live, page)) !== null) return;
  }
}

async function tick(seat: Seat): Promise<number> {
  const nowMs = seat.options.clock.now();
  if (seat.isAssigned && (await forgetErased(seat))) await readAgain(seat);
  const { live } = seat;
  if (!seat.isAssigned || live === null || !(await flush(seat))) return nowMs + LONGEST_WAIT_MS;
  if (live.stored === null) return nowMs + LONGEST_WAIT_MS;
  if (live.origin.rebuildUntil !== null) {
    if (live.next >= live.origin.rebuildUntil) await lookAtAll(seat, live);
    return nowMs + LONGEST_WAIT_MS;
  }
  const output = emptyOutput();
  lookAtDue(lookOf(seat, live, true), output);
  if (output.rows.length > 0 || output.commands.length > 0) await storeOutput(seat, live, output);
  return Math.min(nowMs + LONGEST_WAIT_MS, nextDueMs(live, nowMs));
}
