// Appends to Kafka: acknowledged by all replicas, idempotent, one send in flight per topic, and what is appended in the
// meantime goes out together with the next.
import type { Message, Producer, RecordMetadata } from 'kafkajs';
import { AppError, messageOf } from '../model/errors.ts';
import { TOPICS, type TopicName } from '../model/topics.ts';
import type { NewRecord, Position } from './event-log.ts';
import type { KafkaParts } from './kafka-admin.ts';
import { createClient, kafkaError, withDeadline } from './kafka-client.ts';
import { Partitioners } from './kafkajs.ts';
import { checkSize, MAX_BATCH_BYTES } from './limits.ts';

/** After this an append is rejected, so that whoever waits (a webhook) can say so. */
const APPEND_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 4_000;
const SEND_RECORDS = 1_000;
const MAX_WAITING_BYTES = 64_000_000;

export type KafkaAppender = {
  append(topic: TopicName, records: readonly NewRecord[]): Promise<readonly Position[]>;
  /** Resolves when what was appended before is through. */
  close(): Promise<void>;
};

/** A part of an append that is small enough to be sent at once. */
type Part = {
  readonly messages: readonly Message[];
  readonly bytes: number;
  readonly since: number;
  /** Parts of one append share it: when one fails, the later ones are not sent. */
  readonly append: { error: AppError | null };
  resolve(positions: readonly Position[]): void;
  reject(error: AppError): void;
};

type Lane = { readonly topic: TopicName; readonly parts: Part[]; running: Promise<void> | null };

export function createAppender({ connection, nameOf, logger, clock }: KafkaParts): KafkaAppender {
  const lanes = new Map<TopicName, Lane>();
  const partitionOf = createPartitioner();
  const producers = createProducers(() => newProducer());
  let waitingBytes = 0;
  let isClosed = false;

  const newProducer = (): Producer =>
    createClient(connection, REQUEST_TIMEOUT_MS).producer({
      idempotent: true,
      allowAutoTopicCreation: false,
      createPartitioner:
        () =>
        ({ message }) =>
          message.partition ?? 0,
    });

  const send = async (lane: Lane): Promise<void> => {
    // What is appended in the same turn goes out together.
    await null;
    for (let parts = takeParts(lane); parts.length > 0; parts = takeParts(lane)) {
      const what = `${lane.topic} cannot be appended to`;
      const leftMs = Math.max(1, (parts[0]?.since ?? 0) + APPEND_TIMEOUT_MS - clock.now());
      const producer = producers.current();
      try {
        const messages = parts.flatMap((part) => part.messages);
        const sent = await withDeadline(
          what,
          leftMs,
          async () =>
            await producers.use(
              producer,
              async (ready) =>
                await ready.send({ topic: nameOf(lane.topic), acks: -1, timeout: REQUEST_TIMEOUT_MS, messages }),
            ),
        );
        settle(parts, positionsOf(messages, sent));
      } catch (error) {
        // Its sequence numbers went back although Kafka may have stored the records: the next send under the same
        // producer id would be taken for a repetition, acknowledged and dropped.
        producers.retire(producer);
        const failure = kafkaError(what, error);
        logger.warn({ topic: lane.topic, records: parts.length, error: messageOf(failure) }, 'append failed');
        for (const part of parts) fail(part, failure);
      } finally {
        for (const { bytes } of parts) waitingBytes -= bytes;
      }
    }
    // Not when this promise settles: what is appended until then would wait for ever.
    lane.running = null;
  };

  /** What goes out next; what has waited too long, or belongs to an append that failed, is rejected. */
  const takeParts = ({ topic, parts }: Lane): Part[] => {
    const taken: Part[] = [];
    let [records, bytes] = [0, 0];
    for (let part = parts[0]; part !== undefined; part = parts[0]) {
      const isLate = clock.now() - part.since >= APPEND_TIMEOUT_MS;
      if (part.append.error !== null || isLate) {
        parts.shift();
        waitingBytes -= part.bytes;
        fail(
          part,
          part.append.error ?? kafkaError(`${topic} cannot be appended to`, new Error('Kafka does not answer')),
        );
        continue;
      }
      records += part.messages.length;
      bytes += part.bytes;
      if (taken.length > 0 && (records > SEND_RECORDS || bytes > MAX_BATCH_BYTES)) break;
      taken.push(part);
      parts.shift();
    }
    return taken;
  };

  const enqueue = async (lane: Lane, messages: readonly Message[], append: Part['append']) =>
    await new Promise<readonly Position[]>((resolve, reject) => {
      const bytes = messages.reduce((sum, message) => sum + sizeOf(message), 0);
      waitingBytes += bytes;
      lane.parts.push({ messages, bytes, append, since: clock.now(), resolve, reject });
      lane.running ??= send(lane);
    });

  return {
    append: async (topic, records) => {
      if (isClosed) throw new AppError('log_unavailable', 'The log is closed.');
      for (const record of records) checkSize(topic, record);
      const messages = records.map((record) => toMessage(record, partitionOf(topic, record)));
      if (waitingBytes > MAX_WAITING_BYTES)
        throw kafkaError(`${topic} cannot be appended to`, new Error(`${waitingBytes} bytes wait for Kafka already`));
      const lane = lanes.get(topic) ?? { topic, parts: [], running: null };
      lanes.set(topic, lane);
      const append = { error: null };
      return (await Promise.all(inParts(messages).map((part) => enqueue(lane, part, append)))).flat();
    },
    close: async () => {
      isClosed = true;
      await Promise.all([...lanes.values()].map(({ running }) => running));
      await producers.close();
    },
  };
}

