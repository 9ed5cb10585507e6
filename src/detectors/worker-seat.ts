// What one partition of the detect worker holds between calls: its state, what is not yet durable, and why it stands still.
import type { Logger } from 'pino';
import type { EventLog } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import type { Rule } from '../model/detector.ts';
import { AppError, messageOf } from '../model/errors.ts';
import { MAX_ATTEMPTS, statsOf } from './state.ts';
import type { WindowStore } from './window-store.ts';
import { type Live, loadLive, rulesOf } from './worker-live.ts';
import type { Look, Output } from './worker-look.ts';
import type { Outbox } from './worker-outbox.ts';

export type DetectMetrics = {
  /** Records that were folded, and how long the batch took until it was stored. */
  folded(records: number, ms: number): void;
  reported(why: string): void;
  deadLettered(reason: string): void;
  /** The store refused: the state was dropped and loaded again. */
  refused(): void;
};

export type PartitionOptions = {
  readonly log: EventLog;
  readonly store: WindowStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Key of the hashes of e-mail and IP. */
  readonly piiKey: string;
  readonly metrics?: DetectMetrics;
  /** Most attempts and signals held in a partition; beyond it the oldest go. Default: MAX_ATTEMPTS. */
  readonly maxAttempts?: number;
  /** Number of the newest erase that this process knows of: the log reads without them. Default: 0, none. */
  readonly erased?: () => number;
};

export type PartitionStatus = {
  readonly partition: number;
  /** Offset that is folded next; null: the state is not loaded. */
  readonly next: number | null;
  /** Records behind the end of the log, as last seen. */
  readonly lag: number;
  readonly attempts: number;
  readonly keys: number;
  /** Attempts and signals held, and most of them that may be. */
  readonly held: number;
  readonly maxHeld: number;
  /** Filters that failed at run time, by detector. */
  readonly filterErrors: Readonly<Record<string, number>>;
  readonly rebuilding: { readonly from: number; readonly until: number } | null;
  /** Number of the newest erase that it knows of, once it is whole; null: the state is not loaded. */
  readonly erased: number | null;
  /** Why it stands still; null: it does not. */
  readonly problem: { readonly code: string; readonly message: string; readonly help: string } | null;
};

/** What one partition holds between calls. */
export type Seat = {
  readonly partition: number;
  readonly options: PartitionOptions;
  readonly poisoned: Set<number>;
  readonly outbox: Outbox;
  live: Live | null;
  isAssigned: boolean;
  /** Where reading was sent back to because of a gap: a second time it is really missing. */
  gapAt: number | null;
  /** A record could not be folded: one by one, until it is found. */
  isCareful: boolean;
  problem: (NonNullable<PartitionStatus['problem']> & { readonly by: Mover }) | null;
};

/** What sets a partition in motion. */
export type Mover = 'records' | 'clock';

export function drop(seat: Seat): void {
  seat.live = null;
  seat.outbox.clear();
}

/** The state, loaded if need be. `known`: rules that the log need not hold any more. */
export async function present(seat: Seat, known: readonly Rule[] = []): Promise<Live> {
  if (seat.live !== null) return seat.live;
  const { log, store, clock, logger, maxAttempts } = seat.options;
  const erased = erasedIn(seat);
  const parts = { log, store, nowMs: clock.now(), maxAttempts, erased };
  let live = await loadLive(parts, seat.partition, known);
  if (live.erased < erased) {
    // They still hold somebody who was erased: the log does not.
    const rules = rulesOf(live.state);
    await store.clear(seat.partition);
    live = await loadLive(parts, seat.partition, rules);
  }
  const { from, rebuildUntil, exactFromS } = live.origin;
  if (rebuildUntil !== null)
    logger.info({ partition: seat.partition, from, until: rebuildUntil }, 'windows are rebuilt from the log');
  if (live.stored === null && exactFromS !== null)
    logger.error(
      { partition: seat.partition, from, exactFromS },
      'the log does not reach back as far as the detectors: episodes that may lack attempts say so',
    );
  seat.live = live;
  return live;
}

export const erasedIn = ({ options }: Seat): number => options.erased?.() ?? 0;

/** False: the store refused, and the state has been dropped. */
export async function flush(seat: Seat): Promise<boolean> {
  const result = await seat.outbox.flush();
  if (result.stored !== null && seat.live !== null) seat.live.stored = result.stored;
  if (!result.isRefused) return true;
  const { logger, metrics } = seat.options;
  metrics?.refused();
  logger.warn({ partition: seat.partition }, 'the window store stands elsewhere: the state is loaded again');
  drop(seat);
  return false;
}

export function lookOf(seat: Seat, live: Live, byClock: boolean): Look {
  const { clock, piiKey, metrics } = seat.options;
  const { partition } = seat;
  return { live, partition, nowMs: clock.now(), piiKey, byClock, reported: (why) => metrics?.reported(why) };
}

export async function storeOutput(seat: Seat, live: Live, output: Output): Promise<boolean> {
  seat.outbox.add(output, { expectedNext: live.next, next: live.next });
  return await flush(seat);
}

/** Remembers why a partition stands still, and says it once. */
export async function watched<T>(seat: Seat, by: Mover, work: () => Promise<T>): Promise<T> {
  try {
    const result = await work();
    if (seat.problem?.by === by) {
      seat.options.logger.info({ partition: seat.partition }, 'detection goes on');
      seat.problem = null;
    }
    return result;
  } catch (error) {
    const { code, message, help, retriable } =
      error instanceof AppError ? error : new AppError('internal', messageOf(error), { cause: error });
    const told = { partition: seat.partition, code, error: message, help };
    if (seat.problem?.code !== code) {
      if (retriable) seat.options.logger.warn(told, 'detection pauses');
      else seat.options.logger.error(told, 'detection stands still');
    }
    seat.problem = { code, message, help, by };
    throw error;
  }
}

export function statusOf({ partition, options, live, problem: found }: Seat): PartitionStatus {
  const problem = found && { code: found.code, message: found.message, help: found.help };
  if (live === null) {
    const maxHeld = options.maxAttempts ?? MAX_ATTEMPTS;
    const nothing = { attempts: 0, keys: 0, held: 0, maxHeld, filterErrors: {}, rebuilding: null, erased: null };
    return { partition, next: null, lag: 0, ...nothing, problem };
  }
  const { attempts, signals, keys, filterErrors } = statsOf(live.state);
  const { from, rebuildUntil } = live.origin;
  return {
    partition,
    next: live.next,
    lag: Math.max(0, live.end - live.next),
    attempts,
    keys,
    held: attempts + signals,
    maxHeld: live.state.maxAttempts,
    filterErrors,
    rebuilding: rebuildUntil === null ? null : { from, until: rebuildUntil },
    erased: rebuildUntil === null ? live.erased : 0,
    problem,
  };
}
