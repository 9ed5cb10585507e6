// What every EventLog promises (src/log/event-log.ts). Run over SQLite and Kafka.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Batch, ConsumerOptions, EventLog, NewRecord, StoredRecord } from '../../src/log/event-log.ts';
import type { TopicName } from '../../src/model/topics.ts';
import { killedWhileHandling } from '../support/log-child.ts';

export type LogUnderTest = {
  readonly log: EventLog;
  /** Closes `log` and opens the same data again. */
  reopen(): Promise<EventLog>;
  /** Removes the records below the offset, as retention does. */
  expire(topic: TopicName, partition: number, offset: number): Promise<void>;
  /** What test/support/log-child.ts needs to open the same data in a process of its own, while `log` is closed. */
  readonly childArgs: readonly string[];
  /** Closes everything and removes the data. */
  remove(): Promise<void>;
};

/** Young enough for every topic's retention. */
const START_MS = Date.now() - 3_600_000;
const DEADLINE = { timeout: 25_000, interval: 10 };

export const record = (key: string | null, n: number, timeMs = START_MS + n): NewRecord => ({
  key,
  value: JSON.stringify({ v: 1, n }),
  timeMs,
});

export const numbers = (count: number, from = 0): number[] => Array.from({ length: count }, (_, i) => from + i);
export const numberOf = ({ value }: StoredRecord): number => (JSON.parse(value) as { n: number }).n;

const bulk = (from: number, count: number): NewRecord[] =>
  numbers(count, from).map((n) => ({
    key: null,
    value: JSON.stringify({ v: 1, n, text: 'x'.repeat(500) }),
    timeMs: START_MS + n,
  }));

/** A consumer that keeps what it was given. */
export async function collect(
  log: EventLog,
  options: Partial<ConsumerOptions> & { readonly group: string; readonly topic?: TopicName },
) {
  const records: StoredRecord[] = [];
  const consumer = await log.consume({
    topic: 'commands',
    ...options,
    batch: async (batch) => {
      const answer = (await options.batch?.(batch)) ?? null;
      records.push(...batch.records);
      return answer;
    },
  });
  return {
    records,
    close: async () => await consumer.close(),
    numbers: () => records.map(numberOf),
    /** Waits until so many records have come. */
    count: async (count: number) => {
      await expect.poll(() => records.length, DEADLINE).toBeGreaterThanOrEqual(count);
    },
  };
}

async function readAll(log: EventLog, topic: TopicName, partition = 0, from = 0, to?: number): Promise<StoredRecord[]> {
  const records: StoredRecord[] = [];
  for await (const page of log.read(topic, partition, from, to)) records.push(...page);
  return records;
}

export function eventLogContract(name: string, open: () => Promise<LogUnderTest>): void {
  describe(`event log: ${name}`, () => {
    let under: LogUnderTest;
    let log: EventLog;
    beforeEach(async () => {
      under = await open();
      log = under.log;
    });
    afterEach(async () => await under.remove());
    const current = { log: () => log, under: () => under };
    appending(current);
    reading(current);
    consuming(current);
    failing(current);
  });
}

type Current = { readonly log: () => EventLog; readonly under: () => LogUnderTest };

