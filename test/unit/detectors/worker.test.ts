// The detect worker over the real embedded log: what it reports, when, and what it does when log or store stand elsewhere.
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMemoryStore } from '../../../src/detectors/stores/memory.ts';
import type { WindowStore } from '../../../src/detectors/window-store.ts';
import { type DetectWorker, startDetectWorker } from '../../../src/detectors/worker.ts';
import { decode } from '../../../src/log/codec.ts';
import type { EventLog } from '../../../src/log/event-log.ts';
import type { DeadLetter } from '../../../src/model/dead-letter.ts';
import { AppError } from '../../../src/model/errors.ts';
import type { EndedMembers } from '../../../src/model/members.ts';
import { accept, append, newestByKey, reportsIn, rule, START_S, succeeded, view } from '../../support/detect.ts';
import { type HandClock, handClock } from '../../support/hand-clock.ts';
import { openTempLog, type TempLog } from '../../support/temp-log.ts';

const logger = pino({ level: 'silent' });

let temp: TempLog;
let log: EventLog;
let clock: HandClock;
let store: WindowStore;
let workers: DetectWorker[];

beforeEach(async () => {
  temp = await openTempLog();
  log = temp.log;
  clock = handClock(START_S * 1000);
  store = createMemoryStore();
  workers = [];
});
afterEach(async () => {
  for (const worker of workers) await worker.close();
  await temp.close();
});

async function start(parts: { store?: WindowStore; log?: EventLog } = {}): Promise<DetectWorker> {
  const worker = await startDetectWorker({ log, store, clock, logger, piiKey: 'test key', ...parts });
  workers.push(worker);
  return worker;
}

const next = (worker: DetectWorker): number | null => worker.status()[0]?.next ?? null;

async function caughtUp(worker: DetectWorker): Promise<void> {
  const end = (await log.ends('attempts'))[0]?.next ?? 0;
  await expect.poll(() => [next(worker), worker.status()[0]?.rebuilding], { timeout: 30_000 }).toEqual([end, null]);
}

const attack = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => view(`ch_${from + i}`, START_S + from + i));

