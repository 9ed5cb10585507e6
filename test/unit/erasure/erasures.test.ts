import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { erasingLog } from '../../../src/erasure/erasing-log.ts';
import { type Erasures, openErasures } from '../../../src/erasure/erasures.ts';
import { type Sweep, type SweepOptions, startSweep } from '../../../src/erasure/sweep.ts';
import { decode, encode } from '../../../src/log/codec.ts';
import type { EventLog } from '../../../src/log/event-log.ts';
import type { Rewriter } from '../../../src/log/sqlite-rewrite.ts';
import { systemClock } from '../../../src/model/clock.ts';
import type { DailyTotals, TotalsRecord } from '../../../src/model/daily-totals.ts';
import type { Entity } from '../../../src/model/entity.ts';
import type { Erasure } from '../../../src/model/erasure.ts';
import { maskEntity } from '../../../src/model/mask.ts';
import { tokenOf } from '../../../src/model/mask-erased.ts';
import { erasedName } from '../../../src/model/mask-names.ts';
import type { TopicName } from '../../../src/model/topics.ts';
import { append, view } from '../../support/detect.ts';
import { eventually } from '../../support/eventually.ts';
import { openTempLog, type TempLog } from '../../support/temp-log.ts';

const KEY = '77'.repeat(32);
const CUSTOMER: Entity = { kind: 'customer', value: 'cus_1' };
const AS = erasedName(CUSTOMER, { piiKey: KEY, nonce: 'n' });
const logger = pino({ level: 'silent' });
const nowS = Math.floor(Date.now() / 1000);

const erasure = (number: number, at = (nowS + 1) * 1000): Erasure => ({
  number,
  offset: number,
  at,
  subjects: [{ kind: 'customer', token: tokenOf(maskEntity(CUSTOMER, null, KEY)), as: AS }],
  attempts: [],
});

let temp: TempLog;
let kept: EventLog & Rewriter;
let erasures: Erasures;
const sweeps: Sweep[] = [];

beforeEach(async () => {
  temp = await openTempLog();
  kept = temp.log as EventLog & Rewriter;
  erasures = await openErasures({ log: kept, logger, group: 'test' });
});
afterEach(async () => {
  for (const sweep of sweeps.splice(0)) await sweep.close();
  await erasures.close();
  await temp.close();
});

async function write(record: object): Promise<void> {
  await kept.append('erasures', [{ key: null, value: encode('erasures', record), timeMs: Date.now() }]);
}

async function text(log: EventLog, topic: TopicName = 'attempts'): Promise<string> {
  const values: string[] = [];
  for await (const page of log.read(topic, 0, 0)) values.push(...page.map(({ value }) => value));
  return values.join('\n');
}

async function sweep(facts: Partial<SweepOptions> = {}): Promise<Sweep> {
  const options = { log: kept, rewriter: kept, piiKey: KEY, clock: systemClock, logger, clearWindows: null };
  const started = await startSweep({ ...options, ...facts });
  sweeps.push(started);
  return started;
}

const byCustomer = (id: string) => view(id, nowS, { fields: { customer: 'cus_1' } });

describe('the log as everybody reads it', () => {
  it('leaves out who is erased as soon as it is known, in what came before', async () => {
    const log = erasingLog(kept, erasures, KEY);
    await append(kept, byCustomer('ch_1'), { ...byCustomer('ch_2'), receivedAt: (nowS + 5) * 1000 });
    expect((await text(log)).match(/cus_1/g)?.length).toBe(2);
    await write(erasure(1));
    await expect.poll(() => erasures.newest()).toBe(1);
    expect((await text(log)).match(/cus_1|erased-/g)).toEqual(['erased-', 'cus_1']);
    expect((await text(kept)).match(/cus_1/g)?.length).toBe(2);
    const consumed: string[] = [];
    const consumer = await log.consume({
      topic: 'attempts',
      group: 'reader',
      batch: async ({ records }) => {
        consumed.push(...records.map(({ value }) => value));
        return null;
      },
    });
    await expect.poll(() => consumed.length).toBe(2);
    await consumer.close();
    expect(consumed.join().match(/cus_1|erased-/g)).toEqual(['erased-', 'cus_1']);
  });

  it('leaves nothing of them in the bytes of a record either', async () => {
    const log: EventLog = {
      ...kept,
      read: async function* (...range) {
        for await (const page of kept.read(...range))
          yield page.map((record) => ({ ...record, bytes: Buffer.from(record.value) }));
      },
    };
    await append(kept, byCustomer('ch_1'), { ...byCustomer('ch_2'), receivedAt: (nowS + 5) * 1000 });
    await write(erasure(1));
    await expect.poll(() => erasures.newest()).toBe(1);
    const read: string[] = [];
    for await (const page of erasingLog(log, erasures, KEY).read('attempts', 0, 0))
      read.push(...page.map(({ value, bytes }) => bytes?.toString() ?? value));
    expect(read.join().match(/cus_1|erased-/g)).toEqual(['erased-', 'cus_1']);
  });

  it('knows them after a start, each once, in their order; what is no erase is none', async () => {
    await write(erasure(2));
    await write(erasure(1));
    await write(erasure(2));
    await write({ number: 'three' });
    await kept.append('erasures', [{ key: null, value: '[]', timeMs: Date.now() }]);
    const again = await openErasures({ log: kept, logger, group: 'again' });
    expect(again.list().map(({ number }) => number)).toEqual([1, 2]);
    expect(again.unsettled()).toEqual(again.list());
    await write({ settled: 1 });
    await expect.poll(() => again.unsettled().map(({ number }) => number)).toEqual([2]);
    expect(again.newest()).toBe(2);
    await again.close();
  });
});

