// Keeps the services that a whole test run shares: started when the first test asks, stopped when the run ends. The
// asking goes over HTTP on loopback because test files run in processes of their own.
import { createServer } from 'node:http';
import type { TestProject } from 'vitest/node';
import { type KafkaService, type RedisService, startKafka, startRedis } from './services.ts';

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  let kafka: Promise<KafkaService> | null = null;
  let redis: Promise<RedisService> | null = null;
  const addressOf = async (name: string | undefined): Promise<string> => {
    if (name === '/kafka') {
      kafka ??= startKafka();
      return (await kafka).brokers.join(',');
    }
    redis ??= startRedis();
    return (await redis).url;
  };
  const server = createServer((request, response) => {
    addressOf(request.url).then(
      (address) => response.end(address),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The shared services have no address.');
  project.provide('sharedServices', `http://127.0.0.1:${address.port}`);
  return async () => {
    server.closeAllConnections();
    server.close();
    for (const service of await Promise.allSettled([kafka, redis]))
      if (service.status === 'fulfilled') await service.value?.stop();
  };
}