function appending({ log, under }: Current): void {
  it('answers positions in the order given, without gaps', async () => {
    const positions = await log().append('commands', [record(null, 0), record('a', 1), record('b', 2)]);
    expect(positions).toEqual([0, 1, 2].map((offset) => ({ partition: 0, offset })));
    expect(await log().append('commands', [])).toEqual([]);
    const [stored] = await readAll(log(), 'commands', 0, 1, 2);
    expect(stored).toEqual({ partition: 0, offset: 1, key: 'a', value: '{"v":1,"n":1}', timeMs: START_MS + 1 });
  });

  it('keeps the order of each key when many append at the same time', async () => {
    const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    await Promise.all(
      numbers(40).map(async (n) => await log().append('attempts', [...keys.map((key) => record(key, n))])),
    );
    const records: StoredRecord[] = [];
    for (const { partition, next } of await log().ends('attempts'))
      records.push(...(await readAll(log(), 'attempts', partition, 0, next)));
    expect(records).toHaveLength(280);
    for (const key of keys) expect(records.filter((stored) => stored.key === key).map(numberOf)).toEqual(numbers(40));
    expect(new Set(keys.map((key) => records.find((stored) => stored.key === key)?.partition)).size).toBe(
      Math.min(log().partitions('attempts'), 4),
    );
  });

  it('puts a record into a stated partition', async () => {
    const last = log().partitions('attempts') - 1;
    const positions = await log().append('attempts', [{ ...record('rule', 1), partition: last }]);
    expect(positions).toEqual([{ partition: last, offset: 0 }]);
    await expect(log().append('attempts', [{ ...record('rule', 1), partition: 99 }])).rejects.toMatchObject({
      code: 'topic_mismatch',
    });
  });

  it('takes a value of a megabyte and refuses a larger one', async () => {
    const value = JSON.stringify({ v: 1, text: 'ä'.repeat(524_000) });
    expect(Buffer.byteLength(value)).toBeGreaterThan(1_047_000);
    await log().append('stripe-events', [
      { key: 'evt_1', value, timeMs: START_MS },
      { key: 'evt_1', value, timeMs: START_MS },
    ]);
    const [{ partition } = { partition: 0 }] = (await log().ends('stripe-events')).filter(({ next }) => next > 0);
    const read = await readAll(log(), 'stripe-events', partition);
    expect(read.map((stored) => stored.value === value)).toEqual([true, true]);
    const seen = await collect(log(), { topic: 'stripe-events', group: 'g' });
    await seen.count(2);
    const tooLarge = log().append('stripe-events', [{ key: 'evt_2', value: 'x'.repeat(1_200_000), timeMs: START_MS }]);
    await expect(tooLarge).rejects.toMatchObject({ code: 'too_large' });
  });

  it('keeps ten thousand records through a restart', async () => {
    await log().append(
      'commands',
      numbers(10_000).map((n) => record(null, n)),
    );
    const again = await under().reopen();
    expect((await readAll(again, 'commands')).map(numberOf)).toEqual(numbers(10_000));
    const seen = await collect(again, { group: 'g' });
    await seen.count(10_000);
    expect(seen.numbers()).toEqual(numbers(10_000));
  });

  it('answers a ping, and makes its topics once', async () => {
    await log().ping();
    await log().ensureTopics();
    await log().ensureTopics();
  });
}

function reading({ log, under }: Current): void {
  it('reads a range in pages and ends while writers go on', async () => {
    await log().append(
      'commands',
      numbers(2_500).map((n) => record(null, n)),
    );
    let isDone = false;
    const writing = (async () => {
      for (let n = 2_500; !isDone; n += 1) await log().append('commands', [record(null, n)]);
    })();
    const pages: number[] = [];
    const found: number[] = [];
    for await (const page of log().read('commands', 0, 0)) {
      pages.push(page.length);
      found.push(...page.map(numberOf));
    }
    isDone = true;
    await writing;
    expect(Math.max(...pages)).toBeLessThanOrEqual(1_000);
    expect(found.length).toBeGreaterThanOrEqual(2_500);
    expect(found).toEqual(numbers(found.length));
    expect((await readAll(log(), 'commands', 0, 1_200, 1_207)).map(numberOf)).toEqual(numbers(7, 1_200));
    expect(await readAll(log(), 'commands', 0, 7, 7)).toEqual([]);
  });

  it('says where a topic begins and ends, and where a time is', async () => {
    const empty = await log().ends('commands');
    expect(empty).toEqual([{ partition: 0, first: 0, next: 0 }]);
    expect(await log().offsetsAt('commands', 0)).toEqual([{ partition: 0, offset: 0 }]);
    await log().append(
      'commands',
      numbers(10).map((n) => record(null, n, START_MS + 10 * n)),
    );
    expect(await log().ends('commands')).toEqual([{ partition: 0, first: 0, next: 10 }]);
    expect(await log().offsetsAt('commands', 0)).toEqual([{ partition: 0, offset: 0 }]);
    expect(await log().offsetsAt('commands', START_MS + 40)).toEqual([{ partition: 0, offset: 4 }]);
    expect(await log().offsetsAt('commands', START_MS + 41)).toEqual([{ partition: 0, offset: 5 }]);
    expect(await log().offsetsAt('commands', START_MS + 1000)).toEqual([{ partition: 0, offset: 10 }]);
    expect(await log().ends('attempts')).toHaveLength(log().partitions('attempts'));
  });

  it('names records that are gone instead of jumping over them', async () => {
    await log().append(
      'commands',
      numbers(20).map((n) => record(null, n)),
    );
    await under().expire('commands', 0, 8);
    expect(await log().ends('commands')).toEqual([{ partition: 0, first: 8, next: 20 }]);
    await expect(readAll(log(), 'commands', 0, 3)).rejects.toMatchObject({
      code: 'log_gap',
      message: expect.stringMatching(/commands begins at offset 8; offset 3 /),
      help: expect.stringMatching(/restore/),
    });
    expect((await readAll(log(), 'commands', 0, 8)).map(numberOf)).toEqual(numbers(12, 8));
  });
}

