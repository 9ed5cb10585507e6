// Verification over the real log and the incidents that both lanes made: no difference where there is none, and each kind of
// difference found where there is one.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { submitCommand } from '../../src/feed/submit.ts';
import type { EventLog } from '../../src/log/event-log.ts';
import type { Incident } from '../../src/model/incident.ts';
import { type VerifyResult, verifyIncidents } from '../../src/tuning/verify.ts';
import { ANA } from '../support/decider.ts';
import { append, START_S } from '../support/detect.ts';
import {
  bursts,
  DAY_S,
  LATENESS_S,
  type Lanes,
  openLanes,
  PII_KEY,
  RULES,
  randomFrom,
  received,
} from '../support/lanes.ts';

let lanes: Lanes;
beforeEach(async () => {
  lanes = await openLanes();
});
afterEach(async () => await lanes.close());

const LATER_S = START_S + 3 * DAY_S;

/** `feed`: as the incidents would be seen. */
async function verify(parts: { log?: EventLog; feed?: Lanes['feed']; sinceS?: number } = {}): Promise<VerifyResult> {
  const { log = lanes.log, feed = lanes.feed, sinceS = START_S - 40 * DAY_S } = parts;
  return await verifyIncidents({
    log,
    feed,
    piiKey: PII_KEY,
    sinceMs: sinceS * 1000,
    nowMs: LATER_S * 1000,
    rounds: 2,
  });
}

const kinds = ({ differences }: VerifyResult): readonly string[] =>
  differences.map(({ kind, incident }) => `${incident ?? '-'} ${kind}`);

/** Live traffic, a backfill beside it, and a view of another card three days later. */
async function traffic(seed: number): Promise<void> {
  const random = randomFrom(seed);
  const edgeS = START_S - LATENESS_S;
  const early = [...bursts(random, 40, { fromS: edgeS - 7_200, toS: edgeS + 7_200 })];
  const live = [...bursts(random, 60, { fromS: START_S, toS: START_S + 6 * 3_600 })];
  const old = [
    ...bursts(random, 60, { fromS: START_S - 20 * DAY_S, toS: START_S - 19.5 * DAY_S }),
    ...bursts(random, 20, { fromS: edgeS - 7_200, toS: edgeS - 60 }),
  ];
  // As they come: a card's attempts in the order of time.
  for (const some of [early, live]) some.sort((a, b) => a.at - b.at);
  await append(lanes.log, ...early.map(({ at, fields }, i) => received(`ch_e${i}`, at, at + 2, fields)));
  await append(lanes.log, ...live.map(({ at, fields }, i) => received(`ch_l${i}`, at, at + 2, fields)));
  await append(lanes.log, ...old.map(({ at, fields }, i) => received(`ch_o${i}`, at, START_S + 6 * 3_600, fields)));
  await lanes.settled();
  await append(lanes.log, received('ch_last', LATER_S, LATER_S, { card: 'none' }));
  await lanes.settled();
}

/** The feed with one incident replaced or left out. */
function tampered(change: (incident: Incident) => Incident | null): Lanes['feed'] {
  return { ...lanes.feed, all: () => [...lanes.feed.all()].flatMap((incident) => change(incident) ?? []) };
}