describe('the log as it is kept', () => {
  it('is rewritten once nobody tells of them any more; then reading need not look for them', async () => {
    let isHeard = false;
    const started = await sweep({ isHeard: () => isHeard });
    await append(kept, byCustomer('ch_1'));
    await write(erasure(1));
    await eventually(async () => !(await text(kept)).includes('cus_1'), { what: 'a first pass', withinMs: 20_000 });
    // Told by who had not heard of it.
    await append(kept, byCustomer('ch_late'));
    expect(await text(kept)).toContain('cus_1');
    expect(started.status().done).toBe(0);
    isHeard = true;
    await eventually(() => started.status().done === 1, { what: 'the sweep', withinMs: 20_000, told: started.status });
    expect(await text(kept)).not.toContain('cus_1');
    await expect.poll(() => erasures.unsettled()).toEqual([]);
    expect(started.status()).toMatchObject({ running: null, problem: null });
  });

  it('is gone on with at the next start, where it was broken off', async () => {
    await append(kept, byCustomer('ch_1'));
    const first = await sweep({ isHeard: () => false });
    await write(erasure(1));
    await eventually(async () => !(await text(kept)).includes('cus_1'), { what: 'a first pass', withinMs: 20_000 });
    await first.close();
    const second = await sweep();
    await eventually(() => second.status().done === 1, { what: 'the sweep', withinMs: 20_000 });
    await second.close();
    // Done once: there is nothing to be done for a third.
    let cleared = 0;
    const clearWindows = async (): Promise<void> => {
      cleared += 1;
    };
    await sweep({ clearWindows });
    await write(erasure(2));
    await expect.poll(() => cleared, { timeout: 20_000 }).toBe(1);
  });

  it('that cannot be rewritten has the days of the totals written anew, each once', async () => {
    const totals = (day: string, value: string): DailyTotals => ({
      scope: { account: null, livemode: true },
      day,
      asOf: 1,
      whole: true,
      outcomes: {},
      saves: {},
      brands: {},
      proofs: [
        {
          id: 'dp_1',
          kind: 'dispute',
          charge: 'ch_1',
          reason: 'fraudulent',
          at: nowS - 10,
          amount: 1,
          currency: 'usd',
          said: { created: nowS, event: 'evt_1' },
          paid: { at: nowS - 20, brand: 'visa', entities: [{ kind: 'customer', value }] },
        },
      ],
    });
    for (const [day, value] of [
      ['2026-10-01', 'cus_1'],
      ['2026-10-02', 'cus_2'],
    ] as const)
      await kept.append('daily-totals', [
        { key: day, value: encode('daily-totals', { totals: totals(day, value) }), timeMs: Date.now() },
      ]);
    const started = await sweep({ rewriter: null });
    await write(erasure(1));
    await eventually(() => started.status().done === 1, { what: 'the sweep', withinMs: 20_000 });
    const days = (await text(kept, 'daily-totals')).split('\n').map((one) => decode<TotalsRecord>('daily-totals', one));
    // The first of three may have been compacted away by now.
    expect(
      days.slice(-2).map((one) => ('totals' in one ? one.totals.proofs[0]?.paid?.entities[0]?.value : null)),
    ).toEqual(['cus_2', AS]);
    expect((await kept.ends('daily-totals'))[0]?.next).toBe(3);
    await write(erasure(2));
    await eventually(() => started.status().done === 2, { what: 'the second', withinMs: 20_000 });
    expect((await kept.ends('daily-totals'))[0]?.next).toBe(3);
    // Nobody rewrote the rest: it is left out in reading, for as long as it is there.
    expect(erasures.unsettled().length).toBe(2);
  });
});
