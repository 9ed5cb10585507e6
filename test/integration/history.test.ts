// The history lane beside the live one, up to the incidents: whatever came late ends as if it had come in time, and what is
// live is told as if nothing old had come. Expected is the oracle's, over all views and over the live ones alone.
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HistoryLane, startHistoryLane } from '../../src/detectors/history.ts';
import { createMemoryStore } from '../../src/detectors/stores/memory.ts';
import type { WindowStore } from '../../src/detectors/window-store.ts';
import { type DetectWorker, startDetectWorker } from '../../src/detectors/worker.ts';
import type { IncidentFeed } from '../../src/feed/feed.ts';
import { openIncidentFeed } from '../../src/feed/incident-feed.ts';
import { submitCommand } from '../../src/feed/submit.ts';
import { startIncidentManager } from '../../src/incidents/manager.ts';
import type { EventLog } from '../../src/log/event-log.ts';
import type { View } from '../../src/model/attempt.ts';
import type { Rule } from '../../src/model/detector.ts';
import { messageOf } from '../../src/model/errors.ts';
import type { Incident } from '../../src/model/incident.ts';
import { ENGINE } from '../support/decider.ts';
import { append, rule, START_S, view } from '../support/detect.ts';
import { type HandClock, handClock } from '../support/hand-clock.ts';
import { keyText, oracleEpisodes, type Predicates } from '../support/oracle.ts';
import { openTempLog, type TempLog } from '../support/temp-log.ts';

const logger = pino({ level: 'silent' });
const DAY_S = 86_400;
const LATENESS_S = 3 * DAY_S;

const DECLINED = 'outcome == "declined"';
const PREDICATES: Predicates = { [DECLINED]: ({ outcome }) => outcome === 'declined' };
const RULES: readonly Rule[] = [
  rule({ name: 'card-declines', stormAfter: 100_000 }),
  rule({
    name: 'cards-of-customer',
    count: 'distinct(card)',
    per: 'customer',
    windowS: 1_800,
    quietForS: 7_200,
    thresholds: { warning: 3 },
    stormAfter: 100_000,
  }),
];

let temp: TempLog;
let log: EventLog;
let clock: HandClock;
let store: WindowStore;
let feed: IncidentFeed;
let worker: DetectWorker;
let lane: HistoryLane;
const closing: { close(): Promise<void> }[] = [];

beforeEach(async () => {
  temp = await openTempLog();
  log = temp.log;
  clock = handClock(START_S * 1000);
  store = createMemoryStore();
  const manager = await startIncidentManager({ log, clock, logger });
  feed = await openIncidentFeed({ log, logger });
  closing.push(manager, feed);
  for (const { settings } of RULES) {
    if (settings === null) continue;
    const { id } = await submitCommand(
      { log, clock },
      {
        actor: ENGINE,
        body: {
          type: 'settings',
          detector: settings.name,
          settings,
          basedOn: 0,
          why: 'a test',
          general: { latenessMs: LATENESS_S * 1000, metadata: { ip: null, keys: [] } },
        },
      },
    );
    expect((await feed.waitForCommand(id, 10_000))?.refusal).toBeNull();
  }
  worker = await startDetectWorker({ log, store, clock, logger, piiKey: 'k' });
  lane = await startHistoryLane({ log, store, clock, logger, piiKey: 'k' });
});
afterEach(async () => {
  await lane.close();
  await worker.close();
  for (const one of closing.splice(0).reverse()) await one.close();
  await temp.close();
});

/** As ingest stamps it. */
function received(attempt: string, timeS: number, receivedS: number, fields: View['fields'] = {}): View {
  const isLive = receivedS - timeS <= LATENESS_S;
  return view(attempt, timeS, { receivedAt: receivedS * 1000, lane: isLive ? 'live' : 'history', fields });
}

/** Everything that was appended is folded, told and decided; then so much time passes that no report waits. */
async function settled(): Promise<void> {
  const end = (await log.ends('attempts'))[0]?.next ?? 0;
  const wait = async (): Promise<void> => {
    await expect
      .poll(
        () => {
          clock.advance(1_000);
          return worker.status()[0]?.next;
        },
        { timeout: 20_000, interval: 5 },
      )
      .toBe(end);
    // Until a minute has passed in which nothing more was told.
    let told = -1;
    for (let quiet = 0; quiet < 4; ) {
      clock.advance(30_000);
      await new Promise((resolve) => setImmediate(resolve));
      const [end] = await log.ends('commands');
      quiet = end?.next === told ? quiet + 1 : 0;
      told = end?.next ?? 0;
    }
  };
  await wait();
  await lane.runNow();
  await wait();
  const commands = (await log.ends('commands'))[0]?.next ?? 0;
  await expect.poll(async () => await lastCommand(), { timeout: 20_000 }).toBeGreaterThanOrEqual(commands - 1);
  await feed.caughtUp();
}

