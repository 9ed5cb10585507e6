// The thread that owns a connection of the embedded database. Units that wait when it is free go into one transaction,
// each in a savepoint of its own: one fsync for all, and a unit that fails undoes itself alone.
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import type { Request, SqlRow, Statement } from './database.ts';

type Message = { readonly id: number; readonly request: Request };
type Unit = { readonly id: number; readonly statements: readonly Statement[] };
type Rows = readonly (readonly SqlRow[])[];

/** Most units in one transaction: bounds how long the first of them waits. */
const MAX_UNITS = 512;
const MAX_PREPARED = 256;
const BUSY_TIMEOUT_MS = 5_000;

/** In this order: how free pages are kept can only be set before the file has a first page. */
const WRITER_PRAGMAS = [
  'auto_vacuum = INCREMENTAL',
  'journal_mode = WAL',
  'synchronous = FULL',
  'journal_size_limit = 67108864',
  // What is deleted or replaced is overwritten: an erase must leave nothing in free pages.
  'secure_delete = ON',
];

const SQLITE_CODES: Readonly<Record<number, string>> = {
  8: 'SQLITE_READONLY',
  10: 'SQLITE_IOERR',
  11: 'SQLITE_CORRUPT',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  26: 'SQLITE_NOTADB',
};

const { file, mode } = workerData as { file: string; mode: 'read' | 'write' };
const port = parentPort;
if (port === null) throw new Error('This file runs as a worker thread.');

let connection: DatabaseSync | null = null;
const prepared = new Map<string, StatementSync>();
const units: Unit[] = [];

port.on('message', ({ id, request }: Message) => {
  if (request.kind === 'run') {
    units.push({ id, statements: request.statements });
    if (units.length === 1) setImmediate(commitUnits);
    return;
  }
  commitUnits();
  if (request.kind === 'close') {
    connection?.close();
    port.close();
    return;
  }
  answer(id, () => [prepare(request.sql).all(...request.params) as SqlRow[]]);
});

function commitUnits(): void {
  while (units.length > 0) commitSome(units.splice(0, MAX_UNITS));
}

function commitSome(some: readonly Unit[]): void {
  const answers = new Map<number, { rows: Rows } | { error: unknown }>();
  try {
    open().exec('BEGIN IMMEDIATE');
    for (const unit of some) answers.set(unit.id, runUnit(unit));
    open().exec('COMMIT');
  } catch (error) {
    rollBack();
    for (const { id } of some) answers.set(id, { error });
  }
  for (const [id, result] of answers) answer(id, () => ('rows' in result ? result.rows : raise(result.error)));
}

function runUnit({ statements }: Unit): { rows: Rows } | { error: unknown } {
  const db = open();
  db.exec('SAVEPOINT unit');
  try {
    const rows = statements.map(runStatement);
    db.exec('RELEASE unit');
    return { rows };
  } catch (error) {
    if (!db.isTransaction) throw error;
    db.exec('ROLLBACK TO unit');
    db.exec('RELEASE unit');
    return { error };
  }
}

function runStatement({ sql, params, mustReturn }: Statement): readonly SqlRow[] {
  const statement = prepare(sql);
  const rows: SqlRow[] = [];
  for (const values of params) {
    const returned = statement.all(...values) as SqlRow[];
    if (mustReturn && returned.length === 0)
      throw Object.assign(new Error('A condition of the write does not hold.'), { condition: true });
    for (const row of returned) rows.push(row);
  }
  return rows;
}

function open(): DatabaseSync {
  if (connection !== null) return connection;
  const opened = new DatabaseSync(file, { readOnly: mode === 'read', timeout: BUSY_TIMEOUT_MS });
  try {
    for (const pragma of mode === 'write' ? WRITER_PRAGMAS : []) opened.exec(`PRAGMA ${pragma}`);
    // A file that is no database is found out here and not by the first append.
    opened.prepare('SELECT count(*) FROM sqlite_schema').all();
  } catch (error) {
    opened.close();
    throw error;
  }
  connection = opened;
  return opened;
}

function prepare(sql: string): StatementSync {
  const known = prepared.get(sql);
  if (known !== undefined) return known;
  const statement = open().prepare(sql);
  if (prepared.size >= MAX_PREPARED) prepared.clear();
  prepared.set(sql, statement);
  return statement;
}

function rollBack(): void {
  try {
    if (connection?.isTransaction) connection.exec('ROLLBACK');
  } catch {
    // A full disk may have ended the transaction already: there is nothing left to undo.
  }
}

function answer(id: number, rowsOf: () => Rows): void {
  try {
    port?.postMessage({ id, rows: rowsOf() });
  } catch (error) {
    const { errcode, condition, message } = error as { errcode?: number; condition?: boolean; message?: string };
    const code = condition ? 'CONDITION' : (SQLITE_CODES[(errcode ?? 0) & 0xff] ?? 'UNKNOWN');
    port?.postMessage({ id, error: { code, message: message ?? String(error) } });
  }
}

function raise(error: unknown): never {
  throw error;
}
