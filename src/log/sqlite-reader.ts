// The embedded log for a process that only reads: beside a service that runs, without its lock, and without ever writing.
import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { AppError, messageOf } from '../model/errors.ts';
import type { TopicName } from '../model/topics.ts';
import type { Database, SqlRow, SqlValue } from './database.ts';
import type { EventLog, StoredRecord } from './event-log.ts';
import { endsOf, PAGE_RECORDS, readPage, tableOf } from './sqlite-tables.ts';

export type LogReader = Pick<EventLog, 'partitions' | 'read' | 'ends' | 'offsetsAt' | 'close'>;

/** Throws `no_log` if there is none yet, `log_unavailable` if it cannot be read. */
export function openSqliteReader(file: string): LogReader {
  if (!existsSync(file))
    throw new AppError('no_log', `There is no log in ${file}.`, {
      help: 'Start declinewatch first, or set DECLINEWATCH_DATA to the folder of the one that runs.',
    });
  const connection = connect(file);
  const all = async (sql: string, params: readonly SqlValue[] = []): Promise<readonly SqlRow[]> =>
    connection.prepare(sql).all(...params) as SqlRow[];
  const database: Pick<Database, 'all' | 'readAside'> = { all, readAside: all };
  return {
    partitions: () => 1,
    ends: async (topic) => [{ partition: 0, ...(await endsOf(database, topic)) }],
    offsetsAt: async (topic, timeMs) => {
      const [row] = await all(`SELECT min(id) AS id FROM ${tableOf(topic)} WHERE time >= ?`, [timeMs]);
      const isFound = row?.id !== null && row?.id !== undefined;
      return [{ partition: 0, offset: isFound ? Number(row.id) - 1 : (await endsOf(database, topic)).next }];
    },
    read: (topic, _partition, from, to) => pages(database, topic, { from, to }),
    close: async () => connection.close(),
  };
}

function connect(file: string): DatabaseSync {
  try {
    const connection = new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
    connection.prepare('SELECT count(*) FROM sqlite_schema').all();
    return connection;
  } catch (cause) {
    throw new AppError('log_unavailable', `The log cannot be read: ${messageOf(cause)} (${file}).`, {
      help: 'Give this user read access to the data folder.',
      cause,
    });
  }
}

type Range = { readonly from: number; readonly to: number | undefined };

async function* pages(
  database: Pick<Database, 'all' | 'readAside'>,
  topic: TopicName,
  { from, to }: Range,
): AsyncGenerator<readonly StoredRecord[]> {
  const kept = await endsOf(database, topic);
  const end = Math.min(to ?? kept.next, kept.next);
  for (let position = Math.max(from, kept.first); position < end; ) {
    const page = await readPage(database, topic, { from: position, to: end, limit: PAGE_RECORDS });
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    position = last.offset + 1;
  }
}
