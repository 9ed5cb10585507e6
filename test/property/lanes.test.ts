// State that is dropped as time goes on, against an oracle that forgets nothing: what is told of the live range is the same,
// also of an attack whose beginning has been dropped.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { View } from '../../src/model/attempt.ts';
import type { DetectorSettings, Rule } from '../../src/model/detector.ts';
import { rule, START_S, view } from '../support/detect.ts';
import { createState, expire, type FoldState, fold, keysOf, liveFromS, statsOf } from '../support/engine.ts';
import { engineEpisodes, randomFrom, runEngine } from '../support/engine-runs.ts';
import { type OracleEpisode, oracleEpisodes } from '../support/oracle.ts';
import { PREDICATES } from '../support/oracle-cases.ts';
import { PROPERTY_TIMEOUT_MS, runsOf } from '../support/property-runs.ts';

const HOUR_S = 3_600;
const LATENESS_S = 2 * HOUR_S;
const W = HOUR_S;
const Q = 4 * HOUR_S;

const DECLINED = 'outcome == "declined"';
const SUCCEEDED = 'outcome == "succeeded"';

const TEMPLATES: readonly Partial<DetectorSettings>[] = [
  { where: DECLINED, per: 'card', thresholds: { warning: 2, critical: 3 } },
  { where: DECLINED, per: 'account', count: 'distinct(card)', thresholds: { warning: 2 } },
  {
    ...{ where: DECLINED, of: SUCCEEDED, per: 'account', count: 'ratio', minimum: 2 },
    thresholds: { warning: 0.5, critical: 1 },
  },
  { where: DECLINED, at: SUCCEEDED, per: 'card', thresholds: { warning: 1, critical: 2 } },
  { where: 'true', per: 'account', count: 'sum(amount)', currency: 'usd', thresholds: { warning: 900 } },
];

/** Mostly such that an attack goes on for longer than is held: its beginning is dropped while it lasts. */
const stepArb = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(0, 1, 60, 1_200, 1_800) },
  { weight: 6, arbitrary: fc.constantFrom(W - 1, W, W + 1, W + 1_200, 2 * W, Q - W, Q - 60) },
  { weight: 1, arbitrary: fc.constantFrom(Q - 1, Q, Q + 1, 9 * HOUR_S) },
);

const attemptArb = fc.record({
  step: stepArb,
  /** How long after it happened it is received. */
  delayS: fc.constantFrom(0, 0, 1, 600, HOUR_S, LATENESS_S - 1, LATENESS_S, LATENESS_S + 1),
  card: fc.constantFrom('c0', 'c0', 'c0', 'c0', 'c1'),
  isDeclined: fc.constantFrom(true, true, true, true, false),
  amount: fc.constantFrom(300, 500),
  isRelabelled: fc.constantFrom(false, false, false, false, false, true),
});

const caseArb = fc.record({
  template: fc.constantFrom(...TEMPLATES),
  change: fc.option(fc.record({ at: fc.nat(50), wider: fc.boolean() }), { freq: 2 }),
  attempts: fc.array(attemptArb, { minLength: 20, maxLength: 50, size: 'max' }),
});

type Spec = ReturnType<typeof attemptArb.generate>['value'];

function viewsOf(attempts: readonly Spec[]): View[] {
  let time = START_S;
  const views: View[] = [];
  for (const [i, spec] of attempts.entries()) {
    time += spec.step;
    views.push(viewOf(spec, { id: `ch_${i}`, time, isDeclined: spec.isDeclined }));
    if (spec.isRelabelled)
      views.push({
        ...viewOf(spec, { id: `ch_${i}`, time, isDeclined: !spec.isDeclined }),
        event: `evt_ch_${i}_2`,
        created: time + 5,
      });
  }
  return views.sort((a, b) => a.receivedAt - b.receivedAt);
}

function viewOf({ delayS, card, amount }: Spec, facts: { id: string; time: number; isDeclined: boolean }): View {
  const { id, time, isDeclined } = facts;
  const result = isDeclined
    ? ({ outcome: 'declined', code: 'generic_decline', class: 'G' } as const)
    : ({ outcome: 'succeeded', code: '', class: '' } as const);
  const lane = delayS <= LATENESS_S ? 'live' : 'history';
  return view(id, time, { receivedAt: (time + delayS) * 1_000, lane, fields: { result, card, amount } });
}

