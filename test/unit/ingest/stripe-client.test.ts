import { afterEach, describe, expect, it } from 'vitest';
import { createStripeApi, type StripeApi, type StripeApiOptions } from '../../../src/ingest/stripe-client.ts';
import { isCursorGone } from '../../../src/ingest/stripe-errors.ts';
import { HANDLED_TYPES } from '../../../src/ingest/stripe-types.ts';
import { AppError } from '../../../src/model/errors.ts';
import {
  eagerClock,
  type Failure,
  failedCharge,
  LOCAL_KEY,
  type LocalStripe,
  type LocalStripeOptions,
  startLocalStripe,
} from '../../support/local-stripe.ts';
import { freePort } from '../../support/ports.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function setUp(options: LocalStripeOptions = {}, client: Partial<StripeApiOptions> = {}) {
  const stripe = await startLocalStripe(options);
  const api = createStripeApi({ apiKey: LOCAL_KEY, apiUrl: stripe.url, clock: eagerClock(), ...client });
  open.push(stripe, api);
  return { stripe, api };
}

const list = async (api: StripeApi, query: Partial<Parameters<StripeApi['events']>[0]> = {}) =>
  await api.events({ account: null, types: HANDLED_TYPES, limit: 10, ...query });

async function problemOf(action: Promise<unknown>): Promise<AppError> {
  const error = await action.then(
    () => new Error('nothing went wrong'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof AppError)) throw error;
  return error;
}

const nowS = Math.floor(Date.now() / 1000);

function fill(stripe: LocalStripe, count: number): void {
  stripe.addEvents(Array.from({ length: count }, (_, index) => failedCharge(`n${index}`, nowS - count + index).event));
}

describe('what it asks', () => {
  it('lists newest first, with the types it was given, and pages both ways', async () => {
    const { stripe, api } = await setUp();
    fill(stripe, 25);
    stripe.addEvents([{ ...failedCharge('other', nowS).event, type: 'customer.created' }]);
    const newest = await list(api);
    expect(newest.events.map(({ id }) => id)).toEqual([24, 23, 22, 21, 20, 19, 18, 17, 16, 15].map((n) => `evt_n${n}`));
    expect(newest.hasMore).toBe(true);
    const older = await list(api, { startingAfter: 'evt_n15' });
    expect(older.events.at(0)?.id).toBe('evt_n14');
    const newer = await list(api, { endingBefore: 'evt_n3', limit: 2 });
    expect(newer).toMatchObject({ events: [{ id: 'evt_n5' }, { id: 'evt_n4' }], hasMore: true });
    const before = await list(api, { beforeS: nowS - 20 });
    expect(before).toMatchObject({ hasMore: false });
    expect(before.events).toHaveLength(5);
  });

  it('acts for a connected account, says nothing of telemetry, and never asks but by GET', async () => {
    const { stripe, api } = await setUp({ connected: ['acct_1'] });
    stripe.addEvents([failedCharge('theirs', nowS).event], 'acct_1');
    expect((await list(api)).events).toEqual([]);
    expect((await list(api, { account: 'acct_1' })).events).toMatchObject([{ id: 'evt_theirs' }]);
    await list(api);
    expect(stripe.requests.at(-1)?.headers).not.toHaveProperty('x-stripe-client-telemetry');
    expect(api.status().requests).toBe(3);
  });

  it('reads a charge', async () => {
    const { stripe, api } = await setUp();
    stripe.addCharge(failedCharge('one', nowS).charge);
    expect(await api.charge('ch_one', { account: null })).toMatchObject({ id: 'ch_one', status: 'failed' });
  });

  it('keeps to its pace', async () => {
    const clock = eagerClock();
    const { stripe, api } = await setUp({}, { clock, perSecond: 5 });
    fill(stripe, 1);
    await Promise.all([list(api), list(api), list(api)]);
    expect(clock.slept).toHaveLength(2);
    for (const ms of clock.slept) expect(ms).toBeGreaterThan(0);
    expect(Math.max(...clock.slept)).toBeLessThanOrEqual(400);
  });

  it('refuses an address with a path, which the SDK would drop', () => {
    expect(() =>
      createStripeApi({ apiKey: 'rk_test_x', apiUrl: 'http://127.0.0.1:1/stripe', clock: eagerClock() }),
    ).toThrow(/has a path/);
  });

  it('is told apart by key without giving it away', async () => {
    const { stripe, api } = await setUp();
    const other = createStripeApi({ apiKey: 'rk_test_other', apiUrl: stripe.url, clock: eagerClock() });
    open.push(other);
    expect(api.source).not.toBe(other.source);
    expect(LOCAL_KEY).not.toContain(api.source);
  });
});

