// The history lane beside the live one, up to the incidents: whatever came late ends as if it had come in time, and what is
// live is told as if nothing old had come. Expected is the oracle's, over all views and over the live ones alone.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EventLog } from '../../src/log/event-log.ts';
import type { View } from '../../src/model/attempt.ts';
import { append, START_S } from '../support/detect.ts';
import {
  bursts,
  DAY_S,
  expected,
  LATENESS_S,
  type Lanes,
  openLanes,
  RULES,
  randomFrom,
  received,
  sorted,
  type Told,
  toldOf,
} from '../support/lanes.ts';

let lanes: Lanes;
beforeEach(async () => {
  lanes = await openLanes();
});
afterEach(async () => await lanes.close());

const isLive = ({ lane }: View): boolean => lane === 'live';

/** What the two lanes must have told of views that are all received. */
function expectedOfLanes(views: readonly View[]): readonly Told[] {
  const boundaryS = Math.max(...views.map(({ receivedAt }) => receivedAt)) / 1000 - LATENESS_S;
  return [
    ...expected(views).filter(({ firstBreachAt }) => Number(firstBreachAt) < boundaryS),
    ...expected(views.filter(isLive)).filter(({ firstBreachAt }) => Number(firstBreachAt) >= boundaryS),
  ];
}

