import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Acceptor } from '../../../src/ingest/accept.ts';
import { type Backfills, createBackfills } from '../../../src/ingest/backfill-jobs.ts';
import { createStripeApi, type StripeApi } from '../../../src/ingest/stripe-client.ts';
import { eagerClock, failedCharge, LOCAL_KEY, type LocalStripe, startLocalStripe } from '../../support/local-stripe.ts';

const DAY_MS = 86_400_000;
const nowS = Math.floor(Date.now() / 1000);

let folder: string;
let stripe: LocalStripe;
const open: { close(): unknown }[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'declinewatch-backfill-'));
  stripe = await startLocalStripe({ connected: ['acct_1'], keys: { [LOCAL_KEY]: 'all', rk_test_second: 'all' } });
  const events = Array.from(
    { length: 350 },
    (_, index) => failedCharge(`${index}`, nowS - 7_000 * (350 - index)).event,
  );
  stripe.addEvents(events);
});

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
  await stripe.close();
  rmSync(folder, { recursive: true, force: true });
});

function apiOf(apiKey = LOCAL_KEY): StripeApi {
  const api = createStripeApi({ apiKey, apiUrl: stripe.url, clock: eagerClock() });
  open.push(api);
  return api;
}

function create(
  api: StripeApi | null,
  file = join(folder, 'data', 'backfill.json'),
): Backfills & { readonly taken: string[] } {
  const taken: string[] = [];
  const accept: Acceptor['accept'] = async (events) => {
    taken.push(...(events as readonly { id: string }[]).map(({ id }) => id));
    return events.map(() => ({ kind: 'view', reason: '' }) as const);
  };
  const jobs = createBackfills({
    api,
    acceptor: { accept },
    clock: eagerClock(),
    logger: pino({ level: 'silent' }),
    file,
  });
  open.push(jobs);
  return { ...jobs, taken };
}

const month = { sinceMs: Date.now() - 30 * DAY_MS + 60_000, accounts: [] };

/** Answers the first `count` pages that follow an event, then lets the next hang until it is stopped. */
async function brokenOff(count: number): Promise<Backfills & { readonly taken: string[] }> {
  const reached = Promise.withResolvers<void>();
  let pages = 0;
  stripe.onRequest(({ query }) => {
    if (query.has('ending_before')) pages += 1;
    if (pages <= count) return null;
    reached.resolve();
    return { kind: 'hang' };
  });
  const jobs = create(apiOf());
  await jobs.start(month);
  await reached.promise;
  await jobs.close();
  stripe.onRequest(null);
  return jobs;
}

