// One writing process for a data folder: a lock that the operating system releases when the process ends, however it ends.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { AppError, messageOf } from '../model/errors.ts';

export type Lock = {
  /** Safe to call twice. */
  release(): void;
};

/** Throws `already_running`, naming the first, or `data_folder_readonly`. `owner` is kept in a file beside the lock. */
export function takeLock(file: string, owner: string): Lock {
  const ownerFile = `${file}.owner`;
  let held: DatabaseSync | null = null;
  try {
    held = new DatabaseSync(file, { timeout: 0 });
    held.exec('BEGIN EXCLUSIVE');
    writeFileSync(ownerFile, `process ${process.pid}, since ${new Date().toISOString()}, ${owner}\n`);
  } catch (cause) {
    held?.close();
    if (/locked|busy/i.test(messageOf(cause))) throw alreadyRunning(file, ownerFile, cause);
    throw new AppError('data_folder_readonly', `The data folder cannot be written: ${messageOf(cause)} (${file}).`, {
      help: 'Give this user write access to the data folder, or set DECLINEWATCH_DATA to another.',
      cause,
    });
  }
  const lock = held;
  return {
    release: () => {
      if (!lock.isOpen) return;
      rmSync(ownerFile, { force: true });
      lock.close();
    },
  };
}

function alreadyRunning(file: string, ownerFile: string, cause: unknown): AppError {
  let first = 'another process';
  try {
    first = readFileSync(ownerFile, 'utf8').trim() || first;
  } catch {
    // The first is only just starting: it has the lock, and has not said yet who it is.
  }
  return new AppError('already_running', `declinewatch already runs on this data folder: ${first} (${file}).`, {
    help: 'Stop that one first, or set DECLINEWATCH_DATA (and PORT, ADMIN_PORT) to run a second beside it.',
    cause,
  });
}
