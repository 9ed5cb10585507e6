import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore } from '../../src/detectors/stores/sqlite.ts';
import { type Database, openDatabase, type SqlValue } from '../../src/log/database.ts';
import { durableStoreContract, windowStoreContract } from './window-store.ts';

const TABLES = ['window_heads', 'window_segments', 'window_rows'];

async function openStore() {
  const folder = mkdtempSync(join(tmpdir(), 'declinewatch-store-'));
  const database = await openDatabase({ file: join(folder, 'data.db'), owner: 'test' });
  return {
    store: await openSqliteStore({ database }),
    second: async () => await openSqliteStore({ database }),
    remove: async () => {
      await database.close();
      rmSync(folder, { recursive: true, force: true });
    },
    snapshot: async () => await copyTables(database),
    makeSchema: async (version: number) =>
      void (await database.run([{ sql: 'UPDATE window_heads SET schema = ?', params: [[version]] }])),
  };
}

async function copyTables(database: Database): Promise<() => Promise<void>> {
  const copies = await Promise.all(TABLES.map(async (table) => await database.all(`SELECT * FROM ${table}`)));
  return async () => {
    const statements = TABLES.flatMap((table, i) => {
      const rows = copies[i] ?? [];
      const columns = Object.keys(rows[0] ?? {});
      const sql = `INSERT INTO ${table} (${columns.join(',')}) VALUES (${columns.map(() => '?').join(',')})`;
      const params = rows.map((row) => columns.map((column): SqlValue => row[column] ?? null));
      return [{ sql: `DELETE FROM ${table}`, params: [[]] }, ...(rows.length > 0 ? [{ sql, params }] : [])];
    });
    await database.run(statements);
  };
}

windowStoreContract('sqlite', openStore);
durableStoreContract('sqlite', openStore);