function rulesOf(template: Partial<DetectorSettings>, change: { at: number; wider: boolean } | null): Rule[] {
  const first = rule({ windowS: W, quietForS: Q, ...template }, { latenessMs: LATENESS_S * 1_000 });
  if (change === null || first.settings === null) return [first];
  const thresholds = change.wider ? { warning: 0.75 } : { notice: 1, critical: 2 };
  const sinceS = START_S + change.at * HOUR_S;
  return [first, { ...first, version: 2, sinceS, settings: { ...first.settings, thresholds } }];
}

/** As `detect` reports: what is in the live range, or reaches into it. */
function reported(episodes: ReadonlyMap<string, readonly OracleEpisode[]>, fromS: number): unknown {
  const told = [...episodes].map(([key, own]) => {
    const episodesOfKey = own.map(({ episode }) => episode).filter(({ lastBreachAt }) => lastBreachAt >= fromS);
    return [key, episodesOfKey] as const;
  });
  return new Map(told.filter(([, own]) => own.length > 0));
}

type LiveCase = { readonly rules: readonly Rule[]; readonly views: readonly View[]; readonly seed: number };

/** How many heads were held at the moments of comparing. */
function compareAsTimeGoesOn({ rules, views, seed }: LiveCase): number {
  const random = randomFrom(seed);
  let heads = 0;
  const compare = (state: FoldState, folded: number): void => {
    if (folded < rules.length || (random() < 0.7 && folded < rules.length + views.length)) return;
    heads += state.heads.size;
    const records = views.slice(0, folded - rules.length).filter(({ lane }) => lane === 'live');
    const expected = oracleEpisodes({ records, rules, predicates: PREDICATES });
    const fromS = liveFromS(state);
    expect(reported(engineEpisodes(state), fromS)).toEqual(reported(expected, fromS));
  };
  const options = { lane: 'live', random, restarts: 0.2, expires: true, isFromLog: true } as const;
  runEngine([...rules, ...views], { ...options, onBatch: compare });
  return heads;
}

const seedArb = fc.noShrink(fc.nat());

/** An attack that goes on for days: some of it breaches, some of it only waits for the next breach. */
const longAttackArb = fc.array(
  fc.record({ gap: fc.constantFrom(W - 60, W, W + 1, 5_400), attempts: fc.constantFrom(1, 1, 2, 3) }),
  { minLength: 20, maxLength: 40, size: 'max' },
);

function attackOf(waves: readonly { readonly gap: number; readonly attempts: number }[]): View[] {
  let time = START_S;
  return waves.flatMap(({ gap, attempts }, wave) => {
    time += gap;
    return Array.from({ length: attempts }, (_, i) => view(`ch_${wave}_${i}`, time + i));
  });
}

describe('the live lane', () => {
  it('tells of its range what an engine that drops nothing would', { timeout: PROPERTY_TIMEOUT_MS }, () => {
    let heads = 0;
    fc.assert(
      fc.property(caseArb, seedArb, ({ template, change, attempts }, seed) => {
        heads += compareAsTimeGoesOn({ rules: rulesOf(template, change), views: viewsOf(attempts), seed });
      }),
      runsOf(0.15),
    );
    expect(heads).toBeGreaterThan(10);
  });

  it('tells all of an attack whose beginning it has dropped', { timeout: PROPERTY_TIMEOUT_MS }, () => {
    let heads = 0;
    fc.assert(
      fc.property(longAttackArb, seedArb, (waves, seed) => {
        const [template = {}] = TEMPLATES;
        heads += compareAsTimeGoesOn({ rules: rulesOf(template, null), views: attackOf(waves), seed });
      }),
      runsOf(0.1),
    );
    expect(heads).toBeGreaterThan(50);
  });

  it('keeps memory bounded: what is dropped leaves nothing behind', () => {
    const state = createState({ lane: 'live' });
    const thresholds = { warning: 1 };
    fold(state, [rule({ windowS: W, quietForS: Q, thresholds }, { latenessMs: LATENESS_S * 1_000 })]);
    for (let i = 0; i < 3_000; i++) {
      fold(state, [view(`ch_${i}`, START_S + i * 60, { fields: { card: `c${i % 700}` } })]);
      expire(state);
    }
    // One attempt a minute: twice W, quietFor, lateness, and two hours of steps.
    const most = (2 * W + Q + LATENESS_S + 2 * HOUR_S) / 60;
    const { attempts, keys } = statsOf(state);
    expect(attempts).toBeLessThanOrEqual(most);
    expect(keys).toBeLessThanOrEqual(most);
    expect(state.heads.size).toBeLessThanOrEqual(most);
    expect([...keysOf(state)].length).toBeLessThanOrEqual(most + Q / 60);
  });
});