describe('the history lane', () => {
  it('finds an old attack that was backfilled, and nobody is called for it', async () => {
    await append(lanes.log, received('ch_now', START_S, START_S));
    await append(lanes.log, ...[0, 1, 2].map((i) => received(`ch_${i}`, START_S - 20 * DAY_S + i, START_S + 1)));
    await lanes.settled();
    expect(lanes.standing().map(toldOf)).toMatchObject([{ attemptCount: 3, firstBreachAt: START_S - 20 * DAY_S + 2 }]);
    expect(lanes.standing()[0]).toMatchObject({ late: true, status: 'open', over: true });
    expect(lanes.lane.status()).toMatchObject([{ waitingHours: 0, problem: null, lastRun: { keys: 1, unknown: 0 } }]);
  });

  it('finds the beginning and the end of a long attack, when a single view of it comes late', async () => {
    const attack = Array.from({ length: 90 }, (_, i) => {
      const at = START_S - 20 * DAY_S + Math.floor(i / 3) * 3_000 + (i % 3);
      return received(`ch_${i}`, at, START_S);
    });
    await append(lanes.log, received('ch_now', START_S, START_S), ...attack);
    await lanes.settled();
    expect(lanes.standing()).toMatchObject([{ attemptCount: 90 }]);
    const first = received('ch_first', START_S - 20 * DAY_S + 2, START_S + 1);
    const last = received('ch_last', START_S - 20 * DAY_S + 29 * 3_000 + 5, START_S + 1);
    await append(lanes.log, first);
    await lanes.settled();
    expect(sorted(lanes.standing().map(toldOf))).toEqual(sorted(expected([...attack, first])));
    await append(lanes.log, last);
    await lanes.settled();
    expect(sorted(lanes.standing().map(toldOf))).toEqual(sorted(expected([...attack, first, last])));
    expect(lanes.feed.list().incidents.map(({ id, attemptCount }) => [id, attemptCount])).toEqual([['INC-1', 92]]);
  });

  it('withdraws what a late view takes away, and gives it back when another does', async () => {
    const old = START_S - 10 * DAY_S;
    const attack = [0, 1, 2].map((i) => received(`ch_${i}`, old + i, old + i));
    await append(lanes.log, ...attack);
    await lanes.settled();
    expect(lanes.standing()).toMatchObject([{ id: 'INC-1', attemptCount: 3 }]);
    const paid = { result: { outcome: 'succeeded', code: '', class: '' } } as const;
    const taken = { ...received('ch_1', old + 1, START_S, paid), event: 'evt_paid', created: old + 9 };
    await append(lanes.log, taken);
    await lanes.settled();
    expect(lanes.feed.get('INC-1')?.status).toBe('withdrawn');
    await append(lanes.log, received('ch_3', old + 1, START_S + 1));
    await lanes.settled();
    expect(lanes.feed.list().incidents.map(({ id, status, attemptCount }) => [id, status, attemptCount])).toEqual([
      ['INC-1', 'open', 3],
    ]);
  });

  it('joins what is live to what was before it, once all of it is old', async () => {
    const edge = START_S - LATENESS_S;
    const live = Array.from({ length: 12 }, (_, i) => received(`ch_l${i}`, edge + i * 250, edge + i * 250 + 9));
    await append(lanes.log, ...live, received('ch_now', START_S, START_S, { card: 'other' }));
    await lanes.settled();
    expect(lanes.standing()).toMatchObject([{ id: 'INC-1', attemptCount: 12 }]);
    const old = [0, 1, 2].map((i) => received(`ch_o${i}`, edge - 3_000 + i, START_S));
    await append(lanes.log, ...old);
    await lanes.settled();
    expect(lanes.standing().map(({ id }) => id)).toEqual(['INC-1']);
    const later = received('ch_later', START_S + 2 * DAY_S, START_S + 2 * DAY_S, { card: 'other' });
    await append(lanes.log, later);
    await lanes.settled();
    expect(sorted(lanes.standing().map(toldOf))).toEqual(sorted(expected([...live, ...old])));
    expect(lanes.standing()).toMatchObject([{ id: 'INC-1', attemptCount: 15 }]);
  });

  it('says nothing of what the log no longer holds whole', async () => {
    const old = START_S - 20 * DAY_S;
    const attack = [0, 1, 2, 3, 4].map((i) => received(`ch_${i}`, old + i, START_S));
    await append(lanes.log, ...attack);
    await lanes.settled();
    expect(lanes.standing()).toMatchObject([{ id: 'INC-1', attemptCount: 5 }]);
    // The rules stand first in the log, then the five: two of them are let go of, and so are the notes.
    const first = RULES.length + 2;
    const trimmed: EventLog = {
      ...lanes.log,
      ends: async (topic) =>
        (await lanes.log.ends(topic)).map((end) => (topic === 'attempts' ? { ...end, first } : end)),
    };
    await lanes.restart(true, trimmed);
    await append(lanes.log, received('ch_5', old + 5, START_S + 1));
    await lanes.settled();
    expect(lanes.lane.status()).toMatchObject([{ lastRun: { keys: 0, unknown: 1 } }]);
    expect(lanes.feed.list().incidents.map(({ id, status, attemptCount }) => [id, status, attemptCount])).toEqual([
      ['INC-1', 'open', 5],
    ]);
  });

  it('evaluates by itself while some wait, and not twice', async () => {
    await append(lanes.log, received('ch_now', START_S, START_S));
    await append(lanes.log, ...[0, 1, 2].map((i) => received(`ch_${i}`, START_S - 20 * DAY_S + i, START_S + 1)));
    await expect.poll(() => lanes.lane.status()[0]?.waitingHours).toBe(1);
    expect(lanes.standing()).toEqual([]);
    await expect
      .poll(
        () => {
          lanes.clock.advance(30_000);
          return lanes.standing().length;
        },
        { timeout: 10_000 },
      )
      .toBe(1);
    const reports = (await lanes.log.ends('commands'))[0]?.next;
    await lanes.lane.runNow();
    expect((await lanes.log.ends('commands'))[0]?.next).toBe(reports);
  });

  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
    it(`tells of a backfill beside live traffic what the oracle tells, seed ${seed}`, async () => {
      // Of odd seeds all in one piece, of even ones in as many as there can be.
      if (seed % 2 === 0) {
        await lanes.close();
        lanes = await openLanes({ maxViews: 1 });
      }
      const random = randomFrom(seed);
      const now = bursts(random, 60, { fromS: START_S, toS: START_S + 6 * 3_600 });
      const live = now.map(({ at, fields }, i) => {
        return received(`ch_l${i}`, at, at + Math.floor(random() * 60), fields);
      });
      // Old enough to be history, and reaching up to where live begins.
      const then = bursts(random, 60, { fromS: START_S - 30 * DAY_S, toS: START_S - 29.5 * DAY_S });
      const ahead = START_S + 6 * 3_600;
      const edgeS = ahead - LATENESS_S;
      const near = bursts(random, 40, { fromS: edgeS - 3 * 3_600, toS: edgeS });
      const old = [
        ...then.map(({ at, fields }, i) => received(`ch_o${i}`, at, ahead, fields)),
        ...near.map(({ at, fields }, i) => received(`ch_n${i}`, at, ahead, fields)),
      ].filter((one) => !isLive(one));
      // Live views of the days before, which the backfilled ones join.
      const before = bursts(random, 40, { fromS: edgeS - 3 * 3_600, toS: edgeS + 3_600 });
      const early = before.map(({ at, fields }, i) => received(`ch_e${i}`, at, at + 5, fields));
      await append(lanes.log, ...early);
      await lanes.settled();
      const shuffled = [...old].sort(() => random() - 0.5);
      const half = Math.floor(shuffled.length / 2);
      await append(lanes.log, ...mixed(live.slice(0, 30), shuffled.slice(0, half), random));
      await lanes.settled();
      if (seed % 2 === 0) await lanes.restart(seed % 4 === 0);
      await append(lanes.log, ...mixed(live.slice(30), shuffled.slice(half), random));
      await lanes.settled();
      const all = [...early, ...live, ...old];
      const boundaryS = Math.max(...all.map(({ receivedAt }) => receivedAt)) / 1000 - LATENESS_S;
      // What lies on both sides of the boundary is in between two lanes until all of it is old.
      const isDecided = ({ firstBreachAt, lastBreachAt }: Told): boolean =>
        Number(firstBreachAt) > boundaryS + 3_600 || Number(lastBreachAt) + 7_200 < boundaryS;
      expect(sorted(lanes.standing().map(toldOf).filter(isDecided))).toEqual(
        sorted(expectedOfLanes(all).filter(isDecided)),
      );
      // Days later everything is history.
      const last = received('ch_last', START_S + 20 * DAY_S, START_S + 20 * DAY_S, { card: 'none' });
      await append(lanes.log, last);
      await lanes.settled();
      expect(sorted(lanes.standing().map(toldOf))).toEqual(sorted(expected([...all, last])));
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
