// Both lanes, the manager and the feed over an embedded log and a clock by hand: views in, incidents out.
import { pino } from 'pino';
import { expect } from 'vitest';
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
import type { DetectorSettings, Rule } from '../../src/model/detector.ts';
import type { Incident } from '../../src/model/incident.ts';
import { ENGINE } from './decider.ts';
import { rule, START_S, view } from './detect.ts';
import { type HandClock, handClock } from './hand-clock.ts';
import { keyText, oracleEpisodes, type Predicates } from './oracle.ts';
import { openTempLog } from './temp-log.ts';

const logger = pino({ level: 'silent' });
export const DAY_S = 86_400;
export const LATENESS_S = 3 * DAY_S;
export const PII_KEY = 'a key of the tests';

const DECLINED = 'outcome == "declined"';
const PREDICATES: Predicates = { [DECLINED]: ({ outcome }) => outcome === 'declined' };
export const RULES: readonly Rule[] = [
  rule({ name: 'card-declines', stormAfter: 10_000 }),
  rule({
    name: 'cards-of-customer',
    count: 'distinct(card)',
    per: 'customer',
    windowS: 1_800,
    quietForS: 7_200,
    thresholds: { warning: 3 },
    stormAfter: 10_000,
  }),
];

export type Lanes = {
  readonly log: EventLog;
  readonly clock: HandClock;
  readonly store: WindowStore;
  readonly feed: IncidentFeed;
  lane: HistoryLane;
  /** Everything that was appended is folded, told and decided, and a minute has passed in which nothing more was told. */
  settled(): Promise<void>;
  /** The history lane stops and starts again, over another log if one is given. */
  restart(losesStore: boolean, over?: EventLog): Promise<void>;
  setSettings(settings: DetectorSettings, basedOn: number): Promise<void>;
  /** Incidents of episodes that are not resolved; those merged or withdrawn are past. */
  standing(): readonly Incident[];
  close(): Promise<void>;
};

/** `maxViews`: of a piece of the history lane. */
export async function openLanes(parts: { readonly maxViews?: number } = {}): Promise<Lanes> {
  const temp = await openTempLog();
  const { log } = temp;
  const clock = handClock(START_S * 1000);
  const store = createMemoryStore();
  const manager = await startIncidentManager({ log, clock, logger });
  const feed = await openIncidentFeed({ log, logger });
  const general = { latenessMs: LATENESS_S * 1000, metadata: { ip: null, keys: [] } };
  const setSettings = async (settings: DetectorSettings, basedOn: number): Promise<void> => {
    const body = { type: 'settings', detector: settings.name, settings, basedOn, why: 'a test', general } as const;
    const { id } = await submitCommand({ log, clock }, { actor: ENGINE, body });
    expect((await feed.waitForCommand(id, 10_000))?.refusal).toBeNull();
  };
  for (const { settings } of RULES) if (settings !== null) await setSettings(settings, 0);
  const worker = await startDetectWorker({ log, store, clock, logger, piiKey: PII_KEY });
  const lanes: Lanes = {
    log,
    clock,
    store,
    feed,
    lane: await startHistoryLane({ log, store, clock, logger, piiKey: PII_KEY, ...parts }),
    settled: async () => {
      await settle(lanes, worker);
      await lanes.lane.runNow();
      await settle(lanes, worker);
      const commands = (await log.ends('commands'))[0]?.next ?? 0;
      await expect.poll(async () => await lastCommand(log), { timeout: 20_000 }).toBeGreaterThanOrEqual(commands - 1);
      await feed.caughtUp();
    },
    restart: async (losesStore, over = log) => {
      await lanes.lane.close();
      if (losesStore) await store.clear(1_000_000);
      lanes.lane = await startHistoryLane({ log: over, store, clock, logger, piiKey: PII_KEY, ...parts });
    },
    setSettings,
    standing: () =>
      [...feed.all()].filter(
        ({ status, kind }) => kind === 'episode' && (status === 'open' || status === 'acknowledged'),
      ),
    close: async () => {
      await lanes.lane.close();
      await worker.close();
      await feed.close();
      await manager.close();
      await temp.close();
    },
  };
  return lanes;
}

