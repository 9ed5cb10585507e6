// Kafka with TLS and SASL and Redis with TLS and a user of the least rights: the real servers, certificates of an own
// authority, the real command, and what doctor says when each of it is wrong.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { DoctorLine } from '../../src/app/doctor.ts';
import { doctorCommand } from '../../src/cli/doctor.ts';
import { VARIABLES } from '../../src/config/variables.ts';
import { eventually } from '../support/eventually.ts';
import { createInstallation, type Installation, WEBHOOK_SECRET } from '../support/installation.ts';
import { failedCharge } from '../support/local-stripe.ts';
import { freePorts } from '../support/ports.ts';
import {
  type Authority,
  createAuthority,
  KAFKA_USER,
  redisRights,
  type SecureKafka,
  type SecureRedis,
  startSecureKafka,
  startSecureRedis,
} from '../support/secure-services.ts';
import { send } from '../support/stripe-sender.ts';
import { runCommand } from '../unit/cli/run-command.ts';

const PREFIX = 'secure.';
const DETECTORS = `
settle: 0s
detectors:
  - { name: card-declines, title: Declines on one card, why: A test., count: attempts, where: outcome == "declined", per: card, window: 10m, quietFor: 20m, thresholds: { warning: 3 } }
`;

let authority: Authority;
let kafka: SecureKafka;
let redis: SecureRedis;
let installation: Installation;

beforeAll(async () => {
  authority = await createAuthority();
  const issued = await authority.issue('servers');
  [kafka, redis] = await Promise.all([startSecureKafka(issued), startSecureRedis(issued, redisRights(PREFIX))]);
  installation = createInstallation({ detectors: DETECTORS });
  writeFileSync(join(installation.folder, 'ca.pem'), authority.certificate);
}, 180_000);
afterAll(async () => {
  await installation?.close();
  await Promise.all([kafka?.stop(), redis?.stop()]);
  authority?.remove();
});
afterEach(() => void vi.unstubAllEnvs());

function env(mechanism: 'plain' | 'scram-sha-512'): Record<string, string> {
  const ca = join(installation.folder, 'ca.pem');
  return {
    KAFKA_BROKERS: kafka.brokers.join(','),
    KAFKA_TLS: 'true',
    KAFKA_TLS_CA_FILE: ca,
    KAFKA_SASL_MECHANISM: mechanism,
    KAFKA_SASL_USERNAME: KAFKA_USER.username,
    KAFKA_SASL_PASSWORD: KAFKA_USER.password,
    REDIS_URL: redis.url(),
    REDIS_TLS_CA_FILE: ca,
    TOPIC_PREFIX: PREFIX,
  };
}

async function doctor(over: Readonly<Record<string, string | undefined>> = {}) {
  for (const { name } of VARIABLES) for (const one of [name, `${name}_FILE`]) vi.stubEnv(one, undefined);
  const [port, adminPort] = await freePorts(2);
  const own = { PORT: String(port), ADMIN_PORT: String(adminPort), DECLINEWATCH_DATA: installation.folder };
  const all = { ...env('scram-sha-512'), ...own, STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET, ...over };
  for (const [name, value] of Object.entries(all)) vi.stubEnv(name, value);
  const { out } = await runCommand(doctorCommand, ['--json']);
  const { checks } = JSON.parse(out) as { checks: readonly DoctorLine[] };
  return {
    of: (name: string) => checks.find((line) => line.name === name),
    wrong: checks.filter(({ state }) => state === 'wrong'),
  };
}

