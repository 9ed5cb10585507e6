// The webhook as Stripe meets it: the real server over a real embedded log, signed by Stripe's own package.
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeAttemptsRecord } from '../../src/attempts/wire.ts';
import { startWebhookServer, type WebhookServer, type WebhookServerOptions } from '../../src/ingest/webhook.ts';
import type { EventLog } from '../../src/log/event-log.ts';
import { systemClock } from '../../src/model/clock.ts';
import type { TopicName } from '../../src/model/topics.ts';
import { SECRET, send } from '../support/stripe-sender.ts';
import { openTempLog, type TempLog } from '../support/temp-log.ts';

let temp: TempLog;
const servers: WebhookServer[] = [];

beforeEach(async () => {
  temp = await openTempLog();
});

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
  await temp.close();
});

async function start(options: Partial<WebhookServerOptions> = {}): Promise<WebhookServer> {
  const server = await startWebhookServer({
    log: temp.log,
    clock: systemClock,
    logger: pino({ level: 'silent' }),
    host: '127.0.0.1',
    port: 0,
    secrets: [SECRET],
    context: () => ({ metadata: { ip: 'client_ip', keys: ['plan'] } }),
    latenessMs: () => 72 * 3_600_000,
    ...options,
  });
  servers.push(server);
  return server;
}

async function recordsOf(log: EventLog, topic: TopicName) {
  const found = [];
  for await (const page of log.read(topic, 0, 0)) found.push(...page);
  return found;
}

const nowS = (): number => Math.floor(Date.now() / 1000);

function chargeFailed(id = 'ch_1', created = nowS()) {
  return {
    id: `evt_${id}`,
    object: 'event',
    api_version: '2026-10-28.endive',
    created,
    livemode: true,
    type: 'charge.failed',
    data: {
      object: {
        id,
        object: 'charge',
        amount: 4_200,
        currency: 'eur',
        created,
        outcome: { type: 'issuer_declined', reason: 'do_not_honor' },
        failure_code: 'card_declined',
        payment_method_details: { type: 'card', card: { fingerprint: 'fp1', brand: 'visa' } },
      },
    },
  };
}

describe('a good webhook', () => {
  it('is answered 200 once the log has the event and its view', async () => {
    const { url } = await start();
    expect(await send(url, chargeFailed())).toEqual({ status: 200, body: { received: true } });
    const [attempt] = await recordsOf(temp.log, 'attempts');
    expect(attempt?.key).toBe('self/live');
    expect(decodeAttemptsRecord(attempt?.value ?? '')).toMatchObject({
      record: 'view',
      lane: 'live',
      attempt: 'ch_1',
      fields: { card: 'fp1', result: { outcome: 'declined', code: 'do_not_honor', class: 'G' } },
    });
    const [stored] = await recordsOf(temp.log, 'stripe-events');
    expect(stored?.key).toBe('evt_ch_1');
    expect(JSON.parse(stored?.value ?? '')).toMatchObject({ v: 1, event: { id: 'evt_ch_1', type: 'charge.failed' } });
    expect(await recordsOf(temp.log, 'dead-letters')).toEqual([]);
  });
});
