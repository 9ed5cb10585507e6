// A consumer that goes on whatever happens to the broker: each membership of the group is one consumer of kafkajs, and
// when that crashes or falls silent, another takes its place.
import type { EachBatchPayload, Consumer as KafkaConsumer } from 'kafkajs';
import { type AppError, messageOf } from '../model/errors.ts';
import { TOPICS } from '../model/topics.ts';
import type { Consumer, ConsumerOptions } from './event-log.ts';
import type { KafkaAdmin, KafkaParts } from './kafka-admin.ts';
import { keepAssigner } from './kafka-assigner.ts';
import { createClient, kafkaError, rootOf } from './kafka-client.ts';
import { type Lease, watchLease } from './kafka-lease.ts';
import { STRANGERS_HELP } from './kafka-readers.ts';
import { openSession, type Session } from './kafka-session.ts';

const REQUEST_TIMEOUT_MS = 10_000;
const SUBSCRIBE_TIMEOUT_MS = 30_000;
const REBALANCE_TIMEOUT_MS = 60_000;
const HEARTBEAT_EVERY_MS = 2_000;
const BEAT_EVERY_MS = 1_000;
const LEAVE_TIMEOUT_MS = 10_000;
/** Longer than any wait that is part of the protocol. */
const SILENT_AFTER_MS = 90_000;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;
const REJOIN_ERRORS: readonly unknown[] = ['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID'];

export type KafkaConsumerParts = KafkaParts & {
  readonly admin: KafkaAdmin;
  readonly groupId: string;
  /** How long a member that was killed keeps its partitions: the others take over after it. */
  readonly sessionTimeoutMs: number;
  readonly mark: string | undefined;
  readonly options: ConsumerOptions;
};

/** Resolves once a member of the group; `log_unavailable` if that takes too long. */
export async function startConsumer(parts: KafkaConsumerParts): Promise<Consumer> {
  const { clock, logger, options } = parts;
  const stop = new AbortController();
  let joined = (): void => {};
  const hasJoined = new Promise<boolean>((resolve) => {
    joined = () => resolve(true);
  });
  const running = (async () => {
    let pauseMs = FIRST_PAUSE_MS;
    while (!stop.signal.aborted) {
      const error = await beMember(parts, stop.signal, () => {
        pauseMs = FIRST_PAUSE_MS;
        joined();
      });
      if (stop.signal.aborted) return;
      const { topic, group } = options;
      logger.warn({ topic, group, error: messageOf(error), pauseMs }, 'reading stopped, will be started again');
      options.failed?.(error);
      await clock.sleep(pauseMs, stop.signal);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  })();
  const close = async (): Promise<void> => {
    stop.abort();
    await running;
  };
  const timeout = new AbortController();
  const late = clock.sleep(SUBSCRIBE_TIMEOUT_MS, timeout.signal).then(() => false);
  const isMember = await Promise.race([hasJoined, late]);
  timeout.abort();
  if (!isMember) {
    await close();
    throw kafkaError(`${options.topic} cannot be read`, new Error('the group could not be joined'));
  }
  return { close };
}

/** Resolves with why it ended; undefined when it was stopped. */
async function beMember(
  parts: KafkaConsumerParts,
  stop: AbortSignal,
  joined: () => void,
): Promise<AppError | undefined> {
  const { connection, groupId, sessionTimeoutMs, mark, options, logger, nameOf } = parts;
  const strangers = (marks: readonly string[]): void =>
    logger.error({ group: groupId, marks, help: STRANGERS_HELP }, 'processes with other masks share the topics');
  let held: readonly number[] = [];
  const consumer = createClient(connection, REQUEST_TIMEOUT_MS).consumer({
    groupId,
    allowAutoTopicCreation: false,
    partitionAssigners: [keepAssigner(() => ({ held, mark }), strangers)],
    sessionTimeout: sessionTimeoutMs,
    rebalanceTimeout: REBALANCE_TIMEOUT_MS,
    heartbeatInterval: HEARTBEAT_EVERY_MS,
    metadataMaxAge: 60_000,
    minBytes: 1,
    maxBytes: 2_097_152,
    maxBytesPerPartition: 524_288,
    // Also how long it sleeps while every partition is paused.
    maxWaitTimeInMs: 100,
    // A crashed one is replaced by us: it would not come back from every crash.
    retry: { retries: 5, restartOnFailure: async () => false },
  });
  const lease = watchLease(consumer, sessionTimeoutMs);
  const sessions = createSessions({ ...parts, lease }, consumer);
  const pulse = watchPulse(parts, consumer);
  const crashed = new Promise<unknown>((resolve) =>
    consumer.on(consumer.events.CRASH, ({ payload }) => resolve(payload.error)),
  );
  const stopped = new Promise<void>((resolve) => {
    if (stop.aborted) resolve();
    else stop.addEventListener('abort', () => resolve(), { once: true });
  });
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    held = payload.memberAssignment[nameOf(options.topic)] ?? [];
    sessions.assign(held);
    lease.joined();
    joined();
  });
  try {
    const reading = (async () => {
      await consumer.connect();
      await consumer.subscribe({ topics: [nameOf(options.topic)], fromBeginning: true });
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: TOPICS[options.topic].partitions,
        eachBatch: async (payload) => await pulse.during(async () => await handle(payload, sessions)),
      });
      return await crashed;
    })();
    const error = await Promise.race([reading, stopped, pulse.lost]);
    if (error === undefined) await sessions.drain();
    return error === undefined ? undefined : kafkaError(`${options.topic} cannot be read`, error);
  } catch (error) {
    return kafkaError(`${options.topic} cannot be read`, error);
  } finally {
    pulse.stop();
    await sessions.end();
    await leave(parts, consumer);
  }
}

