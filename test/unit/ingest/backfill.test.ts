import { afterEach, describe, expect, it } from 'vitest';
import type { Acceptor } from '../../../src/ingest/accept.ts';
import { type BackfillCursor, backfill, newCursor, ofAccount } from '../../../src/ingest/backfill.ts';
import { createStripeApi } from '../../../src/ingest/stripe-client.ts';
import { AppError } from '../../../src/model/errors.ts';
import {
  eagerClock,
  failedCharge,
  LOCAL_KEY,
  type LocalStripe,
  type LocalStripeOptions,
  startLocalStripe,
} from '../../support/local-stripe.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

type Taken = { readonly id: unknown; readonly account: unknown };

/** What the log would have: every event handed over, as often as it was. */
function taker(fails: (call: number) => boolean = () => false) {
  const taken: Taken[] = [];
  let calls = 0;
  const accept: Acceptor['accept'] = async (events) => {
    calls += 1;
    if (fails(calls)) throw new AppError('log_unavailable', 'The log is away.', { retriable: true });
    for (const event of events as readonly Record<string, unknown>[])
      taken.push({ id: event.id, account: event.account });
    return events.map(() => ({ kind: 'view', reason: '' }) as const);
  };
  return { taken, accept };
}

const nowS = Math.floor(Date.now() / 1000);

async function setUp(options: LocalStripeOptions = {}) {
  const stripe = await startLocalStripe(options);
  const clock = eagerClock();
  const api = createStripeApi({ apiKey: LOCAL_KEY, apiUrl: stripe.url, clock });
  open.push(stripe, api);
  return { stripe, clock, api };
}

function fill(stripe: LocalStripe, count: number, account: string | null = null): string[] {
  const events = Array.from(
    { length: count },
    (_, index) => failedCharge(`${account ?? 'own'}_${index}`, nowS - 2 * (count - index)).event,
  );
  stripe.addEvents(events, account);
  return events.map(({ id }) => id);
}

type Parts = Awaited<ReturnType<typeof setUp>> & { readonly to: ReturnType<typeof taker> };

async function run(
  { api, clock, to }: Omit<Parts, 'stripe'>,
  cursor: BackfillCursor,
  signal = new AbortController().signal,
) {
  const kept: BackfillCursor[] = [];
  const waits: string[] = [];
  const options = {
    api,
    acceptor: to,
    clock,
    cursor,
    signal,
    onProgress: (reached: BackfillCursor) => void kept.push(reached),
    onWaiting: (error: AppError) => void waits.push(error.code),
  };
  const error = await backfill(options).then(
    () => null,
    (reason: unknown) => reason,
  );
  return { kept, waits, error, last: kept.at(-1) ?? cursor };
}

const month = (accounts: readonly (string | null)[] = [null]): BackfillCursor =>
  newCursor({ sinceS: nowS - 30 * 86_400 + 60, untilS: nowS + 60, accounts });

