// The key of the masks of e-mails and addresses: from the environment, else made once and kept in the data folder.
import { createHmac, randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, messageOf } from '../model/errors.ts';

const FILE = 'pii-key';

/** Throws `data_folder_readonly`. Processes that begin together on one folder come to the same key. */
export function keptPiiKey(dataFolder: string): string {
  const file = join(dataFolder, FILE);
  const own = `${file}.${process.pid}`;
  try {
    mkdirSync(dataFolder, { recursive: true });
    const known = readKey(file);
    if (known !== null) return known;
    writeFileSync(own, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
    try {
      // Never replaces a key that another process has made in between.
      linkSync(own, file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const made = readKey(file);
    if (made === null) throw new Error(`${file} is empty`);
    return made;
  } catch (cause) {
    throw new AppError('data_folder_readonly', `The key of the masks cannot be kept: ${messageOf(cause)}.`, {
      help: 'Give this user write access to the data folder, or set DECLINEWATCH_PII_KEY.',
      cause,
    });
  } finally {
    rmSync(own, { force: true });
  }
}

/** null: none is kept there. Makes none. */
export function knownPiiKey(dataFolder: string): string | null {
  return readKey(join(dataFolder, FILE));
}

/** What tells keys apart, and nothing of the key. */
export function markOf(piiKey: string): string {
  return createHmac('sha256', piiKey).update('mark of this key').digest('hex').slice(0, 12);
}

function readKey(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trim() || null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
