// `declinewatch doctor` against a real Kafka and Redis and local Stripe, Slack and Google: all well, and each thing wrong in
// turn. It changes nothing and prints no secret.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DoctorLine } from '../../src/app/doctor.ts';
import { doctorCommand } from '../../src/cli/doctor.ts';
import { VARIABLES } from '../../src/config/variables.ts';
import { HANDLED_TYPES, NEEDED_PERMISSIONS } from '../../src/ingest/stripe-types.ts';
import { openKafkaLog } from '../../src/log/kafka.ts';
import { TOPICS } from '../../src/model/topics.ts';
import { type LocalSheets, startLocalSheets } from '../support/local-sheets.ts';
import { type LocalSlack, startLocalSlack } from '../support/local-slack.ts';
import { LOCAL_KEY, type LocalStripe, startLocalStripe } from '../support/local-stripe.ts';
import { freePorts } from '../support/ports.ts';
import { sharedKafka, sharedRedis } from '../support/services.ts';
import { runCommand } from '../unit/cli/run-command.ts';

const WEBHOOK_SECRET = 'whsec_of_the_doctor_test';
const TOKEN = 'a-token-that-is-long-enough';
const PII_KEY = 'ab'.repeat(32);

let folder: string;
let stripe: LocalStripe;
let slack: LocalSlack;
let google: LocalSheets;
let brokers: readonly string[];
let redisUrl: string;
let prefixes = 0;
let prefix: string;

beforeAll(async () => {
  brokers = (await sharedKafka()).brokers;
  redisUrl = (await sharedRedis()).url;
});

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'declinewatch-doctor-'));
  prefix = `doctor-${process.pid}-${++prefixes}.`;
  const read = NEEDED_PERMISSIONS.map(({ slug }) => slug.replace('rak_', ''));
  stripe = await startLocalStripe({ keys: { [LOCAL_KEY]: [...read, 'webhook_read'] } });
  stripe.addWebhookEndpoint({
    object: 'webhook_endpoint',
    url: 'https://fraud.example/webhooks/stripe',
    status: 'enabled',
    api_version: '2026-10-28.endive',
    enabled_events: HANDLED_TYPES,
  });
  slack = await startLocalSlack();
  google = await startLocalSheets();
  // What the machine that runs the tests has set plays no part.
  for (const { name } of VARIABLES) for (const one of [name, `${name}_FILE`]) vi.stubEnv(one, undefined);
  const [port, adminPort] = await freePorts(2);
  setEnv({ PORT: String(port), ADMIN_PORT: String(adminPort), DECLINEWATCH_DATA: join(folder, 'data') });
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all([stripe.close(), slack.close(), google.close()]);
  rmSync(folder, { recursive: true, force: true });
});

const opened: { close(): Promise<void> }[] = [];
afterAll(async () => await Promise.all(opened.map((one) => one.close())));

function setEnv(env: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
}

function setAll(): void {
  setEnv({
    STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
    STRIPE_API_KEY: LOCAL_KEY,
    STRIPE_API_URL: stripe.url,
    KAFKA_BROKERS: brokers.join(','),
    REDIS_URL: redisUrl,
    TOPIC_PREFIX: prefix,
    SLACK_BOT_TOKEN: slack.botToken(),
    SLACK_APP_TOKEN: slack.appToken,
    SLACK_CHANNEL: slack.channels.alerts,
    SLACK_API_URL: slack.apiUrl,
    ...google.env,
    DECLINEWATCH_TOKENS: `ana:${TOKEN}`,
    DECLINEWATCH_PII_KEY: PII_KEY,
  });
}

async function doctor() {
  const { code, out } = await runCommand(doctorCommand, ['--json']);
  const { ok, checks } = JSON.parse(out) as { ok: boolean; checks: readonly DoctorLine[] };
  const of = (name: string): DoctorLine | undefined => checks.find((line) => line.name === name);
  return { code, ok, checks, of, wrong: checks.filter(({ state }) => state === 'wrong') };
}