function consuming({ log, under }: Current): void {
  it('gives every record to each group, in order, also those appended later', async () => {
    await log().append(
      'commands',
      numbers(5).map((n) => record(null, n)),
    );
    const one = await collect(log(), { group: 'one' });
    const two = await collect(log(), { group: 'two', maxRecords: 2 });
    await one.count(5);
    await log().append(
      'commands',
      numbers(5, 5).map((n) => record(null, n)),
    );
    await Promise.all([one.count(10), two.count(10)]);
    expect(one.numbers()).toEqual(numbers(10));
    expect(two.numbers()).toEqual(numbers(10));
  });

  it('cuts batches to the size asked for and says where the partition ends', async () => {
    await log().append(
      'commands',
      numbers(10).map((n) => record(null, n)),
    );
    const batches: Batch[] = [];
    const seen = await collect(log(), {
      group: 'g',
      maxRecords: 4,
      batch: async (batch) => {
        batches.push(batch);
        return null;
      },
    });
    await seen.count(10);
    expect(Math.max(...batches.map(({ records }) => records.length))).toBeLessThanOrEqual(4);
    for (const { topic, partition, next, signal } of batches)
      expect({ topic, partition, next, isAborted: signal.aborted }).toEqual({
        topic: 'commands',
        partition: 0,
        next: 10,
        isAborted: false,
      });
  });

  it('goes on after a close where the group was', async () => {
    await log().append(
      'commands',
      numbers(3).map((n) => record(null, n)),
    );
    const first = await collect(log(), { group: 'g' });
    await first.count(3);
    await first.close();
    await first.close();
    const again = await under().reopen();
    await again.append('commands', [record(null, 3)]);
    const second = await collect(again, { group: 'g' });
    await second.count(1);
    expect(second.numbers()).toEqual([3]);
  });

  it('drains when it is closed: the running batch is finished and counted', async () => {
    await log().append(
      'commands',
      numbers(2).map((n) => record(null, n)),
    );
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const running: AbortSignal[] = [];
    const revoked: number[] = [];
    const first = await collect(log(), {
      group: 'g',
      maxRecords: 1,
      revoked: async (partition) => void revoked.push(partition),
      batch: async ({ signal }) => {
        running.push(signal);
        await gate;
        return null;
      },
    });
    await expect.poll(() => running.length, DEADLINE).toBe(1);
    const closing = first.close();
    await expect.poll(() => running[0]?.aborted, DEADLINE).toBe(true);
    expect(revoked).toEqual([]);
    release();
    await closing;
    expect(first.numbers()).toEqual([0]);
    expect(revoked).toEqual([0]);
    const second = await collect(log(), { group: 'g' });
    await second.count(1);
    expect(second.numbers()).toEqual([1]);
  });

  it('starts at the offset that the state carries, whatever the group committed', async () => {
    await log().append(
      'commands',
      numbers(6).map((n) => record(null, n)),
    );
    const first = await collect(log(), { group: 'g' });
    await first.count(6);
    await first.close();
    const asked: number[] = [];
    const second = await collect(log(), {
      group: 'g',
      assigned: async (partition) => {
        asked.push(partition);
        return 2;
      },
    });
    await second.count(4);
    expect(second.numbers()).toEqual([2, 3, 4, 5]);
    expect(asked).toEqual([0]);
  });

  it('asks again where to start when the answer failed, and delivers nothing before', async () => {
    await log().append('commands', [record(null, 0)]);
    let tries = 0;
    const seen = await collect(log(), {
      group: 'g',
      assigned: async () => {
        tries += 1;
        if (tries < 3) throw new Error('The store is away.');
        return 0;
      },
    });
    await seen.count(1);
    expect(tries).toBe(3);
    expect(seen.numbers()).toEqual([0]);
  });

  it('closes while it is still asked where to start, at the end of an empty log too', async () => {
    let answer = (_offset: number): void => {};
    const asked: number[] = [];
    const revoked: number[] = [];
    const seen = await collect(log(), {
      group: 'g',
      assigned: async (partition) => {
        asked.push(partition);
        return await new Promise<number>((resolve) => {
          answer = resolve;
        });
      },
      revoked: async (partition) => void revoked.push(partition),
    });
    await expect.poll(() => asked, DEADLINE).toEqual([0]);
    const closing = seen.close();
    answer(0);
    await closing;
    // Whoever was asked is told that it is over.
    expect(revoked).toEqual([0]);
    expect(seen.records).toEqual([]);
  });

  it('goes back to the offset that a handler answers', async () => {
    await log().append(
      'commands',
      numbers(4).map((n) => record(null, n)),
    );
    let isRefused = true;
    const seen = await collect(log(), {
      group: 'g',
      maxRecords: 2,
      batch: async ({ records }) => {
        const goBack = isRefused && records[0]?.offset === 2;
        if (goBack) isRefused = false;
        return goBack ? 1 : null;
      },
    });
    await seen.count(7);
    expect(seen.numbers()).toEqual([0, 1, 2, 3, 1, 2, 3]);
  });

  it('delivers a batch again when its handler throws, and other groups do not wait', async () => {
    await log().append(
      'commands',
      numbers(3).map((n) => record(null, n)),
    );
    let tries = 0;
    const failures: unknown[] = [];
    const failing = await collect(log(), {
      group: 'failing',
      batch: async ({ records }) => {
        tries += 1;
        expect(records[0]?.offset).toBe(0);
        if (tries < 3) throw new Error('Not now.');
        return null;
      },
      failed: (error) => failures.push(error),
    });
    const other = await collect(log(), { group: 'other' });
    await other.count(3);
    await failing.count(3);
    expect(failing.numbers()).toEqual([0, 1, 2]);
    expect(failures.map(String)).toEqual(['Error: Not now.', 'Error: Not now.']);
  });
}

