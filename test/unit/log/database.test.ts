import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Database, openDatabase, type Statement } from '../../../src/log/database.ts';

const once = (sql: string): Statement => ({ sql, params: [[]] });
const MODULE = fileURLToPath(new URL('../../../src/log/database.ts', import.meta.url));

describe('the embedded database', () => {
  let folder: string;
  let file: string;
  const opened: Database[] = [];
  const open = async (owner = 'http://127.0.0.1:4243'): Promise<Database> => {
    const database = await openDatabase({ file, owner });
    opened.push(database);
    return database;
  };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'declinewatch-database-'));
    file = join(folder, 'deep', 'data.db');
  });
  afterEach(async () => {
    for (const database of opened.splice(0)) await database.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('runs a unit wholly or not at all, and its neighbours all the same', async () => {
    const database = await open();
    await database.run([once('CREATE TABLE t (n INTEGER UNIQUE)')]);
    const insert = (...ns: number[]): Promise<unknown> =>
      database.run([{ sql: 'INSERT INTO t VALUES (?)', params: ns.map((n) => [n]) }]);
    const results = await Promise.allSettled([insert(1, 2), insert(3, 1), insert(4)]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await database.all('SELECT n FROM t ORDER BY n')).toEqual([{ n: 1 }, { n: 2 }, { n: 4 }]);
    expect(await database.readAside('SELECT max(n) AS n FROM t')).toEqual([{ n: 4 }]);
  });

  it('undoes a unit whose condition does not hold', async () => {
    const database = await open();
    await database.run([once('CREATE TABLE t (n INTEGER)'), once('INSERT INTO t VALUES (1)')]);
    const change = database.run([
      once('INSERT INTO t VALUES (5)'),
      { sql: 'UPDATE t SET n = 2 WHERE n = ? RETURNING n', params: [[7]], mustReturn: true },
    ]);
    await expect(change).rejects.toMatchObject({ code: 'condition_failed', retriable: false });
    expect(await database.all('SELECT n FROM t')).toEqual([{ n: 1 }]);
  });

  it('syncs every commit and gives free pages back', async () => {
    const database = await open();
    expect(await database.all('PRAGMA journal_mode')).toEqual([{ journal_mode: 'wal' }]);
    expect(await database.all('PRAGMA synchronous')).toEqual([{ synchronous: 2 }]);
    expect(await database.all('PRAGMA auto_vacuum')).toEqual([{ auto_vacuum: 2 }]);
  });

  it('names the process that has the folder, and lets the next one in when that closes', async () => {
    const first = await open();
    await expect(open()).rejects.toMatchObject({
      code: 'already_running',
      message: expect.stringMatching(
        new RegExp(`process ${process.pid}, since 20\\d\\d-.*, http://127\\.0\\.0\\.1:4243 \\(`),
      ),
      help: expect.stringMatching(/DECLINEWATCH_DATA/),
    });
    await first.close();
    await open();
  });

  it('takes the folder over from a process that was killed', async () => {
    const script = `import { openDatabase } from ${JSON.stringify(MODULE)};
      await openDatabase({ file: ${JSON.stringify(file)}, owner: 'the first' }); console.log('open');`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    await expect(open()).rejects.toMatchObject({
      code: 'already_running',
      message: expect.stringContaining(`process ${child.pid}, `),
    });
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await exited;
    await open();
  });

  it('refuses what does not fit on the disk and goes on when there is room again', async () => {
    const database = await open();
    await database.run([once('CREATE TABLE t (text TEXT)')]);
    const insert = (): Promise<unknown> =>
      database.run([{ sql: 'INSERT INTO t VALUES (?)', params: [['x'.repeat(50_000)]] }]);
    const [pages] = await database.all('PRAGMA page_count');
    await database.all(`PRAGMA max_page_count = ${Number(pages?.page_count) + 20}`);
    await insert();
    const full = await Promise.allSettled([insert(), insert(), insert()]);
    for (const result of full)
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'disk_full', retriable: true } });
    await database.all('PRAGMA max_page_count = 100000');
    await insert();
    expect(await database.all('SELECT count(*) AS count FROM t')).toEqual([{ count: 2 }]);
  });

  it('names a file that is no database, and a folder that cannot be', async () => {
    mkdirSync(join(folder, 'deep'));
    writeFileSync(file, 'This is a letter and not a database.'.repeat(100));
    await expect(open()).rejects.toMatchObject({ code: 'data_corrupt', retriable: false });
    await expect(openDatabase({ file: join(file, 'x', 'data.db'), owner: 'test' })).rejects.toMatchObject({
      code: 'data_folder_readonly',
      help: expect.stringMatching(/DECLINEWATCH_DATA/),
    });
    mkdirSync(join(folder, 'dir.db'));
    await expect(openDatabase({ file: join(folder, 'dir.db'), owner: 'test' })).rejects.toMatchObject({
      code: 'data_folder_readonly',
    });
  });

  it('refuses more waiting calls than it can hold, and works on', async () => {
    const database = await open();
    await database.run([once('CREATE TABLE t (n INTEGER)')]);
    const calls = Array.from({ length: 10_050 }, (_, n) =>
      database.run([{ sql: 'INSERT INTO t VALUES (?)', params: [[n]] }]),
    );
    const results = await Promise.allSettled(calls);
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused).toHaveLength(50);
    expect(refused[0]).toMatchObject({ reason: { code: 'log_unavailable', retriable: true } });
    await database.run([once('INSERT INTO t VALUES (0)')]);
    expect(await database.all('SELECT count(*) AS count FROM t')).toEqual([{ count: 10_001 }]);
  });

  it('closes twice, and answers nothing afterwards', async () => {
    const database = await open();
    await database.close();
    await database.close();
    await expect(database.all('SELECT 1')).rejects.toMatchObject({ code: 'log_unavailable' });
  });
});
