// An erase over Kafka and Redis, in separate processes: Kafka keeps what it has, so every reader leaves the person out; Redis is
// emptied of them, and stays so when the windows are lost and read from the log again.
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { eraseCommand } from '../../src/cli/erase.ts';
import type { EraseStatus } from '../../src/model/erase-status.ts';
import type { IncidentJson } from '../../src/model/incident.ts';
import { declineOf, declinesPer, expectErased, lasting, personOf } from '../support/erase-person.ts';
import { eventually } from '../support/eventually.ts';
import { createInstallation, type Installation, type RunningProcess, WEBHOOK_SECRET } from '../support/installation.ts';
import { sharedKafka, sharedRedis } from '../support/services.ts';
import { send } from '../support/stripe-sender.ts';
import { runCommand } from '../unit/cli/run-command.ts';

const PERSON = personOf('marked');
const PREFIX = `erase-${process.pid}-${Date.now()}.`;

let installation: Installation;
let detecting: RunningProcess;
let responding: RunningProcess;
let redis: Redis;

async function post(id: string): Promise<void> {
  const root = detecting.webhookUrl.replace(/\/webhooks\/stripe$/, '');
  expect((await send(root, declineOf(id, PERSON), { secret: WEBHOOK_SECRET })).status).toBe(200);
}

async function get<T>(path: string): Promise<T> {
  return (await (await fetch(`${responding.consoleUrl}${path}`)).json()) as T;
}

const incidents = async (): Promise<readonly IncidentJson[]> =>
  (await get<{ readonly incidents: readonly IncidentJson[] }>('/api/incidents')).incidents;

/** Everything that Redis has of this installation. */
async function stored(): Promise<string> {
  const texts: string[] = [];
  for (const key of await redis.keys(`*${PREFIX}*`)) {
    const type = await redis.type(key);
    if (type === 'hash') texts.push(JSON.stringify(await redis.hgetall(key)));
    if (type === 'list') texts.push(...(await redis.lrange(key, 0, -1)));
    if (type === 'zset') texts.push(...(await redis.zrange(key, 0, -1)));
    texts.push(key);
  }
  return texts.join('\n');
}

const marksIn = (text: string): string[] => Object.values(PERSON).filter((mark) => text.includes(mark));

async function verified(): Promise<void> {
  type Body = {
    readonly running: unknown;
    readonly last: { readonly result: { readonly differences: unknown[] } } | null;
  };
  await eventually(
    async () => {
      await fetch(`${responding.consoleUrl}/api/verify`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ since: '1d' }),
      });
      const { last } = await eventually(
        async () => {
          const body = await get<Body>('/api/verify');
          return body.running === null ? body : null;
        },
        { what: 'a verification', withinMs: 60_000 },
      );
      return last?.result.differences.length === 0;
    },
    { what: 'no difference', withinMs: 120_000, everyMs: 500, told: async () => await get('/api/verify') },
  );
}

async function start(): Promise<void> {
  responding = await installation.start(['--no-demo', '--roles', 'respond']);
  detecting = await installation.start(['--no-demo', '--roles', 'ingest,detect']);
  vi.stubEnv('DECLINEWATCH_URL', responding.consoleUrl);
}

beforeAll(async () => {
  const [kafka, { url }] = await Promise.all([sharedKafka(), sharedRedis()]);
  redis = new Redis(url);
  installation = createInstallation({
    detectors: declinesPer('customer', 'email', 'card'),
    env: { KAFKA_BROKERS: kafka.brokers.join(','), REDIS_URL: url, TOPIC_PREFIX: PREFIX },
  });
  await start();
  for (let n = 0; n < 4; n += 1) await post(`person${n}`);
  await eventually(async () => (await incidents()).filter(({ attemptCount }) => attemptCount === 4).length === 3, {
    what: 'an incident of each key',
    withinMs: 90_000,
    told: async () => [await incidents(), detecting.output().slice(-2_000), responding.output().slice(-2_000)],
  });
}, 240_000);

afterAll(async () => {
  vi.unstubAllEnvs();
  await installation?.close();
  redis?.disconnect();
});

describe('an erase over Kafka and Redis', () => {
  it('renames every incident, empties Redis of the person, and changes no count', async () => {
    const before = await incidents();
    expect(marksIn(await stored())).toEqual(Object.values(PERSON));
    const { code, out, err } = await runCommand(eraseCommand, ['--email', PERSON.email, '--yes', '--json']);
    expect([code, err]).toEqual([0, '']);
    const { erase } = JSON.parse(out) as { readonly erase: EraseStatus };
    expect(erase.found).toMatchObject({ attempts: 4, values: { customer: 1, email: 1, card: 1 } });
    await eventually(async () => (await stored()).includes('erased-') && marksIn(await stored()).length === 0, {
      what: 'Redis without the person',
      withinMs: 90_000,
      told: async () => [marksIn(await stored()), detecting.output().slice(-2_000)],
    });
    const after = await incidents();
    expect(lasting(after)).toEqual(lasting(before));
    expect(after.length).toBe(3);
    expectErased(after);
    await verified();
  }, 240_000);

  it('stays so after a restart with the windows lost: nothing opens, nothing comes back', async () => {
    const before = await incidents();
    await Promise.all([detecting.kill(), responding.kill()]);
    for (const key of await redis.keys(`*${PREFIX}*`)) await redis.unlink(key);
    await start();
    await eventually(async () => (await stored()).includes('erased-'), {
      what: 'windows made anew from the log',
      withinMs: 90_000,
      told: async () => detecting.output().slice(-2_000),
    });
    await verified();
    expect(marksIn(await stored())).toEqual([]);
    expect(lasting(await incidents())).toEqual(lasting(before));
    expect(marksIn(JSON.stringify(await incidents()))).toEqual([]);
    expect(await runCommand(eraseCommand, ['--customer', PERSON.customer, '--dry-run'])).toMatchObject({
      code: 0,
      out: 'Nothing is known of this customer.\n',
    });
  }, 240_000);

  it('who comes again is somebody new', async () => {
    const before = (await incidents()).map(({ id }) => id);
    for (let n = 0; n < 3; n += 1) await post(`again${n}`);
    const again = await eventually(
      async () => {
        const own = (await incidents()).filter(({ id }) => !before.includes(id));
        return own.length === 3 ? own : null;
      },
      { what: 'an incident of each key', withinMs: 90_000, told: incidents },
    );
    expect(again.map(({ attemptCount }) => attemptCount)).toEqual([3, 3, 3]);
    expect(again.map(({ entity }) => entity.value)).toEqual(expect.arrayContaining([PERSON.customer, PERSON.card]));
  }, 120_000);
});