function failing({ log, under }: Current): void {
  it('stands still and says so when records that it must read are gone', async () => {
    await log().append(
      'commands',
      numbers(10).map((n) => record(null, n)),
    );
    const first = await collect(log(), { group: 'g', maxRecords: 2, batch: async () => null });
    await first.count(10);
    await first.close();
    await log().append(
      'commands',
      numbers(10, 10).map((n) => record(null, n)),
    );
    const again = await under().reopen();
    await under().expire('commands', 0, 15);
    const failures: unknown[] = [];
    const failed = (error: unknown): void => void failures.push(error);
    const second = await collect(again, { group: 'g', failed });
    await expect.poll(() => failures.length, DEADLINE).toBeGreaterThan(0);
    expect(failures[0]).toMatchObject({ code: 'log_gap', help: expect.stringMatching(/restore/) });
    expect(second.records).toEqual([]);
    const ahead: unknown[] = [];
    const third = await collect(again, {
      group: 'ahead',
      assigned: async () => 500,
      failed: (error) => ahead.push(error),
    });
    await expect.poll(() => ahead.length, DEADLINE).toBeGreaterThan(0);
    expect(ahead[0]).toMatchObject({ code: 'log_gap', message: expect.stringMatching(/ends at offset 20/) });
    expect(third.records).toEqual([]);
  });

  it('stands still, now and after a restart, when records are gone while it reads', async () => {
    await log().append(
      'commands',
      numbers(10).map((n) => record(null, n)),
    );
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const failures: unknown[] = [];
    const failed = (error: unknown): void => void failures.push(error);
    const codes = (): unknown[] => failures.map((error) => (error as { code?: string }).code);
    const batches: number[] = [];
    const first = await collect(log(), {
      group: 'g',
      maxRecords: 10,
      batch: async ({ records }) => {
        batches.push(records.length);
        await gate;
        return null;
      },
      failed,
    });
    await expect.poll(() => batches.length, DEADLINE).toBe(1);
    // More than a log keeps in memory, and more than is fetched at once.
    for (let n = 0; n < 3; n += 1) await log().append('commands', bulk(10 + n * 2_000, 2_000));
    await under().expire('commands', 0, 6_000);
    release();
    await expect.poll(codes, DEADLINE).toContain('log_gap');
    await first.close();
    expect(first.numbers()).toEqual(numbers(10));
    failures.length = 0;
    const again = await under().reopen();
    const second = await collect(again, { group: 'g', failed });
    await expect.poll(codes, DEADLINE).toContain('log_gap');
    expect(failures.at(-1)).toMatchObject({ message: expect.stringMatching(/begins at offset 6000; offset 10 /) });
    expect(second.records).toEqual([]);
  });

  it('loses nothing when the process is killed between handling and storing the offset', async () => {
    await log().append(
      'commands',
      numbers(20).map((n) => record(null, n)),
    );
    const before = new Set(
      await killedWhileHandling(under(), { topic: 'commands', group: 'g', maxRecords: 5, after: 12 }),
    );
    expect(before.size).toBeGreaterThanOrEqual(12);
    expect(before.size).toBeLessThan(20);
    const again = await under().reopen();
    const seen = await collect(again, { group: 'g' });
    await expect.poll(() => new Set([...before, ...seen.numbers()]).size, DEADLINE).toBe(20);
    // The batch that was being handled comes again: at least once, never lost.
    expect(seen.numbers()[0]).toBeLessThan(before.size);
  });
}
