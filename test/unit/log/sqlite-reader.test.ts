import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../../src/log/database.ts';
import type { EventLog } from '../../../src/log/event-log.ts';
import { openSqliteLog } from '../../../src/log/sqlite.ts';
import { openSqliteReader } from '../../../src/log/sqlite-reader.ts';

describe('openSqliteReader', () => {
  let folder: string;
  let database: Database;
  let log: EventLog;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'declinewatch-'));
    database = await openDatabase({ file: join(folder, 'log.db'), owner: 'test' });
    log = await openSqliteLog({ database, logger: pino({ level: 'silent' }) });
  });
  afterAll(async () => {
    await log.close();
    await database.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('reads what the writing process has written, while that goes on', async () => {
    const nowMs = Date.now();
    const record = (n: number) => ({ key: null, value: JSON.stringify({ v: 1, n }), timeMs: nowMs + n });
    await log.append(
      'attempts',
      Array.from({ length: 2_500 }, (_, n) => record(n)),
    );
    const reader = openSqliteReader(join(folder, 'log.db'));
    expect(await reader.ends('attempts')).toEqual([{ partition: 0, first: 0, next: 2_500 }]);
    expect(await reader.offsetsAt('attempts', nowMs + 700)).toEqual([{ partition: 0, offset: 700 }]);
    expect(await reader.offsetsAt('attempts', nowMs + 9_999)).toEqual([{ partition: 0, offset: 2_500 }]);
    await log.append('attempts', [record(2_500)]);
    const offsets: number[] = [];
    for await (const page of reader.read('attempts', 0, 10)) offsets.push(...page.map(({ offset }) => offset));
    expect(offsets).toEqual(Array.from({ length: 2_491 }, (_, n) => n + 10));
    const few: string[] = [];
    for await (const page of reader.read('attempts', 0, 3, 5)) few.push(...page.map(({ value }) => value));
    expect(few).toEqual(['{"v":1,"n":3}', '{"v":1,"n":4}']);
    await reader.close();
  });

  it('says that there is no log, or that the file is none', () => {
    expect(() => openSqliteReader(join(folder, 'nowhere.db'))).toThrow(expect.objectContaining({ code: 'no_log' }));
    writeFileSync(join(folder, 'text.db'), 'no database '.repeat(1_000));
    expect(() => openSqliteReader(join(folder, 'text.db'))).toThrow(
      expect.objectContaining({ code: 'log_unavailable' }),
    );
  });
});
