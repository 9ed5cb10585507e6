// What a report tells of a long episode's members comes from a tally that is kept as they come, change and leave. It must be
// what counting all of them anew gives: in any order, with late and second views, new settings, dropping and restarts.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evidenceOf } from '../../src/detectors/evidence.ts';
import { cellsIn } from '../../src/detectors/keys.ts';
import type { Member } from '../../src/detectors/members.ts';
import { summaryOf } from '../../src/detectors/summary.ts';
import type { MemberFacts } from '../../src/detectors/tally.ts';
import type { AttemptFields, SignalView, View } from '../../src/model/attempt.ts';
import type { DetectorSettings, Rule } from '../../src/model/detector.ts';
import { rule, START_S, view } from '../support/detect.ts';
import {
  createState,
  detailsOf,
  episodesOf,
  expire,
  type FoldRecord,
  type FoldState,
  finishRestore,
  fold,
  keysOf,
  restoreRows,
} from '../support/engine.ts';
import { randomFrom } from '../support/engine-runs.ts';
import { PROPERTY_TIMEOUT_MS, runsOf } from '../support/property-runs.ts';

const HOUR_S = 3_600;
const LATENESS_S = 2 * HOUR_S;
const W = HOUR_S;
const Q = 5_400;
/** Small enough that a few attempts are many: the tally is kept, and ends within them. */
const LONG = { members: 3, newest: 1 };
const NEVER = { members: Number.POSITIVE_INFINITY, newest: 0 };

const DECLINED = 'outcome == "declined"';
const SUCCEEDED = 'outcome == "succeeded"';

const TEMPLATES: readonly Partial<DetectorSettings>[] = [
  { where: DECLINED, per: 'card', thresholds: { warning: 2, critical: 3 } },
  { where: DECLINED, per: 'account', thresholds: { warning: 2 } },
  { where: DECLINED, per: 'customer', count: 'distinct(card)', thresholds: { warning: 2 } },
  { where: DECLINED, of: SUCCEEDED, per: 'account', count: 'ratio', minimum: 2, thresholds: { warning: 0.5 } },
  { where: DECLINED, at: SUCCEEDED, per: 'account', thresholds: { warning: 1, critical: 2 } },
  { where: 'true', per: 'account', count: 'sum(amount)', currency: 'usd', thresholds: { warning: 900 } },
  { on: 'signal', where: 'true', per: 'card', thresholds: { warning: 2 } },
];

const stepArb = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(0, 0, 1, 60, 600, 1_200, 1_800) },
  { weight: 3, arbitrary: fc.constantFrom(W - 1, W, W + 1, Q - 60) },
  { weight: 1, arbitrary: fc.constantFrom(Q - 1, Q, Q + 1, 2 * Q) },
);

const factsArb = fc.record({
  declined: fc.constantFrom(true, true, true, false),
  code: fc.constantFrom('stolen_card', 'lost_card', 'generic_decline', ''),
  amount: fc.constantFrom(300, 500, Number.MAX_SAFE_INTEGER),
  currency: fc.constantFrom('usd', 'usd', 'eur'),
  card: fc.constantFrom('c0', 'c0', 'c0', 'c1', 'c2'),
  customer: fc.constantFrom('u0', 'u0', 'u1', undefined),
  email: fc.constantFrom('a@example.com', 'b@example.com', undefined),
  ip: fc.constantFrom('192.0.2.1', '192.0.2.2', undefined),
});

const attemptArb = fc.record({
  step: stepArb,
  /** How long after it happened it is received. */
  delayS: fc.constantFrom(0, 0, 0, 1, 60, 600, LATENESS_S),
  facts: factsArb,
  /** A second view, so long after the first; what it says is the later truth. */
  second: fc.option(
    fc.record({ delayS: fc.constantFrom(0, 1, 60, 600, LATENESS_S), facts: factsArb, isEarlier: fc.boolean() }),
    { freq: 2 },
  ),
  isDoubled: fc.constantFrom(false, false, false, true),
  disputedAfterS: fc.constantFrom(0, 60, W),
});

const changeArb = fc.record({ at: fc.nat(20), kind: fc.constantFrom('lower', 'higher', 'filter', 'removed') });

const caseArb = fc.record({
  template: fc.constantFrom(...TEMPLATES),
  change: fc.option(changeArb, { freq: 3 }),
  attempts: fc.array(attemptArb, { minLength: 25, maxLength: 50, size: 'max' }),
});

type Facts = ReturnType<typeof factsArb.generate>['value'];
type Spec = ReturnType<typeof attemptArb.generate>['value'];

