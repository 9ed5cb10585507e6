// When the running tally of a long episode is kept, when it has to go, and that what is told is the same without it.
import { beforeEach, describe, expect, it } from 'vitest';
import { episodesOf, type FoldRecord, fold } from '../../../src/detectors/fold.ts';
import type { Running, Summary } from '../../../src/detectors/kept.ts';
import { cellsIn } from '../../../src/detectors/keys.ts';
import { finishRestore, restoreRows } from '../../../src/detectors/restore.ts';
import { expire } from '../../../src/detectors/retain.ts';
import { createState, type FoldState } from '../../../src/detectors/state.ts';
import { summaryOf } from '../../../src/detectors/summary.ts';
import type { Row } from '../../../src/detectors/window-store.ts';
import type { View } from '../../../src/model/attempt.ts';
import { rule, START_S, succeeded, view } from '../../support/detect.ts';

const HOUR_S = 3_600;
const LONG = { members: 5, newest: 2 };
const RULE = rule({ thresholds: { warning: 2 } }, { latenessMs: 2 * HOUR_S * 1_000 });
const KEY = {
  detector: 'card-declines',
  scope: { account: null, livemode: true },
  entity: { kind: 'card', value: 'c' },
} as const;

let state: FoldState;
let rows: Row[];

beforeEach(() => {
  state = createState({ lane: 'live', longEpisodes: LONG });
  rows = [];
});

function take(...records: FoldRecord[]): void {
  rows.push(...fold(state, records).rows, ...expire(state));
}

const decline = (seconds: number, facts: Parameters<typeof view>[2] = {}): View =>
  view(`ch_${seconds}`, START_S + seconds, facts);

/** One every ten seconds. */
const attack = (count: number): View[] => Array.from({ length: count }, (_, i) => decline(i * 10));

/** Of its first episode; and it must be what counting anew gives. */
function told(over = false): Summary {
  const [episode] = episodesOf(state, KEY);
  if (episode === undefined) throw new Error('there is an episode');
  const summary = summaryOf(state, KEY, { ...episode, over });
  const plain = { ...state, longEpisodes: { members: Number.POSITIVE_INFINITY, newest: 0 } };
  expect(summary).toEqual(summaryOf(plain, KEY, { ...episode, over }));
  return summary;
}

function running(): Running | null {
  const [only] = cellsIn(state);
  return only?.cells.running ?? null;
}

