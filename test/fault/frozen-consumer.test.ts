// A consumer that is frozen for longer than its session, in the middle of a batch, and then goes on as if nothing had
// happened: others have its partitions by then. Nothing is lost, and what it does afterwards does not count.
import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import type { Batch } from '../../src/log/event-log.ts';
import { openKafkaLog } from '../../src/log/kafka.ts';
import { TOPICS } from '../../src/model/topics.ts';
import { collect, numberOf, numbers, record } from '../contract/event-log.ts';
import { SHORT_SESSION_MS, startLogChild } from '../support/log-child.ts';
import { sharedKafka } from '../support/services.ts';

const DEADLINE = { timeout: 45_000, interval: 20 };
const BATCH = 10;

it('frozen past its session: nothing is lost, only its running batches come twice, no offset goes back', {
  timeout: 90_000,
}, async () => {
  const { brokers } = await sharedKafka();
  const topicPrefix = `t${randomUUID().slice(0, 8)}.`;
  const log = await openKafkaLog({
    brokers,
    topicPrefix,
    clientId: 'test',
    sessionTimeoutMs: SHORT_SESSION_MS,
    logger: pino({ level: 'silent' }),
  });
  await log.ensureTopics();
  const { partitions } = TOPICS.attempts;
  let sent = 0;
  let isDone = false;
  const writing = (async () => {
    for (; !isDone; sent += 1)
      await log.append(
        'attempts',
        numbers(partitions).map((partition) => ({ ...record(`p${partition}`, sent), partition })),
      );
  })();
  const childArgs = ['kafka', brokers.join(','), topicPrefix];
  const task = { topic: 'attempts', group: 'g', maxRecords: BATCH, after: 203 } as const;
  const frozen = startLogChild({ childArgs }, task, 'SIGSTOP');
  await expect.poll(() => frozen.handled().length, DEADLINE).toBe(task.after);

  const handled: string[] = [];
  const owned = new Set<number>();
  const other = await log.consume({
    topic: 'attempts',
    group: 'g',
    maxRecords: BATCH,
    assigned: async (partition) => {
      owned.add(partition);
      return null;
    },
    revoked: async (partition) => void owned.delete(partition),
    batch: async ({ records }: Batch) => {
      handled.push(...records.map((stored) => `${stored.key}/${numberOf(stored)}`));
      return null;
    },
  });
  const reached = (): boolean[] =>
    numbers(partitions).map((partition) => handled.some((line) => line.startsWith(`p${partition}/`)));
  await expect.poll(reached, DEADLINE).toEqual(numbers(partitions).map(() => true));
  expect(owned.size).toBe(partitions);

  frozen.resume();
  const before = frozen.handled().length;
  await expect.poll(() => owned.size, DEADLINE).toBe(partitions / 2);
  await expect.poll(() => frozen.handled().length, DEADLINE).toBeGreaterThan(before + 200);
  // A call that nobody may make twice would have waited for the group's word.
  expect(frozen.certain()[0]).toBe('#true');
  expect(frozen.certain().slice(-2)).toEqual(['#unknown', '#false']);
  isDone = true;
  await writing;
  const all = new Set(numbers(partitions).flatMap((partition) => numbers(sent).map((n) => `p${partition}/${n}`)));
  await expect.poll(() => new Set([...handled, ...frozen.handled()]).size, DEADLINE).toBe(all.size);
  expect(new Set([...handled, ...frozen.handled()])).toEqual(all);
  const seenTwice = handled.length + frozen.handled().length - all.size;
  // At most a batch of each partition at each change of hands.
  expect(seenTwice).toBeLessThanOrEqual(2 * partitions * BATCH);
  await other.close();
  await frozen.stop();

  const after = await collect(log, { topic: 'attempts', group: 'g' });
  const marks = numbers(partitions).map((partition) => ({ ...record(`p${partition}`, sent), partition }));
  await log.append('attempts', marks);
  await after.count(partitions);
  expect(after.numbers()).toEqual(numbers(partitions).map(() => sent));
  await log.close();
});
