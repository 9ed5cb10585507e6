// The limit of what the windows hold (design §4.8): beyond it the oldest attempts go and merge no more, what was told of them
// stays told, and every episode that may lack some says so.
import fc from 'fast-check';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fold } from '../../../src/detectors/fold.ts';
import { expire, liveFromS } from '../../../src/detectors/retain.ts';
import { createState, type FoldState, statsOf } from '../../../src/detectors/state.ts';
import { createMemoryStore } from '../../../src/detectors/stores/memory.ts';
import type { WindowStore } from '../../../src/detectors/window-store.ts';
import { type DetectWorker, startDetectWorker } from '../../../src/detectors/worker.ts';
import type { View } from '../../../src/model/attempt.ts';
import { append, reportsIn, rule, START_S, view } from '../../support/detect.ts';
import { type HandClock, handClock } from '../../support/hand-clock.ts';
import { openTempLog, type TempLog } from '../../support/temp-log.ts';

const LIMIT = 100;

const onCard = (card: string, from: number, count: number): View[] =>
  Array.from({ length: count }, (_, i) => view(`ch_${card}_${from + i}`, START_S + from + i, { fields: { card } }));

/** Each on a card of its own: none breaches. */
const strangers = (from: number, count: number): View[] =>
  Array.from({ length: count }, (_, i) =>
    view(`ch_s${from + i}`, START_S + from + i, { fields: { card: `s${from + i}` } }),
  );

describe('the limit of the fold', () => {
  function folded(records: readonly View[], portion: number): FoldState {
    const state = createState({ lane: 'live', maxAttempts: LIMIT });
    fold(state, [rule()]);
    for (let at = 0; at < records.length; at += portion) {
      fold(state, records.slice(at, at + portion));
      expire(state);
      expect(statsOf(state).attempts).toBeLessThanOrEqual(LIMIT);
    }
    return state;
  }

  it('holds no more than that, lets the oldest go, and does not judge what it has let go of', () => {
    const state = folded(strangers(0, 1_000), 10);
    expect(statsOf(state).attempts).toBeGreaterThanOrEqual(0.9 * LIMIT - 10);
    expect(state.lostS).toBeGreaterThan(START_S + 850);
    expect(liveFromS(state)).toBe(state.lostS);
    expect(statsOf(state).keys).toBe(statsOf(state).attempts);
  });

  it('lets one in fifty go, and whoever is as old, however far apart they are dated', () => {
    const timesArb = fc.array(
      fc.oneof(fc.nat(50), fc.nat(100_000), fc.constantFrom(-1e9, 4e8)).map((s) => START_S + s),
      { minLength: LIMIT + 1, maxLength: LIMIT + 60 },
    );
    fc.assert(
      fc.property(timesArb, (times) => {
        const state = createState({ lane: 'live', maxAttempts: LIMIT });
        fold(state, [
          rule(),
          ...times.map((time, i) => view(`ch_${i}`, time, { fields: { card: `s${i}` }, receivedAt: START_S * 1_000 })),
        ]);
        expire(state);
        const oldest = times.toSorted((a, b) => a - b).slice(0, times.length - 0.98 * LIMIT + 1);
        expect(state.lostS).toBe((oldest.at(-1) ?? 0) + 1);
        expect(statsOf(state).attempts).toBe(times.filter((time) => time >= state.lostS).length);
      }),
      { numRuns: 200 },
    );
  });

  it('below the limit changes nothing', () => {
    const state = folded(strangers(0, LIMIT), 10);
    expect([state.lostS, statsOf(state).attempts]).toEqual([0, LIMIT]);
  });

  it('what was let go of merges no more, and is not counted as another attempt', () => {
    const state = folded(strangers(0, 150), 1);
    const before = statsOf(state).attempts;
    const again = view('ch_s0', START_S, { fields: { card: 's0' }, event: 'evt_again', created: START_S + 1 });
    const { rows, touched } = fold(state, [again]);
    expect([rows.filter(({ kind }) => kind === 'attempts'), touched.size, statsOf(state).attempts]).toEqual([
      [],
      0,
      before,
    ]);
  });
});

