// Random detectors and streams for the property tests of the engine: small, and biased to where engines go wrong (the
// edges of windows and gaps, equal seconds, counts near thresholds, views that change an attempt, rules that change).
import fc from 'fast-check';
import type { AttemptFields, Outcome, SignalKind, SignalView, View } from '../../src/model/attempt.ts';
import type { DetectorSettings, Rule } from '../../src/model/detector.ts';
import { rule, START_S } from './detect.ts';
import type { Predicates } from './oracle.ts';

/** Each filter the test detectors use, and what it means. */
export const PREDICATES: Predicates = {
  'outcome == "declined"': ({ outcome }) => outcome === 'declined',
  'outcome == "succeeded"': ({ outcome }) => outcome === 'succeeded',
  'outcome == "declined" && !dunning': ({ outcome, dunning }) => outcome === 'declined' && !dunning,
  'outcome != "succeeded" && !benign': (facts) => facts.outcome !== 'succeeded' && facts.class !== 'B',
  'class == "F" || code == "stolen_card"': (facts) => facts.class === 'F' || facts.code === 'stolen_card',
  'amount < 500 && kind == "payment"': ({ amount, kind }) => amount < 500 && kind === 'payment',
  'metadata["shop"] == "north"': ({ metadata }) => metadata.shop === 'north',
  true: () => true,
  'signal == "dispute"': ({ signal }) => signal === 'dispute',
  'signal != "review" && reason != "x"': ({ signal, reason }) => signal !== 'review' && reason !== 'x',
};

const DECLINED = 'outcome == "declined"';
const SUCCEEDED = 'outcome == "succeeded"';

/** In short windows, so that sixty views fill them: W = 10 s, quietFor = 15 s. */
const W = 10;
const Q = 15;

const TEMPLATES: readonly Partial<DetectorSettings>[] = [
  { where: DECLINED, per: 'card', thresholds: { warning: 2, critical: 4 } },
  { where: DECLINED, per: 'customer', thresholds: { notice: 3, warning: 4, critical: 5 } },
  { where: 'outcome == "declined" && !dunning', per: 'email', thresholds: { critical: 3 } },
  { where: DECLINED, per: 'customer', count: 'distinct(card)', thresholds: { warning: 2, critical: 3 } },
  { where: 'true', per: 'account', count: 'distinct(email)', thresholds: { notice: 2, critical: 3 } },
  { where: DECLINED, per: 'account', count: 'distinct(ip)', thresholds: { warning: 2 } },
  {
    where: SUCCEEDED,
    per: 'card',
    count: 'sum(amount)',
    currency: 'usd',
    thresholds: { warning: 900, critical: 1_900 },
  },
  {
    where: DECLINED,
    of: SUCCEEDED,
    per: 'account',
    count: 'ratio',
    minimum: 4,
    thresholds: { warning: 0.5, critical: 0.75 },
  },
  {
    where: DECLINED,
    of: 'true',
    per: 'customer',
    count: 'ratio',
    minimum: 1,
    thresholds: { notice: 1 / 3, warning: 0.6 },
  },
  { where: DECLINED, at: SUCCEEDED, per: 'card', thresholds: { warning: 2, critical: 3 } },
  { where: DECLINED, at: SUCCEEDED, per: 'customer', count: 'distinct(card)', thresholds: { warning: 1, critical: 2 } },
  {
    where: DECLINED,
    of: SUCCEEDED,
    at: SUCCEEDED,
    per: 'account',
    count: 'ratio',
    minimum: 3,
    thresholds: { warning: 0.4 },
  },
  { where: 'outcome != "succeeded" && !benign', per: 'metadata.shop', thresholds: { notice: 2, warning: 3 } },
  { where: 'class == "F" || code == "stolen_card"', per: 'card', thresholds: { critical: 1 } },
  { where: 'amount < 500 && kind == "payment"', per: 'ip', thresholds: { warning: 3 } },
  { where: 'metadata["shop"] == "north"', per: 'account', thresholds: { warning: 3, critical: 5 } },
  { on: 'signal', where: 'true', per: 'card', thresholds: { warning: 1, critical: 2 } },
  {
    on: 'signal',
    where: 'signal == "dispute"',
    per: 'account',
    count: 'distinct(customer)',
    thresholds: { notice: 1, warning: 2 },
  },
  {
    on: 'signal',
    where: 'signal != "review" && reason != "x"',
    per: 'customer',
    count: 'sum(amount)',
    currency: 'usd',
    thresholds: { warning: 400 },
  },
];

const templateArb = fc.constantFrom(...TEMPLATES);

/** A time near another's window edge or gap edge, or in the same second. */
const stepArb = fc.constantFrom(0, 0, 0, 1, 2, 3, W - 1, W, W + 1, Q - 1, Q, Q + 1, 2 * Q, -1, -W, 1 - W, -Q);

