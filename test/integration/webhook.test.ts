// The webhook as Stripe meets it: the real server over a real embedded log, signed by Stripe's own package.
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { attemptOf, type MergedAttempt, mergeView } from '../../src/attempts/merge.ts';
import { decodeAttemptsRecord } from '../../src/attempts/wire.ts';
import { startWebhookServer, type WebhookServer, type WebhookServerOptions } from '../../src/ingest/webhook.ts';
import type { EventLog } from '../../src/log/event-log.ts';
import { type Clock, systemClock } from '../../src/model/clock.ts';
import { AppError } from '../../src/model/errors.ts';
import type { TopicName } from '../../src/model/topics.ts';
import { rawClient } from '../support/raw-http.ts';
import { SAMPLE_CONTEXT, SAMPLES, sample } from '../support/stripe-samples.ts';
import { SECRET, type SendOptions, send as sendSigned, signatureOf } from '../support/stripe-sender.ts';
import { openTempLog, type TempLog } from '../support/temp-log.ts';

/** A few seconds after the samples were made. */
const NOW_MS = 1_790_000_005_000;
const NOW_S = NOW_MS / 1000;
const clock: Clock = { ...systemClock, now: () => NOW_MS };

const TOPICS = ['attempts', 'stripe-events', 'dead-letters'] as const;

let temp: TempLog;
const servers: WebhookServer[] = [];
/** Where each topic ended when the test began: all share one log. */
const begins = new Map<TopicName, number>();

beforeAll(async () => {
  temp = await openTempLog(clock);
});

beforeEach(async () => {
  for (const topic of TOPICS) for (const { next } of await temp.log.ends(topic)) begins.set(topic, next);
});

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

afterAll(async () => {
  await temp.close();
});

async function start(options: Partial<WebhookServerOptions> = {}): Promise<WebhookServer> {
  const server = await startWebhookServer({
    log: temp.log,
    clock,
    logger: pino({ level: 'silent' }),
    host: '127.0.0.1',
    port: 0,
    secrets: [SECRET],
    context: () => SAMPLE_CONTEXT,
    latenessMs: () => 72 * 3_600_000,
    ...options,
  });
  servers.push(server);
  return server;
}

const send = async ({ url }: WebhookServer, event: unknown, options: SendOptions = {}) =>
  await sendSigned(url, event, { timestamp: NOW_S, ...options });

async function recordsOf(topic: TopicName) {
  const found = [];
  for await (const page of temp.log.read(topic, 0, begins.get(topic) ?? 0)) found.push(...page);
  return found;
}

async function counts(): Promise<readonly number[]> {
  return await Promise.all(TOPICS.map(async (topic) => (await recordsOf(topic)).length));
}

const invalid = { status: 400, body: { error: expect.objectContaining({ code: 'invalid_request', details: [] }) } };
const recorded = { status: 200, body: { received: true } };

