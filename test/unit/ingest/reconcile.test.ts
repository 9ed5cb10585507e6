// Over a real embedded log, the real acceptor and the real SDK against a local Stripe; the clock is by hand.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { type Acceptor, createAcceptor } from '../../../src/ingest/accept.ts';
import { type Reconciliation, startReconciliation } from '../../../src/ingest/reconcile.ts';
import { createStripeApi } from '../../../src/ingest/stripe-client.ts';
import type { EventLog } from '../../../src/log/event-log.ts';
import { handClock } from '../../support/hand-clock.ts';
import { eagerClock, failedCharge, LOCAL_KEY, type LocalStripe, startLocalStripe } from '../../support/local-stripe.ts';
import { openTempLog } from '../../support/temp-log.ts';

const START_S = 1_800_000_000;
const HOUR_S = 3_600;

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

type Bench = {
  readonly log: EventLog;
  readonly stripe: LocalStripe;
  readonly acceptor: Acceptor;
  readonly clock: ReturnType<typeof handClock>;
  readonly file: string;
  start(): Reconciliation;
  /** Ids in `stripe-events`, in the order of the log. */
  ids(): Promise<(string | null)[]>;
};

async function setUp(): Promise<Bench> {
  const temp = await openTempLog();
  await temp.log.ensureTopics();
  const folder = mkdtempSync(join(tmpdir(), 'declinewatch-reconcile-'));
  const clock = handClock(START_S * 1000);
  const stripe = await startLocalStripe({ now: () => clock.now(), connected: ['acct_1', 'acct_2'] });
  // The pace and the pauses take no time; what time it is stays by hand.
  const quick = { now: () => clock.now(), sleep: eagerClock().sleep };
  const api = createStripeApi({
    apiKey: LOCAL_KEY,
    apiUrl: stripe.url,
    clock: quick,
    perSecond: 1_000_000,
  });
  const acceptor = createAcceptor({
    log: temp.log,
    context: () => ({ metadata: { ip: null, keys: [] } }),
    latenessMs: () => 3 * 86_400_000,
  });
  open.push(temp, { close: () => rmSync(folder, { recursive: true, force: true }) }, stripe, api);
  const file = join(folder, 'coverage.json');
  return {
    log: temp.log,
    stripe,
    acceptor,
    clock,
    file,
    start: () => {
      const logger = pino({ level: 'silent' });
      const one = startReconciliation({ api, log: temp.log, acceptor, clock, logger, file });
      open.push(one);
      return one;
    },
    ids: async () => {
      const found: (string | null)[] = [];
      for await (const page of temp.log.read('stripe-events', 0, 0)) found.push(...page.map(({ key }) => key));
      return found;
    },
  };
}

type Delivery = { readonly account?: string; readonly lost?: boolean };

/** An event of that age at Stripe, delivered as a webhook unless it was lost. */
async function happen(
  { stripe, acceptor, clock }: Bench,
  name: string,
  agoS: number,
  delivery: Delivery = {},
): Promise<void> {
  const createdS = Math.floor(clock.now() / 1000) - agoS;
  const { event } = failedCharge(name, createdS);
  const copy = delivery.account === undefined ? event : { ...event, account: delivery.account };
  if (delivery.lost !== true) await acceptor.accept([copy], { receivedAt: createdS * 1000 + 800 });
  stripe.addEvents([event], delivery.account ?? null);
}

