// The embedded log's tables: a table a topic, a table of the groups' offsets, and the statements that read them in
// pages that are bounded by count and by size.
import { TOPICS, type TopicName } from '../model/topics.ts';
import type { Database, SqlRow, Statement } from './database.ts';
import type { StoredRecord } from './event-log.ts';

export const TOPIC_NAMES = Object.keys(TOPICS) as TopicName[];

export const PAGE_RECORDS = 1_000;
/** A page holds less than this before its last record. */
export const PAGE_BYTES = 1_000_000;

/** A table's rowid counts from 1, an offset from 0. */
export const tableOf = (topic: TopicName): string => `log_${topic.replaceAll('-', '_')}`;

export const once = (sql: string): Statement => ({ sql, params: [[]] });

export const SCHEMA: readonly Statement[] = [
  ...TOPIC_NAMES.flatMap((topic) => [
    once(
      `CREATE TABLE IF NOT EXISTS ${tableOf(topic)} (id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, key TEXT, value TEXT NOT NULL)`,
    ),
    once(`CREATE INDEX IF NOT EXISTS ${tableOf(topic)}_time ON ${tableOf(topic)} (time)`),
  ]),
  ...TOPIC_NAMES.filter((topic) => TOPICS[topic].cleanup === 'compact').map((topic) =>
    once(`CREATE INDEX IF NOT EXISTS ${tableOf(topic)}_key ON ${tableOf(topic)} (key)`),
  ),
  once(
    'CREATE TABLE IF NOT EXISTS consumer_groups (name TEXT, topic TEXT, next INTEGER NOT NULL, PRIMARY KEY (name, topic)) WITHOUT ROWID',
  ),
];

export type Ends = { readonly first: number; readonly next: number };

export async function endsOf(database: Pick<Database, 'all'>, topic: TopicName): Promise<Ends> {
  const table = tableOf(topic);
  const sql = `SELECT (SELECT min(id) FROM ${table}) AS first, (SELECT seq FROM sqlite_sequence WHERE name = ?) AS last`;
  const [row] = await database.all(sql, [table]);
  const next = Number(row?.last ?? 0);
  return { first: row?.first === null || row?.first === undefined ? next : Number(row.first) - 1, next };
}

/** At most `limit` records of [from, to), in offset order. On the readers' thread: appends do not wait for it. */
export async function readPage(
  database: Pick<Database, 'readAside'>,
  topic: TopicName,
  { from, to, limit }: { readonly from: number; readonly to: number; readonly limit: number },
): Promise<readonly StoredRecord[]> {
  return (await database.readAside(pageSql(topic), [from, to, limit])).map(toRecord);
}

// The size is taken from the rows' headers first: a record of a megabyte is only read if it is in the page.
const pageSql = (topic: TopicName): string => `
  WITH sizes AS (SELECT id, octet_length(value) AS size FROM ${tableOf(topic)} WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3),
    sums AS (SELECT id, sum(size) OVER (ORDER BY id) - size AS before FROM sizes)
  SELECT id, time, key, value FROM ${tableOf(topic)}
  WHERE id > ?1 AND id <= (SELECT max(id) FROM sums WHERE before < ${PAGE_BYTES}) ORDER BY id`;

const toRecord = (row: SqlRow): StoredRecord => ({
  partition: 0,
  offset: Number(row.id) - 1,
  key: row.key === null ? null : String(row.key),
  value: String(row.value),
  timeMs: Number(row.time),
});

export async function committedOffset(database: Database, group: string, topic: TopicName): Promise<number | null> {
  const [row] = await database.all('SELECT next FROM consumer_groups WHERE name = ? AND topic = ?', [group, topic]);
  return row === undefined ? null : Number(row.next);
}

export async function commitOffset(database: Database, group: string, topic: TopicName, next: number): Promise<void> {
  const sql =
    'INSERT INTO consumer_groups (name, topic, next) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET next = excluded.next';
  await database.run([{ sql, params: [[group, topic, next]] }]);
}
