// Over a real embedded log, the real acceptor and the real SDK against a local Stripe.
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { decodeAttemptsRecord } from '../../../src/attempts/wire.ts';
import { createAcceptor } from '../../../src/ingest/accept.ts';
import { type Enrichment, startEnrichment } from '../../../src/ingest/enrich.ts';
import { createStripeApi } from '../../../src/ingest/stripe-client.ts';
import { encode } from '../../../src/log/codec.ts';
import type { View } from '../../../src/model/attempt.ts';
import {
  eagerClock,
  eventOf,
  failedCharge,
  LOCAL_KEY,
  type LocalStripeOptions,
  startLocalStripe,
} from '../../support/local-stripe.ts';
import { openTempLog } from '../../support/temp-log.ts';

const DAY_S = 86_400;
const LATENESS_MS = 3 * DAY_S * 1000;
const nowS = Math.floor(Date.now() / 1000);

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function setUp(options: LocalStripeOptions = {}) {
  const { log, close } = await openTempLog();
  await log.ensureTopics();
  const stripe = await startLocalStripe(options);
  const clock = eagerClock();
  const api = createStripeApi({ apiKey: LOCAL_KEY, apiUrl: stripe.url, clock });
  open.push({ close }, stripe, api);
  const acceptor = createAcceptor({
    log,
    context: () => ({ metadata: { ip: null, keys: [] } }),
    latenessMs: () => LATENESS_MS,
  });
  const start = async (): Promise<Enrichment> => {
    const logger = pino({ level: 'silent' });
    const enrichment = await startEnrichment({ log, api, acceptor, latenessMs: () => LATENESS_MS, clock, logger });
    open.push(enrichment);
    return enrichment;
  };
  const views = async (): Promise<View[]> => {
    const found: View[] = [];
    for await (const page of log.read('attempts', 0, 0))
      for (const { value } of page) {
        const record = decodeAttemptsRecord(value);
        if (record.record === 'view') found.push(record);
      }
    return found;
  };
  const take = async (...events: unknown[]): Promise<void> => {
    await acceptor.accept(events, { receivedAt: Date.now() });
  };
  return { log, stripe, start, views, take };
}