function fieldsOf({ declined, code, amount, currency, card, customer, email, ip }: Facts): AttemptFields {
  const result = declined
    ? ({ outcome: 'declined', code, class: 'G' } as const)
    : ({ outcome: 'succeeded', code: '', class: '' } as const);
  const known = { ...(customer && { customer }), ...(email && { email }), ...(ip && { ip }) };
  return { result, amount, currency, card, ...known };
}

function recordsOf(attempts: readonly Spec[], isOnSignals: boolean): (View | SignalView)[] {
  let time = START_S;
  const records: (View | SignalView)[] = [];
  for (const [i, { step, delayS, facts, second, isDoubled, disputedAfterS }] of attempts.entries()) {
    time += step;
    const id = `ch_${i}`;
    const receivedAt = (time + delayS) * 1_000;
    const first = view(id, time, { receivedAt, fields: fieldsOf(facts) });
    records.push(first);
    if (isDoubled) records.push({ ...first, receivedAt: receivedAt + 5_000 });
    if (second !== null)
      records.push({
        ...view(id, second.isEarlier ? time - 30 : time, { fields: fieldsOf(second.facts) }),
        ...{ event: `evt_${id}_2`, created: time + 5, receivedAt: (time + second.delayS) * 1_000 },
      });
    if (isOnSignals) records.push(disputeOf(id, { time: time + disputedAfterS, receivedAt }));
  }
  return records.sort((a, b) => a.receivedAt - b.receivedAt);
}

function disputeOf(charge: string, { time, receivedAt }: { time: number; receivedAt: number }): SignalView {
  const own = {
    id: `dp_${charge}`,
    charge,
    reason: 'fraudulent',
    event: `evt_dp_${charge}`,
    amount: 10,
    currency: 'eur',
  };
  const scope = { account: null, livemode: true };
  return { record: 'signal', ...scope, signal: 'dispute', ...own, created: time, time, receivedAt, lane: 'live' };
}

function rulesOf(
  template: Partial<DetectorSettings>,
  change: { at: number; kind: string } | null,
): [Rule, Rule | null] {
  const first = rule({ windowS: W, quietForS: Q, ...template }, { latenessMs: LATENESS_S * 1_000 });
  if (change === null || first.settings === null) return [first, null];
  const next = { ...first, version: 2, sinceS: START_S + change.at * 900 };
  if (change.kind === 'removed') return [first, { ...next, settings: null }];
  const { settings } = first;
  if (change.kind === 'lower') return [first, { ...next, settings: { ...settings, thresholds: { notice: 1 } } }];
  if (change.kind === 'higher') return [first, { ...next, settings: { ...settings, thresholds: { notice: 3 } } }];
  return [first, { ...next, revision: 2, settings: { ...settings, where: 'amount > 300' } }];
}

const factsOf = ({ id, time, fields, reason }: Member): MemberFacts => ({
  ...{ id, at: time, code: fields.result?.code ?? reason, fields },
  ...(fields.result === undefined ? {} : { outcome: fields.result.outcome }),
});

const differing = (values: readonly (string | undefined)[]): number =>
  new Set(values.filter((value) => value !== undefined)).size;

/** Counted anew, and once more the plain way, of a state that keeps nothing. */
function expectAnew(state: FoldState, key: Parameters<typeof episodesOf>[1], firstBreachAt: number) {
  const details = detailsOf(state, key, firstBreachAt);
  if (details === null) throw new Error('an episode has details');
  const { members, values, trigger } = details;
  const evidence = evidenceOf({
    members: members.map(factsOf),
    values: { times: values.map(({ time }) => time), values: values.map(({ value }) => value) },
    trigger: trigger === null ? null : factsOf(trigger),
  });
  const of = (name: 'card' | 'customer' | 'email' | 'ip') => differing(members.map(({ fields }) => fields[name]));
  expect(evidence.distinct).toEqual({
    cards: of('card'),
    customers: of('customer'),
    emails: of('email'),
    ips: of('ip'),
  });
  for (const outcome of ['declined', 'succeeded'] as const) {
    const count = members.filter(({ fields }) => fields.result?.outcome === outcome).length;
    expect(evidence.outcomes[outcome] ?? 0).toBe(count);
  }
  return { evidence, receivedAt: Math.max(0, ...members.map(({ receivedAt }) => receivedAt)) };
}

type Rows = ReturnType<typeof fold>['rows'];

function restored(rows: Rows, longEpisodes = NEVER): FoldState {
  const state = createState({ lane: 'live', longEpisodes });
  restoreRows(state, rows);
  finishRestore(state);
  return state;
}

type Used = { reused: number; changedInside: number; past: number };

