// The deployment files against the code: images, ports, variables, Node versions. They cannot be run without a container
// engine, so what they say is compared with what the program says of itself.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config/config.ts';
import { VARIABLES } from '../../src/config/variables.ts';

const ROOT = join(import.meta.dirname, '../..');
const text = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

type Service = {
  readonly image?: string;
  readonly build?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
};
const compose = parse(text('docker-compose.yml')) as { services: Record<'kafka' | 'redis' | 'declinewatch', Service> };
const { kafka, redis, declinewatch } = compose.services;

describe('docker-compose.yml', () => {
  it('uses a Kafka 4 in KRaft mode and a Redis 7', () => {
    expect(kafka.image).toMatch(/^apache\/kafka:4\.\d+\.\d+$/);
    expect(kafka.environment?.KAFKA_PROCESS_ROLES).toBe('broker,controller');
    expect(redis.image).toMatch(/^redis:7\./);
  });

  it('gives every service a health check, and waits for them', () => {
    for (const service of [kafka, redis, declinewatch]) expect(service.healthcheck?.test.length).toBeGreaterThan(1);
    expect(Object.values(declinewatch.depends_on ?? {})).toEqual([
      { condition: 'service_healthy' },
      { condition: 'service_healthy' },
    ]);
  });

  it('sets only variables that the program knows, to values that it takes', () => {
    const environment = declinewatch.environment ?? {};
    const known = VARIABLES.map(({ name }) => name);
    expect(Object.keys(environment).filter((name) => !known.includes(name))).toEqual([]);
    const config = loadConfig(environment);
    expect(config.kafka?.brokers).toEqual(['kafka:9092']);
    expect(kafka.environment?.KAFKA_ADVERTISED_LISTENERS).toBe(`PLAINTEXT://${config.kafka?.brokers[0]}`);
    expect(declinewatch.ports).toEqual([
      `${config.port}:${config.port}`,
      `127.0.0.1:${config.adminPort}:${config.adminPort}`,
    ]);
  });

  it('never evicts windows', () => {
    expect(text('docker-compose.yml')).toContain('--maxmemory-policy", "noeviction"');
  });
});

describe('Dockerfile', () => {
  it('runs as a user without rights, on the ports of the defaults', () => {
    const file = text('Dockerfile');
    const config = loadConfig({});
    expect(file).toMatch(/^USER node$/m);
    expect(file).toMatch(new RegExp(`^EXPOSE ${config.port}$`, 'm'));
    expect(file).toContain(`ADMIN_PORT=${config.adminPort}`);
  });

  it('copies only what is there', () => {
    const copied = [...text('Dockerfile').matchAll(/^COPY (.+) \S+$/gm)].flatMap(([, names = '']) => names.split(' '));
    expect(copied.length).toBeGreaterThan(4);
    expect(copied.filter((name) => !existsSync(join(ROOT, name)))).toEqual([]);
  });
});

describe('Node versions', () => {
  it('agree everywhere', () => {
    const runtime = JSON.parse(text('tools/node/package.json')) as {
      version: string;
      optionalDependencies: Record<string, string>;
    };
    const manifest = JSON.parse(text('package.json')) as { engines: { node: string } };
    const version = text('.nvmrc').trim();
    expect(runtime.version).toBe(version);
    expect(new Set(Object.values(runtime.optionalDependencies))).toEqual(new Set([version]));
    expect(/^FROM node:([\d.]+)-/m.exec(text('Dockerfile'))?.[1]).toBe(version);
    expect(manifest.engines.node).toBe(`>=${version.split('.')[0]}`);
    expect(text('tools/run.mjs')).toContain(`RUNTIME_MAJOR = ${version.split('.')[0]};`);
  });
});