describe('over TLS, with log-ins', () => {
  it.each(['plain', 'scram-sha-512'] as const)(
    'events become incidents (%s), with no more rights than stated',
    async (mechanism) => {
      const running = await installation.start(['--no-demo'], env(mechanism));
      const root = running.webhookUrl.replace(/\/webhooks\/stripe$/, '');
      const createdS = Math.floor(Date.now() / 1000);
      for (let n = 0; n < 3; n += 1) {
        const card = { fingerprint: `fp_${mechanism}`, brand: 'visa', last4: '4242' };
        const { event } = failedCharge(`${mechanism}${n}`, createdS, {
          payment_method_details: { type: 'card', card },
        });
        expect((await send(root, event, { secret: WEBHOOK_SECRET })).status).toBe(200);
      }
      await eventually(
        async () => {
          const answer = await fetch(`${running.consoleUrl}/api/incidents?entity=card:fp_${mechanism}`);
          return ((await answer.json()) as { incidents: unknown[] }).incidents.length === 1;
        },
        { what: 'the incident', withinMs: 60_000, told: running.output },
      );
      expect(running.output()).not.toMatch(/NOPERM|refuses access/);
      expect(await running.stop()).toBe(0);
    },
    120_000,
  );

  it('doctor finds it in order', async () => {
    const { of, wrong } = await doctor();
    expect(wrong).toEqual([]);
    expect(of(kafka.brokers[0] ?? '')?.message).toMatch(/certificate good until \d{4}-/);
    expect(of('KAFKA_BROKERS')?.message).toContain('log-in scram-sha-512 accepted');
    expect(of('REDIS_URL')?.message).toMatch(/^Redis 7\./);
    expect(of('redis rights')?.message).toBe('functions and keys may be used');
  });

  it('doctor says what is wrong with Kafka’s side of it', async () => {
    const broker = kafka.brokers[0] ?? '';
    expect((await doctor({ KAFKA_TLS_CA_FILE: undefined })).of(broker)?.message).toContain('KAFKA_TLS_CA_FILE');
    const plain = await doctor({ KAFKA_TLS: 'false', KAFKA_SASL_MECHANISM: undefined });
    expect(plain.of('KAFKA_BROKERS')?.message).toContain('KAFKA_TLS=true');
    const refused = await doctor({ KAFKA_SASL_PASSWORD: 'wrong-password' });
    expect(refused.of('KAFKA_SASL_MECHANISM')?.message).toContain('KAFKA_SASL_PASSWORD');
    expect(JSON.stringify(refused.wrong)).not.toContain('wrong-password');
  });

  it('doctor says what is wrong with Redis’ side of it', async () => {
    expect((await doctor({ REDIS_TLS_CA_FILE: undefined })).of('REDIS_URL')?.message).toContain('REDIS_TLS_CA_FILE');
    expect((await doctor({ REDIS_URL: redis.url().replace('rediss:', 'redis:') })).of('REDIS_URL')?.message).toContain(
      'rediss://',
    );
    const refused = await doctor({ REDIS_URL: redis.url({ username: 'declinewatch', password: 'wrong-password' }) });
    expect(refused.of('REDIS_URL')).toMatchObject({
      state: 'wrong',
      message: expect.stringContaining('user and password'),
    });
    expect(JSON.stringify(refused.wrong)).not.toContain('wrong-password');
    const weak = await doctor({ REDIS_URL: redis.url({ username: 'weak', password: 'weak-password-of-the-test' }) });
    expect(weak.of('redis rights')?.message).toContain('may not use FUNCTION LOAD, FCALL');
  });

  it('doctor tells an expired certificate and one for another host apart', async () => {
    const expired = await startSecureRedis(await authority.issue('expired', { days: -1 }), redisRights(PREFIX));
    const other = await startSecureRedis(
      await authority.issue('other', { host: 'redis.other.example' }),
      redisRights(PREFIX),
    );
    try {
      expect((await doctor({ REDIS_URL: expired.url() })).of('REDIS_URL')?.message).toContain('has expired');
      expect((await doctor({ REDIS_URL: other.url() })).of('REDIS_URL')?.message).toContain('another host name');
      const brokers = `127.0.0.1:${expired.port},127.0.0.1:${other.port}`;
      const { of } = await doctor({ KAFKA_BROKERS: brokers });
      expect(of(`127.0.0.1:${expired.port}`)?.message).toContain('has expired');
      expect(of(`127.0.0.1:${other.port}`)?.message).toContain('another host name');
    } finally {
      await Promise.all([expired.stop(), other.stop()]);
    }
  });
});
