// Reads ranges of a partition from Kafka without a consumer group: kafkajs has no public fetch, so this asks the leader
// through its cluster object (version 2.2.4 is pinned; the contract tests hold this against a real Kafka).
import type { Kafka, KafkaMessage } from 'kafkajs';
import { TOPICS, type TopicName } from '../model/topics.ts';
import type { PartitionEnds, StoredRecord } from './event-log.ts';
import { checkGap } from './gap.ts';
import type { KafkaAdmin, KafkaParts } from './kafka-admin.ts';
import { createClient, kafkaError, rootOf } from './kafka-client.ts';

const REQUEST_TIMEOUT_MS = 5_000;
const FETCH_WAIT_MS = 250;
const FETCH_BYTES = 1_048_576;
const PAGE_RECORDS = 1_000;
const RETRY_FOR_MS = 15_000;
const RETRY_EVERY_MS = 200;
const MAX_EMPTY_FETCHES = 4;
const READ_COMMITTED = 1;

type Fetched = {
  readonly responses: readonly {
    readonly partitions: readonly {
      readonly messages: readonly (KafkaMessage & { readonly isControlRecord?: boolean })[];
    }[];
  }[];
};
type Leader = { fetch(request: object): Promise<Fetched> };
type Cluster = {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  addTargetTopic(topic: string): Promise<void>;
  refreshMetadata(): Promise<void>;
  refreshMetadataIfNecessary(): Promise<void>;
  findLeaderForPartitions(topic: string, partitions: readonly number[]): Readonly<Record<string, readonly number[]>>;
  findBroker(options: { readonly nodeId: string }): Promise<Leader>;
};

type Range = { readonly partition: number; readonly from: number; readonly to: number | undefined };

export type KafkaReader = {
  read(topic: TopicName, range: Range): AsyncIterable<readonly StoredRecord[]>;
  close(): Promise<void>;
};

export function createReader({
  connection,
  nameOf,
  clock,
  admin,
}: KafkaParts & { readonly admin: KafkaAdmin }): KafkaReader {
  let current: Cluster | null = null;

  const fetchOnce = async (topic: string, partition: number, offset: number): Promise<Fetched> => {
    current ??= clusterOf(createClient(connection, REQUEST_TIMEOUT_MS));
    const cluster = current;
    await cluster.connect();
    await cluster.addTargetTopic(topic);
    await cluster.refreshMetadataIfNecessary();
    const [nodeId] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]));
    if (nodeId === undefined) throw new Error(`partition ${partition} of ${topic} has no leader now`);
    const leader = await cluster.findBroker({ nodeId });
    return await leader.fetch({
      isolationLevel: READ_COMMITTED,
      maxWaitTime: FETCH_WAIT_MS,
      minBytes: 1,
      maxBytes: FETCH_BYTES,
      topics: [{ topic, partitions: [{ partition, fetchOffset: String(offset), maxBytes: FETCH_BYTES }] }],
    });
  };

  /** Again on a new connection while a broker comes back; what is out of range is told apart from what is away. */
  const fetch = async (topic: TopicName, partition: number, offset: number): Promise<StoredRecord[]> => {
    const deadline = clock.now() + RETRY_FOR_MS;
    for (;;) {
      try {
        const { responses } = await fetchOnce(nameOf(topic), partition, offset);
        const messages = responses.flatMap(({ partitions }) => partitions.flatMap((found) => found.messages));
        return messages
          .filter((message) => !message.isControlRecord && Number(message.offset) >= offset)
          .map((message) => toRecord(partition, message));
      } catch (error) {
        const { name, type } = rootOf(error);
        if (name === 'KafkaJSOffsetOutOfRange' || type === 'OFFSET_OUT_OF_RANGE')
          checkGap(topic, offset, endOf(await admin.ends(topic), partition));
        const failure = kafkaError(`${topic} cannot be read`, error);
        if (!failure.retriable || clock.now() > deadline) throw failure;
        const failed = current;
        current = null;
        await failed?.disconnect().catch(() => undefined);
        await clock.sleep(RETRY_EVERY_MS);
      }
    }
  };

  return {
    read: (topic, range) => readPages({ admin, fetch }, topic, range),
    close: async () => {
      await current?.disconnect().catch(() => undefined);
      current = null;
    },
  };
}

type Source = {
  readonly admin: KafkaAdmin;
  readonly fetch: (topic: TopicName, partition: number, offset: number) => Promise<StoredRecord[]>;
};

async function* readPages(
  { admin, fetch }: Source,
  topic: TopicName,
  { partition, from, to }: Range,
): AsyncGenerator<readonly StoredRecord[]> {
  if (partition < 0 || partition >= TOPICS[topic].partitions) return;
  const kept = endOf(await admin.ends(topic), partition);
  const end = Math.min(to ?? kept.next, kept.next);
  if (from < end) checkGap(topic, from, kept);
  let emptyFetches = 0;
  for (let position = Math.max(from, 0, kept.first); position < end; ) {
    const fetched = await fetch(topic, partition, position);
    const [oldest, last] = [fetched[0], fetched.at(-1)];
    if (oldest === undefined || last === undefined) {
      // Compaction or a marker may have taken the very last offsets: nothing of the range is left then.
      emptyFetches += 1;
      if (emptyFetches >= MAX_EMPTY_FETCHES) return;
      continue;
    }
    emptyFetches = 0;
    if (oldest.offset !== position) checkGap(topic, position, endOf(await admin.ends(topic), partition));
    const wanted = fetched.filter(({ offset }) => offset < end);
    for (let at = 0; at < wanted.length; at += PAGE_RECORDS) yield wanted.slice(at, at + PAGE_RECORDS);
    position = last.offset + 1;
  }
}

export function endOf(ends: readonly PartitionEnds[], partition: number): PartitionEnds {
  return ends.find((end) => end.partition === partition) ?? { partition, first: 0, next: 0 };
}

const toRecord = (partition: number, { offset, key, value, timestamp }: KafkaMessage): StoredRecord => ({
  partition,
  offset: Number(offset),
  key: key === null ? null : key.toString(),
  value: value === null ? '' : value.toString(),
  timeMs: Number(timestamp),
});

/** The part of kafkajs that a consumer fetches through, made the way its own factory makes it. */
function clusterOf(kafka: Kafka): Cluster {
  const symbol = Object.getOwnPropertySymbols(kafka).find(
    ({ description }) => description === 'private:Kafka:createCluster',
  );
  const factories = kafka as unknown as Readonly<Record<symbol, (options: object) => Cluster>>;
  const create = symbol === undefined ? undefined : factories[symbol];
  if (create === undefined) throw new Error('This version of kafkajs has no cluster factory: 2.2.4 is needed.');
  return create({ metadataMaxAge: 60_000, allowAutoTopicCreation: false, isolationLevel: READ_COMMITTED });
}
