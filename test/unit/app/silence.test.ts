// Silence over a real embedded log, the real incident manager and a clock that is moved by hand.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type SilenceWatch, startSilenceWatch } from '../../../src/app/silence.ts';
import type { IncidentFeed } from '../../../src/feed/feed.ts';
import { openIncidentFeed } from '../../../src/feed/incident-feed.ts';
import { type IncidentManager, startIncidentManager } from '../../../src/incidents/manager.ts';
import { recordsOf } from '../../../src/ingest/records.ts';
import type { NewRecord } from '../../../src/log/event-log.ts';
import type { Incident } from '../../../src/model/incident.ts';
import { eventually } from '../../support/eventually.ts';
import { type HandClock, handClock } from '../../support/hand-clock.ts';
import { failedCharge } from '../../support/local-stripe.ts';
import { openTempLog, type TempLog } from '../../support/temp-log.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = Date.UTC(2027, 2, 3, 14, 2);
const context = { metadata: { ip: null, keys: [] } };
const logger = pino({ level: 'silent' });

let folder: string;
let clock: HandClock;
let temp: TempLog;
let feed: IncidentFeed;
let manager: IncidentManager;
let watch: SilenceWatch;

const start = async (): Promise<SilenceWatch> =>
  await startSilenceWatch({ log: temp.log, feed, clock, logger, file: join(folder, 'rhythm.json') });

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'declinewatch-silence-'));
  clock = handClock(START);
  temp = await openTempLog(clock);
  feed = await openIncidentFeed({ log: temp.log, logger });
  manager = await startIncidentManager({ log: temp.log, clock, logger });
});
afterEach(async () => {
  await watch.close();
  await manager.close();
  await feed.close();
  await temp.close();
  rmSync(folder, { recursive: true, force: true });
});

let named = 0;
type Arrival = { readonly livemode?: boolean; readonly account?: string; readonly lateMs?: number };

function arrivalAt(receivedAt: number, { livemode = true, account, lateMs = 0 }: Arrival = {}): NewRecord {
  const { event } = failedCharge(`s${++named}`, Math.floor((receivedAt - lateMs) / 1000));
  const whole = { ...event, livemode, ...(account === undefined ? {} : { account }) };
  const { attempts } = recordsOf(whole, { receivedAt, context, latenessMs: 72 * HOUR });
  if (attempts === null) throw new Error('It makes no attempt.');
  return attempts;
}

/** Two days with an event every 20 seconds, up to now. */
async function twoDays(arrival: Arrival = {}): Promise<void> {
  const records: NewRecord[] = [];
  for (let at = START - 48 * HOUR; at <= START; at += 20_000) records.push(arrivalAt(at, arrival));
  await temp.log.append('attempts', records);
}

const operatorIncidents = (): readonly Incident[] => feed.list().incidents.filter(({ kind }) => kind === 'operator');

const caughtUp = async (watched: number): Promise<void> =>
  void (await eventually(() => watch.status().watched >= watched && watch.status().behind === 0, {
    what: 'the rhythm is learnt',
    withinMs: 20_000,
  }));

/** Minute by minute, each seen through before the next. */
async function pass(minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute += 1) {
    clock.advance(MINUTE);
    await new Promise((resolve) => setImmediate(resolve));
    await temp.log.ping();
  }
  await temp.log.ping();
}

/** Time goes on until so many have been told. */
async function toldOf(count: number): Promise<void> {
  await eventually(
    async () => {
      await pass(1);
      return operatorIncidents().length === count;
    },
    { what: 'the incident', withinMs: 20_000 },
  );
}

describe('an account that falls silent', () => {
  it('opens one operator incident, which is over when events come again', async () => {
    await twoDays();
    watch = await start();
    await caughtUp(1);
    await pass(14);
    expect(operatorIncidents()).toEqual([]);
    await toldOf(1);
    const [incident] = operatorIncidents();
    expect(incident).toMatchObject({
      title: 'No events since 14:02 UTC',
      severity: 'critical',
      status: 'open',
      livemode: true,
      over: false,
      firstBreachAt: START,
    });
    expect(incident?.why).toContain('declinewatch doctor');
    expect(watch.status()).toEqual({ watched: 1, silent: 1, behind: 0 });
    await pass(60);
    await temp.log.append('attempts', [arrivalAt(clock.now())]);
    await eventually(
      async () => {
        await pass(1);
        return operatorIncidents()[0]?.over;
      },
      { what: 'it is over', withinMs: 10_000 },
    );
    expect(operatorIncidents()).toHaveLength(1);
    expect(watch.status().silent).toBe(0);
  });

  it('is told once over restarts, and found over by whoever comes next, even with nothing kept', async () => {
    await twoDays();
    watch = await start();
    await caughtUp(1);
    await pass(17);
    await toldOf(1);
    await watch.close();
    watch = await start();
    await caughtUp(1);
    expect(watch.status()).toEqual({ watched: 1, silent: 1, behind: 0 });
    await pass(20);
    await watch.close();
    rmSync(join(folder, 'rhythm.json'));
    await temp.log.append('attempts', [arrivalAt(clock.now())]);
    watch = await start();
    await eventually(
      async () => {
        await pass(1);
        return operatorIncidents()[0]?.over;
      },
      { what: 'it is over', withinMs: 20_000 },
    );
    expect(operatorIncidents()).toHaveLength(1);
    expect((await temp.log.ends('commands'))[0]?.next).toBe(2);
  });

  it('is not consoled by what comes late: retries, a backfill, a gap that was closed', async () => {
    await twoDays();
    watch = await start();
    await caughtUp(1);
    await pass(10);
    await temp.log.append('attempts', [arrivalAt(clock.now(), { lateMs: HOUR })]);
    await pass(7);
    await toldOf(1);
  });

  it('is told by account, and not of test mode', async () => {
    await twoDays({ livemode: false });
    await twoDays({ account: 'acct_quiet' });
    await twoDays();
    watch = await start();
    await caughtUp(2);
    for (let minute = 0; minute < 20; minute += 1) {
      await temp.log.append('attempts', [arrivalAt(clock.now())]);
      await pass(1);
    }
    await toldOf(1);
    expect(operatorIncidents()[0]?.account).toBe('acct_quiet');
    expect(watch.status()).toEqual({ watched: 2, silent: 1, behind: 0 });
  });

  it('after a pause of this service is given time to be heard again', async () => {
    await twoDays();
    clock.advance(30 * HOUR);
    watch = await start();
    await caughtUp(1);
    await pass(14);
    expect(operatorIncidents()).toEqual([]);
    await temp.log.append('attempts', [arrivalAt(clock.now())]);
    await pass(5);
    expect(operatorIncidents()).toEqual([]);
  });
});
