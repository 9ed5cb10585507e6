// One partition of the history lane: takes note of what arrives, and evaluates what waits when it is asked to.
import { encode } from '../log/codec.ts';
import type { Batch, EventLog, NewRecord } from '../log/event-log.ts';
import type { Command } from '../model/commands.ts';
import { messageOf } from '../model/errors.ts';
import { membersId } from '../model/members.ts';
import { fold } from './fold.ts';
import { type Evaluated, type Evaluation, evaluate } from './history-evaluate.ts';
import { loadSeat, type Seat, saveSeat, take } from './history-seat.ts';
import { usableRules } from './replay.ts';
import { liveFromS } from './retain.ts';
import { createState } from './state.ts';
import { endsOf } from './worker-origin.ts';
import type { PartitionOptions } from './worker-seat.ts';

export type HistoryPartitionOptions = Pick<
  PartitionOptions,
  'log' | 'store' | 'clock' | 'logger' | 'piiKey' | 'erased'
> & {
  /** Views of one piece in memory. */
  readonly maxViews?: number;
};

type HistoryRun = {
  /** Milliseconds. */
  readonly at: number;
  readonly tookMs: number;
  /** Keys that were reported. */
  readonly keys: number;
  /** Episodes whose beginning the log no longer holds: nothing was said of them. */
  readonly unknown: number;
};

export type HistoryPartitionStatus = {
  readonly partition: number;
  /** Offset that is read next; null: not loaded. */
  readonly next: number | null;
  /** Event hours with views that wait. */
  readonly waitingHours: number;
  readonly isRunning: boolean;
  readonly lastRun: HistoryRun | null;
  /** Why the last run failed; null: it did not. */
  readonly problem: string | null;
};

export type HistoryPartition = {
  assigned(): Promise<number>;
  revoked(): Promise<void>;
  batch(batch: Batch): Promise<number | null>;
  /** Evaluates what waits; at once if nothing does. Calls made while one runs share the next. */
  run(): Promise<void>;
  /** Resolves once everything below that offset is noted, or the partition is given back. */
  reached(offset: number): Promise<void>;
  status(): HistoryPartitionStatus;
};

/** Records, and milliseconds, after which what is known is stored though nothing waits. */
const SAVE_RECORDS = 16_384;
const SAVE_MS = 30_000;
const MAX_RECORDS = 200;
const MAX_CHARACTERS = 512_000;
/** Record times may go back a little, between ingesting replicas; views are dated at most five minutes ahead. */
const DISORDER_MS = 600_000;

type Held = {
  readonly options: HistoryPartitionOptions;
  readonly partition: number;
  seat: Seat | null;
  lease: AbortController;
  savedAtMs: number;
  lastRun: HistoryRun | null;
  problem: string | null;
  readonly waiters: Set<() => void>;
};

export function createHistoryPartition(partition: number, options: HistoryPartitionOptions): HistoryPartition {
  const held: Held = {
    options,
    partition,
    seat: null,
    lease: new AbortController(),
    savedAtMs: 0,
    lastRun: null,
    problem: null,
    waiters: new Set(),
  };
  let queue: Promise<unknown> = Promise.resolve();
  const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
    const turn = queue.then(work);
    queue = turn.catch(() => undefined);
    return await turn;
  };
  let running: Promise<void> = Promise.resolve();
  let following: Promise<void> | null = null;
  return {
    assigned: async () =>
      await inTurn(async () => {
        held.lease = new AbortController();
        return (await present(held)).next;
      }),
    revoked: async () => {
      held.lease.abort(new Error('the partition was taken away'));
      await running.catch(() => undefined);
      await inTurn(async () => {
        if (held.seat !== null) await saveSeat({ ...options, partition }, held.seat).catch(() => undefined);
        held.seat = null;
        wake(held);
      });
    },
    batch: async (batch) => await inTurn(async () => await takeBatch(held, batch)),
    run: async () => {
      following ??= running
        .catch(() => undefined)
        .then(async () => {
          following = null;
          running = runOnce(held, inTurn);
          await running;
        });
      await following;
    },
    reached: async (offset) => {
      // A partition that is being loaded is waited for.
      await inTurn(async () => undefined);
      while (held.seat !== null && held.seat.next < offset && !held.lease.signal.aborted)
        await new Promise<void>((resolve) => held.waiters.add(resolve));
    },
    status: () => statusOf(held),
  };
}

function wake({ waiters }: Held): void {
  for (const resolve of waiters) resolve();
  waiters.clear();
}

async function present(held: Held): Promise<Seat> {
  if (held.seat !== null) return held.seat;
  const { log, store, clock } = held.options;
  held.seat = await loadSeat({ store, partition: held.partition }, await endsOf(log, held.partition));
  held.savedAtMs = clock.now();
  return held.seat;
}

async function takeBatch(held: Held, batch: Batch): Promise<number | null> {
  const { store, clock } = held.options;
  const { partition } = held;
  const seat = await present(held);
  const first = batch.records[0]?.offset ?? seat.next;
  // Read again from where the notes end, unless the log does not go back so far any more.
  if (first > seat.next && (await endsOf(held.options.log, partition)).first <= seat.next) return seat.next;
  const hasHistory = take(seat, batch.records);
  wake(held);
  const isDue = seat.next - (seat.stored ?? 0) >= SAVE_RECORDS || clock.now() - held.savedAtMs >= SAVE_MS;
  if (!hasHistory && !isDue) return null;
  held.savedAtMs = clock.now();
  if ((await saveSeat({ store, partition }, seat)) === 'appended') return null;
  held.seat = null;
  return (await present(held)).next;
}