describe('reconciliation', () => {
  it('takes what webhooks did not bring, once, and tells where it lacked', async () => {
    const bench = await setUp();
    const first = bench.start();
    await first.runNow();
    expect(await bench.ids()).toEqual([]);
    // In the two hours to come; there before the clock wakes anybody.
    await happen(bench, 'a', -200);
    await happen(bench, 'lost1', -300, { lost: true });
    await happen(bench, 'lost2', -1_500, { lost: true });
    await happen(bench, 'b', -1_600);
    bench.clock.advance(2 * HOUR_S * 1000);
    await first.runNow();
    expect(await bench.ids()).toEqual(['evt_a', 'evt_b', 'evt_lost1', 'evt_lost2']);
    const told = first.coverage().filter(({ closedGaps }) => closedGaps > 0);
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({
      account: null,
      stripe: 4,
      ours: 4,
      closedGaps: 2,
      complete: true,
      gaps: [{ events: 2 }],
    });
    // Looked at again, nothing lacks any more.
    await first.runNow();
    expect(await bench.ids()).toHaveLength(4);
    expect(first.coverage().filter(({ closedGaps }) => closedGaps > 0)).toEqual(told);
    expect(first.status()).toMatchObject({ errors: [], through: new Date(bench.clock.now() - 120_000).toISOString() });
  });

  it('looks every hour by itself', async () => {
    const bench = await setUp();
    const one = bench.start();
    await one.runNow();
    await happen(bench, 'lost', 10, { lost: true });
    const asked = bench.stripe.requests.length;
    bench.clock.advance(HOUR_S * 1000);
    const deadline = Date.now() + 10_000;
    while ((await bench.ids()).length === 0 && Date.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await bench.ids()).toEqual(['evt_lost']);
    expect(bench.stripe.requests.length).toBeGreaterThan(asked);
  });

  it('leaves a webhook its time', async () => {
    const bench = await setUp();
    const one = bench.start();
    await one.runNow();
    bench.clock.advance(HOUR_S * 1000);
    await happen(bench, 'on-its-way', 60, { lost: true });
    await one.runNow();
    expect(await bench.ids()).toEqual([]);
    bench.clock.advance(300_000);
    await one.runNow();
    expect(await bench.ids()).toEqual(['evt_on-its-way']);
  });

  it('closes the gap of an outage after a start, of days too', async () => {
    const bench = await setUp();
    const before = bench.start();
    await before.runNow();
    await before.close();
    bench.clock.advance(4 * 86_400_000);
    for (let hour = 1; hour < 95; hour += 1) await happen(bench, `h${hour}`, hour * HOUR_S, { lost: true });
    // The first webhook after the outage is there before the comparison.
    await happen(bench, 'fresh', 1);
    const after = bench.start();
    await after.runNow();
    expect(new Set(await bench.ids()).size).toBe(95);
    expect(await bench.ids()).toHaveLength(95);
    expect(after.coverage().reduce((sum, { closedGaps }) => sum + closedGaps, 0)).toBe(94);
  });

  it('begins where the log ends if nothing was kept, and takes nothing from before an empty log', async () => {
    const bench = await setUp();
    await happen(bench, 'ancient', 10 * HOUR_S, { lost: true });
    await happen(bench, 'last', 5 * HOUR_S);
    await happen(bench, 'lost', 2 * HOUR_S, { lost: true });
    const one = bench.start();
    await one.runNow();
    expect(await bench.ids()).toEqual(['evt_last', 'evt_lost']);
    const empty = await setUp();
    await happen(empty, 'before', 5 * HOUR_S, { lost: true });
    await empty.start().runNow();
    expect(await empty.ids()).toEqual([]);
  });

  it('follows connected accounts that it has seen, each by itself', async () => {
    const bench = await setUp();
    await happen(bench, 'theirs', 1_800, { account: 'acct_1' });
    await happen(bench, 'theirs-lost', 1_700, { account: 'acct_1', lost: true });
    await happen(bench, 'others', 1_600, { account: 'acct_2' });
    await happen(bench, 'own-lost', 1_500, { lost: true });
    const one = bench.start();
    await one.runNow();
    expect(one.status().errors).toEqual([]);
    expect(new Set(await bench.ids())).toEqual(
      new Set(['evt_theirs', 'evt_theirs-lost', 'evt_others', 'evt_own-lost']),
    );
    expect(one.coverage().find(({ account, closedGaps }) => account === 'acct_1' && closedGaps === 1)).toBeDefined();
  });

  it('tells of an account that refuses, and does not go forward for it alone', async () => {
    const bench = await setUp();
    await happen(bench, 'theirs', 1_800, { account: 'acct_1' });
    bench.stripe.onRequest(({ account }) => (account === 'acct_1' ? { kind: 'status', status: 403 } : null));
    const one = bench.start();
    await one.runNow();
    expect(one.status().errors).toMatchObject([{ account: 'acct_1', code: 'stripe_forbidden' }]);
    expect(one.coverage().every(({ account }) => account === null)).toBe(true);
    await happen(bench, 'theirs-lost', 1_000, { account: 'acct_1', lost: true });
    bench.stripe.onRequest(null);
    await one.runNow();
    expect(one.status().errors).toEqual([]);
    expect(await bench.ids()).toContain('evt_theirs-lost');
  });

  it('tells why it cannot, tries again, and misses nothing', async () => {
    const bench = await setUp();
    const one = bench.start();
    await one.runNow();
    bench.clock.advance(HOUR_S * 1000);
    await happen(bench, 'lost', 600, { lost: true });
    bench.stripe.onRequest(() => ({ kind: 'status', status: 401 }));
    await one.runNow();
    expect(one.status()).toMatchObject({ errors: [{ account: null, code: 'stripe_unauthorized' }] });
    bench.stripe.onRequest(null);
    await one.runNow();
    expect(one.status().errors).toEqual([]);
    expect(await bench.ids()).toEqual(['evt_lost']);
  });

  it('closes while it waits for Stripe, and keeps no key', async () => {
    const bench = await setUp();
    const asked = Promise.withResolvers<void>();
    const one = bench.start();
    await one.runNow();
    bench.stripe.onRequest(() => {
      asked.resolve();
      return { kind: 'hang' };
    });
    bench.clock.advance(HOUR_S * 1000);
    const running = one.runNow();
    await asked.promise;
    await one.close();
    await running;
    expect(readFileSync(bench.file, 'utf8')).not.toContain('rk_test');
  });
});