describe('verify', () => {
  for (const seed of [1, 2, 3]) {
    it(`finds no difference after live traffic and a backfill, seed ${seed}`, async () => {
      await traffic(seed);
      const result = await verify();
      expect(result).toMatchObject({ differences: [], rounds: 2 });
      expect(result.checked).toBeGreaterThan(10);
    });
  }

  it('finds none after people have acted', async () => {
    await traffic(1);
    const [first, second] = lanes.standing();
    for (const incident of [first?.id ?? '', second?.id ?? '']) {
      const body = { type: 'resolve', incident, verdict: 'fraud', note: '' } as const;
      const { id } = await submitCommand(lanes, { actor: ANA, body });
      expect((await lanes.feed.waitForCommand(id, 10_000))?.refusal).toBeNull();
    }
    expect((await verify()).differences).toEqual([]);
  });

  it('names an episode without an incident, a wrong figure, and an incident too many', async () => {
    await traffic(2);
    const [newest] = lanes.standing();
    if (newest === undefined) throw new Error('there is an incident');
    const only = (change: (incident: Incident) => Incident | null) =>
      tampered((incident) => (incident.id === newest.id ? change(incident) : incident));
    const missing = await verify({ feed: only(() => null) });
    expect(kinds(missing)).toEqual(['- missing']);
    expect(missing.differences[0]).toMatchObject({
      detector: newest.detector,
      entity: { kind: newest.entity.kind, value: newest.entity.value },
      expected: { attemptCount: newest.attemptCount, firstBreachAt: newest.firstBreachAt / 1000 },
    });
    const differs = await verify({ feed: only((incident) => ({ ...incident, peak: incident.peak + 1 })) });
    expect(kinds(differs)).toEqual([`${newest.id} differs`]);
    expect(differs.differences[0]).toMatchObject({ expected: { peak: newest.peak }, told: { peak: newest.peak + 1 } });
    const withdrawn = await verify({ feed: only((incident) => ({ ...incident, status: 'withdrawn' })) });
    expect(kinds(withdrawn)).toEqual([`${newest.id} withdrawn`]);
    const twice = { ...lanes.feed, all: () => [...lanes.feed.all(), { ...newest, id: 'INC-900' }] };
    expect(kinds(await verify({ feed: twice }))).toEqual([`${newest.id}, INC-900 several`]);
    const elsewhere = { ...newest, id: 'INC-901', entity: { ...newest.entity, value: 'nobody' } };
    const get = (id: string): Incident | null => (id === elsewhere.id ? elsewhere : lanes.feed.get(id));
    const more = { ...lanes.feed, get, all: () => [...lanes.feed.all(), elsewhere] };
    expect(kinds(await verify({ feed: more }))).toEqual(['INC-901 unfounded']);
  });

  it('takes nothing for missing that is only under way', async () => {
    await traffic(2);
    const [newest] = lanes.standing();
    let asked = 0;
    const feed = {
      ...lanes.feed,
      all: () => [...lanes.feed.all()].filter(({ id }) => asked > 1 || id !== newest?.id),
      caughtUp: async () => {
        asked += 1;
      },
    };
    expect((await verify({ feed })).differences).toEqual([]);
    expect(asked).toBe(2);
  });

  it('leaves alone what began before the time it is asked about', async () => {
    await traffic(3);
    const all = await verify();
    const sinceS = START_S;
    const some = await verify({ sinceS, feed: tampered((one) => (one.firstBreachAt < sinceS * 1000 ? null : one)) });
    expect(some.differences).toEqual([]);
    expect(some.checked).toBeLessThan(all.checked);
    expect(some.checked).toBeGreaterThan(0);
  });

  it('asks for no incident while a detector was off', async () => {
    const [settings] = RULES.flatMap((rule) => rule.settings ?? []);
    if (settings === undefined) throw new Error('there is a detector');
    await lanes.setSettings({ ...settings, mode: 'off' }, 1);
    const at = START_S + 4 * 3_600;
    await append(lanes.log, ...[0, 1, 2].map((i) => received(`ch_${i}`, at + i, at + i)));
    await lanes.settled();
    await append(lanes.log, received('ch_last', LATER_S, LATER_S, { card: 'none' }));
    await lanes.settled();
    expect(lanes.standing()).toEqual([]);
    expect((await verify()).differences).toEqual([]);
  });

  it('goes back only as far as the log is whole', async () => {
    await traffic(1);
    const ends = await lanes.log.ends('attempts');
    const first = Math.floor((ends[0]?.next ?? 0) / 2);
    const trimmed: EventLog = {
      ...lanes.log,
      ends: async (topic) =>
        (await lanes.log.ends(topic)).map((end) => (topic === 'attempts' ? { ...end, first } : end)),
    };
    const result = await verify({ log: trimmed });
    expect(result.sinceMs).toBeGreaterThan(START_S * 1000);
    expect(result.differences).toEqual([]);
  });

  it('stops when it is told to', async () => {
    await traffic(1);
    const stop = new AbortController();
    const running = verifyIncidents({
      ...lanes,
      piiKey: PII_KEY,
      sinceMs: 0,
      nowMs: LATER_S * 1000,
      signal: stop.signal,
      onProgress: () => stop.abort(new Error('enough')),
    });
    await expect(running).rejects.toThrow('enough');
  });
});