/** Where an event's time is relative to that of the event it names. */
const timeArb = fc.record({ anchor: fc.nat(3), step: stepArb });

const attemptArb = fc.record({
  time: timeArb,
  card: fc.constantFrom('c0', 'c0', 'c1', undefined),
  customer: fc.constantFrom('u0', 'u0', 'u1', undefined),
  email: fc.constantFrom('e0', 'e0', 'e1', undefined),
  outcome: fc.constantFrom<Outcome>('declined', 'declined', 'declined', 'succeeded', 'succeeded', 'blocked'),
  amount: fc.constantFrom(0, 300, 450, 499, 500, 900, undefined),
  currency: fc.constantFrom('usd', 'usd', 'usd', 'eur'),
  trait: fc.nat(11),
  isFirst: fc.boolean(),
  views: fc.array(fc.nat(1_023), { maxLength: 2 }),
  signals: fc.array(fc.nat(255), { maxLength: 1 }),
});

type AttemptSpec = ReturnType<typeof attemptArb.generate>['value'];

const versionArb = fc.record({
  what: fc.constantFrom('thresholds', 'quietFor', 'where', 'window', 'per', 'count', 'removed', 'back'),
  since: timeArb,
  by: fc.nat(3),
});

const detectorArb = fc.record({
  template: templateArb,
  begins: fc.option(timeArb, { freq: 8 }),
  changes: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 2, arbitrary: fc.array(versionArb, { minLength: 1, maxLength: 3 }) },
  ),
});

export type Case = {
  readonly rules: readonly Rule[];
  /** At most 60, in the order in which things happened. */
  readonly records: readonly (View | SignalView)[];
};

const MAX_VIEWS = 60;

export const caseArb: fc.Arbitrary<Case> = fc
  .record({
    detectors: fc.array(detectorArb, { minLength: 1, maxLength: 2 }),
    attempts: fc.array(attemptArb, { minLength: 2, maxLength: 30, size: 'max' }),
  })
  .map(({ detectors, attempts }) => {
    const times: number[] = [];
    for (const { time } of attempts) times.push(at(times, time));
    const rules = detectors.flatMap((detector, i) => rulesOf(`detector-${i}`, detector, times));
    const records = attempts.flatMap((spec, i) => recordsOf(spec, i, times[i] ?? START_S));
    return { rules, records: records.slice(0, MAX_VIEWS) };
  });

function at(times: readonly number[], { anchor, step }: { anchor: number; step: number }): number {
  return (times.at(-1 - anchor) ?? START_S) + step;
}

type DetectorSpec = ReturnType<typeof detectorArb.generate>['value'];

function rulesOf(name: string, { template, begins, changes }: DetectorSpec, times: readonly number[]): Rule[] {
  const base = { windowS: W, quietForS: Q, name, ...template };
  const whenOf = (time: { anchor: number; step: number }): number =>
    at(times.slice(0, Math.ceil(times.length / (1 + time.anchor))), time);
  const rules = [rule(base, { sinceS: begins === null ? 0 : whenOf(begins) })];
  let revision = 1;
  for (const [i, { what, since, by }] of changes.entries()) {
    const before = rules.findLast(({ settings }) => settings !== null);
    if (before?.settings == null) break;
    const changed = what === 'back' ? rules[0]?.settings : changedSettings(before.settings, what, by);
    const shares = what === 'thresholds' || what === 'quietFor';
    if (!shares && what !== 'removed') revision += 1;
    rules.push({
      ...before,
      version: i + 2,
      revision: shares ? before.revision : revision,
      sinceS: whenOf(since),
      settings: changed ?? null,
    });
  }
  return rules;
}

function changedSettings(settings: DetectorSettings, what: string, by: number): DetectorSettings | null {
  const isRatio = settings.count === 'ratio';
  switch (what) {
    case 'thresholds': {
      const scale = settings.count === 'sum(amount)' ? 300 : isRatio ? 0.25 : 1;
      return { ...settings, thresholds: { warning: scale * (1 + by), critical: scale * (3 + by) } };
    }
    case 'quietFor':
      return { ...settings, quietForS: settings.windowS + ([0, 1, 10, 30][by] ?? 0) };
    case 'where':
      return { ...settings, where: by < 2 || settings.on === 'signal' ? 'true' : SUCCEEDED };
    case 'window':
      return { ...settings, windowS: [1, W - 1, W + 1, Q][by] ?? W };
    case 'per':
      return { ...settings, per: (['card', 'customer', 'email'] as const)[by] ?? 'account' };
    case 'count':
      return isRatio ? settings : { ...settings, count: 'attempts', thresholds: { warning: 1 + by } };
    default:
      return null;
  }
}