describe('detect worker', () => {
  it('reports an episode at once, as of its position and for the live range', async () => {
    await append(log, rule());
    const worker = await start();
    await append(log, ...attack(3));
    await expect.poll(async () => (await reportsIn(log)).length).toBe(1);
    const [report] = await reportsIn(log);
    expect(report).toMatchObject({
      detector: 'card-declines',
      scope: { account: null, livemode: true },
      entity: { kind: 'card', value: 'c', label: 'visa •••• 4242' },
      asOf: { lane: 'live', topic: 'attempts', partition: 0 },
      range: { fromS: START_S + 2 - 72 * 3_600, toS: null },
      receivedAt: (START_S + 2) * 1000,
    });
    expect(report?.episodes).toMatchObject([
      {
        severity: 'warning',
        peak: 3,
        attemptCount: 3,
        firstBreachAt: START_S + 2,
        over: false,
        exact: true,
        evidence: { outcomes: { declined: 3 }, amounts: [{ currency: 'usd', amount: 3_000, count: 3 }] },
      },
    ]);
    await caughtUp(worker);
    expect(worker.status()).toMatchObject([{ partition: 0, next: 4, lag: 0, attempts: 3, problem: null }]);
  });

  it('coalesces growth by the clock, and speaks at once when it gets worse', async () => {
    await append(log, rule());
    const worker = await start();
    await append(log, ...attack(3));
    await expect.poll(async () => (await reportsIn(log)).length).toBe(1);
    await append(log, view('ch_3', START_S + 3));
    await caughtUp(worker);
    expect(await reportsIn(log)).toHaveLength(1);
    await append(log, view('ch_4', START_S + 4));
    await caughtUp(worker);
    expect(await reportsIn(log)).toHaveLength(1);
    await pass(async () => (await reportsIn(log)).length === 2);
    expect(clock.now() - START_S * 1000).toBeGreaterThanOrEqual(5_000);
    expect((await reportsIn(log)).map(({ episodes }) => episodes[0]?.attemptCount)).toEqual([3, 5]);
    await append(log, view('ch_5', START_S + 5));
    await expect
      .poll(async () => (await reportsIn(log)).map(({ episodes }) => episodes[0]?.severity))
      .toEqual(['warning', 'warning', 'critical']);
  });

  it('says once that an episode is over, with its members', async () => {
    await append(log, rule());
    const worker = await start();
    await append(log, ...attack(4));
    await caughtUp(worker);
    const before = await reportsIn(log);
    expect(before.every(({ episodes }) => episodes.every(({ over }) => !over))).toBe(true);
    clock.advance(3_600_000);
    await pass(async () => (await reportsIn(log)).at(-1)?.episodes[0]?.over === true);
    expect(clock.now()).toBeGreaterThanOrEqual((START_S + 3 + 3_601) * 1000);
    const count = (await reportsIn(log)).length;
    const last = (await reportsIn(log)).at(-1);
    expect(last?.asOf.offset).toBe(before.at(-1)?.asOf.offset);
    expect(last?.asOf.atMs ?? 0).toBeGreaterThan(before.at(-1)?.asOf.atMs ?? 0);
    clock.advance(3_600_000);
    expect(await membersIn()).toHaveLength(1);
    expect((await membersIn())[0]).toEqual({
      detector: 'card-declines',
      scope: { account: null, livemode: true },
      entity: { kind: 'card', value: 'c' },
      firstBreachAt: START_S + 2,
      lastBreachAt: START_S + 3,
      attemptCount: 4,
      attempts: ['ch_3', 'ch_2', 'ch_1', 'ch_0'],
    });
    expect(await reportsIn(log)).toHaveLength(count);
  });

  it('reports a withdrawal at once, as a range without an episode', async () => {
    await append(log, rule());
    await start();
    await append(log, ...attack(3));
    await expect.poll(async () => (await reportsIn(log)).length).toBe(1);
    await append(log, succeeded('ch_1', START_S + 1));
    await expect.poll(async () => (await reportsIn(log)).map(({ episodes }) => episodes.length)).toEqual([1, 0]);
  });

  it('goes on from the store, and tells what was touched and not told before it stopped', async () => {
    await append(log, rule());
    const first = await start();
    await append(log, ...attack(3));
    await caughtUp(first);
    await append(log, view('ch_3', START_S + 3));
    await caughtUp(first);
    await first.close();
    expect(await reportsIn(log)).toHaveLength(1);
    clock.advance(5_000);
    const second = await start();
    await pass(async () => (await reportsIn(log)).length === 2);
    expect((await reportsIn(log)).at(-1)?.episodes[0]?.attemptCount).toBe(4);
    await append(log, view('ch_4', START_S + 4), view('ch_5', START_S + 5));
    await expect.poll(async () => (await reportsIn(log)).at(-1)?.episodes[0]?.attemptCount).toBe(6);
    await caughtUp(second);
  });

  it('rebuilds from the log when the store has lost everything, and reports the same', async () => {
    await append(log, rule());
    const first = await start();
    await append(log, ...attack(3), ...attack(3, 20_000));
    await caughtUp(first);
    await first.close();
    const before = newestByKey(await reportsIn(log));
    store = createMemoryStore();
    await append(log, view('ch_x', START_S + 20_003));
    const second = await start();
    await caughtUp(second);
    await pass(async () => (await reportsIn(log)).at(-1)?.episodes[1]?.attemptCount === 4);
    expect((await reportsIn(log)).at(-1)?.episodes.map((e) => e.attemptCount)).toEqual([3, 4]);
    expect(Object.keys(newestByKey(await reportsIn(log)))).toEqual(Object.keys(before));
  });

  it('withdraws after a rebuild what it told before the loss', async () => {
    await append(log, rule());
    const first = await start();
    await append(log, ...attack(3));
    await caughtUp(first);
    await first.close();
    store = createMemoryStore();
    const gone = view('ch_1', START_S + 1, { event: 'evt_ch_1_2', created: START_S + 9, fields: { card: 'other' } });
    await append(log, gone);
    await caughtUp(await start());
    await expect.poll(async () => (await reportsIn(log)).map(({ episodes }) => episodes.length)).toEqual([1, 0]);
  });

  it('withdraws what it told just before it was killed, though the store never heard of it', async () => {
    await append(log, rule());
    const first = await start();
    await caughtUp(first);
    await first.close();
    const kept = store;
    store = { ...kept, append: async () => await Promise.reject(new Error('killed')) };
    const second = await start();
    await append(log, ...attack(3));
    await expect.poll(async () => (await reportsIn(log)).map(({ episodes }) => episodes.length)).toEqual([1]);
    await second.close();
    store = kept;
    await append(log, view('ch_1', START_S + 1, { event: 'evt_2', created: START_S + 9, fields: { card: 'other' } }));
    await caughtUp(await start());
    await pass(async () => (await reportsIn(log)).length > 1);
    expect((await reportsIn(log)).map(({ episodes }) => episodes.length)).toEqual([1, 0]);
  });

  it('follows an attack that goes on for longer than the live range, through a loss of the store too', async () => {
    await accept(log, rule({ windowS: 86_400, quietForS: 86_400 }));
    const days = (from: number, to: number) =>
      Array.from({ length: (to - from) * 6 }, (_, i) =>
        view(`ch_${from * 6 + i}`, START_S + from * 86_400 + i * 14_400),
      );
    const first = await start();
    await append(log, ...days(0, 1));
    await caughtUp(first);
    await append(log, ...days(1, 10));
    clock.advance(10 * 86_400_000);
    await caughtUp(first);
    await pass(async () => (await reportsIn(log)).at(-1)?.episodes[0]?.attemptCount === 60);
    await first.close();
    store = createMemoryStore();
    await append(log, ...days(10, 11));
    const second = await start();
    clock.advance(86_400_000);
    await caughtUp(second);
    await pass(async () => (await reportsIn(log)).at(-1)?.episodes[0]?.attemptCount === 66);
    const last = (await reportsIn(log)).at(-1);
    expect(last?.episodes).toMatchObject([{ firstAttemptAt: START_S, firstBreachAt: START_S + 2 * 14_400 }]);
    expect(last?.range.fromS).toBeGreaterThan(START_S + 7 * 86_400);
  });

  it('rebuilds further back when a rule looks further back than the state does', async () => {
    await append(log, rule());
    const first = await start();
    // Six days apart: the first is dropped long before the last comes.
    const apart = [0, 6, 12, 18].map((days) => view(`ch_${days}`, START_S + days * 86_400));
    await append(log, ...apart);
    await caughtUp(first);
    expect(first.status()[0]?.attempts).toBeLessThan(4);
    const wide = rule({ name: 'wide', windowS: 7 * 86_400, quietForS: 14 * 86_400, thresholds: { warning: 2 } });
    clock.advance(18 * 86_400_000);
    await append(log, wide);
    await expect.poll(async () => (await reportsIn(log)).map(({ detector }) => detector)).toEqual(['wide']);
    await caughtUp(first);
    expect(first.status()[0]?.attempts).toBe(4);
    expect((await reportsIn(log))[0]?.episodes).toMatchObject([
      { attemptCount: 4, firstBreachAt: START_S + 6 * 86_400 },
    ]);
  });

  it('buries a record that cannot be read, and goes on', async () => {
    await append(log, rule());
    const worker = await start();
    const bad = ['nonsense', '[1]', '[1,0,5]', '[1,9]', '{"v":1}'];
    await log.append(
      'attempts',
      bad.map((value) => ({ key: null, value, timeMs: START_S * 1000 })),
    );
    await append(log, ...attack(3));
    await expect.poll(async () => (await reportsIn(log)).length).toBe(1);
    await caughtUp(worker);
    expect((await lettersIn()).map(({ offset, reason }) => [offset, reason])).toEqual(
      bad.map((_, i) => [i + 1, 'bad_record']),
    );
  });

  it('finds the record that the detectors cannot take, buries it alone, and goes on', async () => {
    const broken = rule({ name: 'broken', where: 'no such thing (' });
    await append(log, rule(), ...attack(2), broken, view('ch_2', START_S + 2));
    const worker = await start();
    await pass(async () => (await reportsIn(log)).length === 1);
    await caughtUp(worker);
    expect((await lettersIn()).map(({ offset, reason }) => [offset, reason])).toEqual([[3, 'cannot_be_folded']]);
    expect(worker.status()[0]?.problem).toBeNull();
  });

  it('stands still, and says so, at a record of a newer program', async () => {
    await append(log, rule(), ...attack(2));
    await log.append('attempts', [{ key: null, value: '[99,0]', timeMs: START_S * 1000 }]);
    await append(log, ...attack(3, 2));
    const worker = await start();
    await expect.poll(() => worker.status()[0]?.problem?.code).toBe('newer_schema');
    expect(await reportsIn(log)).toEqual([]);
    expect(await lettersIn()).toEqual([]);
  });

  it('waits while the store is away, and loses nothing', async () => {
    await append(log, rule());
    let isAway = false;
    const flaky: WindowStore = {
      ...store,
      append: async (partition, change) => {
        if (isAway) throw new AppError('store_unavailable', 'away', { retriable: true });
        return await store.append(partition, change);
      },
    };
    const worker = await start({ store: flaky });
    await caughtUp(worker);
    isAway = true;
    await append(log, ...attack(3));
    await expect.poll(() => worker.status()[0]?.problem?.code).toBe('store_unavailable');
    isAway = false;
    await append(log, view('ch_3', START_S + 3));
    await pass(async () => worker.status()[0]?.next === 5);
    await caughtUp(worker);
    expect(await reportsIn(log)).toHaveLength(1);
    expect(worker.status()[0]).toMatchObject({ attempts: 4, problem: null });
  });

  it('drops its state when another owner has moved on, and reads again from where the store stands', async () => {
    await append(log, rule());
    const worker = await start();
    await append(log, ...attack(2));
    await caughtUp(worker);
    // Went back to an older copy, as after a failover: the first record alone.
    await store.clear(0);
    await append(log, view('ch_2', START_S + 2));
    await expect.poll(async () => (await reportsIn(log)).at(-1)?.episodes[0]?.attemptCount).toBe(3);
    await caughtUp(worker);
  });

  it('says that counts may be short when the log does not reach back', async () => {
    const old = Array.from({ length: 3 }, (_, i) => view(`ch_${i}`, START_S + i));
    await append(log, rule(), ...old);
    const trimmed: EventLog = {
      ...log,
      ends: async (topic) => (await log.ends(topic)).map((end) => (topic === 'attempts' ? { ...end, first: 1 } : end)),
    };
    await append(log, { ...rule(), version: 2 });
    await start({ log: trimmed });
    await expect.poll(async () => (await reportsIn(log)).at(-1)?.episodes[0]?.exact).toBe(false);
  });

  it('stops with the cure when the log has lost what was not counted yet', async () => {
    await append(log, rule(), ...attack(5));
    await store.append(0, { expectedNext: null, next: 2, rows: [] });
    const trimmed: EventLog = {
      ...log,
      ends: async (topic) => (await log.ends(topic)).map((end) => (topic === 'attempts' ? { ...end, first: 4 } : end)),
    };
    const worker = await start({ log: trimmed });
    await expect.poll(() => worker.status()[0]?.problem?.code).toBe('log_gap');
    expect(worker.status()[0]?.problem?.help).not.toBe('');
    expect(await reportsIn(log)).toEqual([]);
  });

  it('keeps personal data out of the reports', async () => {
    await append(log, rule({ name: 'by-email', per: 'email', where: 'outcome == "declined" && email != ""' }));
    await start();
    const fields = { email: 'jane.roe@example.com', ip: '203.0.113.9' };
    await append(log, ...Array.from({ length: 3 }, (_, i) => view(`ch_${i}`, START_S + i, { fields })));
    await expect.poll(async () => (await reportsIn(log)).length).toBe(1);
    for await (const page of log.read('commands', 0, 0))
      for (const { value } of page) expect(value).not.toMatch(/jane|roe@|203\.0\.113|example\.com/);
    expect((await reportsIn(log))[0]?.entity).toMatchObject({
      kind: 'email',
      value: expect.stringMatching(/^[0-9a-f]{32}$/),
      label: expect.stringMatching(/^j•••@e•••\.com \([0-9a-f]{6}\)$/),
    });
  });
});

/** Until it holds: time goes on, so that whoever waits before trying again does. */
async function pass(holds: () => Promise<boolean>): Promise<void> {
  await expect
    .poll(
      async () => {
        clock.advance(250);
        return await holds();
      },
      { timeout: 30_000, interval: 10 },
    )
    .toBe(true);
}

async function membersIn(): Promise<readonly EndedMembers[]> {
  const members: EndedMembers[] = [];
  for await (const page of log.read('members', 0, 0))
    for (const { value } of page) members.push(decode<EndedMembers>('members', value));
  return members;
}

async function lettersIn(): Promise<readonly DeadLetter[]> {
  const letters: DeadLetter[] = [];
  for await (const page of log.read('dead-letters', 0, 0))
    for (const { value } of page) letters.push(decode<DeadLetter>('dead-letters', value));
  return letters;
}