type InTurn = <T>(work: () => Promise<T>) => Promise<T>;
type Begun = { readonly seat: Seat; readonly run: Evaluation };

async function runOnce(held: Held, inTurn: InTurn): Promise<void> {
  const { clock, logger } = held.options;
  const startedMs = clock.now();
  const begun = await inTurn(async () => await begin(held));
  if (begun === null) return;
  const { seat, run } = begun;
  try {
    const outbox = createReports(held.options.log, clock.now);
    const evaluated = await evaluate({ ...run, told: outbox.add });
    await outbox.flush();
    await inTurn(async () => await finish(held, begun, evaluated));
    const { keys, unknown } = evaluated;
    held.lastRun = { at: clock.now(), tookMs: clock.now() - startedMs, keys, unknown };
    held.problem = null;
    const told = { partition: held.partition, hours: run.hours.size + run.again.size, keys };
    logger.info(told, 'views that came late were evaluated');
    if (unknown > 0)
      logger.warn(
        { ...told, unknown },
        'the log no longer holds the beginning of some episodes: they are left as they are',
      );
  } catch (error) {
    for (const hour of run.hours) seat.waiting.add(hour);
    seat.running = null;
    if (held.lease.signal.aborted) return;
    held.problem = messageOf(error);
    throw error;
  }
}

/** What waits now; null: nothing. */
async function begin(held: Held): Promise<Begun | null> {
  const { log, piiKey, clock, maxViews } = held.options;
  const erased = held.options.erased?.() ?? 0;
  const { partition, seat, lease } = held;
  if (seat === null || (seat.waiting.size === 0 && seat.again.size === 0)) return null;
  const rules = await usableRules(log);
  const { first } = await endsOf(log, partition);
  const state = createState({ lane: 'all' });
  fold(state, rules);
  state.greatestReceivedAt = seat.greatestReceivedAt;
  const boundaryS = liveFromS(state);
  const again = new Set([...seat.again].filter(([, dueS]) => dueS <= boundaryS).map(([hour]) => hour));
  if (seat.waiting.size === 0 && again.size === 0) return null;
  const hours = seat.waiting;
  seat.waiting = new Set();
  seat.running = hours;
  const run: Evaluation = {
    log,
    partition,
    piiKey,
    erased,
    rules,
    index: seat.index,
    kept: { from: first, to: seat.next },
    greatestReceivedAt: seat.greatestReceivedAt,
    evaluated: seat.evaluated,
    hours,
    again,
    scopes: seat.scopes === null ? null : new Set(seat.scopes),
    exactFromS: await exactFrom(log, partition, first),
    nowMs: clock.now(),
    signal: lease.signal,
    told: async () => undefined,
    ...(maxViews === undefined ? {} : { maxViews }),
  };
  return { seat, run };
}

async function exactFrom(log: EventLog, partition: number, first: number): Promise<number | null> {
  if (first === 0) return null;
  for await (const page of log.read('attempts', partition, first, first + 1)) {
    const [oldest] = page;
    if (oldest !== undefined) return Math.ceil((oldest.timeMs + DISORDER_MS) / 1000);
  }
  return null;
}

async function finish(held: Held, { seat, run }: Begun, { again }: Evaluated): Promise<void> {
  if (held.seat !== seat) return;
  seat.running = null;
  seat.evaluated = run.kept.to;
  for (const hour of run.again) seat.again.delete(hour);
  for (const [hour, dueS] of again) seat.again.set(hour, dueS);
  if (seat.waiting.size === 0 && seat.again.size === 0) seat.scopes = new Set();
  const { store, clock } = held.options;
  held.savedAtMs = clock.now();
  const gone = seat.index.dropBelow(run.kept.from);
  if ((await saveSeat({ store, partition: held.partition }, seat, gone)) === 'refused') held.seat = null;
}

type Reports = { readonly add: Evaluation['told']; flush(): Promise<void> };

/** Reports and members on their way to the log, some at a time. */
function createReports(log: EventLog, now: () => number): Reports {
  let commands: NewRecord[] = [];
  let members: NewRecord[] = [];
  let characters = 0;
  const flush = async (): Promise<void> => {
    for (let i = 0; i < members.length; i += 1) await log.append('members', members.slice(i, i + 1));
    if (commands.length > 0) await log.append('commands', commands);
    commands = [];
    members = [];
    characters = 0;
  };
  return {
    add: async ({ id, report, ended }) => {
      const timeMs = now();
      const actor = { kind: 'engine', id: 'history', name: 'declinewatch' } as const;
      const command: Command = { id, at: timeMs, actor, body: report };
      commands.push({ key: null, value: encode('commands', command), timeMs });
      for (const one of ended) members.push({ key: membersId(one), value: encode('members', one), timeMs });
      characters += commands.at(-1)?.value.length ?? 0;
      if (commands.length >= MAX_RECORDS || members.length >= MAX_RECORDS || characters >= MAX_CHARACTERS)
        await flush();
    },
    flush,
  };
}

function statusOf({ partition, seat, lastRun, problem }: Held): HistoryPartitionStatus {
  return {
    partition,
    next: seat?.next ?? null,
    waitingHours: (seat?.waiting.size ?? 0) + (seat?.running?.size ?? 0),
    isRunning: seat?.running != null,
    lastRun,
    problem,
  };
}
