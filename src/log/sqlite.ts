// The EventLog over the embedded database: a table a topic, one partition each, offsets from 0 without gaps. What was
// appended last is kept in memory too, so that a consumer at the end of the log reads nothing from the file.
import type { Logger } from 'pino';
import { type Clock, systemClock } from '../model/clock.ts';
import { AppError } from '../model/errors.ts';
import { TOPICS, type TopicName } from '../model/topics.ts';
import type { Database, SqlRow, Statement } from './database.ts';
import type { Consumer, EventLog, NewRecord, Position, StoredRecord } from './event-log.ts';
import { startConsumer } from './sqlite-consumer.ts';
import { createTail, type Tail } from './tail.ts';

export type SqliteLogOptions = { readonly database: Database; readonly logger: Logger; readonly clock?: Clock };

export const MAX_RECORD_BYTES = 1_048_576 + 65_536;
const PAGE_RECORDS = 1_000;
const MAX_DELETED_AT_ONCE = 20_000;

/** A table's rowid counts from 1, an offset from 0. */
export const tableOf = (topic: TopicName): string => `log_${topic.replaceAll('-', '_')}`;

const TOPIC_NAMES = Object.keys(TOPICS) as TopicName[];

export async function openSqliteLog({
  database,
  logger,
  clock = systemClock,
}: SqliteLogOptions): Promise<EventLog & Maintained> {
  await database.run(schemaStatements());
  const tails = new Map(TOPIC_NAMES.map((topic) => [topic, createTail()]));
  const tailOf = (topic: TopicName): Tail => tails.get(topic) ?? raise(topic);
  const consumers = new Set<Consumer>();
  const ends = async (topic: TopicName) => {
    const [row] = await database.all(
      `SELECT (SELECT min(id) FROM ${tableOf(topic)}) AS first, (SELECT seq FROM sqlite_sequence WHERE name = ?) AS last`,
      [tableOf(topic)],
    );
    const next = Number(row?.last ?? 0);
    return { first: row?.first === null || row?.first === undefined ? next : Number(row.first) - 1, next };
  };
  return {
    ensureTopics: async () => undefined,
    partitions: () => 1,
    append: async (topic, records) => await append(database, tailOf(topic), topic, records),
    read: (topic, partition, from, to) => readPages({ database, topic, partition, from, to, ends }),
    ends: async (topic) => [{ partition: 0, ...(await ends(topic)) }],
    offsetsAt: async (topic, timeMs) => {
      const [row] = await database.all(`SELECT min(id) AS id FROM ${tableOf(topic)} WHERE time >= ?`, [timeMs]);
      const offset = row?.id === null || row?.id === undefined ? (await ends(topic)).next : Number(row.id) - 1;
      return [{ partition: 0, offset }];
    },
    consume: async (options) => {
      const consumer = await startConsumer({ database, tail: tailOf(options.topic), ends, logger, clock, options });
      consumers.add(consumer);
      const close = async (): Promise<void> => {
        await consumer.close();
        consumers.delete(consumer);
      };
      return { close };
    },
    ping: async () => void (await database.all('SELECT 1')),
    maintain: async () => await maintain(database, clock.now()),
    close: async () => {
      await Promise.all([...consumers].map((consumer) => consumer.close()));
    },
  };
}

export type Maintained = {
  /** Drops what is older than its topic's retention, and compacts; bounded, so call it again every hour. */
  maintain(): Promise<void>;
};

function raise(topic: string): never {
  throw new AppError('log_unavailable', `There is no topic ${topic}.`);
}

function schemaStatements(): readonly Statement[] {
  const once = (sql: string): Statement => ({ sql, params: [[]] });
  return [
    ...TOPIC_NAMES.flatMap((topic) => [
      once(
        `CREATE TABLE IF NOT EXISTS ${tableOf(topic)} (id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, key TEXT, value TEXT NOT NULL)`,
      ),
      once(`CREATE INDEX IF NOT EXISTS ${tableOf(topic)}_time ON ${tableOf(topic)} (time)`),
    ]),
    once('CREATE INDEX IF NOT EXISTS log_deliveries_key ON log_deliveries (key)'),
    once(
      'CREATE TABLE IF NOT EXISTS consumer_groups (name TEXT, topic TEXT, next INTEGER NOT NULL, PRIMARY KEY (name, topic)) WITHOUT ROWID',
    ),
  ];
}

