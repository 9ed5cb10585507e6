// The history lane by itself: partitions side by side, a run that dies in the middle, an owner that has lost its place.
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeAttemptsRecord } from '../../../src/attempts/wire.ts';
import { type HistoryLane, startHistoryLane } from '../../../src/detectors/history.ts';
import { createMemoryStore } from '../../../src/detectors/stores/memory.ts';
import type { WindowStore } from '../../../src/detectors/window-store.ts';
import type { Consumer, EventLog } from '../../../src/log/event-log.ts';
import type { SignalView, View } from '../../../src/model/attempt.ts';
import type { Report } from '../../../src/model/episode.ts';
import { accept, append, recordOf, reportsIn, rule, START_S, view } from '../../support/detect.ts';
import { type HandClock, handClock } from '../../support/hand-clock.ts';
import { openTempLog, type TempLog } from '../../support/temp-log.ts';

const logger = pino({ level: 'silent' });
const OLD_S = START_S - 20 * 86_400;

let temp: TempLog;
let log: EventLog;
let clock: HandClock;
let store: WindowStore;
const closing: { close(): Promise<void> }[] = [];

beforeEach(async () => {
  temp = await openTempLog();
  log = temp.log;
  clock = handClock(START_S * 1000);
  store = createMemoryStore();
  await accept(log, rule());
});
afterEach(async () => {
  for (const one of closing.splice(0).reverse()) await one.close();
  await temp.close();
});

async function start(parts: { log?: EventLog; store?: WindowStore } = {}): Promise<HistoryLane> {
  const lane = await startHistoryLane({ log, store, clock, logger, piiKey: 'k', ...parts });
  closing.push(lane);
  return lane;
}

/** Three declines on a card, long ago, received now. */
const attack = (card: string, fromS = OLD_S): View[] =>
  [0, 1, 2].map((i) =>
    view(`ch_${card}_${i}`, fromS + i, { receivedAt: START_S * 1000, lane: 'history', fields: { card } }),
  );

const told = (reports: readonly Report[]): readonly string[] =>
  reports.map(({ entity, asOf, episodes }) => `${entity.value}@${asOf.partition}: ${episodes.length}`).sort();

/** `attempts` over two logs, a partition each; everything else is in the first. */
function twoPartitions(first: EventLog, second: EventLog): EventLog {
  const of = (partition: number): EventLog => (partition === 0 ? first : second);
  return {
    ...first,
    partitions: (topic) => (topic === 'attempts' ? 2 : 1),
    append: async (topic, records) => {
      if (topic !== 'attempts') return await first.append(topic, records);
      const positions = [];
      for (const record of records) {
        const partition = record.partition ?? 0;
        for (const { offset } of await of(partition).append(topic, [{ ...record, partition: 0 }]))
          positions.push({ partition, offset });
      }
      return positions;
    },
    read: (topic, partition, from, to) =>
      topic === 'attempts' ? of(partition).read(topic, 0, from, to) : first.read(topic, partition, from, to),
    ends: async (topic) => {
      const ends = await first.ends(topic);
      if (topic !== 'attempts') return ends;
      return [...ends, ...(await second.ends(topic)).map((end) => ({ ...end, partition: 1 }))];
    },
    consume: async (options) => {
      const { assigned, revoked, batch } = options;
      const consumers: Consumer[] = [];
      for (const partition of [0, 1])
        consumers.push(
          await of(partition).consume({
            ...options,
            assigned: async (_, hold) => (await assigned?.(partition, hold)) ?? null,
            revoked: async () => await revoked?.(partition),
            batch: async (given) =>
              await batch({
                ...given,
                partition,
                records: given.records.map((record) => ({ ...record, partition })),
              }),
          }),
        );
      return { close: async () => void (await Promise.all(consumers.map((consumer) => consumer.close()))) };
    },
  };
}

