// The EventLog over the embedded database: a table a topic, one partition each, offsets from 0 without gaps. What was
// appended last is kept in memory too, so that a consumer at the end of the log reads nothing from the file.
import type { Logger } from 'pino';
import { type Clock, systemClock } from '../model/clock.ts';
import { AppError, messageOf } from '../model/errors.ts';
import type { TopicName } from '../model/topics.ts';
import type { Database } from './database.ts';
import type { Consumer, ConsumerOptions, EventLog, NewRecord, Position, StoredRecord } from './event-log.ts';
import { checkGap } from './gap.ts';
import { checkSize } from './limits.ts';
import { startConsumer } from './sqlite-consumer.ts';
import { maintain } from './sqlite-maintenance.ts';
import { createRewriter, type Rewriter } from './sqlite-rewrite.ts';
import { endsOf, PAGE_RECORDS, readPage, SCHEMA, TOPIC_NAMES, tableOf } from './sqlite-tables.ts';
import { createTail, type Tail } from './tail.ts';

export type SqliteLogOptions = { readonly database: Database; readonly logger: Logger; readonly clock?: Clock };

export type Maintained = {
  /** Drops what is older than its topic's retention, and compacts: bounded. Done at the start and every hour anyway. */
  maintain(): Promise<void>;
};

const MAINTENANCE_EVERY_MS = 3_600_000;

/** The database is closed by its owner, after the log. */
export async function openSqliteLog(options: SqliteLogOptions): Promise<EventLog & Maintained & Rewriter> {
  const { database, logger, clock = systemClock } = options;
  await database.run(SCHEMA);
  const tails = new Map(TOPIC_NAMES.map((topic) => [topic, createTail()]));
  const groups = createGroups({ database, logger, clock, tailOf: (topic) => tails.get(topic) ?? createTail() });
  const closing = new AbortController();
  const upkeep = maintainHourly({ database, logger, clock }, closing.signal);
  return {
    ensureTopics: async () => undefined,
    partitions: () => 1,
    append: async (topic, records) => {
      if (closing.signal.aborted) throw new AppError('log_unavailable', 'The log is closed.');
      return await append(database, tails.get(topic), topic, records);
    },
    read: (topic, partition, from, to) => readPages(database, topic, { partition, from, to }),
    ends: async (topic) => [{ partition: 0, ...(await endsOf(database, topic)) }],
    offsetsAt: async (topic, timeMs) => {
      const [row] = await database.readAside(`SELECT min(id) AS id FROM ${tableOf(topic)} WHERE time >= ?`, [timeMs]);
      const isFound = row?.id !== null && row?.id !== undefined;
      return [{ partition: 0, offset: isFound ? Number(row.id) - 1 : (await endsOf(database, topic)).next }];
    },
    consume: async (consumer) => groups.join(consumer),
    ping: async () => void (await database.all('SELECT 1')),
    maintain: async () => await maintain(database, clock.now()),
    ...createRewriter(database, (topic) => tails.get(topic)),
    close: async () => {
      closing.abort();
      await groups.close();
      await upkeep;
    },
  };
}

type Upkeep = { readonly database: Database; readonly logger: Logger; readonly clock: Clock };

async function maintainHourly({ database, logger, clock }: Upkeep, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await maintain(database, clock.now()).catch((error: unknown) =>
      logger.warn({ error: messageOf(error) }, 'maintenance of the log failed, will be tried again'),
    );
    await clock.sleep(MAINTENANCE_EVERY_MS, signal);
  }
}

type Groups = { join(options: ConsumerOptions): Consumer; close(): Promise<void> };

/** A group's members take turns: the next begins when the one before has closed. */
function createGroups(parts: Upkeep & { readonly tailOf: (topic: TopicName) => Tail }): Groups {
  const consumers = new Set<Consumer>();
  const turns = new Map<string, Promise<void>>();
  return {
    join: (options) => {
      const name = `${options.topic} ${options.group}`;
      const turn = turns.get(name) ?? Promise.resolve();
      const { database, logger, clock, tailOf } = parts;
      const consumer = startConsumer({ database, logger, clock, options, tail: tailOf(options.topic), turn });
      let ended = (): void => {};
      const end = new Promise<void>((resolve) => {
        ended = resolve;
      });
      turns.set(
        name,
        Promise.all([turn, end]).then(() => undefined),
      );
      const close = async (): Promise<void> => {
        await consumer.close();
        consumers.delete(consumer);
        ended();
      };
      consumers.add(consumer);
      return { close };
    },
    close: async () => {
      await Promise.all([...consumers].map((consumer) => consumer.close()));
    },
  };
}

async function append(
  database: Database,
  tail: Tail | undefined,
  topic: TopicName,
  records: readonly NewRecord[],
): Promise<readonly Position[]> {
  if (records.length === 0) return [];
  for (const record of records) {
    checkSize(topic, record);
    if ((record.partition ?? 0) !== 0)
      throw new AppError('topic_mismatch', `${topic} has one partition here, not a partition ${record.partition}.`);
  }
  const sql = `INSERT INTO ${tableOf(topic)} (time, key, value) VALUES (?, ?, ?) RETURNING id`;
  const params = records.map(({ timeMs, key, value }) => [timeMs, key, value] as const);
  const [ids] = await database.run([{ sql, params }]);
  const stored = records.map(({ key, value, timeMs }, index): StoredRecord => {
    return { partition: 0, offset: Number(ids?.[index]?.id) - 1, key, value, timeMs };
  });
  tail?.push(stored);
  return stored.map(({ partition, offset }) => ({ partition, offset }));
}

type Range = { readonly partition: number; readonly from: number; readonly to: number | undefined };

async function* readPages(
  database: Database,
  topic: TopicName,
  { partition, from, to }: Range,
): AsyncGenerator<readonly StoredRecord[]> {
  if (partition !== 0) return;
  const kept = await endsOf(database, topic);
  const end = Math.min(to ?? kept.next, kept.next);
  if (from < end) checkGap(topic, from, kept);
  for (let position = Math.max(from, 0); position < end; ) {
    const page = await readPage(database, topic, { from: position, to: end, limit: PAGE_RECORDS });
    const [oldest, last] = [page[0], page.at(-1)];
    // Retention may overtake a slow reader between two pages.
    if (oldest?.offset !== position) checkGap(topic, position, await endsOf(database, topic));
    if (last === undefined) return;
    yield page;
    position = last.offset + 1;
  }
}
