// The loop of one consumer of the embedded log: fetch, hand over, commit; wait for the bell at the end of the log.
import type { Logger } from 'pino';
import type { Clock } from '../model/clock.ts';
import { messageOf } from '../model/errors.ts';
import type { TopicName } from '../model/topics.ts';
import type { Database } from './database.ts';
import type { Consumer, ConsumerOptions, StoredRecord } from './event-log.ts';
import { checkGap, tableOf, toRecord } from './sqlite.ts';
import type { Tail } from './tail.ts';

const DEFAULT_MAX_RECORDS = 1_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5_000;

type Parts = {
  readonly database: Database;
  readonly tail: Tail;
  readonly ends: (topic: TopicName) => Promise<{ first: number; next: number }>;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly options: ConsumerOptions;
};

export async function startConsumer(parts: Parts): Promise<Consumer> {
  const { options, clock, logger } = parts;
  const stop = new AbortController();
  const running = (async () => {
    let pauseMs = FIRST_PAUSE_MS;
    let position: number | null = null;
    while (!stop.signal.aborted) {
      try {
        position ??= await startOf(parts);
        position = await step(parts, position, stop.signal);
        pauseMs = FIRST_PAUSE_MS;
      } catch (error) {
        if (stop.signal.aborted) break;
        logger.warn(
          { topic: options.topic, group: options.group, error: messageOf(error), pauseMs },
          'batch failed, will be delivered again',
        );
        await clock.sleep(pauseMs, stop.signal);
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      }
    }
    if (position !== null) await options.revoked?.(0);
  })();
  return {
    close: async () => {
      stop.abort();
      await running;
    },
  };
}

async function startOf({ database, ends, options }: Parts): Promise<number> {
  const assigned = await options.assigned?.(0);
  if (typeof assigned === 'number') return assigned;
  const [row] = await database.all('SELECT next FROM consumer_groups WHERE name = ? AND topic = ?', [
    options.group,
    options.topic,
  ]);
  return row === undefined ? (await ends(options.topic)).first : Number(row.next);
}

/** Handles at most one batch; resolves with the position to go on from. */
async function step(parts: Parts, position: number, signal: AbortSignal): Promise<number> {
  const { options, tail } = parts;
  // Asked for before looking, or a record appended in between would wait for the one after it.
  const bell = new AbortController();
  const rung = tail.next(AbortSignal.any([signal, bell.signal]));
  try {
    const records = await fetchFrom(parts, position);
    if (records.length === 0) {
      await rung;
      return position;
    }
    const next = (records.at(-1)?.offset ?? position) + 1;
    const back = await options.batch({
      topic: options.topic,
      partition: 0,
      records,
      next: Math.max(next, tail.end()),
      signal,
    });
    const goOnAt = back ?? next;
    await commit(parts, goOnAt);
    return goOnAt;
  } finally {
    bell.abort();
  }
}

async function fetchFrom({ database, tail, ends, options }: Parts, position: number): Promise<readonly StoredRecord[]> {
  const limit = options.maxRecords ?? DEFAULT_MAX_RECORDS;
  const recent = tail.from(position, limit);
  if (recent !== null) return recent;
  const sql = `SELECT id, time, key, value FROM ${tableOf(options.topic)} WHERE id > ? ORDER BY id LIMIT ?`;
  const records = (await database.all(sql, [position, limit])).map(toRecord);
  if (records[0]?.offset !== position) {
    const { first } = await ends(options.topic);
    checkGap(options.topic, position, first);
  }
  return records;
}

async function commit({ database, options }: Parts, next: number): Promise<void> {
  const sql =
    'INSERT INTO consumer_groups (name, topic, next) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET next = excluded.next';
  await database.run([{ sql, params: [[options.group, options.topic, next]] }]);
}