async function handle(payload: EachBatchPayload, sessions: Sessions): Promise<void> {
  const { batch, heartbeat, resolveOffset, commitOffsetsIfNecessary } = payload;
  const { topic, partition } = batch;
  const session = sessions.of(partition);
  if (session === undefined) return;
  let lost: unknown;
  const beat = async (): Promise<void> => {
    try {
      await heartbeat();
    } catch (error) {
      lost ??= error;
      // The group waits for us: what runs is asked to end, and kafkajs joins again after it.
      if (REJOIN_ERRORS.includes(rootOf(error).type)) void session.drain();
    }
  };
  const beating = setInterval(() => void beat(), BEAT_EVERY_MS);
  try {
    await session.handle({
      messages: batch.messages,
      next: Number(batch.highWatermark),
      resolve: (next) => resolveOffset(String(next - 1)),
      commit: async (next) => {
        await commitOffsetsIfNecessary({ topics: [{ topic, partitions: [{ partition, offset: String(next) }] }] });
      },
    });
  } finally {
    clearInterval(beating);
  }
  if (lost !== undefined) throw lost;
}

type Sessions = {
  of(partition: number): Session | undefined;
  /** After every rebalance all begin anew: kafkajs does not say which generation a batch belongs to. */
  assign(partitions: readonly number[]): void;
  drain(): Promise<void>;
  end(): Promise<void>;
};

function createSessions(parts: KafkaConsumerParts & { readonly lease: Lease }, consumer: KafkaConsumer): Sessions {
  const { options, admin, logger, clock, groupId, lease, nameOf } = parts;
  const topic = nameOf(options.topic);
  const sessions = new Map<number, Session>();
  const endings = new Map<number, Promise<void>>();
  let isEnded = false;
  const endAll = (): void => {
    for (const [partition, session] of sessions) endings.set(partition, session.end());
    sessions.clear();
  };
  /** Between two memberships there is nothing to steer. */
  const steer = (action: () => void): void => {
    try {
      if (!isEnded) action();
    } catch (error) {
      logger.debug({ topic, error: messageOf(error) }, 'the consumer is not running');
    }
  };
  return {
    of: (partition) => sessions.get(partition),
    assign: (partitions) => {
      endAll();
      if (isEnded) return;
      for (const partition of partitions) {
        const here = [{ topic, partitions: [partition] }];
        const pause = (): void => steer(() => consumer.pause(here));
        pause();
        const session = openSession(
          {
            partition,
            options,
            admin,
            logger,
            clock,
            groupId,
            lease,
            seek: (offset) => steer(() => consumer.seek({ topic, partition, offset: String(offset) })),
            pause,
            resume: () => steer(() => consumer.resume(here)),
          },
          endings.get(partition) ?? Promise.resolve(),
        );
        sessions.set(partition, session);
      }
    },
    drain: async () => void (await Promise.all([...sessions.values()].map((session) => session.drain()))),
    end: async () => {
      isEnded = true;
      endAll();
      await Promise.all(endings.values());
    },
  };
}

type Pulse = {
  /** Resolves when nothing has been heard of the consumer for too long: it hangs. */
  readonly lost: Promise<Error>;
  /** A handler may take as long as it needs. */
  during<T>(work: () => Promise<T>): Promise<T>;
  stop(): void;
};

function watchPulse({ clock }: KafkaConsumerParts, consumer: KafkaConsumer): Pulse {
  let last = clock.now();
  let running = 0;
  const beat = (): void => {
    last = clock.now();
  };
  for (const event of [consumer.events.FETCH, consumer.events.HEARTBEAT, consumer.events.GROUP_JOIN])
    consumer.on(event, beat);
  let timer: NodeJS.Timeout | undefined;
  const lost = new Promise<Error>((resolve) => {
    timer = setInterval(() => {
      if (running === 0 && clock.now() - last > SILENT_AFTER_MS)
        resolve(new Error('nothing was heard of the consumer'));
    }, SILENT_AFTER_MS / 10);
  });
  return {
    lost,
    during: async (work) => {
      running += 1;
      try {
        return await work();
      } finally {
        running -= 1;
        beat();
      }
    },
    stop: () => clearInterval(timer),
  };
}

async function leave({ clock, logger, options }: KafkaConsumerParts, consumer: KafkaConsumer): Promise<void> {
  const enough = new AbortController();
  const left = consumer.disconnect().catch((error: unknown) => {
    logger.debug({ topic: options.topic, error: messageOf(error) }, 'the group was left without a word');
  });
  await Promise.race([left, clock.sleep(LEAVE_TIMEOUT_MS, enough.signal)]);
  enough.abort();
}
