// Small facts that spare work after a restart (how far a backfill got, what was reconciled), as a JSON file in the data
// folder. They are no truth: the log holds that. Lost, the work is done again and changes nothing, so they need no topic.
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Logger } from 'pino';
import { messageOf } from '../model/errors.ts';

export type Kept<T> = {
  /** Null: nothing is kept, or it cannot be read. */
  load(): Promise<T | null>;
  /** Durable once it resolves, and whole at any kill. Never rejects: a failure is logged. */
  save(value: T): Promise<void>;
};

/** `isValid` tells what this program can use from anything else that may stand in the file. */
export function keptFile<T>(path: string, isValid: (value: unknown) => value is T, logger: Logger): Kept<T> {
  let last: Promise<void> = Promise.resolve();
  return {
    load: async () => {
      try {
        const value: unknown = JSON.parse(await readFile(path, 'utf8'));
        return isValid(value) ? value : null;
      } catch {
        return null;
      }
    },
    save: async (value) => {
      // One after the other, or two writers would meet in the temporary file.
      last = last.then(async () => {
        try {
          await replaceFile(path, JSON.stringify(value));
        } catch (error) {
          logger.warn(
            { error: messageOf(error) },
            'the state of a backfill or reconciliation cannot be kept: a restart begins it anew',
          );
        }
      });
      await last;
    },
  };
}

async function replaceFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.new`;
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}
