// The detect worker over the real embedded log: what it reports, when, and what it does when log or store stand elsewhere.
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMemoryStore } from '../../../src/detectors/stores/memory.ts';
import type { WindowStore } from '../../../src/detectors/window-store.ts';
import { type DetectWorker, startDetectWorker } from '../../../src/detectors/worker.ts';
import { decode } from '../../../src/log/codec.ts';
import type { EventLog } from '../../../src/log/event-log.ts';
import type { DeadLetter } from '../../../src/model/dead-letter.ts';
import type { EndedMembers } from '../../../src/model/members.ts';
import { append, newestByKey, reportsIn, rule, START_S, succeeded, view } from '../../support/detect.ts';
import { type HandClock, handClock } from '../../support/hand-clock.ts';
import { openTempLog, type TempLog } from '../../support/temp-log.ts';

const logger = pino({ level: process.env.TEST_LOG ?? 'silent' });

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
  await expect.poll(() => [next(worker), worker.status()[0]?.rebuilding], { timeout: 10_000 }).toEqual([end, null]);
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
});
