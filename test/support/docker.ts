// Kafka and Redis in Docker, by the images of docker-compose.yml.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GenericContainer, getContainerRuntimeClient, type StartedTestContainer, Wait } from 'testcontainers';
import { parse } from 'yaml';
import type { Service } from './local-process.ts';
import { freePort } from './ports.ts';

type Compose = { readonly services: Readonly<Record<'kafka' | 'redis', { readonly image: string }>> };

const compose = parse(readFileSync(join(import.meta.dirname, '../../docker-compose.yml'), 'utf8')) as Compose;
const START_TIMEOUT_MS = 120_000;

/** The host on which containers are reached; null if no Docker engine answers. */
export async function dockerHost(): Promise<string | null> {
  try {
    return (await getContainerRuntimeClient()).info.containerRuntime.host;
  } catch {
    return null;
  }
}

export async function kafkaContainer(host: string): Promise<Service & { readonly address: string }> {
  const port = await freePort();
  const container = await new GenericContainer(compose.services.kafka.image)
    .withExposedPorts({ container: 9092, host: port })
    .withEnvironment({
      KAFKA_NODE_ID: '1',
      KAFKA_PROCESS_ROLES: 'broker,controller',
      KAFKA_LISTENERS: 'PLAINTEXT://:9092,CONTROLLER://:9093',
      KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://${host}:${port}`,
      KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
      KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9093',
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
      KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS: '3',
      KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
      KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
      KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
      KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
      KAFKA_HEAP_OPTS: '-Xmx512m',
    })
    .withWaitStrategy(Wait.forListeningPorts())
    .withStartupTimeout(START_TIMEOUT_MS)
    .start();
  return { address: `${host}:${port}`, ...(await serviceOf(container)) };
}

export async function redisContainer(
  host: string,
  args: readonly string[],
): Promise<Service & { readonly address: string }> {
  const port = await freePort();
  const container = await new GenericContainer(compose.services.redis.image)
    .withExposedPorts({ container: 6379, host: port })
    .withCommand(['redis-server', ...args])
    .withWaitStrategy(Wait.forListeningPorts())
    .withStartupTimeout(START_TIMEOUT_MS)
    .start();
  return { address: `${host}:${port}`, ...(await serviceOf(container)) };
}

async function serviceOf(started: StartedTestContainer): Promise<Service> {
  const client = await getContainerRuntimeClient();
  const container = client.container.getById(started.getId());
  let isRunning = true;
  const kill = async (): Promise<void> => {
    if (isRunning) await container.kill({ signal: 'SIGKILL' });
    isRunning = false;
  };
  return {
    stop: async () => void (await started.stop({ timeout: 0 })),
    kill,
    restart: async () => {
      await kill();
      await container.start();
      isRunning = true;
    },
    pause: async () => void (await container.pause()),
    resume: async () => void (await container.unpause()),
  };
}
