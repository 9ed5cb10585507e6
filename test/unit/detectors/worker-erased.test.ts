// An erase and the windows: dropped and made anew from a log that reads without the person, also when nothing comes that would
// set the partition in motion; nothing is told twice for it.
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMemoryStore } from '../../../src/detectors/stores/memory.ts';
import type { WindowStore } from '../../../src/detectors/window-store.ts';
import { type DetectWorker, startDetectWorker } from '../../../src/detectors/worker.ts';
import { erasingLog } from '../../../src/erasure/erasing-log.ts';
import type { EventLog } from '../../../src/log/event-log.ts';
import type { Entity } from '../../../src/model/entity.ts';
import type { Erasure } from '../../../src/model/erasure.ts';
import { maskEntity } from '../../../src/model/mask.ts';
import { tokenOf } from '../../../src/model/mask-erased.ts';
import { erasedName } from '../../../src/model/mask-names.ts';
import { accept, append, reportsIn, rule, START_S, view } from '../../support/detect.ts';
import { eventually } from '../../support/eventually.ts';
import { type HandClock, handClock } from '../../support/hand-clock.ts';
import { openTempLog, type TempLog } from '../../support/temp-log.ts';

const KEY = 'test key';
const CARD: Entity = { kind: 'card', value: 'c' };
const AS = erasedName(CARD, { piiKey: KEY, nonce: 'n' });
const erasure: Erasure = {
  number: 1,
  offset: 1_000,
  at: (START_S + 100) * 1000,
  subjects: [{ kind: 'card', token: tokenOf(maskEntity(CARD, null, KEY)), as: AS }],
  attempts: [],
};

let temp: TempLog;
let log: EventLog;
let clock: HandClock;
let store: WindowStore;
let erasures: readonly Erasure[];
const workers: DetectWorker[] = [];

beforeEach(async () => {
  clock = handClock(START_S * 1000);
  temp = await openTempLog(clock);
  erasures = [];
  log = erasingLog(temp.log, { list: () => [], unsettled: () => erasures }, KEY);
  store = createMemoryStore();
});
afterEach(async () => {
  for (const worker of workers.splice(0)) await worker.close();
  await temp.close();
});

async function start(): Promise<DetectWorker> {
  const logger = pino({ level: 'silent' });
  const erased = (): number => erasures.at(-1)?.number ?? 0;
  const worker = await startDetectWorker({ log, store, clock, logger, piiKey: KEY, erased });
  workers.push(worker);
  return worker;
}

const attack = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => view(`ch_${from + i}`, START_S + from + i));

const end = async (): Promise<number> => (await log.ends('attempts'))[0]?.next ?? 0;

async function whole(worker: DetectWorker, erased: number): Promise<void> {
  await eventually(
    async () => {
      await clock.advance(1_000);
      const [status] = worker.status();
      return status?.erased === erased && status.next === (await end());
    },
    { what: 'a whole state', withinMs: 20_000, told: () => worker.status() },
  );
}

async function stored(): Promise<string> {
  const { pages } = await store.load(0);
  const values: string[] = [];
  for await (const rows of pages)
    for (const row of rows)
      values.push(row.kind === 'attempts' ? Buffer.from(row.bytes).toString('latin1') : `${row.id} ${row.value}`);
  return values.join('\n');
}

describe('windows after an erase', () => {
  it('are made anew though nothing comes, and tell nothing that was told', async () => {
    await accept(log, rule());
    const worker = await start();
    await append(log, ...attack(4));
    await expect.poll(async () => (await reportsIn(log)).length).toBe(1);
    await whole(worker, 0);
    expect(await stored()).toContain('"c"');
    erasures = [erasure];
    await whole(worker, 1);
    expect(await stored()).not.toContain('"c"');
    expect(await stored()).toContain(AS);
    // What the person's episode is told of from now on has no members.
    await clock.advance(4_000_000);
    const ended = await eventually(
      async () => (await reportsIn(log)).find(({ episodes }) => episodes[0]?.over === true) ?? null,
      { what: 'the end', withinMs: 20_000, told: async () => await reportsIn(log) },
    );
    expect(ended).toMatchObject({ entity: { value: AS }, erased: 1, episodes: [{ attemptCount: 4 }] });
    expect(ended.episodes[0]?.evidence.newest).toEqual([]);
    const firsts = (await reportsIn(log)).filter(({ episodes }) => episodes[0]?.over === false);
    expect(firsts.filter(({ erased }) => erased === 1).every(({ entity }) => entity.value === AS)).toBe(true);
  });

  it('stay as they are over a restart; those of a process that ended before it heard of it are made anew', async () => {
    await accept(log, rule());
    const first = await start();
    await append(log, ...attack(4));
    await whole(first, 0);
    await first.close();
    expect(await stored()).toContain('"c"');
    erasures = [erasure];
    const second = await start();
    await whole(second, 1);
    expect(await stored()).not.toContain('"c"');
    await second.close();
    let cleared = 0;
    const own = store;
    store = {
      ...own,
      clear: async (partition) => {
        cleared += 1;
        await own.clear(partition);
      },
    };
    await whole(await start(), 1);
    expect(cleared).toBe(0);
  });

  it('count who comes again anew, beside what stands under the name', async () => {
    await accept(log, rule());
    const worker = await start();
    await append(log, ...attack(4));
    await whole(worker, 0);
    erasures = [erasure];
    await whole(worker, 1);
    await append(log, ...attack(3, 200));
    const again = await eventually(
      async () => (await reportsIn(log)).find(({ entity, erased }) => entity.value === 'c' && erased === 1) ?? null,
      { what: 'a report of the card', withinMs: 20_000, told: async () => await reportsIn(log) },
    );
    expect(again.episodes.map(({ attemptCount }) => attemptCount)).toEqual([3]);
  });
});