describe('the running tally', () => {
  it('is kept of a long episode, without its newest members, and moves on with it', () => {
    take(RULE, ...attack(4));
    told();
    expect(running()).toBeNull();
    take(...attack(20));
    expect(told().evidence.outcomes).toEqual({ declined: 20 });
    const first = running();
    expect(first).toMatchObject({ beforeS: START_S + 180, tally: { members: 18 } });
    take(...attack(23));
    const { outcomes, newest } = told().evidence;
    expect([outcomes, newest[0]?.id]).toEqual([{ declined: 23 }, 'ch_220']);
    expect(running()).toBe(first);
    expect(first).toMatchObject({ beforeS: START_S + 210, tally: { members: 21 } });
  });

  it('takes in what comes late, what a second view changes, and what leaves', () => {
    take(RULE, ...attack(20));
    told();
    const first = running();
    take(decline(55, { fields: { amount: 7, currency: 'eur', email: 'a@example.com' } }));
    expect(told().evidence).toMatchObject({ distinct: { emails: 1 }, amounts: [{ amount: 20_000 }, { amount: 7 }] });
    const second = { event: 'evt_2', created: START_S + 900 };
    take(decline(55, { ...second, fields: { amount: 9, currency: 'eur', customer: 'u' } }));
    expect(told().evidence).toMatchObject({ distinct: { customers: 1 }, amounts: [{}, { amount: 9 }] });
    take(decline(60, { ...second, fields: { card: 'd' } }), succeeded('ch_70', START_S + 70));
    expect(told().evidence.outcomes).toEqual({ declined: 19 });
    take(view('ch_80', START_S + 75, { ...second }));
    told();
    expect(running()).toBe(first);
    expect(first?.tally.members).toBe(17);
  });

  it('shows the newest members, also when those that were have left', () => {
    take(RULE, ...attack(30));
    told();
    for (let i = 29; i > 12; i--) {
      take(succeeded(`ch_${i * 10}`, START_S + i * 10));
      told();
    }
  });

  it('goes when a rule comes, whose values are others', () => {
    take(RULE, ...[0, 1, 2, 1_000, 2_000, 2_001, 2_002].map((s) => decline(s)));
    expect(told().evidence.series.values.filter((value) => value === 1)).toEqual([]);
    const first = running();
    const settings = RULE.settings && { ...RULE.settings, thresholds: { notice: 1 } };
    take({ ...RULE, version: 2, sinceS: START_S + 500, settings });
    expect(told().evidence.series.values.filter((value) => value === 1)).toHaveLength(1);
    expect(running()).not.toBe(first);
    expect(running()).not.toBeNull();
  });

  it('is of no episode whose members two filters count', () => {
    take(RULE, ...attack(20));
    told();
    const settings = RULE.settings && { ...RULE.settings, where: 'outcome == "declined" && amount > 5' };
    take({ ...RULE, version: 2, revision: 2, sinceS: START_S + 95, settings }, decline(100, { fields: { amount: 5 } }));
    told();
    take(decline(191), decline(192));
    told();
    expect([...cellsIn(state)].map(({ cells }) => cells.running?.stamp ?? null)).not.toContain(2);
  });

  it('goes when the episode begins elsewhere', () => {
    const settings = { count: 'sum(amount)', currency: 'usd', thresholds: { warning: 1_500 } } as const;
    take(rule(settings), ...attack(20));
    told();
    const first = running();
    take(decline(-50, { fields: { amount: 0, email: 'a@example.com' } }));
    expect(told().evidence).toMatchObject({ outcomes: { declined: 21 }, distinct: { emails: 1 } });
    expect(running()).not.toBe(first);
  });

  it('goes when the episode ends before what is in it', () => {
    const bridge = [2_000, 2_001].map((s) => decline(s));
    const far = [0, 1, 2, 3, 4, 5, 4_500, 4_501, 4_502, 4_503].map((s) => decline(s));
    take(RULE, ...far, ...bridge);
    expect(told().evidence.outcomes).toEqual({ declined: 12 });
    const first = running();
    take(succeeded('ch_2000', START_S + 2_000));
    expect(told().evidence.outcomes).toEqual({ declined: 6 });
    expect(running()).not.toBe(first);
  });

  it('goes when what it is of is dropped', () => {
    take(RULE);
    for (let i = 0; i < 100; i++) {
      take(decline(i * 300));
      const { cutS } = state;
      if (i > 10) told();
      take(decline(i * 300 + 1));
      if (state.cutS > cutS) expect(running()).toBeNull();
      if (i > 10) told();
    }
    expect(state.heads.size).toBe(1);
  });

  it('goes when members are dropped that lie before all cells', () => {
    const latenessMs = 2 * HOUR_S * 1_000;
    const longer = { windowS: 4 * HOUR_S, quietForS: 4 * HOUR_S, thresholds: { warning: 10_000 } };
    take(rule({ thresholds: { warning: 2 }, quietForS: 2 * HOUR_S }, { latenessMs }));
    take(rule({ name: 'longer', ...longer }, { latenessMs }));
    for (let i = 0; i < 60; i++) {
      const at = i * 5_400;
      take(...[0, 10, 20].map((s) => decline(at + s)));
      for (let s = 0; s < 5_400; s += 900) {
        take(view(`other_${at + s}`, START_S + at + s, { fields: { card: 'd' } }));
        if (i > 2) told();
      }
    }
    expect(state.heads.size).toBe(1);
  });

  it('knows who was received last, also when that one has left', () => {
    take(RULE, ...attack(20), decline(55, { receivedAt: (START_S + 900) * 1_000 }));
    expect(told().receivedAt).toBe((START_S + 900) * 1_000);
    take(succeeded('ch_55', START_S + 55));
    expect(told().receivedAt).toBe((START_S + 190) * 1_000);
    expect(running()?.isReceivedAtExact).toBe(true);
  });

  it('reads the values again from where one has changed', () => {
    take(RULE, ...attack(20));
    told();
    const first = running();
    take(...Array.from({ length: 5 }, (_, i) => view(`late_${i}`, START_S + 50)));
    told();
    take(succeeded('ch_30', START_S + 30));
    told();
    expect(running()).toBe(first);
  });

  it('is not kept of more than a thousand names', () => {
    const named = (i: number) => ({ result: { outcome: 'declined', code: `code_${i}`, class: 'G' } }) as const;
    take(RULE, ...Array.from({ length: 1_200 }, (_, i) => decline(i, { fields: named(i) })));
    expect(told().evidence.codes[0]).toEqual({ code: 'code_0', count: 1 });
    expect(running()).toBeNull();
  });

  it('is made anew after a restart', () => {
    take(RULE, ...attack(20), decline(55), succeeded('ch_70', START_S + 70));
    const before = told();
    state = createState({ lane: 'live', longEpisodes: LONG });
    restoreRows(state, rows);
    finishRestore(state);
    expect(running()).toBeNull();
    expect(told()).toEqual(before);
    expect(running()).not.toBeNull();
  });

  it('counts what a disputed charge turns out to be', () => {
    const disputes = rule({ name: 'card-declines', on: 'signal', where: 'true', thresholds: { warning: 2 } });
    const scope = { account: null, livemode: true };
    const signal = (i: number): FoldRecord => ({
      ...{ record: 'signal', ...scope, signal: 'dispute', id: `dp_${i}`, charge: `ch_${i * 10}`, reason: 'fraudulent' },
      ...{ event: `evt_dp_${i}`, created: START_S, time: START_S + i * 10, receivedAt: START_S * 1_000, lane: 'live' },
    });
    take(disputes, ...attack(20), ...Array.from({ length: 20 }, (_, i) => signal(i)));
    expect(told().evidence).toMatchObject({ outcomes: {}, codes: [{ code: 'fraudulent', count: 20 }] });
    const first = running();
    take(decline(50, { event: 'evt_2', created: START_S + 900, fields: { email: 'a@example.com' } }));
    expect(told().evidence.distinct.emails).toBe(1);
    take(decline(60, { event: 'evt_2', created: START_S + 900, fields: { card: 'd' } }));
    expect(told().evidence.codes).toEqual([{ code: 'fraudulent', count: 19 }]);
    expect(running()).toBe(first);
  });
});