/** How large the tallies are, by what holds them. */
const talliesOf = (state: FoldState) =>
  new Map(
    [...cellsIn(state)].flatMap(({ cells: { running } }) =>
      running === null ? [] : [[running, running.tally.members]],
    ),
  );

function compare(state: FoldState, anew: FoldState, used: Used): void {
  const nowS = Math.floor(state.greatestReceivedAt / 1_000);
  for (const key of keysOf(state)) {
    for (const episode of episodesOf(state, key)) {
      const over = episode.lastBreachAt + Q < nowS;
      const before = new Set(talliesOf(state).keys());
      const pastBefore = [...cellsIn(state)].filter(({ cells }) => cells.past?.told.has(episode.firstBreachAt)).length;
      const { evidence, receivedAt, fields } = summaryOf(state, key, { ...episode, over });
      expect({ evidence, receivedAt }).toEqual(expectAnew(anew, key, episode.firstBreachAt));
      expect(fields?.card ?? null).toBe(cardOf(anew, key, episode.firstBreachAt));
      if (over && pastBefore > 0) used.past += 1;
      for (const [running, members] of talliesOf(state)) if (before.has(running) && members > 0) used.reused += 1;
    }
  }
}

/** Of the newest member: what labels a card. */
function cardOf(state: FoldState, key: Parameters<typeof episodesOf>[1], firstBreachAt: number): string | null {
  const members = detailsOf(state, key, firstBreachAt)?.members.slice(-10) ?? [];
  return members.findLast(({ fields }) => fields.card !== undefined)?.fields.card ?? null;
}

type Run = { readonly records: readonly FoldRecord[]; readonly random: () => number; readonly used: Used };

function run({ records, random, used }: Run): void {
  let state = createState({ lane: 'live', longEpisodes: LONG });
  const rows: Rows = [];
  for (let at = 0; at < records.length; ) {
    const end = at + 1 + Math.floor(random() * 3);
    const before = talliesOf(state);
    rows.push(...fold(state, records.slice(at, end)).rows);
    for (const [running, members] of talliesOf(state))
      if (before.has(running) && before.get(running) !== members) used.changedInside += 1;
    rows.push(...expire(state));
    at = end;
    compare(state, restored(rows), used);
    if (random() < 0.05) state = restored(rows, LONG);
  }
}

const seedArb = fc.noShrink(fc.nat());
const nothingUsed = (): Used => ({ reused: 0, changedInside: 0, past: 0 });

/** An attack on one card that goes on for longer than is held, or is over before anything else happens. */
const attackArb = fc.array(fc.constantFrom(60, 1_200, 1_800, W - 1, W, W + 1, Q - 60), {
  minLength: 15,
  maxLength: 40,
});

function attackOf(steps: readonly number[]): View[] {
  let time = START_S;
  return steps.map((step, i) => {
    time += step;
    return view(`ch_${i}`, time, { fields: { email: `${i % 7}@example.com` } });
  });
}

describe('the evidence of a long episode', () => {
  it('is that of all its members, whatever has come in between', { timeout: PROPERTY_TIMEOUT_MS }, () => {
    const used = nothingUsed();
    let cases = 0;
    fc.assert(
      fc.property(caseArb, seedArb, ({ template, change, attempts }, seed) => {
        cases += 1;
        const random = randomFrom(seed);
        const [first, second] = rulesOf(template, change);
        const records: FoldRecord[] = recordsOf(attempts, template.on === 'signal');
        if (second !== null) records.splice(Math.floor(random() * records.length), 0, second);
        run({ records: [first, ...records], random, used });
      }),
      runsOf(0.06),
    );
    expect(used.reused).toBeGreaterThan(cases);
    expect(used.changedInside).toBeGreaterThan(cases / 2);
    expect(used.past).toBeGreaterThan(cases / 4);
  });

  it('is judged anew by a rule that comes late, and of what is held', { timeout: PROPERTY_TIMEOUT_MS }, () => {
    const used = nothingUsed();
    let cases = 0;
    fc.assert(
      fc.property(attackArb, changeArb, fc.boolean(), seedArb, (steps, change, isOver, seed) => {
        cases += 1;
        const [first, second] = rulesOf(TEMPLATES[0] ?? {}, change);
        const attack = attackOf(steps);
        const later = (attack.at(-1)?.time ?? START_S) + Q + 60;
        const rest: FoldRecord[] = isOver ? [view('ch_later', later, { fields: { card: 'other' } })] : [];
        if (second !== null) rest.push(second);
        run({ records: [first, ...attack, ...rest], random: randomFrom(seed), used });
      }),
      runsOf(0.06),
    );
    expect(used.reused).toBeGreaterThan(cases);
  });
});
