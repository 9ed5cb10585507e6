// Long lists of cells, where what was read before is not read again; and the stories of design §4.2 one by one.
import { beforeEach, describe, expect, it } from 'vitest';
import { detailsOf, episodesOf, type FoldRecord, fold, keysOf } from '../../../src/detectors/fold.ts';
import { createState, type FoldState } from '../../../src/detectors/state.ts';
import type { Episode } from '../../../src/model/episode.ts';
import { rule, START_S, succeeded, view } from '../../support/detect.ts';

let state: FoldState;

beforeEach(() => {
  state = createState({ lane: 'all' });
});

const KEY = {
  detector: 'card-declines',
  scope: { account: null, livemode: true },
  entity: { kind: 'card', value: 'c' },
} as const;

const decline = (seconds: number, id = `ch_${seconds}`): FoldRecord => view(id, START_S + seconds);

function told(): Pick<Episode, 'firstAttemptAt' | 'lastBreachAt' | 'peak' | 'attemptCount' | 'severity'>[] {
  return episodesOf(state, KEY).map(({ firstAttemptAt, lastBreachAt, peak, attemptCount, severity }) => ({
    firstAttemptAt: firstAttemptAt - START_S,
    lastBreachAt: lastBreachAt - START_S,
    peak,
    attemptCount,
    severity,
  }));
}

describe('episodes', () => {
  it('begin with the window of the first breach and end with the last breach', () => {
    fold(state, [rule(), ...[0, 100, 599, 699, 1_400].map((s) => decline(s))]);
    expect(told()).toEqual([{ firstAttemptAt: 0, lastBreachAt: 699, peak: 3, attemptCount: 4, severity: 'warning' }]);
  });

  it('take in what came between two breaches, once the second is there', () => {
    fold(state, [rule(), ...[0, 1, 2, 1_500].map((s) => decline(s))]);
    expect(told()).toMatchObject([{ attemptCount: 3, lastBreachAt: 2 }]);
    fold(state, [decline(3_000), decline(3_001), decline(3_002)]);
    expect(told()).toMatchObject([{ attemptCount: 7, lastBreachAt: 3_002 }]);
  });

  it('are joined by a late attempt, and come apart when one leaves', () => {
    const far = [0, 1, 2, 5_000, 5_001, 5_002].map((s) => decline(s));
    const bridge = [2_500, 2_501, 2_502].map((s) => decline(s));
    fold(state, [rule(), ...far]);
    expect(told()).toHaveLength(2);
    fold(state, bridge);
    expect(told()).toMatchObject([{ attemptCount: 9 }]);
    fold(state, [succeeded('ch_2501', START_S + 2_501)]);
    expect(told()).toMatchObject([{ attemptCount: 3 }, { attemptCount: 3 }]);
  });

  it('leave out what stopped counting before there were enough to breach', () => {
    const third = rule({ thresholds: { warning: 3 } });
    fold(state, [third, decline(0), succeeded('ch_0', START_S), decline(1), decline(2)]);
    expect(told()).toEqual([]);
    fold(state, [decline(3)]);
    expect(told()).toMatchObject([{ firstAttemptAt: 1, attemptCount: 3, peak: 3 }]);
    fold(state, [{ ...third, detector: 'second' } as FoldRecord]);
    const second = { ...KEY, detector: 'second' };
    expect(episodesOf(state, second).map(({ attemptCount }) => attemptCount)).toEqual([3]);
    expect(detailsOf(state, second, START_S + 3)?.members.map(({ id }) => id)).toEqual(['ch_1', 'ch_2', 'ch_3']);
  });

  it('stay exact in a long attack, wherever a late view falls', () => {
    const attack = Array.from({ length: 3_000 }, (_, i) => decline(i * 2));
    fold(state, [rule(), ...attack]);
    const first = told();
    expect(first).toEqual([
      { firstAttemptAt: 0, lastBreachAt: 5_998, peak: 300, attemptCount: 3_000, severity: 'critical' },
    ]);
    // Each later view is judged with what was read before; a state that sees all at once reads everything.
    const late: FoldRecord[] = [];
    for (const s of [5_997, 5_001, 2_001, 1, 6_000, 9_599, 20_000, 20_001, 20_002]) {
      late.push(decline(s));
      fold(state, late.slice(-1));
      const anew = createState({ lane: 'all' });
      fold(anew, [rule(), ...attack, ...late]);
      expect(episodesOf(state, KEY)).toEqual(episodesOf(anew, KEY));
    }
    fold(state, [succeeded('ch_3000', START_S + 3_000)]);
    expect(told()).toMatchObject([{ attemptCount: 3_004 }, { attemptCount: 3 }]);
  });

  it('are judged by the rule of their time, also where they had been read before', () => {
    const first = rule();
    fold(state, [first, ...Array.from({ length: 1_200 }, (_, i) => decline(i * 10))]);
    expect(told()).toMatchObject([{ severity: 'critical', peak: 60, lastBreachAt: 11_990 }]);
    const settings = first.settings && { ...first.settings, thresholds: { notice: 1_000 } };
    fold(state, [{ ...first, version: 2, sinceS: START_S + 41, settings }]);
    expect(told()).toMatchObject([{ severity: 'warning', peak: 5, lastBreachAt: 40 }]);
  });

  it('name members, values and what triggered them', () => {
    const settings = { at: 'outcome == "succeeded"' };
    const both = ['ch_x', 'ch_y'].map((id) => succeeded(id, START_S + 9));
    fold(state, [rule(settings), decline(0), decline(1), decline(2), ...both]);
    const details = detailsOf(state, KEY, START_S + 9);
    expect(details?.members.map(({ id }) => id)).toEqual(['ch_0', 'ch_1', 'ch_2']);
    expect(details?.values).toEqual([{ time: START_S + 9, value: 3 }]);
    expect(details?.trigger).toMatchObject({
      id: 'ch_y',
      time: START_S + 9,
      fields: { result: { outcome: 'succeeded' } },
    });
    expect(detailsOf(state, KEY, START_S + 8)).toBeNull();
  });

  it('can be asked for by the time of their first breach', () => {
    fold(state, [rule(), ...[0, 1, 2, 9_000, 9_001, 9_002].map((s) => decline(s))]);
    const first = START_S + 2;
    expect(episodesOf(state, KEY, { fromS: first, toS: first + 1 })).toHaveLength(1);
    expect(episodesOf(state, KEY, { fromS: first + 1, toS: null })).toHaveLength(1);
    expect(episodesOf(state, KEY, { fromS: first + 1, toS: first + 2 })).toHaveLength(0);
  });

  it('have no key while an entity has too few attempts in any window to breach', () => {
    fold(state, [rule(), decline(0), decline(1)]);
    const late = fold(state, [decline(9_000), decline(600)]);
    expect([...late.touched]).toEqual([]);
    expect([...keysOf(state)]).toEqual([]);
    const { touched } = fold(state, [decline(599)]);
    expect([...touched.values()]).toEqual([KEY]);
    expect([...keysOf(state)]).toEqual([KEY]);
    expect(told()).toHaveLength(1);
  });
});
