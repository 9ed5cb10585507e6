// An embedded log in a folder of its own, removed with it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { openDatabase } from '../../src/log/database.ts';
import type { EventLog } from '../../src/log/event-log.ts';
import { openSqliteLog } from '../../src/log/sqlite.ts';
import { type Clock, systemClock } from '../../src/model/clock.ts';

export type TempLog = { readonly log: EventLog; close(): Promise<void> };

/** Its upkeep goes by the clock: with the time of the samples, what they made is not too old to be kept. */
export async function openTempLog(clock: Clock = systemClock): Promise<TempLog> {
  const folder = mkdtempSync(join(tmpdir(), 'declinewatch-'));
  const database = await openDatabase({ file: join(folder, 'log.db'), owner: 'test' });
  const log = await openSqliteLog({ database, logger: pino({ level: 'silent' }), clock });
  return {
    log,
    close: async () => {
      await log.close();
      await database.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