/** As a person does who writes /invite @declinewatch. */
async function inviteBot(): Promise<void> {
  const answer = await fetch(`${slack.apiUrl}conversations.join`, {
    method: 'POST',
    headers: { authorization: `Bearer ${slack.botToken()}`, 'content-type': 'application/json' },
    body: JSON.stringify({ channel: slack.channels.alerts }),
  });
  expect(await answer.json()).toMatchObject({ ok: true });
}

async function kafkaTopics(): Promise<readonly string[]> {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const topics = await admin.listTopics();
  await admin.disconnect();
  return topics.filter((name) => name.startsWith(prefix));
}

describe('declinewatch doctor', () => {
  it('with nothing set finds nothing wrong, and says what that means', async () => {
    const { code, ok, of } = await doctor();
    expect([code, ok]).toEqual([0, true]);
    expect(of('STRIPE_WEBHOOK_SECRET')?.message).toContain('demo');
    expect(of('SLACK_BOT_TOKEN')?.state).toBe('unused');
  });

  it('with everything right has a line for each, changes nothing and prints no secret', async () => {
    setAll();
    expect((await doctor()).of('SLACK_CHANNEL')?.message).toContain('invite the bot');
    await inviteBot();
    const { code, checks, wrong, of } = await doctor();
    // A sheet that nobody has set up yet is said to be so.
    expect(wrong.map(({ name }) => name)).toEqual(['sheet setup']);
    expect(code).toBe(1);
    for (const { slug } of NEEDED_PERMISSIONS) expect(of(slug)?.state).toBe('fine');
    expect(of('STRIPE_API_KEY')?.message).toContain('read-only');
    expect(of(brokers[0] ?? '')?.message).toMatch(/^answers in \d+ ms$/);
    expect(of('topics')?.message).toContain('start makes them');
    expect(of('REDIS_URL')?.message).toMatch(/^Redis 7\./);
    expect(of('redis rights')?.state).toBe('fine');
    expect(of('redis latency')?.message).toContain('ms');
    expect(of('SLACK_CHANNEL')?.state).toBe('fine');
    expect(of('GOOGLE_SHEET_ID')?.state).toBe('fine');
    const { out } = await runCommand(doctorCommand, []);
    for (const text of [out, JSON.stringify(checks)])
      for (const secret of [WEBHOOK_SECRET, LOCAL_KEY, TOKEN, PII_KEY, slack.botToken(), slack.appToken])
        expect(text).not.toContain(secret);
    expect(out).toMatch(/\n\d+ checks: 1 wrong\n$/);
    expect(await kafkaTopics()).toEqual([]);
    for (const method of ['chat.postMessage', 'chat.update']) expect(slack.calls(method)).toEqual([]);
    const written = stripe.requests.filter(({ method }) => method !== 'GET').map(({ path }) => path);
    expect(new Set(written)).toEqual(new Set(['/v1/charges/ch_declinewatch_probe']));
    expect(google.incidentIds()).toEqual([]);
  });

  it('looks at each topic: partitions, retention, cleanup', async () => {
    setAll();
    const log = await openKafkaLog({
      brokers,
      clientId: 'test',
      topicPrefix: prefix,
      logger: pino({ level: 'silent' }),
    });
    opened.push(log);
    await log.ensureTopics();
    const before = await doctor();
    for (const { name, partitions } of Object.values(TOPICS))
      expect(before.of(`${prefix}${name}`)).toMatchObject({
        state: 'fine',
        message: expect.stringContaining(`${partitions} partition(s)`),
      });
    const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    const alter = async (topic: string, name: string, value: string): Promise<void> =>
      void (await admin.alterConfigs({
        validateOnly: false,
        resources: [{ type: 2, name: `${prefix}${topic}`, configEntries: [{ name, value }] }],
      }));
    await alter('attempts', 'retention.ms', String(7 * 86_400_000));
    await alter('incidents', 'cleanup.policy', 'compact');
    await admin.createPartitions({ topicPartitions: [{ topic: `${prefix}commands`, count: 2 }] });
    await admin.disconnect();
    const { code, of } = await doctor();
    expect(code).toBe(1);
    expect(of(`${prefix}attempts`)?.message).toContain('7 days, not 35 days');
    expect(of(`${prefix}incidents`)?.message).toContain('cleanup.policy is compact');
    expect(of(`${prefix}commands`)?.message).toContain('2 partitions, not 1');
  });

  it('tells Kafka’s and Redis’ failures apart', async () => {
    setAll();
    const [closed] = await freePorts(1);
    setEnv({ KAFKA_BROKERS: `${brokers[0]},127.0.0.1:${closed},no-such-host.invalid:9092` });
    setEnv({ REDIS_URL: `redis://127.0.0.1:${closed}` });
    const first = await doctor();
    expect(first.of(brokers[0] ?? '')?.state).toBe('fine');
    expect(first.of(`127.0.0.1:${closed}`)?.message).toContain('Nothing listens there');
    expect(first.of('no-such-host.invalid:9092')?.message).toContain('no such host');
    expect(first.of('REDIS_URL')?.message).toContain('Nothing listens there');
    // A server that is no Kafka and no Redis: it hangs up.
    const other = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { port: number };
    setEnv({ KAFKA_BROKERS: `127.0.0.1:${port}`, REDIS_URL: `redis://127.0.0.1:${port}` });
    const second = await doctor();
    expect(second.of('KAFKA_BROKERS')).toMatchObject({
      state: 'wrong',
      message: expect.stringContaining('KAFKA_TLS=true'),
    });
    expect(second.of('REDIS_URL')).toMatchObject({ state: 'wrong', message: expect.stringContaining('rediss://') });
    setEnv({ KAFKA_TLS: 'true', REDIS_URL: `rediss://127.0.0.1:${port}` });
    const third = await doctor();
    expect(third.of(`127.0.0.1:${port}`)?.message).toContain('does not answer as TLS');
    await new Promise((resolve) => other.close(resolve));
  });

  it('names every problem of the environment, one line each', async () => {
    setEnv({ KAFKA_BROKERS: 'one:9092', DECLINEWATCH_TYPO: '1' });
    const { code, wrong } = await doctor();
    expect(code).toBe(1);
    expect(wrong.map(({ name }) => name)).toEqual(['DECLINEWATCH_TYPO', 'REDIS_URL']);
  });

  it('names refused credentials, weak tokens, keys that others may read, and ports that are taken', async () => {
    setAll();
    const data = join(folder, 'data');
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { port: number };
    setEnv({
      KAFKA_BROKERS: undefined,
      REDIS_URL: undefined,
      STRIPE_WEBHOOK_SECRET: 'sk_live_not_a_signing_secret',
      STRIPE_API_KEY: 'rk_live_of_another',
      SLACK_BOT_TOKEN: 'xoxb-revoked',
      DECLINEWATCH_TOKENS: 'bo:short',
      DECLINEWATCH_DATA: folder,
      PORT: String(port),
    });
    google.state.share = 'reader';
    writeFileSync(join(folder, 'pii-key'), 'cd'.repeat(32));
    chmodSync(join(folder, 'pii-key'), 0o644);
    const { code, wrong } = await doctor();
    expect(code).toBe(1);
    expect(wrong.map(({ name }) => name).sort()).toEqual(
      [
        'DECLINEWATCH_TOKENS',
        'GOOGLE_SHEET_ID',
        'PORT',
        'SLACK_BOT_TOKEN',
        'SLACK_CHANNEL',
        'STRIPE_API_KEY',
        'STRIPE_WEBHOOK_SECRET',
        'pii-key',
      ].sort(),
    );
    expect(data).not.toBe(folder);
    await new Promise((resolve) => other.close(resolve));
  });

  it('names what is wrong with the detectors file and with a file that is no log', async () => {
    const file = join(folder, 'detectors.yaml');
    writeFileSync(file, 'detectors: [{ name: broken }]\n');
    writeFileSync(
      join(folder, 'declinewatch.db'),
      'this is no database, only text that is long enough to be looked at'.repeat(20),
    );
    setEnv({ DECLINEWATCH_DETECTORS: file, DECLINEWATCH_DATA: folder, STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET });
    const { of } = await doctor();
    expect(of('DECLINEWATCH_DETECTORS')).toMatchObject({ state: 'wrong', message: expect.stringContaining('problem') });
    expect(of('log')).toMatchObject({ state: 'wrong', message: expect.stringContaining('cannot be read') });
  });
});