describe('what was told of an episode that is over', () => {
  beforeEach(() => {
    take(RULE, ...attack(20));
    told();
  });

  it('is told again while nothing in it changes, and the tally goes', () => {
    const first = told(true);
    expect(running()).toBeNull();
    take(...[9_000, 9_001].map((s) => decline(s)));
    expect(told(true)).toBe(first);
  });

  it('leaves the tally to the one that goes on', () => {
    told(true);
    take(...Array.from({ length: 20 }, (_, i) => decline(9_000 + i)));
    const [, open] = episodesOf(state, KEY);
    if (open === undefined) throw new Error('there is another episode');
    summaryOf(state, KEY, { ...open, over: false });
    const kept = running();
    expect(kept?.firstBreachAt).toBe(START_S + 9_001);
    take(decline(35));
    told(true);
    expect(running()).toBe(kept);
  });

  it('is counted anew after a late view, also one before its first member that changes a value', () => {
    const first = told(true);
    take(decline(55));
    expect(told(true)).not.toBe(first);
    expect(told(true).evidence.outcomes).toEqual({ declined: 21 });
  });

  it('is counted anew when it has been joined, by another rule, and when members are dropped', () => {
    const first = told(true);
    take(...[3_000, 3_001].map((s) => decline(s)));
    const joined = told(true);
    expect(joined).not.toBe(first);
    const settings = RULE.settings && { ...RULE.settings, thresholds: { notice: 2 } };
    take({ ...RULE, version: 2, settings });
    expect(told(true)).not.toBe(joined);
    const before = told(true);
    expect(before.evidence.outcomes).toEqual({ declined: 22 });
    take(view('other', START_S + 15_000 + HOUR_S, { fields: { card: 'd' } }));
    expect(told(true).evidence.outcomes).toEqual({ declined: 2 });
  });
});