/** Offset of the newest command that the incidents are as of. */
async function lastCommand(): Promise<number> {
  const [end] = await log.ends('incidents');
  if (end === undefined || end.next === 0) return -1;
  for await (const page of log.read('incidents', 0, end.next - 1))
    return (JSON.parse(page[0]?.value ?? '') as { position: { offset: number } }).position.offset;
  return -1;
}

type Told = Record<string, unknown>;

const toldOf = (incident: Incident): Told => ({
  key: keyText(incident.detector, incident, incident.entity),
  severity: incident.severity,
  firstAttemptAt: incident.firstAttemptAt / 1000,
  lastAttemptAt: incident.lastAttemptAt / 1000,
  firstBreachAt: incident.firstBreachAt / 1000,
  lastBreachAt: incident.lastBreachAt / 1000,
  peak: incident.peak,
  attemptCount: incident.attemptCount,
});

const sorted = (told: readonly Told[]): readonly string[] => told.map((one) => JSON.stringify(one)).sort();

/** Of incidents that stand; those merged or withdrawn are past. */
const standing = (): readonly Incident[] =>
  [...feed.all()].filter(({ status, kind }) => kind === 'episode' && (status === 'open' || status === 'acknowledged'));

function expected(views: readonly View[]): readonly Told[] {
  const found = oracleEpisodes({ records: views, rules: RULES, predicates: PREDICATES });
  return [...found].flatMap(([key, episodes]) =>
    episodes.map(({ episode }): Told => {
      const { severity, firstAttemptAt, lastAttemptAt, firstBreachAt, lastBreachAt, peak, attemptCount } = episode;
      return { key, severity, firstAttemptAt, lastAttemptAt, firstBreachAt, lastBreachAt, peak, attemptCount };
    }),
  );
}

const isLive = ({ lane: own }: View): boolean => own === 'live';

/** What the two lanes must have told of views that are all received. */
function expectedOfLanes(views: readonly View[]): readonly Told[] {
  const boundaryS = Math.max(...views.map(({ receivedAt }) => receivedAt)) / 1000 - LATENESS_S;
  return [
    ...expected(views).filter(({ firstBreachAt }) => Number(firstBreachAt) < boundaryS),
    ...expected(views.filter(isLive)).filter(({ firstBreachAt }) => Number(firstBreachAt) >= boundaryS),
  ];
}

function randomFrom(seed: number): () => number {
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}

/** Bursts on few cards: near one another, a window apart, a quiet gap apart. */
function bursts(
  random: () => number,
  count: number,
  span: { fromS: number; toS: number },
): View['fields'][] & { times?: number[] } {
  const pick = (from: number): number => Math.floor(random() * from);
  const fields: View['fields'][] & { times?: number[] } = [];
  const times: number[] = [];
  let at = span.fromS;
  for (let i = 0; i < count; i++) {
    const steps = [0, 1, 30, 300, 599, 600, 601, 1_799, 3_599, 3_600, 3_601, 7_200];
    at += steps[pick(steps.length)] ?? 0;
    if (random() < 0.15) at = span.fromS + pick(span.toS - span.fromS);
    if (at >= span.toS) at = span.fromS + pick(3_600);
    times.push(at);
    fields.push({ card: `card${pick(3)}`, customer: `cus_${pick(2)}` });
  }
  fields.times = times;
  return fields;
}