/** Waits until so many signals have been handled. */
async function handled(enrichment: Enrichment, count: number): Promise<ReturnType<Enrichment['status']>['outcomes']> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const { outcomes, waiting } = enrichment.status();
    if (Object.values(outcomes).reduce((a, b) => a + b, 0) >= count) return outcomes;
    if (Date.now() > deadline)
      throw new Error(`Only ${JSON.stringify(outcomes)} so far; waiting: ${JSON.stringify(waiting)}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const oldCharge = (name: string) =>
  failedCharge(name, nowS - 20 * DAY_S, {
    status: 'succeeded',
    outcome: { type: 'authorized' },
    billing_details: { email: 'A@Example.com', name: 'Not Kept' },
  });

const warning = (n: number, charge: string | null, over: Record<string, unknown> = {}) => ({
  ...eventOf(`evt_efw_${n}`, 'radar.early_fraud_warning.created', {
    created: nowS - 10 + n,
    object: { id: `issfr_${n}`, object: 'radar.early_fraud_warning', charge, fraud_type: 'misc' },
  }),
  ...over,
});

describe('a signal whose charge is not known', () => {
  it('has it read once, as one more view of the attempt', async () => {
    const { stripe, start, views, take } = await setUp();
    const { charge } = oldCharge('1');
    stripe.addCharge(charge);
    const enrichment = await start();
    await take(warning(1, 'ch_1'), warning(2, 'ch_1'));
    expect(await handled(enrichment, 2)).toEqual({ read: 1, known: 1 });
    expect(await views()).toMatchObject([
      {
        attempt: 'ch_1',
        event: 'charge:ch_1',
        time: charge.created,
        fields: { card: 'fp_1', customer: 'cus_1', email: 'a@example.com' },
      },
    ]);
    expect(stripe.requests.map(({ path }) => path)).toEqual(['/v1/charges/ch_1']);
    expect(enrichment.status()).toMatchObject({ behind: expect.any(Number), waiting: null });
  });

  it('of a connected account is read as that account', async () => {
    const { stripe, start, views, take } = await setUp({ connected: ['acct_1'] });
    stripe.addCharge(oldCharge('1').charge, 'acct_1');
    const enrichment = await start();
    await take(warning(1, 'ch_1', { account: 'acct_1' }), warning(2, 'ch_1'));
    expect(await handled(enrichment, 2)).toEqual({ read: 1, not_found: 1 });
    expect(await views()).toMatchObject([{ account: 'acct_1', attempt: 'ch_1' }]);
  });

  it('is read again after a restart, and is the same view', async () => {
    const { stripe, start, views, take } = await setUp();
    stripe.addCharge(oldCharge('1').charge);
    const first = await start();
    await take(warning(1, 'ch_1'));
    await handled(first, 1);
    await first.close();
    // Also if the view of the first life is not read before the signal.
    const again = await start();
    await take(warning(2, 'ch_1'));
    await handled(again, 1);
    const all = await views();
    expect(all.length).toBeGreaterThanOrEqual(1);
    for (const { receivedAt: _, ...view } of all) expect(view).toEqual({ ...all[0], receivedAt: undefined });
  });
});

describe('no read is spent', () => {
  it('on a charge that has just been seen', async () => {
    const { stripe, start, take } = await setUp();
    const enrichment = await start();
    await take(failedCharge('1', nowS - 60).event, warning(1, 'ch_1'));
    expect(await handled(enrichment, 1)).toEqual({ known: 1 });
    expect(stripe.requests).toEqual([]);
  });

  it('but on one whose event came too late for the live lane, for a signal of today', async () => {
    const { stripe, start, take } = await setUp();
    const { charge, event } = oldCharge('1');
    stripe.addCharge(charge);
    const enrichment = await start();
    await take({ ...event, type: 'charge.succeeded' }, warning(1, 'ch_1'));
    expect(await handled(enrichment, 1)).toEqual({ read: 1 });
  });

  it('on refunds: the charge stands in charge.refunded', async () => {
    const { stripe, start, views, take } = await setUp();
    const { charge } = oldCharge('1');
    const enrichment = await start();
    const refund = { id: 're_1', object: 'refund', charge: 'ch_2', amount: 5, currency: 'usd' };
    await take(
      eventOf('evt_1', 'charge.refunded', { created: nowS, object: { ...charge, amount_refunded: 5 } }),
      eventOf('evt_2', 'refund.created', { created: nowS, object: refund }),
    );
    expect(await handled(enrichment, 2)).toEqual({ in_event: 1, refund: 1 });
    expect(await views()).toMatchObject([{ attempt: 'ch_1', event: 'charge:ch_1', fields: { card: 'fp_1' } }]);
    expect(stripe.requests).toEqual([]);
  });

  it('on a signal without a charge, nor on what is no signal, nor on what cannot be read', async () => {
    const { log, stripe, start, take } = await setUp();
    const enrichment = await start();
    await log.append('stripe-events', [
      { key: null, value: 'not JSON', timeMs: Date.now() },
      { key: null, value: encode('stripe-events', { event: 'text' }), timeMs: Date.now() },
    ]);
    await take({ hello: 'world' }, warning(1, null));
    expect(await handled(enrichment, 1)).toEqual({ no_charge: 1 });
    expect(stripe.requests).toEqual([]);
  });
});

describe('an answer of Stripe that is none', () => {
  it.each([
    ['404', { kind: 'status', status: 404 }, 'not_found'],
    ['403', { kind: 'status', status: 403 }, 'forbidden'],
    ['401', { kind: 'status', status: 401 }, 'forbidden'],
    ['another object', { kind: 'body', body: '{"object":"refund","id":"ch_1"}' }, 'refused'],
    ['another charge', { kind: 'body', body: '{"object":"charge","id":"ch_9"}' }, 'bad_charge'],
  ] as const)('%s is counted, and the next signal is taken', async (_name, failure, outcome) => {
    const { stripe, start, take } = await setUp();
    stripe.addCharge(oldCharge('2').charge);
    stripe.failNext(failure);
    const enrichment = await start();
    await take(warning(1, 'ch_1'), warning(2, 'ch_2'));
    expect(await handled(enrichment, 2)).toEqual({ [outcome]: 1, read: 1 });
  });

  it('429, 500 and lost connections are tried again until it is there', async () => {
    const { stripe, start, views, take } = await setUp();
    stripe.addCharge(oldCharge('1').charge);
    const hiccups = Array.from(
      { length: 20 },
      (_, index) => ({ kind: 'status', status: [429, 500, 409][index % 3] ?? 500 }) as const,
    );
    stripe.failNext(...hiccups, { kind: 'cut' });
    const enrichment = await start();
    await take(warning(1, 'ch_1'));
    expect(await handled(enrichment, 1)).toEqual({ read: 1 });
    expect(await views()).toHaveLength(1);
  });

  it('waits, says why, and closes while it waits', async () => {
    const { stripe, start, take } = await setUp();
    const asked = Promise.withResolvers<void>();
    let requests = 0;
    stripe.onRequest(() => {
      requests += 1;
      if (requests > 2) asked.resolve();
      return requests > 2 ? { kind: 'hang' } : { kind: 'status', status: 503 };
    });
    const enrichment = await start();
    await take(warning(1, 'ch_1'));
    await asked.promise;
    expect(enrichment.status()).toMatchObject({ outcomes: {}, waiting: { code: 'stripe_unavailable' } });
    await enrichment.close();
    // What was not done comes again.
    stripe.onRequest(null);
    stripe.addCharge(oldCharge('1').charge);
    expect(await handled(await start(), 1)).toEqual({ read: 1 });
  });
});
