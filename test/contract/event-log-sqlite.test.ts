import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { openDatabase } from '../../src/log/database.ts';
import { openSqliteLog } from '../../src/log/sqlite.ts';
import { tableOf } from '../../src/log/sqlite-tables.ts';
import { eventLogContract, type LogUnderTest } from './event-log.ts';

async function openLog(): Promise<LogUnderTest> {
  const folder = mkdtempSync(join(tmpdir(), 'declinewatch-log-'));
  const file = join(folder, 'log.db');
  const open = async () => {
    const database = await openDatabase({ file, owner: 'test' });
    const opened = await openSqliteLog({ database, logger: pino({ level: 'silent' }) });
    const close = async (): Promise<void> => {
      await opened.close();
      await database.close();
    };
    return { database, log: { ...opened, close } };
  };
  let now = await open();
  return {
    log: now.log,
    reopen: async () => {
      await now.log.close();
      now = await open();
      return now.log;
    },
    expire: async (topic, _partition, offset) => {
      await now.database.run([{ sql: `DELETE FROM ${tableOf(topic)} WHERE id <= ?`, params: [[offset]] }]);
    },
    childArgs: ['sqlite', file],
    remove: async () => {
      await now.log.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

eventLogContract('sqlite', openLog);
