// The EventLog over Kafka. Everything about kafkajs stays in the files kafka-*.ts.
import { type Clock, systemClock } from '../model/clock.ts';
import { AppError } from '../model/errors.ts';
import { TOPICS } from '../model/topics.ts';
import type { Consumer, EventLog } from './event-log.ts';
import { createAdmin, type KafkaParts } from './kafka-admin.ts';
import type { KafkaConnection } from './kafka-client.ts';
import { startConsumer } from './kafka-consumer.ts';
import { createAppender } from './kafka-producer.ts';
import { createReader } from './kafka-reader.ts';

export type KafkaLogOptions = KafkaConnection & {
  /** In front of every topic's and group's name. */
  readonly topicPrefix: string;
  readonly clock?: Clock;
  /** A consumer that is not heard of for so long loses its partitions. Default 10 s; Kafka takes 6 s at least. */
  readonly sessionTimeoutMs?: number;
  /** What the processes of one installation have in common: that others read the same topics is told. */
  readonly mark?: string;
};

const SESSION_TIMEOUT_MS = 10_000;

/** Rejects with `log_unavailable` if Kafka does not answer. Topics are made by `ensureTopics`. */
export async function openKafkaLog(options: KafkaLogOptions): Promise<EventLog> {
  const { topicPrefix, logger, clock = systemClock, sessionTimeoutMs = SESSION_TIMEOUT_MS, mark } = options;
  const parts: KafkaParts = { connection: options, logger, clock, nameOf: (topic) => `${topicPrefix}${topic}` };
  const admin = createAdmin(parts);
  const appender = createAppender(parts);
  const reader = createReader({ ...parts, admin });
  const consumers = new Set<Consumer>();
  let isClosed = false;
  try {
    await admin.ping();
  } catch (error) {
    // Not waited for: what it still tries ends by itself.
    void admin.close().catch(() => undefined);
    throw error;
  }
  return {
    ensureTopics: admin.ensureTopics,
    partitions: (topic) => TOPICS[topic].partitions,
    append: appender.append,
    read: (topic, partition, from, to) => reader.read(topic, { partition, from, to }),
    ends: admin.ends,
    offsetsAt: admin.offsetsAt,
    consume: async (consumerOptions) => {
      if (isClosed) throw new AppError('log_unavailable', 'The log is closed.');
      // A group of Kafka may span topics; ours are a topic's own, so members never differ in what they subscribe to.
      const groupId = `${topicPrefix}${consumerOptions.topic}.${consumerOptions.group}`;
      const membership = { groupId, sessionTimeoutMs, mark, options: consumerOptions };
      const consumer = await startConsumer({ ...parts, admin, ...membership });
      consumers.add(consumer);
      const close = async (): Promise<void> => {
        await consumer.close();
        consumers.delete(consumer);
      };
      return { close };
    },
    ping: admin.ping,
    close: async () => {
      isClosed = true;
      await Promise.all([...consumers].map((consumer) => consumer.close()));
      await appender.close();
      await reader.close();
      await admin.close();
    },
  };
}