async function append(
  database: Database,
  tail: Tail,
  topic: TopicName,
  records: readonly NewRecord[],
): Promise<readonly Position[]> {
  if (records.length === 0) return [];
  for (const { value, partition = 0 } of records) {
    if (partition !== 0)
      throw new AppError('log_unavailable', `${topic} has one partition here, not a partition ${partition}.`);
    if (Buffer.byteLength(value) > MAX_RECORD_BYTES)
      throw new AppError('too_large', `A record of ${topic} is larger than ${MAX_RECORD_BYTES} bytes.`);
  }
  const sql = `INSERT INTO ${tableOf(topic)} (time, key, value) VALUES (?, ?, ?) RETURNING id`;
  const params = records.map(({ timeMs, key, value }) => [timeMs, key, value] as const);
  const [ids] = await database.run([{ sql, params }]).catch((error: unknown) => {
    if (error instanceof AppError) throw error;
    throw new AppError('log_unavailable', `${topic} cannot be written.`, { cause: error, retriable: true });
  });
  const stored = records.map(({ key, value, timeMs }, index): StoredRecord => {
    return { partition: 0, offset: Number(ids?.[index]?.id) - 1, key, value, timeMs };
  });
  tail.push(stored);
  return stored.map(({ partition, offset }) => ({ partition, offset }));
}

export const toRecord = (row: SqlRow): StoredRecord => ({
  partition: 0,
  offset: Number(row.id) - 1,
  key: row.key === null ? null : String(row.key),
  value: String(row.value),
  timeMs: Number(row.time),
});

/** A gap is an error, unless the topic is compacted. */
export function checkGap(topic: TopicName, wanted: number, first: number): void {
  if (wanted >= first || TOPICS[topic].cleanup === 'compact') return;
  throw new AppError('log_gap', `${topic} begins at offset ${first}; offset ${wanted} is wanted and no longer there.`, {
    help: 'Retention has removed records that were not read in time: restore a backup of the log, or accept the loss by removing the reader’s state.',
  });
}

type ReadOptions = {
  readonly database: Database;
  readonly topic: TopicName;
  readonly partition: number;
  readonly from: number;
  readonly to: number | undefined;
  readonly ends: (topic: TopicName) => Promise<{ first: number; next: number }>;
};

async function* readPages({
  database,
  topic,
  partition,
  from,
  to,
  ends,
}: ReadOptions): AsyncGenerator<readonly StoredRecord[]> {
  if (partition !== 0) return;
  const { first, next } = await ends(topic);
  checkGap(topic, from, first);
  const end = Math.min(to ?? next, next);
  const sql = `SELECT id, time, key, value FROM ${tableOf(topic)} WHERE id > ? AND id <= ? ORDER BY id LIMIT ${PAGE_RECORDS}`;
  for (let position = from; position < end; ) {
    const page = (await database.readAside(sql, [position, end])).map(toRecord);
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    position = last.offset + 1;
  }
}

async function maintain(database: Database, now: number): Promise<void> {
  for (const topic of TOPIC_NAMES) {
    const { retentionMs, cleanup } = TOPICS[topic];
    const table = tableOf(topic);
    const some = `LIMIT ${MAX_DELETED_AT_ONCE}`;
    if (retentionMs !== null)
      await database.run([
        {
          sql: `DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} WHERE time < ? ORDER BY id ${some})`,
          params: [[now - retentionMs]],
        },
      ]);
    if (cleanup === 'compact')
      await database.run([
        {
          sql: `DELETE FROM ${table} WHERE id IN (SELECT a.id FROM ${table} a WHERE EXISTS (SELECT 1 FROM ${table} b WHERE b.key = a.key AND b.id > a.id) ${some})`,
          params: [[]],
        },
      ]);
  }
}
