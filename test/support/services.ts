// Kafka and Redis for tests. Where they come from, in this order: the environment (TEST_KAFKA_BROKERS, TEST_REDIS_URL;
// for the shared ones), Docker, this machine (Java 17 and Maven; Redis from PATH or Maven). None: an error with the cure.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dockerHost, kafkaContainer, redisContainer } from './docker.ts';
import { formatKafka, kafkaArgs } from './local-kafka.ts';
import { type Service, startProcess } from './local-process.ts';
import { kafkaJars, redisProgram } from './local-programs.ts';
import { freePort, freePorts } from './ports.ts';

export type KafkaService = Service & { readonly brokers: readonly string[] };
export type RedisService = Service & { readonly url: string };

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the run's shared services are asked for (global-setup.ts). */
    sharedServices: string;
  }
}

const START_TIMEOUT_MS = 90_000;

/** One Kafka for the whole run, started on first use. Give each test a topic prefix of its own; never kill it. */
export async function sharedKafka(): Promise<{ readonly brokers: readonly string[] }> {
  const brokers = process.env.TEST_KAFKA_BROKERS;
  return { brokers: (brokers ?? (await shared('kafka'))).split(',') };
}

/** One Redis for the whole run, started on first use. Give each test a key prefix of its own; never flush it. */
export async function sharedRedis(): Promise<{ readonly url: string }> {
  return { url: process.env.TEST_REDIS_URL ?? (await shared('redis')) };
}

/** A broker of the test's own, which it may kill and restart. The caller stops it. */
export async function startKafka(): Promise<KafkaService> {
  const host = await dockerHost();
  if (host !== null) {
    const { address, ...service } = await kafkaContainer(host);
    return { brokers: [address], ...service };
  }
  const jars = await kafkaJars();
  if (jars === null)
    throw new Error('These tests need Kafka: start Docker, or install Java 17 and Maven, or set TEST_KAFKA_BROKERS.');
  const folder = mkdtempSync(join(tmpdir(), 'declinewatch-kafka-'));
  const [port = 0, controllerPort = 0] = await freePorts(2);
  await formatKafka({ jars, folder, port, controllerPort });
  const service = await startProcess({
    what: 'Kafka',
    command: 'java',
    args: kafkaArgs(jars, folder),
    folder,
    port,
    timeoutMs: START_TIMEOUT_MS,
  });
  return { brokers: [`127.0.0.1:${port}`], ...service };
}

export type RedisOptions = {
  /** Everything acknowledged survives `kill` (append-only file, synced on every write). Default: it comes back empty. */
  readonly durable?: boolean;
  /** A node of a cluster, without slots yet: whoever calls gives it some. */
  readonly cluster?: boolean;
};

/** A Redis of the test's own, which it may kill, freeze and restart. The caller stops it. */
export async function startRedis({ durable = false, cluster = false }: RedisOptions = {}): Promise<RedisService> {
  const args = ['--save', '', '--appendonly', durable ? 'yes' : 'no', '--appendfsync', 'always'];
  args.push('--cluster-enabled', cluster ? 'yes' : 'no');
  const host = await dockerHost();
  if (host !== null) {
    const { address, ...service } = await redisContainer(host, args);
    return { url: `redis://${address}/0`, ...service };
  }
  const command = await redisProgram();
  if (command === null)
    throw new Error('These tests need Redis: start Docker, or install redis-server or Maven, or set TEST_REDIS_URL.');
  const folder = mkdtempSync(join(tmpdir(), 'declinewatch-redis-'));
  const port = await freePort();
  // As a file, so that an empty value survives every version's reading of the command line.
  writeFileSync(
    join(folder, 'redis.conf'),
    [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${folder}`,
      'save ""',
      `appendonly ${durable ? 'yes' : 'no'}`,
      'appendfsync always',
      `cluster-enabled ${cluster ? 'yes' : 'no'}`,
    ].join('\n'),
  );
  const service = await startProcess({
    what: 'Redis',
    command,
    args: [join(folder, 'redis.conf')],
    folder,
    port,
    timeoutMs: START_TIMEOUT_MS,
  });
  return { url: `redis://127.0.0.1:${port}/0`, ...service };
}

async function shared(name: 'kafka' | 'redis'): Promise<string> {
  // Here and not above: the run's own process, which starts the shared services, cannot import it.
  const { inject } = await import('vitest');
  const response = await fetch(`${inject('sharedServices')}/${name}`);
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text;
}