describe('the limit of a partition', () => {
  let temp: TempLog;
  let clock: HandClock;
  let store: WindowStore;
  let worker: DetectWorker;

  const start = async (): Promise<DetectWorker> =>
    await startDetectWorker({
      log: temp.log,
      store,
      clock,
      logger: pino({ level: 'silent' }),
      piiKey: 'test key',
      maxAttempts: LIMIT,
    });

  beforeEach(async () => {
    temp = await openTempLog();
    clock = handClock(START_S * 1000);
    store = createMemoryStore();
    await append(temp.log, rule());
    worker = await start();
  });
  afterEach(async () => {
    await worker.close();
    await temp.close();
  });

  async function take(...records: readonly View[]): Promise<void> {
    for (let at = 0; at < records.length; at += 20) {
      await append(temp.log, ...records.slice(at, at + 20));
      await caughtUp();
    }
  }

  async function caughtUp(): Promise<void> {
    const end = (await temp.log.ends('attempts'))[0]?.next ?? 0;
    await expect.poll(() => worker.status()[0]?.next, { timeout: 10_000 }).toBe(end);
  }

  it('an attack that goes on through it stays one episode with its whole count, and says that it may lack some', async () => {
    await take(...onCard('c', 0, 300));
    clock.advance(300_000);
    await expect
      .poll(async () => (await reportsIn(temp.log)).at(-1)?.episodes.map(({ attemptCount }) => attemptCount))
      .toEqual([300]);
    const reports = await reportsIn(temp.log);
    expect(reports[0]?.episodes).toMatchObject([{ firstBreachAt: START_S + 2, exact: true }]);
    for (const { episodes } of reports) expect(episodes).toMatchObject([{ firstBreachAt: START_S + 2 }]);
    expect(reports.at(-1)?.episodes).toMatchObject([{ exact: false, attemptCount: 300 }]);
    expect(worker.status()).toMatchObject([{ maxHeld: LIMIT }]);
    expect(worker.status()[0]?.held).toBeLessThanOrEqual(LIMIT);
  });

  it('what was told before it is not withdrawn, and a later attack is exact again', async () => {
    await take(...onCard('a', 0, 3));
    await expect.poll(async () => (await reportsIn(temp.log)).length).toBe(1);
    await take(...strangers(10, 250));
    await take(...onCard('a', 270, 1));
    expect((await reportsIn(temp.log)).filter(({ episodes }) => episodes.length === 0)).toEqual([]);
    clock.advance(3 * 3_600_000);
    await take(...onCard('b', 3 * 3_600, 3));
    await expect.poll(async () => (await reportsIn(temp.log)).at(-1)?.entity.value).toBe('b');
    expect((await reportsIn(temp.log)).at(-1)?.episodes).toMatchObject([{ exact: true, attemptCount: 3 }]);
    expect((await reportsIn(temp.log)).filter(({ episodes }) => episodes.length === 0)).toEqual([]);
  });

  it('is remembered by the store: who takes the partition over holds the same', async () => {
    await take(...onCard('c', 0, 250));
    const before = worker.status()[0];
    await worker.close();
    worker = await start();
    await caughtUp();
    expect(worker.status()[0]).toMatchObject({ held: before?.held, keys: before?.keys });
    await take(...onCard('c', 250, 10));
    clock.advance(120_000);
    await expect
      .poll(async () => (await reportsIn(temp.log)).at(-1)?.episodes.map(({ attemptCount }) => attemptCount))
      .toEqual([260]);
    expect((await reportsIn(temp.log)).at(-1)?.episodes).toMatchObject([{ firstBreachAt: START_S + 2, exact: false }]);
  });
});
