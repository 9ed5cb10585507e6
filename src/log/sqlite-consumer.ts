// The loop of one consumer of the embedded log: fetch, hand over, commit; wait for the bell at the end of the log.
import type { Logger } from 'pino';
import type { Clock } from '../model/clock.ts';
import { AppError, messageOf } from '../model/errors.ts';
import type { Database } from './database.ts';
import type { Consumer, ConsumerOptions, Hold, StoredRecord } from './event-log.ts';
import { checkGap } from './gap.ts';
import { commitOffset, committedOffset, endsOf, PAGE_BYTES, readPage } from './sqlite-tables.ts';
import type { Tail } from './tail.ts';

const DEFAULT_MAX_RECORDS = 1_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5_000;

export type SqliteConsumer = {
  readonly database: Database;
  readonly tail: Tail;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly options: ConsumerOptions;
  /** Resolves when the group's earlier members have closed: a topic has one partition here, and so one active member. */
  readonly turn: Promise<void>;
};

export function startConsumer(parts: SqliteConsumer): Consumer {
  const stop = new AbortController();
  const stopped = new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve()));
  const running = (async () => {
    await Promise.race([parts.turn, stopped]);
    if (stop.signal.aborted) return;
    if (await loop(parts, stop.signal)) await revoke(parts);
  })();
  return {
    close: async () => {
      stop.abort();
      await running;
    },
  };
}

/** Until stopped. True if the partition was assigned. */
async function loop(parts: SqliteConsumer, signal: AbortSignal): Promise<boolean> {
  let pauseMs = FIRST_PAUSE_MS;
  let position: number | null = null;
  while (!signal.aborted) {
    try {
      position ??= await startOf(parts);
      position = await step(parts, position, signal);
      pauseMs = FIRST_PAUSE_MS;
    } catch (error) {
      if (signal.aborted) break;
      tell(parts, error, pauseMs);
      await parts.clock.sleep(pauseMs, signal);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }
  return position !== null;
}

/** Nobody else may open the database while it is locked. */
const LOCKED: Hold = { certain: async (signal) => !signal.aborted };

async function startOf({ database, options }: SqliteConsumer): Promise<number> {
  const assigned = await options.assigned?.(0, LOCKED);
  if (typeof assigned === 'number') return assigned;
  const committed = await committedOffset(database, options.group, options.topic);
  return committed ?? (await endsOf(database, options.topic)).first;
}

/** Handles at most one batch; resolves with the position to go on from. */
async function step(parts: SqliteConsumer, position: number, signal: AbortSignal): Promise<number> {
  const { database, options, tail } = parts;
  // Asked for before looking, or a record appended in between would wait for the one after it.
  const bell = tail.bell();
  signal.addEventListener('abort', bell.cancel, { once: true });
  try {
    const records = await fetchFrom(parts, position);
    // Stopped before the listener was there (while the start was asked for): nobody would ring.
    if (signal.aborted) return position;
    if (records.length === 0) {
      await bell.rung;
      return position;
    }
    const next = (records.at(-1)?.offset ?? position) + 1;
    const { topic, group } = options;
    const end = Math.max(next, tail.end());
    const goOnAt = (await options.batch({ topic, partition: 0, records, next: end, signal })) ?? next;
    await commitOffset(database, group, topic, goOnAt);
    return goOnAt;
  } finally {
    signal.removeEventListener('abort', bell.cancel);
    bell.cancel();
  }
}

async function fetchFrom(parts: SqliteConsumer, position: number): Promise<readonly StoredRecord[]> {
  const { database, tail, options } = parts;
  const limit = options.maxRecords ?? DEFAULT_MAX_RECORDS;
  const recent = tail.from(position, { records: limit, characters: PAGE_BYTES });
  if (recent !== null) {
    if (recent.length === 0) checkGap(options.topic, position, { first: 0, next: tail.end() });
    return recent;
  }
  const records = await readPage(database, options.topic, { from: position, to: Number.MAX_SAFE_INTEGER, limit });
  if (records[0]?.offset !== position) checkGap(options.topic, position, await endsOf(database, options.topic));
  return records;
}

async function revoke({ options, logger }: SqliteConsumer): Promise<void> {
  try {
    await options.revoked?.(0);
  } catch (error) {
    const { topic, group } = options;
    logger.warn({ topic, group, error: messageOf(error) }, 'giving up a partition failed');
  }
}

function tell({ options, logger }: SqliteConsumer, error: unknown, pauseMs: number): void {
  const { topic, group } = options;
  const code = error instanceof AppError ? error.code : undefined;
  const line = { topic, group, code, error: messageOf(error), pauseMs };
  if (code === 'log_gap') logger.error(line, 'records are missing, reading stands still');
  else logger.warn(line, 'batch failed, will be delivered again');
  options.failed?.(error);
}
