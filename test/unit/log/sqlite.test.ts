import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../../src/log/database.ts';
import type { EventLog, NewRecord } from '../../../src/log/event-log.ts';
import { type Maintained, openSqliteLog } from '../../../src/log/sqlite.ts';
import { TOPICS, type TopicName } from '../../../src/model/topics.ts';
import { handClock } from '../../support/hand-clock.ts';

const NOW = 1_800_000_000_000;
const DAY_MS = 86_400_000;

describe('the embedded log', () => {
  const clock = handClock(NOW);
  let folder: string;
  let database: Database;
  let log: EventLog & Maintained;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'declinewatch-log-'));
    database = await openDatabase({ file: join(folder, 'log.db'), owner: 'test' });
    log = await openSqliteLog({ database, clock, logger: pino({ level: 'silent' }) });
  });
  afterEach(async () => {
    await log.close();
    await database.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const record = (key: string, timeMs: number, value = `{"v":1,"key":"${key}"}`): NewRecord => ({ key, value, timeMs });
  const read = async (topic: TopicName, from = 0) => {
    const records = [];
    for await (const page of log.read(topic, 0, from)) records.push(...page);
    return records;
  };

  it('drops from the head what is older than the retention of its topic, in any number', async () => {
    const retentionMs = TOPICS.attempts.retentionMs ?? 0;
    const old = Array.from({ length: 2_500 }, () => record('a', NOW - retentionMs - 1));
    await log.append('attempts', [...old, record('b', NOW - retentionMs), record('c', 0), record('d', NOW)]);
    await log.append('detector-settings', [record('for ever', 0)]);
    await log.maintain();
    expect(await log.ends('attempts')).toEqual([{ partition: 0, first: 2_500, next: 2_503 }]);
    expect((await read('attempts', 2_500)).map(({ key }) => key)).toEqual(['b', 'c', 'd']);
    expect(await log.ends('detector-settings')).toEqual([{ partition: 0, first: 0, next: 1 }]);
    expect(await log.append('attempts', [record('e', NOW)])).toEqual([{ partition: 0, offset: 2_503 }]);
  });

  it('goes on with the offsets when everything was dropped', async () => {
    await log.append('attempts', [record('a', 0), record('b', 0)]);
    await log.maintain();
    expect(await log.ends('attempts')).toEqual([{ partition: 0, first: 2, next: 2 }]);
    expect(await log.append('attempts', [record('c', NOW)])).toEqual([{ partition: 0, offset: 2 }]);
  });

  it('keeps the last record of each key where a topic is compacted, and all without a key', async () => {
    await log.append('deliveries', [
      ...Array.from({ length: 1_500 }, (_, n) => record(`k${n % 3}`, n)),
      { key: null, value: '{"v":1}', timeMs: 0 },
      { key: null, value: '{"v":1}', timeMs: 0 },
    ]);
    await log.maintain();
    expect((await read('deliveries')).map(({ offset }) => offset)).toEqual([1_497, 1_498, 1_499, 1_500, 1_501]);
    await log.append('deliveries', [record('k1', NOW)]);
    await log.maintain();
    expect((await read('deliveries')).map(({ offset }) => offset)).toEqual([1_497, 1_499, 1_500, 1_501, 1_502]);
    const seen: number[] = [];
    const consumer = await log.consume({
      topic: 'deliveries',
      group: 'g',
      batch: async ({ records }) => {
        seen.push(...records.map(({ offset }) => offset));
        return null;
      },
    });
    // What was replaced may still come from memory; what counts comes in any case.
    await expect.poll(() => seen).toEqual(expect.arrayContaining([1_497, 1_499, 1_500, 1_501, 1_502]));
    await consumer.close();
  });

  it('does its upkeep every hour by itself', async () => {
    await log.append('attempts', [record('a', NOW - 35 * DAY_MS + 60_000)]);
    await log.maintain();
    expect((await log.ends('attempts'))[0]?.first).toBe(0);
    await expect
      .poll(async () => {
        clock.advance(3_600_000);
        return (await log.ends('attempts'))[0]?.first;
      })
      .toBe(1);
  });

  it('bounds a page by its size too', async () => {
    const value = JSON.stringify({ v: 1, text: 'x'.repeat(400_000) });
    await log.append(
      'stripe-events',
      Array.from({ length: 7 }, (_, n) => record(`e${n}`, NOW, value)),
    );
    const pages: number[] = [];
    for await (const page of log.read('stripe-events', 0, 0)) pages.push(page.length);
    expect(pages).toEqual([3, 3, 1]);
  });

  it('gives the next member of a group its turn when the first has closed', async () => {
    const seen: string[] = [];
    const member = async (name: string) =>
      await log.consume({
        topic: 'commands',
        group: 'g',
        batch: async ({ records }) => {
          seen.push(...records.map(({ offset }) => `${name}${offset}`));
          return null;
        },
      });
    const first = await member('a');
    const second = await member('b');
    await log.append('commands', [record('x', NOW)]);
    await expect.poll(() => seen).toEqual(['a0']);
    await first.close();
    await log.append('commands', [record('x', NOW)]);
    await expect.poll(() => seen).toEqual(['a0', 'b1']);
    await second.close();
  });

  it('takes nothing once it is closed', async () => {
    await log.close();
    await expect(log.append('commands', [record('x', NOW)])).rejects.toMatchObject({ code: 'log_unavailable' });
  });
});
