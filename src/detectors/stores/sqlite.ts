// The WindowStore of an embedded installation: tables of the one database that holds the log too.
import type { Database, SqlRow, SqlValue, Statement } from '../../log/database.ts';
import { AppError, messageOf } from '../../model/errors.ts';
import type { AppendRows, Row, WindowStore } from '../window-store.ts';
import {
  firstSegmentFrom,
  newerStore,
  PAGE_ROWS,
  type PackedRows,
  packForStore,
  packRows,
  rowKey,
  rowOf,
  STORE_SCHEMA,
  sealOf,
  segmentOf,
  unpackFromStore,
} from './rows.ts';

/** Appends read back in one page; each holds at most a batch's rows. */
const PAGE_APPENDS = 16;
/** Most rows of one string: bounds what a page holds in memory. */
const CHUNK_ROWS = PAGE_ROWS;

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
    clear: async (partition) => {
      const tables = ['window_heads', 'window_segments', 'window_rows'];
      const statements = tables.map((table) => ({
        sql: `DELETE FROM ${table} WHERE partition = ?`,
        params: [[partition]],
      }));
      await guarded(async () => await database.run(statements));
    },
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

async function load(database: Database, partition: number) {
  const head = await headOf(database, partition);
  if (head === null) return { next: null, pages: noPages() };
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
    for (const { rows } of appends) yield unpackFromStore(rows instanceof Uint8Array ? rows : String(rows));
    after = Number(last.id);
  }
}

async function headOf(database: Database, partition: number): Promise<SqlRow | null> {
  const [head] = await database.all('SELECT schema, next, seal FROM window_heads WHERE partition = ?', [partition]);
  if (head !== undefined && Number(head.schema) > STORE_SCHEMA) throw newerStore(Number(head.schema));
  return head ?? null;
}

async function append(database: Database, partition: number, change: AppendRows): Promise<'appended' | 'refused'> {
  const attempts: PackedRows[] = [];
  const rows = change.rows.filter(({ kind }) => kind === 'attempt');
  for (let i = 0; i < rows.length; i += CHUNK_ROWS) attempts.push(packForStore(rows.slice(i, i + CHUNK_ROWS)));
  const others = change.rows.filter(({ kind }) => kind !== 'attempt');
  const seal = sealOf(change, [...attempts, packRows(others)]);
  const segment = segmentOf(change.next);
  try {
    await database.run([
      compareAndSet(partition, change, seal),
      ...writesOfAttempts(partition, segment, attempts),
      ...writesOfOthers(partition, others),
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

function writesOfAttempts(partition: number, segment: number, packed: readonly PackedRows[]): Statement[] {
  const sql = 'INSERT INTO window_segments (partition, segment, rows) VALUES (?, ?, ?)';
  return packed.length === 0 ? [] : [{ sql, params: packed.map((rows) => [partition, segment, rows]) }];
}

function writesOfOthers(partition: number, rows: readonly Row[]): Statement[] {
  const statements: Statement[] = [];
  // The last row of an id counts, whatever came before it in the same append.
  const kept = new Map(rows.map((row) => [rowKey(row), row.value]));
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