describe('what an answer means', () => {
  const status = (code: number, error = {}): Failure => ({ kind: 'status', status: code, error });
  const cases: readonly (readonly [string, Failure, { code: string; retriable: boolean; message?: RegExp }])[] = [
    [
      '400',
      status(400, { param: 'limit', message: 'Invalid limit' }),
      { code: 'stripe_invalid_request', retriable: false, message: /Invalid limit/ },
    ],
    [
      '401',
      status(401, { message: 'Invalid API Key provided: rk_test_abc****wxyz' }),
      { code: 'stripe_unauthorized', retriable: false },
    ],
    ['403', status(403, { message: 'Not permitted.' }), { code: 'stripe_forbidden', retriable: false }],
    ['404', status(404, { code: 'resource_missing' }), { code: 'stripe_not_found', retriable: false }],
    ['409', status(409), { code: 'stripe_conflict', retriable: true }],
    ['424', status(424), { code: 'stripe_conflict', retriable: true }],
    [
      '429',
      { kind: 'status', status: 429, headers: { 'stripe-rate-limited-reason': 'global-rate' } },
      { code: 'stripe_rate_limited', retriable: true, message: /global-rate/ },
    ],
    ['400 with code rate_limit', status(400, { code: 'rate_limit' }), { code: 'stripe_rate_limited', retriable: true }],
    ['500', status(500, { type: 'api_error' }), { code: 'stripe_unavailable', retriable: true }],
    ['503', status(503, { type: 'api_error' }), { code: 'stripe_unavailable', retriable: true }],
    ['no answer', { kind: 'hang' }, { code: 'stripe_timeout', retriable: true }],
    ['an answer that breaks off', { kind: 'cut' }, { code: 'stripe_unreachable', retriable: true }],
    [
      'a page of a proxy',
      { kind: 'body', status: 502, body: '<html>Bad gateway</html>', type: 'text/html' },
      { code: 'stripe_unavailable', retriable: true },
    ],
    [
      'JSON that is no list',
      { kind: 'body', body: '{"message":"Not Found"}', status: 404 },
      { code: 'stripe_bad_answer', retriable: false, message: /404/ },
    ],
    [
      'JSON that is no list, from a server in need',
      { kind: 'body', body: '{"message":"busy"}', status: 503 },
      { code: 'stripe_unavailable', retriable: true },
    ],
    [
      'a list without has_more',
      { kind: 'body', body: '{"object":"list","data":[]}' },
      { code: 'stripe_bad_answer', retriable: false },
    ],
    [
      'a list of what is no event',
      { kind: 'body', body: '{"object":"list","has_more":false,"data":[1]}' },
      { code: 'stripe_bad_answer', retriable: false },
    ],
  ];

  it.each(cases)('%s', async (_name, failure, expected) => {
    // A short patience only where none is answered: this machine may be busy.
    const { stripe, api } = await setUp({}, failure.kind === 'hang' ? { timeoutMs: 300 } : {});
    stripe.failNext(failure);
    const error = await problemOf(list(api));
    expect(error).toMatchObject({ code: expected.code, retriable: expected.retriable });
    if (expected.message !== undefined) expect(error.message).toMatch(expected.message);
    expect(error.help).not.toBe('');
    expect(error.message).not.toMatch(/[rs]k_test/);
    // The next one is answered: nothing of the failure stays.
    if (failure.kind !== 'hang') expect((await list(api)).events).toEqual([]);
  });

  it('a lost connection, twice (the SDK asks again once)', async () => {
    const { stripe, api } = await setUp();
    stripe.failNext({ kind: 'reset' }, { kind: 'reset' });
    expect(await problemOf(list(api))).toMatchObject({ code: 'stripe_unreachable', retriable: true });
  });

  it('nobody listens; the name is unknown', async () => {
    const nobody = createStripeApi({
      apiKey: LOCAL_KEY,
      apiUrl: `http://127.0.0.1:${await freePort()}`,
      clock: eagerClock(),
    });
    const nowhere = createStripeApi({ apiKey: LOCAL_KEY, apiUrl: 'http://stripe.invalid:9', clock: eagerClock() });
    open.push(nobody, nowhere);
    expect(await problemOf(list(nobody))).toMatchObject({
      code: 'stripe_unreachable',
      message: expect.stringContaining('ECONNREFUSED'),
    });
    expect(await problemOf(list(nowhere))).toMatchObject({
      code: 'stripe_unreachable',
      message: expect.stringContaining('name'),
    });
  });

  it('a server without TLS where TLS is expected', async () => {
    const { stripe } = await setUp();
    const api = createStripeApi({
      apiKey: LOCAL_KEY,
      apiUrl: stripe.url.replace('http:', 'https:'),
      clock: eagerClock(),
    });
    open.push(api);
    expect(await problemOf(list(api))).toMatchObject({ code: 'stripe_untrusted', retriable: false });
  });

  it('a wrong key; an account that is not connected', async () => {
    const { stripe, api } = await setUp();
    const wrong = createStripeApi({ apiKey: 'rk_test_wrong_key_123', apiUrl: stripe.url, clock: eagerClock() });
    open.push(wrong);
    expect(await problemOf(list(wrong))).toMatchObject({ code: 'stripe_unauthorized' });
    expect(await problemOf(list(api, { account: 'acct_foreign' }))).toMatchObject({
      code: 'stripe_forbidden',
      message: expect.stringContaining('account'),
    });
  });

  it.each([
    [[], 'rak_event_read'],
    [['event_read'], 'rak_charge_read'],
    [['event_read', 'charge_read'], 'rak_payment_intent_read'],
    [['event_read', 'charge_read', 'payment_intent_read', 'setup_intent_read'], 'rak_dispute_read'],
    [['event_read', 'charge_read', 'payment_intent_read', 'setup_intent_read', 'dispute_read'], 'rak_review_read'],
  ])('a key with %j lacks %s', async (permissions, missing) => {
    const { api } = await setUp({ keys: { [LOCAL_KEY]: permissions } });
    const error = await problemOf(list(api));
    expect(error).toMatchObject({ code: 'stripe_forbidden', details: [{ path: missing }] });
    expect(error.help).toContain(missing);
    expect(error.message).toContain(missing);
  });

  it('these six permissions are enough', async () => {
    const permissions = [
      'event_read',
      'charge_read',
      'payment_intent_read',
      'setup_intent_read',
      'dispute_read',
      'review_read',
    ];
    const { api } = await setUp({ keys: { [LOCAL_KEY]: permissions } });
    expect(await list(api)).toEqual({ events: [], hasMore: false });
  });

  it('a cursor that is older than 30 days', async () => {
    const { stripe, api } = await setUp();
    stripe.addEvents([failedCharge('old', nowS - 31 * 86_400).event]);
    const error = await problemOf(list(api, { endingBefore: 'evt_old' }));
    expect(isCursorGone(error)).toBe(true);
    expect(isCursorGone(new AppError('stripe_invalid_request', 'something else'))).toBe(false);
  });

  it('a 429 slows everything down, and answers bring the pace back', async () => {
    const { stripe, api } = await setUp();
    stripe.failNext({ kind: 'status', status: 429 }, { kind: 'status', status: 429 });
    await problemOf(list(api));
    await problemOf(list(api));
    expect(api.status().perSecond).toBe(1.25);
    for (let i = 0; i < 40; i += 1) await list(api);
    expect(api.status().perSecond).toBe(5);
  });
});
