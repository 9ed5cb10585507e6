// Topics and their ends in Kafka: made with retention and cleanup, partition counts checked, offsets asked for.
import type { Admin, ITopicConfig } from 'kafkajs';
import type { Logger } from 'pino';
import type { Clock } from '../model/clock.ts';
import { AppError } from '../model/errors.ts';
import { TOPICS, type TopicName } from '../model/topics.ts';
import type { PartitionEnds, Position } from './event-log.ts';
import {
  createClient,
  type KafkaConnection,
  type KafkaFailure,
  kafkaError,
  rootOf,
  withDeadline,
} from './kafka-client.ts';
import { MAX_BATCH_BYTES } from './limits.ts';

const ASK_TIMEOUT_MS = 5_000;
const CREATE_TIMEOUT_MS = 60_000;
const RETRY_EVERY_MS = 200;
const WANTED_REPLICAS = 3;

export type KafkaAdmin = {
  ensureTopics(): Promise<void>;
  ends(topic: TopicName): Promise<readonly PartitionEnds[]>;
  offsetsAt(topic: TopicName, timeMs: number): Promise<readonly Position[]>;
  /** null: the group has committed nothing. */
  committed(groupId: string, topic: TopicName, partition: number): Promise<number | null>;
  ping(): Promise<void>;
  close(): Promise<void>;
};

export type KafkaParts = {
  readonly connection: KafkaConnection;
  readonly nameOf: (topic: TopicName) => string;
  readonly logger: Logger;
  readonly clock: Clock;
};

export function createAdmin({ connection, nameOf, logger, clock }: KafkaParts): KafkaAdmin {
  let current: Promise<Admin> | null = null;
  const connected = (): Promise<Admin> => {
    current ??= (async () => {
      const admin = createClient(connection, ASK_TIMEOUT_MS).admin();
      await admin.connect();
      return admin;
    })();
    return current;
  };
  const drop = (): void => {
    const dropped = current;
    current = null;
    dropped?.then((admin) => admin.disconnect()).catch(() => undefined);
  };
  /** Quietly again while a coordinator loads or a broker comes back; a connection that failed is not used again. */
  const ask = async <T>(
    what: string,
    question: (admin: Admin) => Promise<T>,
    timeoutMs = ASK_TIMEOUT_MS,
  ): Promise<T> => {
    const deadline = clock.now() + timeoutMs;
    return await withDeadline(what, timeoutMs, async () => {
      for (;;) {
        try {
          return await question(await connected());
        } catch (error) {
          drop();
          if (error instanceof AppError || clock.now() + RETRY_EVERY_MS > deadline) throw error;
          logger.debug({ what, error: rootOf(error) }, 'Kafka did not answer, asking again');
          await clock.sleep(RETRY_EVERY_MS);
        }
      }
    });
  };
  return {
    ensureTopics: async () =>
      await ask('Topics cannot be made', async (admin) => await ensureTopics(admin, nameOf, logger), CREATE_TIMEOUT_MS),
    ends: async (topic) => {
      const ends = await ask(`${topic} cannot be read`, async (admin) => await admin.fetchTopicOffsets(nameOf(topic)));
      return ends
        .map(({ partition, low, high }) => ({ partition, first: Number(low), next: Number(high) }))
        .sort((a, b) => a.partition - b.partition);
    },
    offsetsAt: async (topic, timeMs) => {
      const question = async (admin: Admin) => await admin.fetchTopicOffsetsByTimestamp(nameOf(topic), timeMs);
      const found = await ask(`${topic} cannot be read`, question);
      return found
        .map(({ partition, offset }) => ({ partition, offset: Number(offset) }))
        .sort((a, b) => a.partition - b.partition);
    },
    committed: async (groupId, topic, partition) => {
      const question = async (admin: Admin) => await admin.fetchOffsets({ groupId, topics: [nameOf(topic)] });
      const [found] = await ask(`The offsets of ${groupId} cannot be read`, question);
      const offset = Number(found?.partitions.find((other) => other.partition === partition)?.offset ?? -1);
      return offset < 0 ? null : offset;
    },
    ping: async () => void (await ask('Kafka does not answer', async (admin) => await admin.describeCluster())),
    close: async () => {
      const admin = await current?.catch(() => null);
      current = null;
      await admin?.disconnect();
    },
  };
}

async function ensureTopics(admin: Admin, nameOf: (topic: TopicName) => string, logger: Logger): Promise<void> {
  const there = new Set(await admin.listTopics());
  const missing = Object.values(TOPICS).filter(({ name }) => !there.has(nameOf(name)));
  if (missing.length > 0) {
    const { brokers } = await admin.describeCluster();
    const replicas = Math.min(WANTED_REPLICAS, brokers.length);
    const topics = missing.map(({ name }) => topicConfig(name, nameOf(name), replicas));
    await createTopics(admin, topics);
    logger.info({ topics: topics.map(({ topic }) => topic), replicas }, 'topics made');
  }
  await checkPartitions(admin, nameOf);
}

async function createTopics(admin: Admin, topics: ITopicConfig[]): Promise<void> {
  try {
    await admin.createTopics({ topics, waitForLeaders: true, timeout: CREATE_TIMEOUT_MS / 2 });
  } catch (error) {
    const failures = failuresOf(error).filter(({ type }) => type !== 'TOPIC_ALREADY_EXISTS');
    const final = failures.find(({ retriable }) => retriable === false);
    if (final !== undefined) throw kafkaError('Topics cannot be made', final);
    // Made, and the broker that was asked has not heard of it yet: to be looked at again. Or another process makes them
    // at the same time: what matters is checked afterwards.
    if (failures.length > 0) throw error;
  }
}

/** One error for each topic that could not be made, else the one of the request. */
function failuresOf(error: unknown): KafkaFailure[] {
  const { errors } = error as { readonly errors?: readonly unknown[] };
  return (Array.isArray(errors) ? errors : [error]).map(rootOf);
}

function topicConfig(topic: TopicName, name: string, replicas: number): ITopicConfig {
  const { partitions, retentionMs, cleanup } = TOPICS[topic];
  const entries: Readonly<Record<string, string>> = {
    'cleanup.policy': cleanup,
    'retention.ms': String(retentionMs ?? -1),
    'retention.bytes': '-1',
    'max.message.bytes': String(MAX_BATCH_BYTES * 2),
    'compression.type': 'producer',
    // Two machines' clocks may differ: a record is never refused for it.
    'message.timestamp.after.max.ms': '9223372036854775807',
    // An acknowledged record is on two machines where there are three.
    'min.insync.replicas': replicas >= WANTED_REPLICAS ? '2' : '1',
  };
  return {
    topic: name,
    numPartitions: partitions,
    replicationFactor: replicas,
    configEntries: Object.entries(entries).map(([entry, value]) => ({ name: entry, value })),
  };
}

async function checkPartitions(admin: Admin, nameOf: (topic: TopicName) => string): Promise<void> {
  const all = Object.values(TOPICS);
  const { topics } = await admin.fetchTopicMetadata({ topics: all.map(({ name }) => nameOf(name)) });
  const wrong = all.flatMap(({ name, partitions }) => {
    const found = topics.find((topic) => topic.name === nameOf(name))?.partitions.length ?? 0;
    return found === partitions ? [] : [`${nameOf(name)} has ${found} partitions, not ${partitions}`];
  });
  if (wrong.length > 0)
    throw new AppError('topic_mismatch', `${wrong.join('; ')}.`, {
      help: 'Partition counts are fixed at creation: set TOPIC_PREFIX to begin with new topics, or make these anew with the count named.',
    });
}
