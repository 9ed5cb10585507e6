// What only Kafka has: several members of a group, topics that others have made, clients that must leave no trace.
import { randomUUID } from 'node:crypto';
import type { Admin } from 'kafkajs';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Batch, EventLog } from '../../src/log/event-log.ts';
import { openKafkaLog } from '../../src/log/kafka.ts';
import { checkKafka } from '../../src/log/kafka-check.ts';
import { createClient } from '../../src/log/kafka-client.ts';
import { STRANGERS_HELP } from '../../src/log/kafka-readers.ts';
import { TOPICS } from '../../src/model/topics.ts';
import { sharedKafka } from '../support/services.ts';
import { numberOf, numbers, record } from './event-log.ts';

const DEADLINE = { timeout: 25_000, interval: 20 };

describe('the log over Kafka', () => {
  let brokers: readonly string[];
  let admin: Admin;
  let topicPrefix: string;
  const open = async (): Promise<EventLog> =>
    await openKafkaLog({ brokers, topicPrefix, clientId: 'test', logger: pino({ level: 'silent' }) });
  beforeAll(async () => {
    brokers = (await sharedKafka()).brokers;
    admin = createClient({ brokers, clientId: 'test', logger: pino({ level: 'silent' }) }, 10_000).admin();
    await admin.connect();
  });
  afterAll(async () => await admin.disconnect());
  beforeEach(() => {
    topicPrefix = `t${randomUUID().slice(0, 8)}.`;
  });

  it('shares the partitions among members: every record is handled, and none by a member that lost its partition', async () => {
    const log = await open();
    await log.ensureTopics();
    const handled = new Map<string, number>();
    const owner = new Map<number, string>();
    const wrong: string[] = [];
    const member = async (name: string, on: EventLog) =>
      await on.consume({
        topic: 'attempts',
        group: 'g',
        maxRecords: 10,
        assigned: async (partition) => {
          owner.set(partition, name);
          return null;
        },
        revoked: async (partition) => {
          if (owner.get(partition) === name) owner.delete(partition);
        },
        batch: async ({ partition, records, signal }: Batch) => {
          if (owner.get(partition) !== name && !signal.aborted) wrong.push(`${name} had ${partition}`);
          for (const stored of records) handled.set(`${stored.key}/${numberOf(stored)}`, partition);
          return null;
        },
      });
    const { partitions } = TOPICS.attempts;
    let sent = 0;
    let isDone = false;
    const writing = (async () => {
      while (!isDone) {
        await log.append(
          'attempts',
          numbers(partitions).map((key) => record(`k${key}`, sent)),
        );
        sent += 1;
      }
    })();
    const first = await member('first', log);
    await expect.poll(() => handled.size, DEADLINE).toBeGreaterThan(50);
    expect(new Set(owner.values())).toEqual(new Set(['first']));
    const other = await open();
    const second = await member('second', other);
    await expect
      .poll(() => [...owner.values()].sort(), DEADLINE)
      .toEqual(['first', 'first', 'first', 'second', 'second', 'second']);
    const before = handled.size;
    await expect.poll(() => handled.size, DEADLINE).toBeGreaterThan(before + 100);
    await first.close();
    await expect.poll(() => [...owner.values()], DEADLINE).toEqual(numbers(partitions).map(() => 'second'));
    isDone = true;
    await writing;
    await expect.poll(() => handled.size, DEADLINE).toBe(partitions * sent);
    expect(wrong).toEqual([]);
    await second.close();
    await other.close();
    await log.close();
  });

  it('tells when processes of two installations read the same topics, and doctor names them', async () => {
    const told: object[] = [];
    const logger = pino({ level: 'error' }, { write: (line) => void told.push(JSON.parse(line) as object) });
    const connection = { brokers, clientId: 'test', logger };
    const openAs = async (mark: string): Promise<EventLog> => await openKafkaLog({ ...connection, topicPrefix, mark });
    const readersLine = async (mark: string | null) =>
      (await checkKafka({ connection, topicPrefix, mark })).find(({ name }) => name === 'replicas');
    const reader = { topic: 'attempts', group: 'g', batch: async () => null } as const;
    const log = await openAs('aaa');
    await log.ensureTopics();
    expect(await readersLine('aaa')).toMatchObject({ problem: null, found: `none reads "${topicPrefix}" now` });
    const replica = await openAs('aaa');
    const consumers = [await log.consume(reader), await replica.consume(reader)];
    await expect.poll(async () => (await readersLine('aaa'))?.found, DEADLINE).toContain('this installation');
    expect(told).toEqual([]);
    expect((await readersLine('ccc'))?.problem).toContain('(ccc, aaa)');
    const stranger = await openAs('bbb');
    consumers.push(await stranger.consume(reader));
    await expect.poll(() => told, DEADLINE).toContainEqual(expect.objectContaining({ help: STRANGERS_HELP }));
    await expect.poll(async () => (await readersLine('aaa'))?.problem, DEADLINE).toContain('(aaa, bbb)');
    expect((await readersLine('aaa'))?.problem).toContain('TOPIC_PREFIX');
    for (const consumer of consumers) await consumer.close();
    for (const one of [log, replica, stranger]) await one.close();
  });

  it('asks a handler to stop when the group waits, and gives the batch to the next owner', async () => {
    const log = await open();
    await log.ensureTopics();
    await log.append(
      'commands',
      numbers(3).map((n) => record(null, n)),
    );
    const started: string[] = [];
    const first = await log.consume({
      topic: 'commands',
      group: 'g',
      batch: async ({ signal }) => {
        started.push('first');
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        throw new Error('stopped early');
      },
    });
    await expect.poll(() => started.length, DEADLINE).toBe(1);
    const seen: number[] = [];
    const other = await open();
    // Whoever is given the partition now, the other one waits in vain for it and is closed.
    const joining = other.consume({
      topic: 'commands',
      group: 'g',
      batch: async ({ records }) => {
        seen.push(...records.map(numberOf));
        return null;
      },
    });
    await joining;
    await first.close();
    await expect.poll(() => seen, DEADLINE).toEqual([0, 1, 2]);
    await other.close();
    await log.close();
  });

  it('leaves a partition with the member that has it when others come', async () => {
    const logs = [await open(), await open(), await open()];
    await logs[0]?.ensureTopics();
    const given: number[] = [];
    const seen: string[] = [];
    for (const [member, log] of logs.entries()) {
      await log.consume({
        topic: 'commands',
        group: 'g',
        assigned: async () => {
          given.push(member);
          return null;
        },
        batch: async ({ records }) => {
          seen.push(...records.map((stored) => `${member} ${numberOf(stored)}`));
          return null;
        },
      });
      await log.append('commands', [record(null, member)]);
      await expect.poll(() => seen.length, DEADLINE).toBe(member + 1);
    }
    expect(seen).toEqual(['0 0', '0 1', '0 2']);
    expect(new Set(given)).toEqual(new Set([0]));
    for (const log of logs) await log.close();
  });

  it('says what to do about records that it cannot unpack, reading a range and in a group', async () => {
    const log = await open();
    const topic = `${topicPrefix}commands`;
    const configEntries = [{ name: 'compression.type', value: 'lz4' }];
    await admin.createTopics({ topics: [{ topic, numPartitions: 1, configEntries }], waitForLeaders: true });
    await log.append('commands', [record(null, 1)]);
    const refused = {
      code: 'topic_mismatch',
      retriable: false,
      help: expect.stringMatching(/compression\.type=producer/),
    };
    const reading = (async () => {
      for await (const page of log.read('commands', 0, 0)) expect(page).toBeUndefined();
    })();
    await expect(reading).rejects.toMatchObject(refused);
    const failures: unknown[] = [];
    const failed = (error: unknown): void => void failures.push(error);
    const seen: unknown[] = [];
    const batch = async (given: Batch): Promise<null> => {
      seen.push(given);
      return null;
    };
    const consumer = await log.consume({ topic: 'commands', group: 'g', batch, failed });
    await expect.poll(() => failures[0], DEADLINE).toMatchObject(refused);
    expect(seen).toEqual([]);
    await consumer.close();
    await log.close();
  });

  it('names a topic with another number of partitions, and touches nothing of it', async () => {
    const topic = `${topicPrefix}attempts`;
    await admin.createTopics({ topics: [{ topic, numPartitions: 2 }], waitForLeaders: true });
    const log = await open();
    await expect(log.ensureTopics()).rejects.toMatchObject({
      code: 'topic_mismatch',
      message: `${topic} has 2 partitions, not 6.`,
      help: expect.stringMatching(/TOPIC_PREFIX/),
    });
    await log.close();
  });

  it('makes topics with the retention and cleanup of the table', async () => {
    const log = await open();
    await log.ensureTopics();
    const configOf = async (name: string): Promise<Record<string, string>> => {
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: 2, name: `${topicPrefix}${name}` }],
      });
      return Object.fromEntries(
        resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]) ?? [],
      );
    };
    expect(await configOf('attempts')).toMatchObject({
      'retention.ms': String(35 * 86_400_000),
      'cleanup.policy': 'delete',
    });
    expect(await configOf('deliveries')).toMatchObject({ 'retention.ms': '-1', 'cleanup.policy': 'compact' });
    expect(await configOf('detector-settings')).toMatchObject({ 'retention.ms': '-1', 'cleanup.policy': 'delete' });
    await log.close();
  });

  it('says what is wrong when no broker answers', async () => {
    const away = openKafkaLog({
      brokers: ['127.0.0.1:1'],
      topicPrefix,
      clientId: 'test',
      logger: pino({ level: 'silent' }),
    });
    await expect(away).rejects.toMatchObject({
      code: 'log_unavailable',
      retriable: true,
      help: expect.stringMatching(/KAFKA_BROKERS/),
    });
  });

  it('leaves no timer that is due in the past, and reads through no group', async () => {
    const timers = vi.spyOn(globalThis, 'setTimeout');
    const log = await open();
    await log.ensureTopics();
    await log.append('commands', [record(null, 1)]);
    for await (const page of log.read('commands', 0, 0)) expect(page).toHaveLength(1);
    const seen: number[] = [];
    const consumer = await log.consume({
      topic: 'commands',
      group: 'g',
      batch: async ({ records }) => {
        seen.push(...records.map(numberOf));
        return null;
      },
    });
    await expect.poll(() => seen, DEADLINE).toEqual([1]);
    const { groups } = await admin.listGroups();
    expect(groups.map(({ groupId }) => groupId).filter((id) => id.startsWith(topicPrefix))).toEqual([
      `${topicPrefix}commands.g`,
    ]);
    await consumer.close();
    await log.close();
    const delays = timers.mock.calls.map(([, delayMs]) => delayMs ?? 0);
    timers.mockRestore();
    expect(delays.length).toBeGreaterThan(0);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(0);
  });
});
