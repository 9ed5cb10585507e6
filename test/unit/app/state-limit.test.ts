import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { watchStateLimit } from '../../../src/app/state-limit.ts';
import type { PartitionStatus } from '../../../src/detectors/worker.ts';
import type { IncidentFeed } from '../../../src/feed/feed.ts';
import { openIncidentFeed } from '../../../src/feed/incident-feed.ts';
import { type IncidentManager, startIncidentManager } from '../../../src/incidents/manager.ts';
import type { Incident } from '../../../src/model/incident.ts';
import { eventually } from '../../support/eventually.ts';
import { type HandClock, handClock } from '../../support/hand-clock.ts';
import { openTempLog, type TempLog } from '../../support/temp-log.ts';

const logger = pino({ level: 'silent' });
const status = (partition: number, held: number): PartitionStatus => ({
  partition,
  next: 1,
  lag: 0,
  attempts: held,
  keys: 0,
  held,
  maxHeld: 1_000,
  filterErrors: {},
  rebuilding: null,
  erased: 0,
  problem: null,
});

let temp: TempLog;
let clock: HandClock;
let feed: IncidentFeed;
let manager: IncidentManager;
let partitions: PartitionStatus[];
let watches: { stop(): Promise<void> }[];

const watch = (): void =>
  void watches.push(watchStateLimit({ partitions: () => partitions, log: temp.log, feed, clock, logger }));

beforeEach(async () => {
  clock = handClock();
  temp = await openTempLog(clock);
  feed = await openIncidentFeed({ log: temp.log, logger });
  manager = await startIncidentManager({ log: temp.log, clock, logger });
  partitions = [];
  watches = [];
});
afterEach(async () => {
  for (const one of watches) await one.stop();
  await manager.close();
  await feed.close();
  await temp.close();
});

const told = (): readonly Incident[] => feed.list().incidents;

async function until(what: string, is: () => boolean): Promise<void> {
  await eventually(
    () => {
      clock.advance(30_000);
      return is();
    },
    { what, withinMs: 10_000, told },
  );
}

describe('the limit of the windows', () => {
  it('is told when it is near, once by partition, over restarts, and is over when there is room again', async () => {
    partitions = [status(0, 799), status(1, 800)];
    watch();
    await until('it is told', () => told().length > 0);
    expect(told()).toMatchObject([
      { kind: 'operator', status: 'open', over: false, entity: { value: 'state_limit_1' } },
    ]);
    expect(told()[0]?.title).toBe('The windows of partition 1 hold 800 attempts, of at most 1,000');
    partitions = [status(0, 900), status(1, 950)];
    await watches.pop()?.stop();
    watch();
    await until('the other is told', () => told().length === 2);
    partitions = [status(0, 750), status(1, 699)];
    await until('one is over', () => told().some(({ over }) => over));
    expect(told().map(({ entity, over }) => [entity.value, over])).toEqual([
      ['state_limit_0', false],
      ['state_limit_1', true],
    ]);
  });

  it('is not told of a partition that is only being loaded', async () => {
    partitions = [{ ...status(0, 0), next: null }, status(1, 900)];
    watch();
    await until('the other is told', () => told().length > 0);
    expect(told().map(({ entity }) => entity.value)).toEqual(['state_limit_1']);
  });
});
