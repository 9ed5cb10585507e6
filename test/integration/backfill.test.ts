// A backfill as a whole: the real SDK over HTTP, the real way into a real embedded log; a process that is killed; and
// what the detectors' fold makes of it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { attemptOf, type MergedAttempt, mergeView } from '../../src/attempts/merge.ts';
import { decodeAttemptsRecord } from '../../src/attempts/wire.ts';
import { createAcceptor } from '../../src/ingest/accept.ts';
import { createBackfills } from '../../src/ingest/backfill-jobs.ts';
import { createStripeApi } from '../../src/ingest/stripe-client.ts';
import { openDatabase } from '../../src/log/database.ts';
import type { EventLog } from '../../src/log/event-log.ts';
import { openSqliteLog } from '../../src/log/sqlite.ts';
import type { View } from '../../src/model/attempt.ts';
import { startBackfillChild } from '../support/backfill-child.ts';
import {
  eagerClock,
  eventOf,
  failedCharge,
  LOCAL_KEY,
  type LocalEvent,
  type LocalStripe,
  startLocalStripe,
} from '../support/local-stripe.ts';

const DAY_S = 86_400;
const LATENESS_S = 3 * DAY_S;
const nowS = Math.floor(Date.now() / 1000);

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'declinewatch-backfill-'));
  open.push({ close: () => rmSync(made, { recursive: true, force: true }) });
  return made;
}

async function openLog(at: string): Promise<EventLog> {
  const database = await openDatabase({ file: join(at, 'log.db'), owner: 'test' });
  const log = await openSqliteLog({ database, logger: pino({ level: 'silent' }) });
  await log.ensureTopics();
  open.push(database, log);
  return log;
}

/** Half of the declines with their intent's view too; some of what nobody handles in between. */
function past(count: number, days: number): LocalEvent[] {
  const stepS = Math.floor((days * DAY_S - 600) / count);
  return Array.from({ length: count }, (_, index) => {
    const created = nowS - 300 - (count - index) * stepS;
    if (index % 50 === 7)
      return eventOf(`evt_${index}`, 'customer.created', { created, object: { id: `cus_${index}` } });
    if (index % 2 === 0) return failedCharge(String(index), created).event;
    const error = { charge: `ch_${index - 1}`, code: 'card_declined', decline_code: 'generic_decline' };
    const object = { id: `pi_${index}`, amount: 1_200, currency: 'usd', last_payment_error: error };
    return eventOf(`evt_${index}`, 'payment_intent.payment_failed', { created, object });
  });
}

type Counted = { readonly views: readonly View[]; readonly attempts: ReadonlyMap<string, MergedAttempt> };

async function counted(log: EventLog): Promise<Counted> {
  const views: View[] = [];
  for await (const page of log.read('attempts', 0, 0))
    for (const { value } of page) {
      const record = decodeAttemptsRecord(value);
      if (record.record === 'view') views.push(record);
    }
  const attempts = new Map<string, MergedAttempt>();
  for (const view of views) attempts.set(view.attempt, mergeView(attempts.get(view.attempt), view));
  return { views, attempts };
}

/** What is counted of attempts, without when it was received. */
const facts = ({ attempts }: Counted) => [...attempts.values()].map(attemptOf).sort((a, b) => (a.id < b.id ? -1 : 1));

/** By brute force over the events: charge ids that a handled event names. */
function expectedAttempts(events: readonly LocalEvent[]): Set<string> {
  return new Set(
    events.flatMap((event) => {
      const { object } = event.data as { object: { id: string; last_payment_error?: { charge: string } } };
      if (event.type === 'charge.failed') return [object.id];
      return object.last_payment_error === undefined ? [] : [object.last_payment_error.charge];
    }),
  );
}

function backfillsOver(log: EventLog, stripe: LocalStripe, at: string) {
  const clock = eagerClock();
  const api = createStripeApi({ apiKey: LOCAL_KEY, apiUrl: stripe.url, clock });
  const acceptor = createAcceptor({
    log,
    context: () => ({ metadata: { ip: null, keys: [] } }),
    latenessMs: () => LATENESS_S * 1000,
  });
  const file = join(at, 'backfill.json');
  const jobs = createBackfills({ api, acceptor, clock, logger: pino({ level: 'silent' }), file });
  open.push(api, jobs);
  return { jobs, acceptor };
}

