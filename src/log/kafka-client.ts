// Clients of kafkajs 2.2.4 with what this program needs set explicitly, and its defects contained: its log lines, its
// idle timers, its silent jump over lost records, and errors that say nothing of the cure.
import { createRequire } from 'node:module';
import type { Kafka as KafkaClient, KafkaConfig, logCreator, SASLOptions } from 'kafkajs';
import type { Logger } from 'pino';
import { AppError, messageOf } from '../model/errors.ts';
import { Kafka, logLevel } from './kafkajs.ts';

export type KafkaConnection = {
  readonly brokers: readonly string[];
  /** null: plain text. `ca`: certificates to trust, as PEM; null: the system's. */
  readonly tls?: { readonly ca: string | null } | null;
  readonly sasl?: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly username: string;
    readonly password: string;
  } | null;
  readonly clientId: string;
  readonly logger: Logger;
};

const CONNECT_TIMEOUT_MS = 3_000;
const RETRY = { initialRetryTime: 100, maxRetryTime: 2_000, factor: 0.2, multiplier: 2, retries: 5 };

/**
 * A client of its own for every producer and consumer: clients of one Kafka object share the offsets of a group, and
 * two members of one group in a process would clear each other's.
 */
export function createClient(connection: KafkaConnection, requestTimeoutMs: number): KafkaClient {
  contain();
  const { brokers, tls = null, sasl = null, clientId, logger } = connection;
  const config: KafkaConfig = {
    brokers: [...brokers],
    clientId,
    connectionTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: requestTimeoutMs,
    // All of them: the library's defaults are other ones under NODE_ENV=test.
    retry: RETRY,
    logLevel: logger.isLevelEnabled('trace') ? logLevel.INFO : logLevel.WARN,
    logCreator: quietly(logger),
  };
  if (tls !== null) config.ssl = tls.ca === null ? true : { ca: [tls.ca] };
  if (sasl !== null) config.sasl = saslOptions(sasl);
  return new Kafka(config);
}

function saslOptions({ mechanism, username, password }: NonNullable<KafkaConnection['sasl']>): SASLOptions {
  return { mechanism, username, password };
}

/** What it calls an error is mostly a retry that works: the adapter logs outcomes itself, this is for a closer look. */
const quietly =
  (logger: Logger): logCreator =>
  () =>
  ({ namespace, level, log: { message, timestamp: _timestamp, logger: _logger, stack: _stack, ...details } }) => {
    const line = { client: namespace, ...details };
    if (level <= logLevel.WARN) logger.debug(line, message);
    else logger.trace(line, message);
  };

type RequestQueue = {
  throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests(): void;
  checkPendingRequests(): void;
};

type OffsetManager = { setDefaultOffset(at: { readonly topic: string; readonly partition: number }): Promise<void> };

let isContained = false;
const SHORTEST_CHECK_MS = 10;

function contain(): void {
  if (isContained) return;
  isContained = true;
  const load = createRequire(import.meta.url);
  containIdleTimers((load('kafkajs/src/network/requestQueue') as { prototype: RequestQueue }).prototype);
  containDefaultOffsets((load('kafkajs/src/consumer/offsetManager') as { prototype: OffsetManager }).prototype);
}

/**
 * A consumer whose position Kafka no longer has would store the topic's beginning as the group's offset and read on
 * there. Here it ends; the one that takes its place finds the gap before its first batch, and says so (kafka-session.ts).
 */
function containDefaultOffsets(prototype: OffsetManager): void {
  prototype.setDefaultOffset = async ({ topic, partition }) => {
    const message = `the position in partition ${partition} of ${topic} is no longer there`;
    throw Object.assign(new Error(message), { type: 'OFFSET_OUT_OF_RANGE', retriable: false });
  };
}

/**
 * Each connection sets a timer that is due in the past again and again: 4 % of a core when idle, and a
 * TimeoutNegativeWarning on Node 24 (tulios/kafkajs issue 1751). Here it is set only while a request waits.
 */
function containIdleTimers(prototype: RequestQueue): void {
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
    if (this.throttleCheckTimeoutId !== null || this.pending.length === 0) return;
    const waitMs = Math.max(this.throttledUntil - Date.now(), SHORTEST_CHECK_MS);
    this.throttleCheckTimeoutId = setTimeout(() => {
      this.throttleCheckTimeoutId = null;
      this.checkPendingRequests();
    }, waitMs);
  };
}

/** Anything that kafkajs throws, as an AppError: `log_unavailable` unless a person must act. */
export function kafkaError(what: string, cause: unknown): AppError {
  if (cause instanceof AppError) return cause;
  const { name, type } = rootOf(cause);
  if (name === 'KafkaJSNotImplemented')
    return new AppError('topic_mismatch', `${what}: records are compressed in a way that cannot be read here.`, {
      help: 'Set compression.type=producer on the topic: LZ4, Snappy and ZSTD cannot be read.',
      cause,
    });
  if (type === 'MESSAGE_TOO_LARGE' || type === 'RECORD_LIST_TOO_LARGE')
    return new AppError('too_large', `${what}: the topic takes smaller records only.`, {
      help: 'Set max.message.bytes=4194304 on the topic.',
      cause,
    });
  if (type === 'INVALID_TIMESTAMP')
    return new AppError('topic_mismatch', `${what}: the topic does not take records of this time.`, {
      help: 'Set the clocks of this machine and of Kafka; message.timestamp.after.max.ms on the topic says how far they may differ.',
      cause,
    });
  if (type === 'OFFSET_OUT_OF_RANGE')
    return new AppError('log_gap', `${what}: ${messageOf(cause)}`, {
      help: 'Reading starts again, and says which records are missing if they are.',
      retriable: true,
      cause,
    });
  if (type?.includes('AUTHORIZATION_FAILED') || name === 'KafkaJSSASLAuthenticationError')
    return new AppError('log_unavailable', `${what}: Kafka refuses access: ${messageOf(cause)}`, {
      help: 'Check KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD, and the rights of that user on the topics and groups.',
      retriable: true,
      cause,
    });
  return new AppError('log_unavailable', `${what}: ${messageOf(cause)}`, {
    help: 'Check that Kafka runs and KAFKA_BROKERS names it; everything goes on by itself once it is back.',
    retriable: true,
    cause,
  });
}

export type KafkaFailure = {
  readonly name?: string;
  readonly type?: string;
  /** false: asking again is in vain. */
  readonly retriable?: boolean;
  readonly cause?: unknown;
};

/** kafkajs wraps what happened in "number of retries exceeded". */
export function rootOf(error: unknown): KafkaFailure {
  let root = error as KafkaFailure;
  for (let depth = 0; depth < 5 && root.cause instanceof Error; depth += 1) root = root.cause as KafkaFailure;
  return root;
}

/** Rejects with `log_unavailable` after `ms`; what was going on goes on unobserved. */
export async function withDeadline<T>(what: string, ms: number, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(kafkaError(what, new Error(`no answer within ${ms} ms`))), ms);
  });
  try {
    return await Promise.race([work(), late]);
  } catch (error) {
    throw kafkaError(what, error);
  } finally {
    clearTimeout(timer);
  }
}
