// Kafka and Redis for the benchmarks, brought as the tests bring them, when they are first asked for.
import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { startKafka, startRedis } from '../test/support/services.ts';
import type { Services } from './measure.ts';

export type VersionedServices = Services & {
  /** null: not asked for in this run. */
  versions(): { readonly kafka: string | null; readonly redis: string | null };
  stop(): Promise<void>;
};

/** TEST_KAFKA_BROKERS and TEST_REDIS_URL first: nothing else may use that Redis meanwhile, its processor time is read. */
export function createServices(): VersionedServices {
  const stops: (() => Promise<void>)[] = [];
  let kafka: Promise<readonly string[]> | null = null;
  let redis: Promise<string> | null = null;
  const found = { kafka: null as string | null, redis: null as string | null };

  const bringKafka = async (): Promise<readonly string[]> => {
    const given = process.env.TEST_KAFKA_BROKERS?.split(',');
    const service = given === undefined ? await startKafka() : null;
    if (service !== null) stops.push(service.stop);
    const brokers = given ?? service?.brokers ?? [];
    found.kafka = given === undefined ? broughtKafka() : 'as given';
    return brokers;
  };
  const bringRedis = async (): Promise<string> => {
    const given = process.env.TEST_REDIS_URL;
    const service = given === undefined ? await startRedis() : null;
    if (service !== null) stops.push(service.stop);
    const url = given ?? service?.url ?? '';
    found.redis = await redisVersion(url);
    return url;
  };
  return {
    kafka: async () => {
      kafka ??= bringKafka();
      return await kafka;
    },
    redis: async () => {
      redis ??= bringRedis();
      return await redis;
    },
    versions: () => ({ ...found }),
    stop: async () => {
      for (const stop of stops.reverse()) await stop();
    },
  };
}

async function redisVersion(url: string): Promise<string | null> {
  const redis = new Redis(url);
  try {
    return /redis_version:(\S+)/.exec(await redis.info('server'))?.[1] ?? null;
  } finally {
    redis.disconnect();
  }
}

/** A broker does not say its version: that of the one the tests bring stands in docker-compose.yml. */
function broughtKafka(): string {
  const compose = readFileSync(new URL('../docker-compose.yml', import.meta.url), 'utf8');
  return /apache\/kafka:([\d.]+)/.exec(compose)?.[1] ?? 'unknown';
}

/** Seconds of processor time that Redis has used. */
export async function redisCpu(redis: Redis): Promise<number> {
  const info = await redis.info('cpu');
  const [user, system] = ['used_cpu_user', 'used_cpu_sys'].map(
    (name) => new RegExp(`${name}:([\\d.]+)`).exec(info)?.[1],
  );
  return Number(user) + Number(system);
}
