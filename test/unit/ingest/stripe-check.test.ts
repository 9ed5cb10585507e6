import { afterEach, describe, expect, it } from 'vitest';
import { checkStripe } from '../../../src/ingest/stripe-check.ts';
import { HANDLED_TYPES, NEEDED_PERMISSIONS } from '../../../src/ingest/stripe-types.ts';
import { LOCAL_KEY, type LocalStripe, type LocalStripeOptions, startLocalStripe } from '../../support/local-stripe.ts';

const open: LocalStripe[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

const READ = NEEDED_PERMISSIONS.map(({ slug }) => slug.replace('rak_', ''));
const ENDPOINT = {
  object: 'webhook_endpoint',
  url: 'https://fraud.example/webhooks/stripe',
  status: 'enabled',
  api_version: '2026-10-28.endive',
  enabled_events: HANDLED_TYPES,
};

type Setting = {
  readonly stripe?: LocalStripeOptions;
  readonly apiKey?: string;
  readonly endpoints?: readonly object[];
  readonly now?: () => number;
};

async function check({ stripe: options, apiKey = LOCAL_KEY, endpoints = [ENDPOINT], now = Date.now }: Setting = {}) {
  const stripe = await startLocalStripe({ keys: { [LOCAL_KEY]: [...READ, 'webhook_read'] }, ...options });
  open.push(stripe);
  for (const endpoint of endpoints) stripe.addWebhookEndpoint({ ...endpoint });
  const checks = await checkStripe({ apiKey, apiUrl: stripe.url, now });
  const of = (name: string) => checks.find((one) => one.name === name);
  return { stripe, checks, of };
}

describe('doctor and Stripe', () => {
  it('all is well', async () => {
    const { checks, stripe } = await check();
    expect(checks.map(({ name, problem }) => [name, problem])).toEqual(
      ['STRIPE_API_KEY', ...READ.map((slug) => `rak_${slug}`), 'webhook endpoint', 'clock'].map((name) => [name, null]),
    );
    expect(checks[0]?.found).toBe('restricted, read-only, test mode');
    expect(checks.at(-2)?.found).toBe('API version 2026-10-28.endive');
    // Nothing but reads, and one question about a charge that cannot exist.
    const writes = stripe.requests.filter(({ method }) => method !== 'GET').map(({ path }) => path);
    expect(writes).toEqual(['/v1/charges/ch_declinewatch_probe']);
  });

  it.each(READ)('names %s if it lacks, and only that', async (lacking) => {
    const keys = { [LOCAL_KEY]: [...READ.filter((slug) => slug !== lacking), 'webhook_read'] };
    const { checks } = await check({ stripe: { keys } });
    expect(checks.filter(({ problem }) => problem !== null)).toMatchObject([
      { name: `rak_${lacking}`, problem: expect.stringContaining(`rak_${lacking}`) },
    ]);
  });

  it('a key that may write, a key that is not restricted, a wrong key', async () => {
    const writes = await check({ stripe: { keys: { [LOCAL_KEY]: 'all' } } });
    expect(writes.of('STRIPE_API_KEY')?.problem).toMatch(/may write charges/);
    const secret = await check({ apiKey: 'sk_live_x', stripe: { keys: { sk_live_x: 'all' } } });
    expect(secret.of('STRIPE_API_KEY')?.problem).toMatch(/no restricted key \(live mode\)/);
    const wrong = await check({ apiKey: 'rk_live_wrong' });
    expect(wrong.checks).toMatchObject([{ name: 'STRIPE_API_KEY', problem: expect.stringContaining('401') }]);
    expect(wrong.checks[0]?.problem).not.toContain('rk_live');
  });

  it.each([
    [[], /No endpoint ends in/],
    [[{ ...ENDPOINT, url: 'https://fraud.example/other' }], /No endpoint ends in/],
    [[{ ...ENDPOINT, status: 'disabled' }], /disabled/],
    [
      [{ ...ENDPOINT, enabled_events: ['charge.failed', 'charge.succeeded'] }],
      /does not send payment_intent.payment_failed, setup/,
    ],
  ])('the endpoint: %#', async (endpoints, problem) => {
    const { checks } = await check({ endpoints });
    expect(checks.filter((one) => one.problem !== null)).toMatchObject([
      { name: 'webhook endpoint', problem: expect.stringMatching(problem) },
    ]);
  });

  it('the endpoint sends everything; the key may not look at it', async () => {
    const all = await check({ endpoints: [{ ...ENDPOINT, enabled_events: ['*'], api_version: null }] });
    expect(all.of('webhook endpoint')).toMatchObject({ problem: null, found: 'API version the account’s' });
    const some = await check({ endpoints: [{ ...ENDPOINT, enabled_events: HANDLED_TYPES.slice(0, 5) }] });
    expect(some.of('webhook endpoint')?.found).toMatch(/14 of 19 handled types are not sent/);
    const blind = await check({ stripe: { keys: { [LOCAL_KEY]: READ } } });
    expect(blind.of('webhook endpoint')).toMatchObject({
      problem: null,
      found: expect.stringContaining('not looked at'),
    });
  });

  it('a clock that is off', async () => {
    const ahead = await check({ now: () => Date.now() + 200_000 });
    expect(ahead.of('clock')?.problem).toMatch(/(199|200|201) s ahead of Stripe/);
    const behind = await check({ now: () => Date.now() - 200_000 });
    expect(behind.of('clock')?.problem).toMatch(/s behind Stripe/);
  });

  it('a Stripe that cannot be reached, or that fails, is one line', async () => {
    const { stripe } = await check();
    await stripe.close();
    open.length = 0;
    const away = await checkStripe({ apiKey: LOCAL_KEY, apiUrl: stripe.url, now: Date.now });
    expect(away).toMatchObject([{ name: 'STRIPE_API_KEY', problem: expect.stringContaining('ECONNREFUSED') }]);
    const path = await checkStripe({ apiKey: LOCAL_KEY, apiUrl: 'http://127.0.0.1:1/path', now: Date.now });
    expect(path).toMatchObject([{ name: 'STRIPE_API_URL', problem: expect.stringContaining('has a path') }]);
    const failing = await startLocalStripe();
    open.push(failing);
    failing.onRequest(() => ({ kind: 'status', status: 500 }));
    const failed = await checkStripe({ apiKey: LOCAL_KEY, apiUrl: failing.url, now: Date.now });
    expect(failed).toMatchObject([{ name: 'STRIPE_API_KEY', problem: expect.stringContaining('HTTP 500') }]);
  });
});