describe('backfills', () => {
  it('run to their end, and say so', async () => {
    const jobs = create(apiOf());
    expect(jobs.status()).toMatchObject({ state: 'idle', events: 0 });
    expect(await jobs.start(month)).toMatchObject({ state: 'running', fraction: 0 });
    await jobs.idle();
    const status = jobs.status();
    expect(status).toMatchObject({ state: 'done', fraction: 1, events: 350, counted: 350, error: null });
    expect(status.requests).toBe(stripe.requests.length);
    expect(new Set(jobs.taken).size).toBe(350);
  });

  it('run one at a time', async () => {
    const jobs = create(apiOf());
    await jobs.start(month);
    await expect(jobs.start(month)).rejects.toMatchObject({ code: 'backfill_running' });
    await jobs.idle();
    await jobs.start(month);
    await jobs.idle();
    expect(jobs.taken).toHaveLength(700);
  });

  it('need a key', async () => {
    const jobs = create(null);
    await expect(jobs.start(month)).rejects.toMatchObject({
      code: 'stripe_key_missing',
      help: expect.stringContaining('STRIPE_API_KEY'),
    });
    await jobs.resume();
    expect(jobs.status().state).toBe('idle');
  });

  it('go on by themselves after a restart', async () => {
    const before = await brokenOff(1);
    expect(before.status()).toMatchObject({ state: 'stopped', error: null });
    const after = create(apiOf());
    await after.resume();
    await after.idle();
    expect(after.status()).toMatchObject({ state: 'done', fraction: 1 });
    expect(new Set([...before.taken, ...after.taken]).size).toBe(350);
    expect(after.taken.length).toBeLessThan(350);
    const third = create(apiOf());
    await third.resume();
    expect(third.status().state).toBe('idle');
  });

  it('go on when they are asked for in the same words again', async () => {
    const before = await brokenOff(1);
    const after = create(apiOf());
    await after.start({ ...month, sinceMs: month.sinceMs + 1_000 });
    await after.idle();
    expect(new Set([...before.taken, ...after.taken]).size).toBe(350);
    expect(after.taken.length).toBeLessThan(350);
  });

  it('begin anew for an earlier time, and for another key', async () => {
    await brokenOff(1);
    const earlier = create(apiOf());
    await earlier.start({ ...month, sinceMs: month.sinceMs - 30_000 });
    await earlier.idle();
    expect(new Set(earlier.taken).size).toBe(350);
    await brokenOff(1);
    const other = create(apiOf('rk_test_second'));
    await other.resume();
    expect(other.status().state).toBe('idle');
    await other.start(month);
    await other.idle();
    expect(new Set(other.taken).size).toBe(350);
  });

  it('tell what they failed of, and go on from there when started again', async () => {
    const jobs = create(apiOf());
    let pages = 0;
    stripe.onRequest(({ query }) => {
      if (query.has('ending_before')) pages += 1;
      if (pages !== 2) return null;
      const message = "Having the 'rak_dispute_read' permission would allow this request to continue.";
      return { kind: 'status', status: 403, error: { message } };
    });
    await jobs.start(month);
    await jobs.idle();
    expect(jobs.status()).toMatchObject({
      state: 'failed',
      error: { code: 'stripe_forbidden', details: [{ path: 'rak_dispute_read' }] },
    });
    stripe.onRequest(null);
    const soFar = jobs.taken.length;
    expect(soFar).toBeGreaterThan(0);
    await jobs.start(month);
    await jobs.idle();
    expect(new Set(jobs.taken).size).toBe(350);
    expect(jobs.taken.length).toBeLessThan(soFar + 350);
  });

  it('say what they wait for', async () => {
    const waited = Promise.withResolvers<void>();
    const jobs = create(apiOf());
    let requests = 0;
    stripe.onRequest(() => {
      requests += 1;
      if (requests === 1) return { kind: 'status', status: 429 };
      if (requests === 2) waited.resolve();
      return requests === 2 ? { kind: 'hang' } : null;
    });
    await jobs.start(month);
    await waited.promise;
    expect(jobs.status()).toMatchObject({
      state: 'running',
      waiting: { code: 'stripe_rate_limited' },
      requestsPerSecond: 2.5,
    });
  });

  it('keep no key and nothing but where they are', async () => {
    await brokenOff(1);
    const files = readdirSync(join(folder, 'data'));
    expect(files).toEqual(['backfill.json']);
    const text = readFileSync(join(folder, 'data', 'backfill.json'), 'utf8');
    expect(text).not.toContain('rk_test');
    expect(Object.keys(JSON.parse(text))).toEqual(['v', 'source', 'cursor', 'isDone']);
  });

  it.each(['', '{', '[]', 'null', '{"v":2}', '{"v":1,"source":"x","isDone":false,"cursor":{"accounts":[null]}}'])(
    'begin anew when what was kept is %j',
    async (text) => {
      const file = join(folder, 'backfill.json');
      writeFileSync(file, text);
      const jobs = create(apiOf(), file);
      await jobs.resume();
      expect(jobs.status().state).toBe('idle');
      await jobs.start(month);
      await jobs.idle();
      expect(jobs.taken).toHaveLength(350);
    },
  );

  it('run without a place to keep where they are', async () => {
    writeFileSync(join(folder, 'in-the-way'), '');
    const jobs = create(apiOf(), join(folder, 'in-the-way', 'backfill.json'));
    await jobs.start(month);
    await jobs.idle();
    expect(jobs.status()).toMatchObject({ state: 'done', events: 350 });
  });
});
