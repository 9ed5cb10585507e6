import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../../src/log/database.ts';
import type { EventLog, StoredRecord } from '../../../src/log/event-log.ts';
import { openSqliteLog } from '../../../src/log/sqlite.ts';
import type { Rewriter } from '../../../src/log/sqlite-rewrite.ts';

const MARK = 'marked-value-of-the-test';

let folder: string;
let database: Database;
let log: EventLog & Rewriter;
let begin: number;
const { signal } = new AbortController();

beforeEach(async () => {
  begin = 0;
  folder = mkdtempSync(join(tmpdir(), 'declinewatch-rewrite-'));
  database = await openDatabase({ file: join(folder, 'log.db'), owner: 'test' });
  log = await openSqliteLog({ database, logger: pino({ level: 'silent' }) });
});
afterEach(async () => {
  await log.close();
  await database.close();
  rmSync(folder, { recursive: true, force: true });
});

const textOfRecord = (n: number, text: string): string =>
  JSON.stringify({ v: 1, n, text, filler: 'x'.repeat((n * 37) % 3_000) });
const records = (count: number, textOf: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => ({
    key: textOf(n),
    value: textOfRecord(n, textOf(n)),
    timeMs: Date.now() + n,
  }));

async function read(): Promise<readonly StoredRecord[]> {
  const all: StoredRecord[] = [];
  for await (const page of log.read('members', 0, begin)) all.push(...page);
  return all;
}

const isMarked = (n: number): boolean => n % 3 === 0;
const marked = (n: number): string => (isMarked(n) ? `${MARK}-${n}` : `other-${n}`);
const without = ({ key, value }: StoredRecord) =>
  value.includes(MARK) ? { key: key?.replaceAll(MARK, 'gone') ?? null, value: value.replaceAll(MARK, 'gone') } : null;

const inFiles = (): string[] =>
  readdirSync(folder).filter((name) => readFileSync(join(folder, name)).includes(Buffer.from(MARK)));

describe('records rewritten where they stand', () => {
  it('keep offset and time; the others are as they were; no file has what was there', async () => {
    await log.append('members', records(1_700, marked));
    // Free pages and free space within pages hold what was deleted before, too.
    await database.run([{ sql: 'DELETE FROM log_members WHERE id <= ?', params: [[200]] }]);
    begin = 200;
    const before = await read();
    expect(inFiles()).not.toEqual([]);
    let seen = 0;
    const onProgress = (more: number): void => {
      seen += more;
    };
    const { changed, next } = await log.rewrite('members', without, { signal, onProgress });
    expect([changed, next, seen]).toEqual([before.filter(({ value }) => value.includes(MARK)).length, 1_700, 1_500]);
    expect(await read()).toEqual(before.map((record) => ({ ...record, ...without(record) })));
    expect(await log.scrub()).toBe(true);
    expect(inFiles()).toEqual([]);
  });

  it('are read anew by a consumer that had them at hand', async () => {
    const texts: string[] = [];
    await log.append('members', records(3, marked));
    await log.rewrite('members', without, { signal });
    const consumer = await log.consume({
      topic: 'members',
      group: 'test',
      batch: async ({ records: batch }) => {
        texts.push(...batch.map(({ value }) => value));
        return null;
      },
    });
    await expect.poll(() => texts.length, { timeout: 10_000 }).toBe(3);
    await log.append(
      'members',
      records(1, () => 'later'),
    );
    await expect.poll(() => texts.length, { timeout: 10_000 }).toBe(4);
    await consumer.close();
    expect(texts.join()).not.toContain(MARK);
  });

  it('begin where they are told to, break off when they are told to, and can be begun again', async () => {
    await log.append('members', records(1_200, marked));
    const stop = new AbortController();
    const broken = log.rewrite('members', without, {
      signal: stop.signal,
      onProgress: () => stop.abort(new Error('stop')),
    });
    await expect(broken).rejects.toThrow('stop');
    expect((await read()).some(({ value }) => value.includes(MARK))).toBe(true);
    await log.rewrite('members', without, { signal });
    expect((await read()).some(({ value }) => value.includes(MARK))).toBe(false);
    const seen: number[] = [];
    const note = ({ offset }: StoredRecord) => {
      seen.push(offset);
      return null;
    };
    await log.rewrite('members', note, { signal, from: 1_190 });
    expect(seen).toEqual([1_190, 1_191, 1_192, 1_193, 1_194, 1_195, 1_196, 1_197, 1_198, 1_199]);
  });

  it('says so when another reader keeps the write-ahead log', async () => {
    await log.append('members', records(10, marked));
    const other = new DatabaseSync(join(folder, 'log.db'), { readOnly: true });
    other.exec('BEGIN');
    other.prepare('SELECT count(*) FROM log_members').all();
    await log.rewrite('members', without, { signal });
    expect(await log.scrub()).toBe(false);
    // Appends go on.
    await log.append(
      'members',
      records(1, () => 'later'),
    );
    other.exec('COMMIT');
    other.close();
    expect(await log.scrub()).toBe(true);
    expect(inFiles()).toEqual([]);
  });
});