describe('the history lane', () => {
  it('evaluates each partition by itself, as of its own position', async () => {
    const other = await openTempLog();
    try {
      const both = twoPartitions(log, other.log);
      await append(both, ...attack('first'));
      await both.append(
        'attempts',
        attack('second').map((one) => recordOf({ ...one, account: 'acct_2' }, 1)),
      );
      const lane = await start({ log: both });
      await expect.poll(() => lane.status().map(({ next }) => next)).toEqual([4, 3]);
      await lane.runNow();
      const reports = await reportsIn(log);
      expect(told(reports)).toEqual(['first@0: 1', 'second@1: 1']);
      expect(reports.map(({ asOf, range }) => [asOf.lane, asOf.offset, range.toS])).toEqual([
        ['history', 4, expect.any(Number)],
        ['history', 3, expect.any(Number)],
      ]);
      await lane.close();
    } finally {
      await other.close();
    }
  });

  it('says what it had not said when a run dies in the middle, newer than what it had', async () => {
    await append(log, ...attack('one'), ...attack('two', OLD_S + 86_400 * 5));
    let commands = 0;
    const dying: EventLog = {
      ...log,
      append: async (topic, records) => {
        if (topic === 'commands') {
          commands += 1;
          await log.append(topic, records.slice(0, 1));
          throw new Error('killed');
        }
        return await log.append(topic, records);
      },
    };
    const first = await start({ log: dying });
    await expect(first.runNow()).rejects.toThrow('killed');
    expect(first.status()).toMatchObject([{ problem: 'killed', waitingHours: 2, isRunning: false }]);
    expect(commands).toBe(1);
    await first.close();
    const before = await reportsIn(log);
    expect(told(before)).toHaveLength(1);
    clock.advance(60_000);
    const second = await start();
    await second.runNow();
    const after = (await reportsIn(log)).slice(before.length);
    expect(told(after)).toEqual(['one@0: 1', 'two@0: 1']);
    const again = after.find(({ entity }) => entity.value === before[0]?.entity.value);
    expect(again?.asOf.atMs).toBeGreaterThan(before[0]?.asOf.atMs ?? Number.POSITIVE_INFINITY);
    expect({ ...again, asOf: null }).toEqual({ ...before[0], asOf: null });
    await second.runNow();
    expect(await reportsIn(log)).toHaveLength(3);
  });

  it('reads again from where the store stands, when another has moved it', async () => {
    const lane = await start();
    await append(log, ...attack('one'));
    await expect.poll(() => lane.status()[0]?.next).toBe(4);
    await lane.runNow();
    // Another process had the partition in between, and has forgotten everything.
    await store.clear(1_000_000);
    await append(log, ...attack('two'));
    await expect.poll(() => lane.status()[0]?.next).toBe(7);
    await lane.runNow();
    expect(told(await reportsIn(log)).at(-1)).toBe('two@0: 1');
  });

  it('remembers over a restart what it has evaluated, and what waits', async () => {
    await append(log, ...attack('one'));
    const first = await start();
    await first.runNow();
    await append(log, ...attack('two'));
    await expect.poll(() => first.status()[0]?.waitingHours).toBe(1);
    await first.close();
    const second = await start();
    await expect.poll(() => second.status()[0]?.waitingHours).toBe(1);
    await second.runNow();
    expect(told(await reportsIn(log))).toEqual(['one@0: 1', 'two@0: 1']);
  });

  it('tells of two stretches far apart in two reports, each for its own range', async () => {
    await append(
      log,
      ...attack('one'),
      ...attack('one', OLD_S + 10 * 86_400).map((v) => ({ ...v, attempt: `x${v.attempt}` })),
    );
    const lane = await start();
    await lane.runNow();
    const reports = await reportsIn(log);
    expect(reports).toHaveLength(2);
    for (const { range, episodes } of reports) {
      expect(episodes).toHaveLength(1);
      expect(episodes[0]?.firstBreachAt).toBeGreaterThanOrEqual(range.fromS);
      expect(episodes[0]?.firstBreachAt).toBeLessThan(range.toS ?? 0);
      expect(episodes[0]).toMatchObject({ over: true, exact: true, evidence: { outcomes: { declined: 3 } } });
    }
    const [a, b] = reports.map(({ range }) => range);
    expect(a?.toS).toBeLessThanOrEqual(b?.fromS ?? 0);
  });

  describe('of signals', () => {
    const warning: SignalView = {
      record: 'signal',
      account: null,
      livemode: true,
      signal: 'early_fraud_warning',
      id: 'issfr_1',
      charge: 'ch_far',
      reason: 'made_with_stolen_card',
      event: 'evt_w',
      created: OLD_S + 10 * 86_400,
      time: OLD_S + 10 * 86_400,
      receivedAt: START_S * 1000,
      lane: 'history',
    };
    const charge = view('ch_far', OLD_S, { receivedAt: START_S * 1000, lane: 'history', fields: { card: 'stolen' } });
    const signals = rule({
      name: 'warnings',
      on: 'signal',
      where: 'signal == "early_fraud_warning"',
      thresholds: { critical: 1 },
    });
    const appendSignal = async (one: SignalView): Promise<void> => {
      const value = encodeAttemptsRecord(one);
      await log.append('attempts', [{ key: 'self/live', value, timeMs: one.receivedAt }]);
    };
    const warned = async () => (await reportsIn(log)).filter(({ detector }) => detector === 'warnings');

    it('takes the card from a charge that is days away', async () => {
      await accept(log, signals);
      await append(log, charge);
      await appendSignal(warning);
      const lane = await start();
      await lane.runNow();
      expect(await warned()).toMatchObject([
        {
          entity: { kind: 'card', value: 'stolen' },
          episodes: [{ firstBreachAt: warning.time, severity: 'critical' }],
        },
      ]);
    });

    it('looks at a signal again when its charge comes after it, over a restart too', async () => {
      await accept(log, signals);
      await appendSignal(warning);
      const first = await start();
      await first.runNow();
      expect(await warned()).toEqual([]);
      await first.close();
      const second = await start();
      await append(log, charge);
      await second.runNow();
      expect(await warned()).toMatchObject([{ entity: { value: 'stolen' }, episodes: [{ attemptCount: 1 }] }]);
    });

    it('has nothing to tell of a signal that no detector asks for', async () => {
      await accept(log, signals);
      await append(log, charge);
      await appendSignal({ ...warning, signal: 'refund', id: 're_1' });
      const lane = await start();
      await lane.runNow();
      expect(await warned()).toEqual([]);
    });
  });
});