async function settle({ log, clock }: Lanes, worker: DetectWorker): Promise<void> {
  const end = (await log.ends('attempts'))[0]?.next ?? 0;
  const next = (): number | null | undefined => {
    clock.advance(1_000);
    return worker.status()[0]?.next;
  };
  await expect.poll(next, { timeout: 20_000, interval: 5 }).toBe(end);
  let told = -1;
  for (let quiet = 0; quiet < 4; ) {
    clock.advance(30_000);
    await new Promise((resolve) => setImmediate(resolve));
    const [commands] = await log.ends('commands');
    quiet = commands?.next === told ? quiet + 1 : 0;
    told = commands?.next ?? 0;
  }
}

/** Offset of the newest command that the incidents are as of. */
async function lastCommand(log: EventLog): Promise<number> {
  const [end] = await log.ends('incidents');
  if (end === undefined || end.next === 0) return -1;
  for await (const page of log.read('incidents', 0, end.next - 1))
    return (JSON.parse(page[0]?.value ?? '') as { position: { offset: number } }).position.offset;
  return -1;
}

/** As ingest stamps it. */
export function received(attempt: string, timeS: number, receivedS: number, fields: View['fields'] = {}): View {
  const isLive = receivedS - timeS <= LATENESS_S;
  return view(attempt, timeS, { receivedAt: receivedS * 1000, lane: isLive ? 'live' : 'history', fields });
}

export type Told = Readonly<Record<string, unknown>>;

/** Of an incident what its episode decides, in seconds. */
export const toldOf = (incident: Incident): Told => ({
  key: keyText(incident.detector, incident, incident.entity),
  severity: incident.severity,
  firstAttemptAt: incident.firstAttemptAt / 1000,
  lastAttemptAt: incident.lastAttemptAt / 1000,
  firstBreachAt: incident.firstBreachAt / 1000,
  lastBreachAt: incident.lastBreachAt / 1000,
  peak: incident.peak,
  attemptCount: incident.attemptCount,
});

export const sorted = (told: readonly Told[]): readonly string[] => told.map((one) => JSON.stringify(one)).sort();

/** The oracle's episodes. */
export function expected(views: readonly View[]): readonly Told[] {
  const found = oracleEpisodes({ records: views, rules: RULES, predicates: PREDICATES });
  return [...found].flatMap(([key, episodes]) =>
    episodes.map(({ episode }): Told => {
      const { severity, firstAttemptAt, lastAttemptAt, firstBreachAt, lastBreachAt, peak, attemptCount } = episode;
      return { key, severity, firstAttemptAt, lastAttemptAt, firstBreachAt, lastBreachAt, peak, attemptCount };
    }),
  );
}

export function randomFrom(seed: number): () => number {
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}

export type Burst = { readonly at: number; readonly fields: View['fields'] };

/** Attempts on few cards: near one another, a window apart, a quiet gap apart. */
export function bursts(random: () => number, count: number, span: { fromS: number; toS: number }): readonly Burst[] {
  const pick = (from: number): number => Math.floor(random() * from);
  const steps = [0, 1, 30, 300, 599, 600, 601, 1_799, 3_599, 3_600, 3_601, 7_200];
  let at = span.fromS;
  return Array.from({ length: count }, (): Burst => {
    at += steps[pick(steps.length)] ?? 0;
    if (random() < 0.15) at = span.fromS + pick(span.toS - span.fromS);
    if (at >= span.toS) at = span.fromS + pick(3_600);
    return { at, fields: { card: `card${pick(3)}`, customer: `cus_${pick(2)}` } };
  });
}
