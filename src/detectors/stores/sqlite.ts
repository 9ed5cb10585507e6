// The WindowStore of an embedded installation: tables of the one database that holds the log too.
import type { Database, SqlRow, SqlValue, Statement } from '../../log/database.ts';
import { AppError, messageOf } from '../../model/errors.ts';
import type { AppendRows, Row, WindowStore } from '../window-store.ts';
import {
  firstSegmentFrom,
  newerStore,
  PAGE_ROWS,
  type Parts,
  partsOf,
  rowOf,
  STORE_SCHEMA,
  sealOf,
  segmentOf,
} from './rows.ts';

/** Appends read back in one page; each holds at most a batch's attempts. */
const PAGE_APPENDS = 16;

/** Makes the tables that lack. The database is closed by its owner, not by the store. */
export async function openSqliteStore({ database }: { readonly database: Database }): Promise<WindowStore> {
  await guarded(async () => await database.run(SCHEMA));
  return {
    load: async (partition) => await guarded(async () => await load(database, partition)),
    append: async (partition, change) => await guarded(async () => await append(database, partition, change)),
    expire: async (partition, offset) => {
      const sql = 'DELETE FROM window_segments WHERE partition = ? AND segment < ?';
      await guarded(async () => await database.run([{ sql, params: [[partition, firstSegmentFrom(offset)]] }]));
    },
    clear: async (partition) => await guarded(async () => await clear(database, partition)),
    ping: async () => await guarded(async () => void (await database.all('SELECT 1'))),
    close: async () => undefined,
  };
}

const SCHEMA: readonly Statement[] = [
  `CREATE TABLE IF NOT EXISTS window_heads (partition INTEGER PRIMARY KEY, schema INTEGER NOT NULL, next INTEGER NOT NULL,
    seal TEXT NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS window_segments (partition INTEGER NOT NULL, segment INTEGER NOT NULL,
    id INTEGER PRIMARY KEY AUTOINCREMENT, rows BLOB NOT NULL)`,
  'CREATE INDEX IF NOT EXISTS window_segments_place ON window_segments (partition, segment, id)',
  `CREATE TABLE IF NOT EXISTS window_rows (partition INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (partition, key)) WITHOUT ROWID`,
].map((sql) => ({ sql, params: [[]] }));

async function clear(database: Database, partition: number): Promise<void> {
  const tables = ['window_heads', 'window_segments', 'window_rows'];
  await database.run(
    tables.map((table) => ({ sql: `DELETE FROM ${table} WHERE partition = ?`, params: [[partition]] })),
  );
}

async function load(database: Database, partition: number) {
  const head = await headOf(database, partition);
  if (head === null) return { next: null, pages: noPages() };
  if (Number(head.schema) < STORE_SCHEMA) {
    await clear(database, partition);
    return { next: null, pages: noPages() };
  }
  return { next: Number(head.next), pages: pagesOf(database, partition) };
}

async function* noPages(): AsyncGenerator<readonly Row[]> {}

async function* pagesOf(database: Database, partition: number): AsyncGenerator<readonly Row[]> {
  const page = async (sql: string, params: readonly SqlValue[]): Promise<readonly SqlRow[]> =>
    await guarded(async () => await database.all(sql, params));
  for (let after = ''; ; ) {
    const sql = `SELECT key, value FROM window_rows WHERE partition = ? AND key > ? ORDER BY key LIMIT ${PAGE_ROWS}`;
    const kept = await page(sql, [partition, after]);
    const last = kept.at(-1);
    if (last === undefined) break;
    yield kept.map(({ key, value }) => rowOf(String(key), String(value)));
    after = String(last.key);
  }
  for (let after = 0; ; ) {
    const sql = `SELECT id, rows FROM window_segments WHERE partition = ? AND id > ? ORDER BY id LIMIT ${PAGE_APPENDS}`;
    const appends = await page(sql, [partition, after]);
    const last = appends.at(-1);
    if (last === undefined) return;
    yield appends.map(({ rows }): Row => ({ kind: 'attempts', bytes: rows as Uint8Array }));
    after = Number(last.id);
  }
}

async function headOf(database: Database, partition: number): Promise<SqlRow | null> {
  const [head] = await database.all('SELECT schema, next, seal FROM window_heads WHERE partition = ?', [partition]);
  if (head !== undefined && Number(head.schema) > STORE_SCHEMA) throw newerStore(Number(head.schema));
  return head ?? null;
}

async function append(database: Database, partition: number, change: AppendRows): Promise<'appended' | 'refused'> {
  const parts = partsOf(change.rows);
  const seal = sealOf(change, parts);
  const segment = segmentOf(change.next);
  try {
    await database.run([
      compareAndSet(partition, change, seal),
      ...writesOfAttempts(partition, segment, parts),
      ...writesOfOthers(partition, parts),
    ]);
    return 'appended';
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'condition_failed') throw error;
  }
  const head = await headOf(database, partition);
  return head?.seal === seal ? 'appended' : 'refused';
}

/** Returns no row, and so undoes the whole unit, unless the stored offset is the expected one. */
function compareAndSet(partition: number, { expectedNext, next }: AppendRows, seal: string): Statement {
  const mustReturn = true;
  if (expectedNext === null) {
    const sql = `INSERT INTO window_heads (partition, schema, next, seal) VALUES (?, ${STORE_SCHEMA}, ?, ?)
      ON CONFLICT DO NOTHING RETURNING next`;
    return { sql, params: [[partition, next, seal]], mustReturn };
  }
  const sql = `UPDATE window_heads SET schema = ${STORE_SCHEMA}, next = ?, seal = ?
    WHERE partition = ? AND next = ? AND schema <= ${STORE_SCHEMA} RETURNING next`;
  return { sql, params: [[next, seal, partition, expectedNext]], mustReturn };
}

function writesOfAttempts(partition: number, segment: number, { attempts }: Parts): Statement[] {
  const sql = 'INSERT INTO window_segments (partition, segment, rows) VALUES (?, ?, ?)';
  return attempts.length === 0 ? [] : [{ sql, params: [[partition, segment, attempts]] }];
}

function writesOfOthers(partition: number, { kept }: Parts): Statement[] {
  const statements: Statement[] = [];
  const set: SqlValue[][] = [];
  const gone: SqlValue[][] = [];
  for (const [key, value] of kept) {
    if (value === null) gone.push([partition, key]);
    else set.push([partition, key, value]);
  }
  const upsert =
    'INSERT INTO window_rows (partition, key, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value';
  if (set.length > 0) statements.push({ sql: upsert, params: set });
  if (gone.length > 0)
    statements.push({ sql: 'DELETE FROM window_rows WHERE partition = ? AND key = ?', params: gone });
  return statements;
}

/** Whatever the database says, the caller hears `store_unavailable`, with the database's own cure. */
async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof AppError && cause.code === 'newer_store') throw cause;
    const help = cause instanceof AppError ? cause.help : '';
    throw new AppError('store_unavailable', `The windows cannot be stored: ${messageOf(cause)}`, {
      help: help || 'The cause is named above; reading goes on by itself once it is mended.',
      retriable: true,
      cause,
    });
  }
}