describe('a good webhook', () => {
  it('is answered 200 once the log has the event and its view', async () => {
    const server = await start();
    expect(await send(server, sample('endive-charge-failed'))).toEqual(recorded);
    const [attempt] = await recordsOf('attempts');
    expect(attempt).toMatchObject({ key: 'self/live', timeMs: NOW_MS });
    expect(decodeAttemptsRecord(attempt?.value ?? '')).toMatchObject({
      record: 'view',
      lane: 'live',
      attempt: 'ch_e01',
      receivedAt: NOW_MS,
      fields: { card: 'fpVisa4242', result: { outcome: 'declined', code: 'do_not_honor', class: 'G' } },
    });
    const [stored] = await recordsOf('stripe-events');
    expect(stored?.key).toBe('evt_e01');
    expect(JSON.parse(stored?.value ?? '')).toMatchObject({ v: 1, event: { id: 'evt_e01', type: 'charge.failed' } });
    expect(await counts()).toEqual([1, 1, 0]);
    expect(server.status()).toMatchObject({
      outcomes: { view: 1 },
      lastAcceptedAt: NOW_MS,
      isListening: true,
      waiting: 0,
    });
  });

  it('of every sample is answered 200, and no secret reaches the log', async () => {
    const server = await start();
    const events = SAMPLES.map(({ file }) => sample(file.replace(/\.json$/, '')));
    const answers = await Promise.all(events.map((event) => send(server, event)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    const isEnvelope = ({ file }: { file: string }): boolean => /^event(bridge|grid)/.test(file);
    const plain = SAMPLES.filter((entry) => !isEnvelope(entry));
    const countable = plain.filter(({ expect: { kind } }) => kind === 'view' || kind === 'signal');
    // The dated samples of 3600 s later are within an hour, so further ahead than 5 minutes.
    const ahead = events.filter(({ created }) => Number(created) > NOW_S + 300).length;
    const bad = plain.filter(({ expect: { kind } }) => kind === 'bad').length + (SAMPLES.length - plain.length);
    expect(await counts()).toEqual([countable.length - ahead, SAMPLES.length, bad + ahead]);
    for (const topic of TOPICS)
      for (const { value } of await recordsOf(topic)) expect(value).not.toMatch(/_secret_|Jenny Example|Main Street/);
  });

  it('sent twice is there twice and counts once', async () => {
    const server = await start();
    for (const name of ['endive-intent-failed-blocked', 'endive-charge-failed-blocked', 'endive-intent-failed-blocked'])
      expect(await send(server, sample(name))).toEqual(recorded);
    expect(await counts()).toEqual([3, 3, 0]);
    const merged = (await recordsOf('attempts')).reduce<MergedAttempt | undefined>((state, { value }) => {
      const record = decodeAttemptsRecord(value);
      return record.record === 'view' ? mergeView(state, record) : state;
    }, undefined);
    expect(merged && attemptOf(merged)).toMatchObject({ id: 'ch_e04', fields: { result: { outcome: 'blocked' } } });
  });

  it('uses the metadata and the lateness in force at that moment', async () => {
    const now = { metadata: { ip: null as string | null, keys: ['plan'] }, latenessMs: 1_000 };
    const server = await start({ context: () => now, latenessMs: () => now.latenessMs });
    const event = sample('2026-08-26-dahlia-charge-failed-metadata');
    await send(server, event);
    now.metadata = { ip: 'client_ip', keys: [] };
    now.latenessMs = 60_000;
    await send(server, event);
    const views = (await recordsOf('attempts')).map(({ value }) => decodeAttemptsRecord(value));
    expect(views[0]).toMatchObject({ lane: 'history', fields: { metadata: { plan: 'pro' } } });
    expect(views[1]).toMatchObject({ lane: 'live', fields: { ip: '2001:db8:1:2::/64' } });
  });

  it('may come in many at once', async () => {
    const server = await start();
    const event = sample('endive-charge-failed');
    const answers = await Promise.all(
      Array.from({ length: 300 }, async (_, n) => {
        const object = { ...event.data.object, id: `ch_${n}` };
        return await send(server, { ...event, id: `evt_${n}`, data: { object } });
      }),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(300);
    const ids = (await recordsOf('attempts')).map(({ value }) => decodeAttemptsRecord(value));
    expect(new Set(ids.map((one) => (one.record === 'view' ? one.attempt : ''))).size).toBe(300);
  });
});

describe('a signature', () => {
  const event = () => sample('endive-charge-failed');
  const secrets = ['whsec_old', SECRET, 'whsec_connect'];

  it.each(secrets)('by one of several secrets is good: %s', async (secret) => {
    expect(await send(await start({ secrets }), event(), { secret })).toEqual(recorded);
  });

  it.each([
    ['wrong', { secret: 'whsec_other' }, 'bad_signature'],
    ['missing', { signature: null }, 'missing_signature'],
    ['expired', { timestamp: NOW_S - 301 }, 'expired_signature'],
    ['from the future', { timestamp: NOW_S + 301 }, 'future_signature'],
    ['of another body', { signature: signatureOf('{}', { timestamp: NOW_S }) }, 'bad_signature'],
    ['that is no signature', { signature: 'hello' }, 'bad_signature'],
  ] satisfies [string, SendOptions, string][])(
    'that is %s is refused and leaves nothing',
    async (_, options, outcome) => {
      const server = await start();
      expect(await send(server, event(), options)).toEqual(invalid);
      expect(await counts()).toEqual([0, 0, 0]);
      expect(server.status()).toMatchObject({ outcomes: { [outcome]: 1 }, lastAcceptedAt: null });
    },
  );

  it.each([-300, 300])('%d s away is good', async (offset) => {
    expect(await send(await start(), event(), { timestamp: NOW_S + offset })).toEqual(recorded);
  });

  it('is refused if there is no secret', async () => {
    expect(await send(await start({ secrets: [] }), event())).toEqual(invalid);
  });

  it.each(['eventbridge-charge-failed', 'eventgrid-charge-failed'])(
    'must be there: unsigned %s is refused',
    async (name) => {
      expect(await send(await start(), sample(name), { signature: null })).toEqual(invalid);
      expect(await counts()).toEqual([0, 0, 0]);
    },
  );

  it('names the cure', async () => {
    const { body } = await send(await start(), event(), { secret: 'whsec_other' });
    expect(body).toMatchObject({ error: { help: expect.stringContaining('STRIPE_WEBHOOK_SECRET') } });
  });
});

describe('a body', () => {
  it.each(['not json', '{"id":', '', '\ufeff{}'])('that is not JSON is refused: %j', async (text) => {
    expect(await send(await start(), text)).toEqual(invalid);
    expect(await counts()).toEqual([0, 0, 0]);
  });

  it.each([
    ['a list', [1, 2], 'not_an_event'],
    ['a text', '"evt_1"', 'not_an_event'],
    ['null', 'null', 'not_an_event'],
    ['another object', { id: 'x', object: 'charge' }, 'not_an_event'],
    ['an event without an object', sample('no-object'), 'no_object'],
    ['a charge without an id', sample('no-charge-id'), 'no_id'],
    ['a thin notification', sample('thin-notification'), 'thin_notification'],
    ['a signed envelope', sample('eventbridge-charge-failed'), 'not_an_event'],
    ['an event of tomorrow', { ...sample('endive-intent-failed'), created: NOW_S + 86_400 }, 'dated_ahead'],
  ])('that is signed and is %s is taken and put aside', async (_, value, reason) => {
    const server = await start();
    expect(await send(server, value)).toEqual(recorded);
    expect(await counts()).toEqual([0, 1, 1]);
    const [letter] = await recordsOf('dead-letters');
    const offset = begins.get('stripe-events');
    expect(letter?.key).toBe(`stripe-events/0/${offset}`);
    expect(JSON.parse(letter?.value ?? '')).toMatchObject({
      v: 1,
      source: 'stripe-events',
      offset,
      reason,
      tries: 1,
    });
  });

  it.each([
    ['an unknown type', sample('unknown-type'), [0, 1, 0]],
    ['an unknown version', sample('unknown-version-charge-failed'), [1, 1, 0]],
    ['fields of wrong types', sample('wrong-types'), [1, 1, 0]],
    ['hostile strings', sample('hostile-strings'), [1, 1, 0]],
    ['5,000 levels', `{"object":"event","data":${'['.repeat(5_000)}${']'.repeat(5_000)}}`, [0, 1, 1]],
  ])('with %s is taken', async (_, value, expected) => {
    const server = await start();
    expect(await send(server, value)).toEqual(recorded);
    expect(await counts()).toEqual(expected);
  });

  it('of nearly 1 MiB is taken, whatever it holds', async () => {
    const server = await start();
    const event = (note: string) => ({ ...sample('endive-charge-failed'), note });
    for (const filling of ['x', '\u0000', '\u{1f4a9}', '"']) {
      const unit = JSON.stringify(filling).length - 2;
      const bytes = Math.max(unit, Buffer.byteLength(filling));
      expect(await send(server, event(filling.repeat(Math.floor(1_040_000 / bytes))))).toEqual(recorded);
    }
    expect(await counts()).toEqual([4, 4, 0]);
  });

  it('of 2 MiB is refused', async () => {
    const server = await start();
    const tooLarge = { status: 413, body: { error: expect.objectContaining({ code: 'too_large' }) } };
    expect(await send(server, { ...sample('endive-charge-failed'), note: 'x'.repeat(2_097_152) })).toEqual(tooLarge);
    expect(await counts()).toEqual([0, 0, 0]);
    expect(server.status().outcomes).toEqual({ too_large: 1 });
    expect(await send(server, sample('endive-charge-failed'))).toEqual(recorded);
  });

  const head = (...lines: string[]): string =>
    ['POST /webhooks/stripe HTTP/1.1', 'Host: x', ...lines, '', ''].join('\r\n');
  const signed = `Stripe-Signature: ${signatureOf('x', { timestamp: NOW_S })}`;

  it('that says it is larger is not waited for', async () => {
    const { port } = await start();
    const client = await rawClient(port);
    client.write(head(signed, 'Content-Length: 1000000000'));
    expect(await client.heard(/too_large/)).toMatch(/^HTTP\/1\.1 413 /);
    expect(await client.answer).toContain('Connection: close');
  });

  it('that asks whether it may come is told no', async () => {
    const { port } = await start();
    const client = await rawClient(port);
    client.write(head(signed, 'Content-Length: 2097152', 'Expect: 100-continue'));
    expect(await client.answer).toMatch(/^HTTP\/1\.1 413 /);
    const polite = await rawClient(port);
    polite.write(head(signed, 'Content-Length: 1', 'Expect: 100-continue'));
    await polite.heard(/^HTTP\/1\.1 100 /);
    polite.write('x');
    expect(await polite.heard(/ 400 /)).toContain('not JSON');
    polite.end();
  });

  it('that grows beyond 1 MiB without having said so is cut off', async () => {
    const server = await start();
    const client = await rawClient(server.port);
    client.write(head(signed, 'Transfer-Encoding: chunked'));
    const chunk = `${(262_144).toString(16)}\r\n${'x'.repeat(262_144)}\r\n`;
    for (let sent = 0; sent < 5; sent++) client.write(chunk);
    expect(await client.heard(/too_large/)).toMatch(/^HTTP\/1\.1 413 /);
    await client.answer;
    expect(server.status().outcomes).toEqual({ too_large: 1 });
  });

  it('that breaks off leaves nothing', async () => {
    const server = await start();
    const client = await rawClient(server.port);
    client.write(`${head(signed, 'Content-Length: 100')}{"half":`);
    await expect.poll(() => server.status().inFlight).toBe(1);
    client.end();
    await expect.poll(() => server.status().outcomes).toEqual({ broken_body: 1 });
    expect(await counts()).toEqual([0, 0, 0]);
  });
});

describe('slow and many clients', () => {
  it('a request that does not arrive in time is cut', async () => {
    const { port, status } = await start({ limits: { requestMs: 300 } });
    const clients = await Promise.all([rawClient(port), rawClient(port), rawClient(port)]);
    clients[0]?.write('POST /webhooks/stripe HTTP/1.1\r\nHost: x\r\n');
    clients[1]?.write(`POST /webhooks/stripe HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n`);
    clients[1]?.write(`Stripe-Signature: ${signatureOf('x', { timestamp: NOW_S })}\r\n\r\n{`);
    for (const client of clients.slice(0, 2)) expect(await client.answer).toMatch(/^HTTP\/1\.1 408 /);
    await expect.poll(() => status().inFlight).toBe(0);
    for (const client of clients) client.end();
  });

  it('headers that are too large are refused', async () => {
    const { port } = await start();
    const client = await rawClient(port);
    client.write(`POST /webhooks/stripe HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`);
    expect(await client.answer).toMatch(/^HTTP\/1\.1 431 /);
  });

  it('more connections than the bound are not taken', async () => {
    const server = await start({ limits: { connections: 1 } });
    const first = await rawClient(server.port);
    first.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    await first.heard(/200 OK/);
    const second = await rawClient(server.port);
    expect(await second.answer).toBe('');
    first.end();
    await first.answer;
    await expect.poll(async () => (await fetch(`${server.url}/healthz`).catch(() => null))?.status).toBe(200);
  });
});

describe('when the log is away', () => {
  const away = new AppError('log_unavailable', 'The disk is full.', { retriable: true });
  const unavailable = { status: 503, body: { error: expect.objectContaining({ code: 'log_unavailable' }) } };

  it('the answer is 503, and 200 once it is back', async () => {
    let isAway = true;
    const append: EventLog['append'] = async (topic, records) => {
      if (isAway) throw away;
      return await temp.log.append(topic, records);
    };
    const server = await start({ log: { append } });
    expect(await send(server, sample('endive-charge-failed'))).toEqual(unavailable);
    isAway = false;
    expect(await send(server, sample('endive-charge-failed'))).toEqual(recorded);
    expect(server.status().outcomes).toEqual({ log_unavailable: 1, view: 1 });
    expect(await counts()).toEqual([1, 1, 0]);
  });

  it.each(TOPICS)('for %s alone, nothing is said to be recorded', async (broken) => {
    const append: EventLog['append'] = async (topic, records) => {
      if (topic === broken) throw away;
      return await temp.log.append(topic, records);
    };
    const server = await start({ log: { append } });
    const event = sample(broken === 'dead-letters' ? 'thin-notification' : 'endive-charge-failed');
    expect(await send(server, event)).toEqual(unavailable);
  });

  it('and does not even answer, the wait is bounded', async () => {
    const append: EventLog['append'] = async () => await new Promise(() => undefined);
    const server = await start({ log: { append }, limits: { appendWaitMs: 50 } });
    expect(await send(server, sample('endive-charge-failed'))).toEqual(unavailable);
    expect(await send(server, sample('endive-charge-failed'))).toEqual(unavailable);
  });
});

describe('closing', () => {
  /** A log that waits to be let go. */
  function heldLog() {
    let letGo = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const append: EventLog['append'] = async (topic, records) => {
      await held;
      return await temp.log.append(topic, records);
    };
    return { log: { append }, letGo: () => letGo() };
  }

  it('answers what is in flight, takes nothing new, and is down', async () => {
    const { log, letGo } = heldLog();
    const server = await start({ log });
    const answers = [send(server, sample('endive-charge-failed')), send(server, sample('endive-intent-failed'))];
    await expect.poll(() => server.status().waiting).toBe(2);
    const closed = server.close();
    expect(server.status().isListening).toBe(false);
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow();
    letGo();
    expect(await Promise.all(answers)).toEqual([recorded, recorded]);
    await closed;
    expect(await counts()).toEqual([2, 2, 0]);
  });

  it('answers 503 to whoever waits for a log that does not come back', async () => {
    const server = await start({ log: heldLog().log, limits: { appendWaitMs: 60_000 } });
    const answer = send(server, sample('endive-charge-failed'));
    await expect.poll(() => server.status().waiting).toBe(1);
    await server.close();
    expect((await answer).status).toBe(503);
  });

  it('does not wait for an idle connection, nor for one that never finishes its request', async () => {
    const server = await start();
    const idle = await rawClient(server.port);
    idle.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    await idle.heard(/200 OK/);
    const half = await rawClient(server.port);
    half.write('POST /webhooks/stripe HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n');
    await server.close();
    await Promise.all([idle.answer, half.answer]);
    await server.close();
  });
});

describe('the rest of the port', () => {
  it('in use is an error that names the cure', async () => {
    const { port } = await start();
    await expect(start({ port })).rejects.toMatchObject({ code: 'port_in_use', help: expect.stringContaining('PORT') });
  });

  it('on an address that is not of this machine is an error that names the cure', async () => {
    await expect(start({ host: '203.0.113.1' })).rejects.toMatchObject({
      code: 'listen_failed',
      help: expect.stringContaining('HOST'),
    });
  });

  it('answers anything else with an error in JSON', async () => {
    const { url } = await start();
    const nothing = await fetch(`${url}/api/incidents`);
    expect(nothing.status).toBe(404);
    expect(await nothing.json()).toMatchObject({ error: { code: 'not_found', details: [] } });
    const wrong = await fetch(`${url}/webhooks/stripe`);
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST']);
    expect(await wrong.json()).toMatchObject({ error: { code: 'method_not_allowed' } });
  });

  it('says whether it is well', async () => {
    let ok = true;
    const { url } = await start({ health: () => ({ ok, body: { ok } }) });
    const well = await fetch(`${url}/healthz?x=1`);
    expect([well.status, await well.json()]).toEqual([200, { ok: true }]);
    ok = false;
    expect((await fetch(`${url}/healthz`)).status).toBe(503);
    expect((await fetch(`${url}/healthz`, { method: 'HEAD' })).status).toBe(503);
  });

  it('has the further routes that are hung in, and one that fails harms nobody', async () => {
    const { url } = await start({
      extra: [
        { method: 'POST', path: '/slack/events', handle: (_req, res) => void res.writeHead(204).end() },
        { method: 'POST', path: '/fails', handle: async () => await Promise.reject(new Error('broken')) },
      ],
    });
    expect((await fetch(`${url}/slack/events`, { method: 'POST', body: 'x' })).status).toBe(204);
    const failed = await fetch(`${url}/fails`, { method: 'POST', body: 'x' });
    expect([failed.status, await failed.json()]).toMatchObject([500, { error: { code: 'internal' } }]);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });
});

describe('what is told', () => {
  it('is one line a reason in ten seconds, without anything of the body', async () => {
    const lines: string[] = [];
    let now = NOW_MS;
    const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
    const server = await start({ logger, clock: { ...systemClock, now: () => now } });
    for (let n = 0; n < 5; n++) await send(server, sample('endive-charge-failed'), { secret: 'whsec_other' });
    await send(server, sample('thin-notification'));
    await send(server, sample('endive-charge-failed'));
    now += 10_000;
    await send(server, sample('hostile-strings'), { secret: 'whsec_other' });
    const told = lines.map((line) => JSON.parse(line) as { reason: string; before: number; msg: string });
    expect(told.map(({ reason, before }) => [reason, before])).toEqual([
      ['bad_signature', 0],
      ['thin_notification', 0],
      ['bad_signature', 4],
    ]);
    expect(told[1]?.msg).toContain('snapshot');
    expect(lines.join()).not.toMatch(/jenny|whsec|cmd|evil/i);
  });

  it('is counted by outcome, and dead letters by reason', async () => {
    const counted: string[] = [];
    const metrics = {
      answered: (outcome: string) => void counted.push(outcome),
      deadLettered: (reason: string) => void counted.push(`dead:${reason}`),
    };
    const server = await start({ metrics });
    await send(server, sample('endive-charge-failed'));
    await send(server, sample('endive-review-opened'));
    await send(server, sample('unknown-type'));
    await send(server, sample('no-object'));
    await send(server, 'x');
    expect(counted).toEqual(['view', 'signal', 'ignored', 'dead:no_object', 'dead_letter', 'not_json']);
  });
});