describe('a backfill', () => {
  it('takes everything once, oldest first', async () => {
    const parts = { ...(await setUp()), to: taker() };
    const ids = fill(parts.stripe, 430);
    const { error, last } = await run(parts, month());
    expect(error).toBeNull();
    expect(parts.to.taken.map(({ id }) => id)).toEqual(ids);
    expect(last).toMatchObject({ events: 430, counted: 430, reachedS: last.untilS });
  });

  it('takes nothing of an empty account', async () => {
    const parts = { ...(await setUp()), to: taker() };
    const { error, last } = await run(parts, month());
    expect({ error, taken: parts.to.taken }).toEqual({ error: null, taken: [] });
    expect(last.reachedS).toBe(last.untilS);
  });

  it('goes through connected accounts and says whose each event is', async () => {
    const parts = { ...(await setUp({ connected: ['acct_1', 'acct_2'] })), to: taker() };
    fill(parts.stripe, 3);
    const ids = [...fill(parts.stripe, 120, 'acct_1'), ...fill(parts.stripe, 2, 'acct_2')];
    const { error } = await run(parts, month(['acct_1', 'acct_2']));
    expect(error).toBeNull();
    expect(parts.to.taken).toEqual(ids.map((id) => ({ id, account: id.includes('acct_1') ? 'acct_1' : 'acct_2' })));
  });

  it('is stopped at any request, goes on where it was, and misses nothing', async () => {
    const whole = { ...(await setUp({ connected: ['acct_1'] })), to: taker() };
    const ids = [...fill(whole.stripe, 250), ...fill(whole.stripe, 130, 'acct_1')];
    await run(whole, month([null, 'acct_1']));
    const requests = whole.stripe.requests.length;
    expect(requests).toBeGreaterThan(6);
    for (let at = 0; at < requests; at += 1) {
      const to = taker();
      const kill = new AbortController();
      whole.stripe.requests.length = 0;
      whole.stripe.onRequest((_request, index) => {
        if (index === at) kill.abort();
        return null;
      });
      const cut = await run({ ...whole, to }, month([null, 'acct_1']), kill.signal);
      expect(cut.error).toMatchObject({ code: 'stopped' });
      whole.stripe.onRequest(null);
      const rest = await run({ ...whole, to }, cut.last);
      expect(rest.error).toBeNull();
      expect(new Set(to.taken.map(({ id }) => id))).toEqual(new Set(ids));
      // What is taken again is five minutes and a page at most.
      expect(to.taken.length).toBeLessThanOrEqual(ids.length + 250);
    }
  });

  it('waits for a log that is away, and takes the page once it is back', async () => {
    const parts = { ...(await setUp()), to: taker((call) => call === 2 || call === 3) };
    const ids = fill(parts.stripe, 250);
    const { error, waits } = await run(parts, month());
    expect(error).toBeNull();
    expect(waits).toEqual(['log_unavailable', 'log_unavailable']);
    expect(parts.to.taken.map(({ id }) => id)).toEqual(ids);
  });

  it.each([429, 500, 409])('slows down at %i and goes on from where it was', async (status) => {
    const parts = { ...(await setUp()), to: taker() };
    const ids = fill(parts.stripe, 350);
    parts.stripe.onRequest((_request, index) => (index % 3 === 1 ? { kind: 'status', status } : null));
    const { error, waits } = await run(parts, month());
    expect(error).toBeNull();
    expect(waits.length).toBeGreaterThan(1);
    expect(parts.to.taken.map(({ id }) => id)).toEqual(ids);
  });

  it('goes on after lost connections and time-outs', async () => {
    const stripe = await startLocalStripe();
    const clock = eagerClock();
    const api = createStripeApi({ apiKey: LOCAL_KEY, apiUrl: stripe.url, clock, timeoutMs: 500 });
    open.push(stripe, api);
    const ids = fill(stripe, 250);
    const failures = { 1: { kind: 'hang' }, 3: { kind: 'cut' }, 5: { kind: 'reset' }, 6: { kind: 'reset' } } as const;
    stripe.onRequest((_request, index) => failures[index as keyof typeof failures] ?? null);
    const to = taker();
    const { error, waits } = await run({ api, clock, to }, month());
    expect(error).toBeNull();
    expect(waits).toContain('stripe_timeout');
    expect(waits).toContain('stripe_unreachable');
    expect(to.taken.map(({ id }) => id)).toEqual(ids);
  });

  it.each([
    [401, 'stripe_unauthorized'],
    [403, 'stripe_forbidden'],
    [404, 'stripe_not_found'],
  ])('ends at %i, and keeps what it has', async (status, code) => {
    const parts = { ...(await setUp()), to: taker() };
    fill(parts.stripe, 350);
    let pages = 0;
    parts.stripe.onRequest(({ query }) => {
      if (query.has('ending_before')) pages += 1;
      return pages === 2 ? { kind: 'status', status } : null;
    });
    const { error, last } = await run(parts, month());
    expect(error).toMatchObject({ code });
    expect(last.events).toBeGreaterThan(0);
    expect(last.events).toBe(parts.to.taken.length);
  });

  it('names the permission that a key lacks', async () => {
    const parts = { ...(await setUp({ keys: { [LOCAL_KEY]: ['event_read', 'charge_read'] } })), to: taker() };
    const { error } = await run(parts, month());
    expect(error).toMatchObject({ code: 'stripe_forbidden', details: [{ path: 'rak_payment_intent_read' }] });
  });

  it('gives up after long trying', async () => {
    const parts = { ...(await setUp()), to: taker() };
    parts.stripe.onRequest(() => ({ kind: 'status', status: 503 }));
    const { error, waits } = await run(parts, month());
    expect(error).toMatchObject({ code: 'stripe_unavailable' });
    expect(waits).toHaveLength(11);
  });
});

describe('whose an event is', () => {
  it('stays what it says for the own account', () => {
    expect(ofAccount({ id: 'evt_1' }, null)).toEqual({ id: 'evt_1' });
    expect(ofAccount({ id: 'evt_1' }, 'acct_1')).toEqual({ id: 'evt_1', account: 'acct_1' });
  });
});