const CODES = ['insufficient_funds', 'stolen_card', 'generic_decline'] as const;
const CLASSES = { insufficient_funds: 'B', stolen_card: 'F', generic_decline: 'G' } as const;

function recordsOf(spec: AttemptSpec, i: number, time: number): (View | SignalView)[] {
  const id = `ch_${i}`;
  const first = baseView(spec, id, time);
  const more = spec.views.map((bits, n) => laterView(first, bits, n));
  return [first, ...more, ...spec.signals.flatMap((bits) => signalsOf(first, bits, i))];
}

function baseView(spec: AttemptSpec, id: string, time: number): View {
  const { card, customer, email, outcome, amount, currency, trait, isFirst } = spec;
  const code = CODES[trait % 3] ?? 'generic_decline';
  const result = outcome === 'succeeded' ? ({ code: '', class: '' } as const) : { code, class: CLASSES[code] };
  const shop = [undefined, undefined, 'north', 'south'][trait % 4];
  const fields: Record<string, unknown> = {
    result: { outcome, ...result },
    ...{ amount, currency, card, customer, email },
    ip: [undefined, '192.0.2.1', '192.0.2.2'][trait % 3],
    metadata: shop === undefined ? undefined : { shop },
  };
  const view = {
    ...{ record: 'view', account: trait === 11 ? 'acct_1' : null, livemode: trait !== 10, attempt: id },
    ...{ source: isFirst ? 'intent' : 'charge', created: time, apiVersion: '2026-01-28', event: `evt_${id}` },
    ...{ kind: trait === 9 ? 'setup' : 'payment', time, invoice: trait === 8, firstPayment: false },
    ...{ receivedAt: (time + 1) * 1_000, lane: 'live' },
    fields: compact(fields),
  };
  return view as View;
}

const compact = (fields: Record<string, unknown>): AttemptFields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** A further account of the same attempt: the same event in another API version, the other object, or a later state. */
function laterView(first: View, bits: number, n: number): View {
  const isSameEvent = bits % 4 === 0;
  const shift = [0, 0, 0, 1, -1, W][Math.floor(bits / 4) % 6] ?? 0;
  const changes = Math.floor(bits / 24) % 8;
  const { result, card, customer, metadata, ...rest } = first.fields;
  const relabelled = changes % 2 === 1 ? ({ outcome: 'succeeded', code: '', class: '' } as const) : result;
  const fields: Record<string, unknown> = {
    ...rest,
    result: changes === 6 ? undefined : relabelled,
    card: changes === 4 || changes === 5 ? 'c1' : card,
    customer: changes === 2 ? undefined : changes === 3 ? 'u1' : customer,
    metadata: changes === 7 ? { shop: 'north', till: '1' } : metadata,
  };
  const other = first.source === 'charge' ? 'intent' : 'charge';
  return {
    ...first,
    source: Math.floor(bits / 192) % 2 === 0 ? other : first.source,
    created: first.created + (isSameEvent ? 0 : shift),
    time: first.time + shift,
    event: isSameEvent ? first.event : `evt_${first.attempt}_${n}`,
    apiVersion: isSameEvent ? '2024-06-20' : first.apiVersion,
    invoice: first.invoice || changes === 1,
    firstPayment: changes === 5,
    receivedAt: first.receivedAt + 500 * (n + 1),
    fields: compact(fields),
  };
}

const KINDS: readonly SignalKind[] = ['early_fraud_warning', 'dispute', 'review', 'refund'];

/** One signal of the attempt's charge, in one or two events. */
function signalsOf(charge: View, bits: number, i: number): SignalView[] {
  const { account, livemode, attempt } = charge;
  const signal = KINDS[bits % 4] ?? 'dispute';
  const created = charge.time + ([0, 1, W, Q][Math.floor(bits / 4) % 4] ?? 0);
  const one: SignalView = {
    ...{ record: 'signal', account, livemode, signal, id: `sg_${i}`, charge: bits % 7 === 0 ? null : attempt },
    ...{
      reason: Math.floor(bits / 16) % 3 === 0 ? 'x' : 'fraudulent',
      amount: 400,
      currency: bits % 5 === 0 ? 'eur' : 'usd',
    },
    ...{ event: `evt_sg_${i}`, created, time: created, receivedAt: (created + 1) * 1_000, lane: 'live' },
  };
  const later = {
    ...one,
    charge: attempt,
    reason: 'fraudulent',
    event: `evt_sg_${i}_2`,
    created: created + 2,
    time: created + 2,
  };
  return bits >= 128 ? [one, { ...later, receivedAt: one.receivedAt + 2_000 }] : [one];
}