const month = { sinceMs: (nowS - 30 * DAY_S + 120) * 1000, accounts: [] };

describe('a backfill of 10,000 events', () => {
  it('while more arrive, takes each attempt once, each view in its lane, and again changes nothing', async () => {
    const at = folder();
    const log = await openLog(at);
    const stripe = await startLocalStripe();
    open.push(stripe);
    const events = past(10_000, 29);
    stripe.addEvents(events);
    const { jobs, acceptor } = backfillsOver(log, stripe, at);
    // Webhooks have brought the last days, both views of each decline.
    const recent = events.slice(9_000);
    for (let from = 0; from < recent.length; from += 500)
      await acceptor.accept(recent.slice(from, from + 500), { receivedAt: Date.now() });
    const before = facts(await counted(log));
    const arriving: LocalEvent[] = [];
    stripe.onRequest((_request, index) => {
      const { event } = failedCharge(`new_${index}`, nowS - 60 + (index % 50));
      arriving.push(event);
      stripe.addEvents([event]);
      return null;
    });
    await jobs.start(month);
    await jobs.idle();
    expect(jobs.status()).toMatchObject({ state: 'done', fraction: 1, error: null });
    const once = await counted(log);
    const wanted = expectedAttempts(events);
    const ids = new Set([...once.attempts.keys()].filter((id) => !id.startsWith('ch_new')));
    expect(ids).toEqual(wanted);
    const isLate = ({ receivedAt, time }: View): boolean => receivedAt - time * 1000 > LATENESS_S * 1000;
    expect(once.views.filter((view) => isLate(view) !== (view.lane === 'history'))).toEqual([]);
    expect(once.views.some(({ lane }) => lane === 'live')).toBe(true);
    expect(once.views.some(({ lane }) => lane === 'history')).toBe(true);
    // What webhooks had brought is as it was.
    const known = new Set(before.map(({ id }) => id));
    expect(facts(once).filter(({ id }) => known.has(id))).toEqual(before);
    // Requests: a page takes 100; finding the oldest event a few.
    expect(jobs.status().requests).toBeLessThan(10_000 / 100 + 40);
    stripe.onRequest(null);
    await jobs.start(month);
    await jobs.idle();
    const twice = facts(await counted(log)).filter(({ id }) => !id.startsWith('ch_new'));
    expect(twice).toEqual(facts(once).filter(({ id }) => !id.startsWith('ch_new')));
  }, 120_000);
});

describe('a backfill that is killed', () => {
  it('at any point goes on in the next process, and in the end has all', async () => {
    const stripe = await startLocalStripe();
    open.push(stripe);
    const events = past(1_500, 29);
    stripe.addEvents(events);
    const at = folder();
    let requests = 0;
    // While the oldest event is looked for, among the first pages, and twice soon after it went on.
    const kills = [3, 14, 4, 4];
    for (let life = 0; ; life += 1) {
      const killAt = kills[life];
      const child = startBackfillChild({ folder: at, apiUrl: stripe.url, sinceMs: month.sinceMs });
      open.push({ close: child.kill });
      let inThisLife = 0;
      stripe.onRequest(() => {
        requests += 1;
        inThisLife += 1;
        if (inThisLife === killAt) child.kill();
        return null;
      });
      const end = await child.ended;
      if (killAt === undefined) {
        expect(end).toEqual({ code: 0, output: expect.stringMatching(/^done \d+ \n$/) });
        break;
      }
      expect(end).toEqual({ code: null, output: '' });
    }
    const { attempts, views } = await counted(await openLog(at));
    expect(new Set(attempts.keys())).toEqual(expectedAttempts(events));
    expect(requests).toBeGreaterThan(25);
    // Each life takes five minutes and a page again, at most.
    expect(views.length).toBeLessThan(events.length + (kills.length + 1) * 150);
  }, 120_000);
});