type Using = { readonly ready: Promise<Producer>; readonly sends: Set<Promise<unknown>> };

type Producers = {
  current(): Using;
  use<T>(using: Using, work: (producer: Producer) => Promise<T>): Promise<T>;
  /** The next send gets another producer; this one is disconnected when nothing goes through it any more. */
  retire(using: Using): void;
  close(): Promise<void>;
};

function createProducers(create: () => Producer): Producers {
  let using: Using | null = null;
  const connect = async (): Promise<Producer> => {
    const producer = create();
    try {
      await producer.connect();
      return producer;
    } catch (error) {
      await producer.disconnect().catch(() => undefined);
      throw error;
    }
  };
  const end = async ({ ready, sends }: Using): Promise<void> => {
    // A send that is being tried again would connect again: its connection would stay open for ever.
    await Promise.allSettled(sends);
    const producer = await ready.catch(() => null);
    await producer?.disconnect().catch(() => undefined);
  };
  return {
    current: () => {
      using ??= { ready: connect(), sends: new Set() };
      return using;
    },
    use: async (used, work) => {
      const sending = used.ready.then(work);
      used.sends.add(sending);
      try {
        return await sending;
      } finally {
        used.sends.delete(sending);
      }
    },
    retire: (retired) => {
      if (using === retired) using = null;
      void end(retired);
    },
    close: async () => {
      const last = using;
      using = null;
      if (last !== null) await end(last);
    },
  };
}

/** As the Java client does it: murmur2 of the key. Records without a key go round. */
function createPartitioner(): (topic: TopicName, record: NewRecord) => number {
  const hashed = Partitioners.DefaultPartitioner();
  let turn = 0;
  return (topic, { key, partition }) => {
    const { partitions } = TOPICS[topic];
    if (partition !== undefined) {
      if (Number.isInteger(partition) && partition >= 0 && partition < partitions) return partition;
      throw new AppError('topic_mismatch', `${topic} has ${partitions} partitions, not a partition ${partition}.`);
    }
    if (partitions === 1) return 0;
    if (key === null) {
      turn += 1;
      return turn % partitions;
    }
    const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({
      partitionId,
      partitionErrorCode: 0,
      leader: 0,
      replicas: [],
      isr: [],
    }));
    return hashed({ topic, partitionMetadata, message: { key, value: null } });
  };
}

const toMessage = ({ key, value, timeMs }: NewRecord, partition: number): Message => ({
  key,
  value,
  partition,
  timestamp: String(timeMs),
});

/** At most: a character of a JavaScript string is at most three bytes. */
const sizeOf = ({ key, value }: Message): number => 100 + (key?.length ?? 0) * 3 + Buffer.byteLength(value ?? '');

function inParts(messages: readonly Message[]): readonly (readonly Message[])[] {
  const parts: Message[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const message of messages) {
    bytes += sizeOf(message);
    const last = parts.at(-1);
    if (last === undefined || bytes > MAX_BATCH_BYTES || last.length >= SEND_RECORDS) {
      parts.push([message]);
      bytes = sizeOf(message);
    } else last.push(message);
  }
  return parts;
}

/** A partition's messages are stored side by side, in the order sent. */
function positionsOf(messages: readonly Message[], sent: readonly RecordMetadata[]): Position[] {
  const next = new Map(sent.map(({ partition, baseOffset }) => [partition, Number(baseOffset)]));
  return messages.map(({ partition = 0 }) => {
    const offset = next.get(partition) ?? Number.NaN;
    if (!(offset >= 0)) throw new Error(`no offset was answered for partition ${partition}`);
    next.set(partition, offset + 1);
    return { partition, offset };
  });
}

function settle(parts: readonly Part[], positions: readonly Position[]): void {
  let from = 0;
  for (const { messages, resolve } of parts) {
    resolve(positions.slice(from, from + messages.length));
    from += messages.length;
  }
}

function fail(part: Part, error: AppError): void {
  part.append.error = error;
  part.reject(error);
}
