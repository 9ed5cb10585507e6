// The detect worker killed at each of its writes, before and after it took effect, and started again: a reader who goes
// by the newest report of each key knows in the end what it would have known without.
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { createMemoryStore } from '../../../src/detectors/stores/memory.ts';
import type { WindowStore } from '../../../src/detectors/window-store.ts';
import { startDetectWorker } from '../../../src/detectors/worker.ts';
import type { EventLog } from '../../../src/log/event-log.ts';
import type { View } from '../../../src/model/attempt.ts';
import { append, newestByKey, reportsIn, rule, START_S, succeeded, view } from '../../support/detect.ts';
import { type HandClock, handClock } from '../../support/hand-clock.ts';
import { openTempLog } from '../../support/temp-log.ts';

const logger = pino({ level: 'silent' });
const BATCH = 4;

type Fault = { readonly at: number; readonly when: 'before' | 'after' };

/** Counts writes; at the stated one, and at every one after it, the process is dead. */
function mortal(log: EventLog, store: WindowStore, fault: Fault | null) {
  let writes = 0;
  const died = new Error('killed');
  const write = async <T>(work: () => Promise<T>): Promise<T> => {
    writes += 1;
    if (fault === null || writes < fault.at) return await work();
    if (writes === fault.at && fault.when === 'after') await work();
    throw died;
  };
  const isDead = (): boolean => fault !== null && writes >= fault.at;
  return {
    writes: () => writes,
    isDead,
    log: {
      ...log,
      append: async (topic, records) => await write(async () => await log.append(topic, records)),
      consume: async (options) => await log.consume({ ...options, maxRecords: BATCH }),
    } satisfies EventLog,
    store: {
      ...store,
      append: async (partition, change) => await write(async () => await store.append(partition, change)),
    } satisfies WindowStore,
  };
}

/** Three keys: one opens, grows and worsens; one is withdrawn; two episodes of one are merged by a late view. */
function story(): View[] {
  const on =
    (card: string) =>
    (view_: View): View => ({ ...view_, fields: { ...view_.fields, card } });
  const grows = Array.from({ length: 9 }, (_, i) => view(`ch_g${i}`, START_S + i * 20)).map(on('grows'));
  const leaves = Array.from({ length: 3 }, (_, i) => view(`ch_l${i}`, START_S + i * 20)).map(on('leaves'));
  const left = on('leaves')(succeeded('ch_l1', START_S + 20));
  const joins = [0, 1, 2, 5_000, 5_001, 5_002].map((s, i) => view(`ch_j${i}`, START_S + s)).map(on('joins'));
  const between = [2_500, 2_501, 2_502].map((s, i) => view(`ch_b${i}`, START_S + s)).map(on('joins'));
  return [...grows.slice(0, 4), ...leaves, ...joins, ...grows.slice(4), left, ...between];
}

async function tellStory(fault: Fault | null) {
  const temp = await openTempLog();
  const store = createMemoryStore();
  const clock = handClock(START_S * 1000);
  const parts = mortal(temp.log, store, fault);
  try {
    await append(temp.log, rule());
    const first = await startDetectWorker({ ...parts, clock, logger, piiKey: 'k' });
    await until(clock, () => parts.isDead() || first.status()[0]?.next === 1);
    await append(temp.log, ...story());
    const end = story().length + 1;
    const isThere = (worker: typeof first): boolean =>
      worker.status()[0]?.next === end && worker.status()[0]?.rebuilding === null;
    await until(clock, () => parts.isDead() || isThere(first));
    if (!parts.isDead()) clock.advance(7 * 3_600_000);
    await until(clock, async () => parts.isDead() || (await isOver(temp.log)));
    await first.close();
    const second = await startDetectWorker({ log: temp.log, store, clock, logger, piiKey: 'k' });
    await until(clock, () => isThere(second));
    clock.advance(7 * 3_600_000);
    await until(clock, async () => await isOver(temp.log));
    await second.close();
    return { told: await toldOf(temp.log), reports: await reportsIn(temp.log), writes: parts.writes() };
  } finally {
    await temp.close();
  }
}

type ToldKey = {
  readonly entity: { readonly value: string };
  readonly episodes: readonly { readonly over: boolean }[];
};

/** Of whom a reader knows an episode. A key that was never told of, and one whose episode was withdrawn, are the same. */
async function toldOf(log: EventLog): Promise<ToldKey[]> {
  const told = Object.values(newestByKey(await reportsIn(log))) as ToldKey[];
  return told.filter(({ episodes }) => episodes.length > 0);
}

async function isOver(log: EventLog): Promise<boolean> {
  const told = await toldOf(log);
  return told.length === 2 && told.every(({ episodes }) => episodes.every(({ over }) => over));
}

async function until(clock: HandClock, holds: () => boolean | Promise<boolean>): Promise<void> {
  const poll = async (): Promise<boolean> => {
    clock.advance(500);
    return await holds();
  };
  await expect.poll(poll, { timeout: 10_000, interval: 4 }).toBe(true);
}

describe('detect worker, killed and started again', () => {
  it('tells the same in the end, wherever it was killed', { timeout: 120_000 }, async () => {
    const undisturbed = await tellStory(null);
    expect(undisturbed.told).toMatchObject([
      { entity: { value: 'grows' }, episodes: [{ attemptCount: 9, severity: 'critical', over: true }] },
      { entity: { value: 'joins' }, episodes: [{ attemptCount: 9, over: true }] },
    ]);
    const leaves = undisturbed.reports.filter(({ entity }) => entity.value === 'leaves');
    expect(leaves.map(({ episodes }) => episodes.length)).toEqual([1, 0]);
    expect(undisturbed.writes).toBeGreaterThan(12);
    for (let at = 1; at <= undisturbed.writes; at++) {
      for (const when of ['before', 'after'] as const) {
        const { told } = await tellStory({ at, when });
        expect(told, `killed ${when} write ${at}`).toEqual(undisturbed.told);
      }
    }
  });
});
