// The embedded database: one SQLite file, one writing process, all in one worker thread because node:sqlite blocks.
// Calls that arrive together share a transaction (group commit); heavy reads have a thread and a connection of their own.
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { ErrorCode } from '../model/error-codes.ts';
import { AppError } from '../model/errors.ts';
import { type Lock, takeLock } from './lock.ts';

export type SqlValue = string | number | null | Uint8Array;
export type SqlRow = Readonly<Record<string, SqlValue>>;

export type Statement = {
  readonly sql: string;
  /** One execution for each list of parameters. */
  readonly params: readonly (readonly SqlValue[])[];
  /** If an execution returns no row, the whole unit is undone and rejected with `condition_failed`. Needs a RETURNING. */
  readonly mustReturn?: boolean;
};

/** Rejects with AppError `disk_full`, `disk_error`, `data_folder_readonly`, `data_corrupt`, `condition_failed` or `log_unavailable`. */
export type Database = {
  /** Runs the statements as one atomic unit; resolves once durable, with the rows that each statement returned. */
  run(statements: readonly Statement[]): Promise<readonly (readonly SqlRow[])[]>;
  /** Reads after every write that has resolved. */
  all(sql: string, params?: readonly SqlValue[]): Promise<readonly SqlRow[]>;
  /** Reads on the readers' thread: may lag behind a write that is under way, never delays one. */
  readAside(sql: string, params?: readonly SqlValue[]): Promise<readonly SqlRow[]>;
  close(): Promise<void>;
};

export type DatabaseOptions = {
  readonly file: string;
  /** Shown to a second process that wants the same folder, e.g. the console's address. */
  readonly owner: string;
};

type Answer = {
  readonly id: number;
  readonly rows?: readonly (readonly SqlRow[])[];
  readonly error?: { code: string; message: string };
};

/** Throws `already_running` if another process has the folder, `data_folder_readonly` if it cannot be written. */
export async function openDatabase({ file, owner }: DatabaseOptions): Promise<Database> {
  try {
    mkdirSync(dirname(file), { recursive: true });
  } catch (cause) {
    throw databaseError('SQLITE_CANTOPEN', `${dirname(file)} cannot be made`, cause);
  }
  const lock = takeLock(`${file}.lock`, owner);
  try {
    const writer = await openThread(file, 'write');
    try {
      return database(writer, await openThread(file, 'read'), lock);
    } catch (error) {
      await writer.close();
      throw error;
    }
  } catch (error) {
    lock.release();
    throw error;
  }
}

function database(writer: Thread, reader: Thread, lock: Lock): Database {
  return {
    run: async (statements) => await writer.call({ kind: 'run', statements }),
    all: async (sql, params = []) => (await writer.call({ kind: 'all', sql, params }))[0] ?? [],
    readAside: async (sql, params = []) => (await reader.call({ kind: 'all', sql, params }))[0] ?? [],
    close: async () => {
      await reader.close();
      await writer.close();
      lock.release();
    },
  };
}

export type Request =
  | { readonly kind: 'run'; readonly statements: readonly Statement[] }
  | { readonly kind: 'all'; readonly sql: string; readonly params: readonly SqlValue[] }
  | { readonly kind: 'close' };

/** Most calls, and characters of their parameters, that may wait for a thread: beyond it they are refused, not queued. */
const MAX_WAITING = 10_000;
const MAX_WAITING_CHARACTERS = 128_000_000;

type Thread = {
  call(request: Request): Promise<readonly (readonly SqlRow[])[]>;
  close(): Promise<void>;
};

type Waiting = {
  readonly characters: number;
  resolve(rows: readonly (readonly SqlRow[])[]): void;
  reject(error: AppError): void;
};

async function openThread(file: string, mode: 'read' | 'write'): Promise<Thread> {
  const worker = new Worker(new URL('./database-worker.ts', import.meta.url), {
    workerData: { file, mode },
    name: `sqlite-${mode}`,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  const waiting = new Map<number, Waiting>();
  let nextId = 1;
  let waitingCharacters = 0;
  let ended = false;
  const failAll = (reason: string): void => {
    ended = true;
    for (const { reject } of waiting.values()) reject(databaseError('ENDED', reason));
    waiting.clear();
  };
  worker.on('message', ({ id, rows, error }: Answer) => {
    const call = waiting.get(id);
    waiting.delete(id);
    waitingCharacters -= call?.characters ?? 0;
    if (error) call?.reject(databaseError(error.code, error.message));
    else call?.resolve(rows ?? []);
  });
  worker.on('error', (error) => failAll(error.message));
  const exited = new Promise<void>((resolve) =>
    worker.on('exit', () => {
      failAll('The database thread has ended.');
      resolve();
    }),
  );
  const call: Thread['call'] = (request) =>
    new Promise((resolve, reject) => {
      if (ended) return reject(databaseError('ENDED', 'The database is closed.'));
      const characters = charactersOf(request);
      if (waiting.size >= MAX_WAITING || (waiting.size > 0 && waitingCharacters + characters > MAX_WAITING_CHARACTERS))
        return reject(databaseError('BUSY', `${waiting.size} calls wait for the disk already.`));
      const id = nextId++;
      waiting.set(id, { characters, resolve, reject });
      waitingCharacters += characters;
      worker.postMessage({ id, request });
    });
  const close = async (): Promise<void> => {
    if (!ended) worker.postMessage({ id: nextId++, request: { kind: 'close' } });
    await exited;
  };
  try {
    await call({ kind: 'all', sql: 'SELECT 1', params: [] });
  } catch (error) {
    await close();
    throw error;
  }
  return { call, close };
}

function charactersOf(request: Request): number {
  if (request.kind !== 'run') return 0;
  let characters = 0;
  for (const { params } of request.statements)
    for (const values of params)
      for (const value of values) characters += typeof value === 'number' ? 8 : (value?.length ?? 8);
  return characters;
}

const CURES: Readonly<Record<string, readonly [code: ErrorCode, help: string]>> = {
  SQLITE_FULL: ['disk_full', 'Free some space on the disk of the data folder; writing goes on by itself.'],
  SQLITE_IOERR: ['disk_error', 'Check the disk of the data folder; writing goes on by itself once it works.'],
  SQLITE_READONLY: [
    'data_folder_readonly',
    'Give this user write access to the data folder, or set DECLINEWATCH_DATA to another.',
  ],
  SQLITE_CANTOPEN: [
    'data_folder_readonly',
    'Give this user write access to the data folder, or set DECLINEWATCH_DATA to another.',
  ],
  SQLITE_CORRUPT: ['data_corrupt', 'Restore the data folder from a backup.'],
  SQLITE_NOTADB: [
    'data_corrupt',
    'The file is no database: restore the data folder from a backup, or set DECLINEWATCH_DATA to another.',
  ],
  CONDITION: ['condition_failed', ''],
};

function databaseError(sqliteCode: string, message: string, cause?: unknown): AppError {
  const [code, help] = CURES[sqliteCode] ?? [
    'log_unavailable',
    'The cause is named above; writing goes on by itself once it is mended.',
  ];
  return new AppError(code, `The database cannot be used: ${message}`, {
    help,
    retriable: code !== 'data_corrupt' && code !== 'condition_failed',
    cause,
  });
}