describe('the history lane', () => {
  it('finds an old attack that was backfilled, and nobody is called for it', async () => {
    await append(log, received('ch_now', START_S, START_S));
    await append(log, ...[0, 1, 2].map((i) => received(`ch_${i}`, START_S - 20 * DAY_S + i, START_S + 1)));
    await settled();
    expect(standing().map(toldOf)).toMatchObject([{ attemptCount: 3, firstBreachAt: START_S - 20 * DAY_S + 2 }]);
    expect(standing()[0]).toMatchObject({ late: true, status: 'open', over: true });
    expect(lane.status()).toMatchObject([{ waitingHours: 0, problem: null, lastRun: { keys: 1, unknown: 0 } }]);
  });

  it('finds the beginning and the end of a long attack, when a single view of it comes late', async () => {
    const attack = Array.from({ length: 90 }, (_, i) => {
      const at = START_S - 20 * DAY_S + Math.floor(i / 3) * 3_000 + (i % 3);
      return received(`ch_${i}`, at, START_S);
    });
    await append(log, received('ch_now', START_S, START_S), ...attack);
    await settled();
    expect(standing()).toMatchObject([{ attemptCount: 90 }]);
    const first = received('ch_first', START_S - 20 * DAY_S + 2, START_S + 1);
    const last = received('ch_last', START_S - 20 * DAY_S + 29 * 3_000 + 5, START_S + 1);
    await append(log, first);
    await settled();
    expect(sorted(standing().map(toldOf))).toEqual(sorted(expected([...attack, first])));
    await append(log, last);
    await settled();
    expect(sorted(standing().map(toldOf))).toEqual(sorted(expected([...attack, first, last])));
    expect(feed.list().incidents.map(({ id, attemptCount }) => [id, attemptCount])).toEqual([['INC-1', 92]]);
  });

  it('withdraws what a late view takes away, and gives it back when another does', async () => {
    const old = START_S - 10 * DAY_S;
    const attack = [0, 1, 2].map((i) => received(`ch_${i}`, old + i, old + i));
    await append(log, ...attack);
    await settled();
    expect(standing()).toMatchObject([{ id: 'INC-1', attemptCount: 3 }]);
    const paid = { result: { outcome: 'succeeded', code: '', class: '' } } as const;
    const taken = { ...received('ch_1', old + 1, START_S, paid), event: 'evt_paid', created: old + 9 };
    await append(log, taken);
    await settled();
    expect(feed.get('INC-1')?.status).toBe('withdrawn');
    await append(log, received('ch_3', old + 1, START_S + 1));
    await settled();
    expect(feed.list().incidents.map(({ id, status, attemptCount }) => [id, status, attemptCount])).toEqual([
      ['INC-1', 'open', 3],
    ]);
  });

  it('joins what is live to what was before it, once all of it is old', async () => {
    const edge = START_S - LATENESS_S;
    const live = Array.from({ length: 12 }, (_, i) => received(`ch_l${i}`, edge + i * 250, edge + i * 250 + 9));
    await append(log, ...live, received('ch_now', START_S, START_S, { card: 'other' }));
    await settled();
    expect(standing()).toMatchObject([{ id: 'INC-1', attemptCount: 12 }]);
    const old = [0, 1, 2].map((i) => received(`ch_o${i}`, edge - 3_000 + i, START_S));
    await append(log, ...old);
    await settled();
    expect(standing().map(({ id }) => id)).toEqual(['INC-1']);
    const later = received('ch_later', START_S + 2 * DAY_S, START_S + 2 * DAY_S, { card: 'other' });
    await append(log, later);
    await settled();
    expect(sorted(standing().map(toldOf))).toEqual(sorted(expected([...live, ...old])));
    expect(standing()).toMatchObject([{ id: 'INC-1', attemptCount: 15 }]);
  });

  it('says nothing of what the log no longer holds whole', async () => {
    const old = START_S - 20 * DAY_S;
    const attack = [0, 1, 2, 3, 4].map((i) => received(`ch_${i}`, old + i, START_S));
    await append(log, ...attack);
    await settled();
    expect(standing()).toMatchObject([{ id: 'INC-1', attemptCount: 5 }]);
    await lane.close();
    // The rules stand first in the log, then the five: two of them are let go of, and so are the notes.
    await store.clear(1_000_000);
    const first = RULES.length + 2;
    const trimmed: EventLog = {
      ...log,
      ends: async (topic) => (await log.ends(topic)).map((end) => (topic === 'attempts' ? { ...end, first } : end)),
    };
    lane = await startHistoryLane({ log: trimmed, store, clock, logger, piiKey: 'k' });
    await append(log, received('ch_5', old + 5, START_S + 1));
    await settled();
    expect(lane.status()).toMatchObject([{ lastRun: { keys: 0, unknown: 1 } }]);
    expect(feed.list().incidents.map(({ id, status, attemptCount }) => [id, status, attemptCount])).toEqual([
      ['INC-1', 'open', 5],
    ]);
  });

  it('evaluates by itself while some wait, and not twice', async () => {
    await append(log, received('ch_now', START_S, START_S));
    await append(log, ...[0, 1, 2].map((i) => received(`ch_${i}`, START_S - 20 * DAY_S + i, START_S + 1)));
    await expect.poll(() => lane.status()[0]?.waitingHours).toBe(1);
    expect(standing()).toEqual([]);
    await expect
      .poll(
        () => {
          clock.advance(30_000);
          return standing().length;
        },
        { timeout: 10_000 },
      )
      .toBe(1);
    const reports = (await log.ends('commands'))[0]?.next;
    await lane.runNow();
    expect((await log.ends('commands'))[0]?.next).toBe(reports);
  });

  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
    it(`tells of a backfill beside live traffic what the oracle tells, seed ${seed}`, async () => {
      const random = randomFrom(seed);
      const now = bursts(random, 60, { fromS: START_S, toS: START_S + 6 * 3_600 });
      const live = now.map((fields, i) => {
        const at = now.times?.[i] ?? START_S;
        return received(`ch_l${i}`, at, at + Math.floor(random() * 60), fields);
      });
      // Old enough to be history, and reaching up to where live begins.
      const then = bursts(random, 60, { fromS: START_S - 30 * DAY_S, toS: START_S - 29.5 * DAY_S });
      const ahead = START_S + 6 * 3_600;
      const edgeS = ahead - LATENESS_S;
      const near = bursts(random, 40, { fromS: edgeS - 3 * 3_600, toS: edgeS });
      const old = [
        ...then.map((fields, i) => received(`ch_o${i}`, then.times?.[i] ?? 0, ahead, fields)),
        ...near.map((fields, i) => received(`ch_n${i}`, near.times?.[i] ?? 0, ahead, fields)),
      ].filter((one) => !isLive(one));
      // Live views of the days before, which the backfilled ones join.
      const before = bursts(random, 40, { fromS: edgeS - 3 * 3_600, toS: edgeS + 3_600 });
      const early = before.map((fields, i) => {
        const at = before.times?.[i] ?? START_S;
        return received(`ch_e${i}`, at, at + 5, fields);
      });
      await append(log, ...early);
      await settled();
      const shuffled = [...old].sort(() => random() - 0.5);
      const half = Math.floor(shuffled.length / 2);
      await append(log, ...mixed(live.slice(0, 30), shuffled.slice(0, half), random));
      await settled();
      if (seed % 2 === 0) await restart(seed % 4 === 0);
      await append(log, ...mixed(live.slice(30), shuffled.slice(half), random));
      await settled();
      const all = [...early, ...live, ...old];
      const boundaryS = Math.max(...all.map(({ receivedAt }) => receivedAt)) / 1000 - LATENESS_S;
      // What lies on both sides of the boundary is in between two lanes until all of it is old.
      const isDecided = ({ firstBreachAt, lastBreachAt }: Told): boolean =>
        Number(firstBreachAt) > boundaryS + 3_600 || Number(lastBreachAt) + 7_200 < boundaryS;
      expect(sorted(standing().map(toldOf).filter(isDecided))).toEqual(sorted(expectedOfLanes(all).filter(isDecided)));
      // Days later everything is history.
      const last = received('ch_last', START_S + 20 * DAY_S, START_S + 20 * DAY_S, { card: 'none' });
      await append(log, last);
      await settled();
      expect(sorted(standing().map(toldOf))).toEqual(sorted(expected([...all, last])));
    }, 120_000);
  }
});

function mixed(a: readonly View[], b: readonly View[], random: () => number): View[] {
  const left = [...a];
  const right = [...b];
  const all: View[] = [];
  while (left.length + right.length > 0) {
    const next = random() * (left.length + right.length) < left.length ? left.shift() : right.shift();
    if (next !== undefined) all.push(next);
  }
  return all;
}

async function restart(losesStore: boolean): Promise<void> {
  await lane.close().catch((error: unknown) => expect.fail(messageOf(error)));
  if (losesStore) await store.clear(1_000_000);
  lane = await startHistoryLane({ log, store, clock, logger, piiKey: 'k' });
}
