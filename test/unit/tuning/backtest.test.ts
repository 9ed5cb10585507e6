import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { validateDetectors } from '../../../src/detectors/schema.ts';
import { type BacktestSummary, createBacktest, type EpisodeLine } from '../../../src/tuning/backtest.ts';
import {
  BENIGN,
  bruteForce,
  type Chance,
  type Counted,
  type Dispute,
  eventOf,
  eventsOf,
  someTries,
  sortLines,
  type Try,
} from './brute-force.ts';

const START_S = 1_790_000_000;

/** The same detectors twice: as people write them, and as the brute force knows them. */
const FILE = {
  detectors: [
    base('cards', { per: 'card', where: 'outcome in ["declined", "blocked"] && !benign && !dunning' }),
    base('customers', { per: 'customer', where: 'outcome == "declined"', window: '1h', quietFor: '2h' }),
    base('emails', {
      per: 'email',
      count: 'distinct(card)',
      where: 'outcome != "succeeded"',
      thresholds: { notice: 2, warning: 3 },
    }),
    base('takings', {
      per: 'customer',
      count: 'sum(amount)',
      currency: 'usd',
      where: 'kind == "payment"',
      thresholds: { warning: 150, critical: 5_100 },
    }),
    base('share', {
      per: 'account',
      count: 'ratio',
      where: 'outcome == "declined"',
      of: 'outcome == "succeeded"',
      minimum: 3,
      window: '2h',
      quietFor: '2h',
      thresholds: { warning: 0.6, critical: 0.9 },
    }),
    base('through', {
      per: 'card',
      where: 'outcome == "declined"',
      at: 'outcome == "succeeded"',
      window: '1h',
      thresholds: { warning: 2 },
    }),
    base('disputes', {
      on: 'signal',
      per: 'customer',
      where: 'signal == "dispute"',
      window: '1h',
      thresholds: { warning: 1, critical: 2 },
    }),
    base('silent', { per: 'card', where: 'true', mode: 'off', thresholds: { warning: 1 } }),
  ],
};

function base(name: string, fields: object) {
  return { name, count: 'attempts', window: '10m', quietFor: '1h', thresholds: { warning: 3, critical: 5 }, ...fields };
}

const parsed = validateDetectors(FILE);
if ('problems' in parsed) throw new Error(JSON.stringify(parsed.problems));
const { detectors, general } = parsed.file;

const declined = ({ outcome }: Try): boolean => outcome === 'declined';
const times = { windowS: 600, quietForS: 3_600 };
const steps = [
  ['warning', 3],
  ['critical', 5],
] as const;

const BY_HAND: readonly Counted<Try>[] = [
  {
    ...{ name: 'cards', kind: 'card', entity: ({ card }) => card, value: 'count', steps, ...times },
    where: ({ outcome, code, dunning }) => outcome !== 'succeeded' && !BENIGN.has(code) && !dunning,
  },
  {
    ...{ name: 'customers', kind: 'customer', entity: ({ customer }) => customer, value: 'count', steps },
    ...{ where: declined, windowS: 3_600, quietForS: 7_200 },
  },
  {
    ...{ name: 'emails', kind: 'email', entity: ({ email }) => email, ...times },
    where: ({ outcome }) => outcome !== 'succeeded',
    value: (matching) => new Set(matching.flatMap(({ card }) => card ?? [])).size,
    steps: [
      ['notice', 2],
      ['warning', 3],
    ],
  },
  {
    ...{ name: 'takings', kind: 'customer', entity: ({ customer }) => customer, ...times },
    where: ({ kind, currency }) => kind === 'payment' && currency === 'usd',
    value: (matching) => matching.reduce((sum, { amount }) => sum + amount, 0),
    steps: [
      ['warning', 150],
      ['critical', 5_100],
    ],
  },
  {
    ...{ name: 'share', kind: 'account', entity: () => 'account', value: 'ratio', minimum: 3 },
    ...{ where: declined, of: ({ outcome }) => outcome === 'succeeded', windowS: 7_200, quietForS: 7_200 },
    steps: [
      ['warning', 0.6],
      ['critical', 0.9],
    ],
  },
  {
    ...{ name: 'through', kind: 'card', entity: ({ card }) => card, value: 'count', where: declined },
    ...{ at: ({ outcome }) => outcome === 'succeeded', windowS: 3_600, quietForS: 3_600, steps: [['warning', 2]] },
  },
];

const DISPUTES: Counted<Dispute & { account: string | null; livemode: boolean }> = {
  ...{ name: 'disputes', kind: 'customer', entity: ({ charge }) => charge.customer, value: 'count', where: () => true },
  ...{ windowS: 3_600, quietForS: 3_600 },
  steps: [
    ['warning', 1],
    ['critical', 2],
  ],
};

function run(lines: readonly string[]): { episodes: EpisodeLine[]; summary: BacktestSummary; bad: (string | null)[] } {
  const backtest = createBacktest({ detectors, general });
  const bad = lines.map((line) => backtest.addLine(line)).filter((why) => why !== null);
  return { episodes: [...backtest.episodes()], summary: backtest.summary(), bad };
}

/** Chances that fast-check can shrink. */
const chanceOf = (gen: fc.GeneratorValue): Chance => ({
  below: (limit) => gen(fc.nat, { max: limit - 1 }),
  pick: (list) => list[gen(fc.nat, { max: list.length - 1 })] as never,
});

describe('createBacktest', () => {
  it('finds what brute force finds, in any order, with duplicates and with what is none of its business', () => {
    let found = 0;
    fc.assert(
      fc.property(fc.gen(), fc.integer({ min: 5, max: 60 }), (gen, count) => {
        const chance = chanceOf(gen);
        const tries = someTries(chance, count, START_S);
        const disputes = tries
          .filter(({ kind }) => kind === 'payment' && chance.below(8) === 0)
          .map((charge, index) => ({
            ...{ id: `dp_${index}`, charge, account: charge.account, livemode: charge.livemode },
            time: charge.time + chance.pick([0, 3_599, 3_600, 86_400]),
          }));
        const events = [...tries.flatMap((one) => eventsOf(one)), ...disputes.map(eventOf)];
        const twice = events.filter(() => chance.below(10) === 0);
        const others = tries.slice(0, chance.below(4)).map((one, index) => ({
          ...{ id: `evt_o${index}`, object: 'event', type: 'invoice.paid', created: one.time, livemode: true },
          data: { object: { id: 'in_1' } },
        }));
        const lines = [...events, ...twice, ...others]
          .map((event) => ({ text: JSON.stringify(event), rank: chance.below(1_000) }))
          .sort((a, b) => a.rank - b.rank)
          .map(({ text }) => text);

        const { episodes, summary } = run(lines);
        const expected = sortLines([
          ...BY_HAND.flatMap((detector) => bruteForce(tries, detector)),
          ...bruteForce(disputes, DISPUTES),
        ]);
        found += expected.length;
        expect(episodes).toEqual(expected);
        expect(summary).toEqual({
          events: lines.length,
          duplicates: twice.length,
          ignored: others.length,
          bad: 0,
          attempts: tries.length,
          outcomes: Object.fromEntries(
            ['succeeded', 'declined', 'blocked']
              .map((outcome) => [outcome, tries.filter((one) => one.outcome === outcome).length] as const)
              .filter(([, n]) => n > 0),
          ),
          episodes: expected.length,
        });
      }),
      { numRuns: 200 },
    );
    expect(found).toBeGreaterThan(500);
  });

  it('takes one event in two API versions as a duplicate whose views both merge', () => {
    const one = {
      ...(someTries(chanceOfSeed(1), 1, START_S)[0] as Try),
      kind: 'payment',
      outcome: 'declined',
      code: 'do_not_honor',
    } as const;
    const [charge] = eventsOf({ ...one, card: 'card_a', customer: null }, '2019-01-01');
    const [later] = eventsOf({ ...one, card: 'card_a', customer: 'cus_9' }, '2026-01-28.clover');
    const others = [1, 2, 3, 4].map((n) => ({
      ...one,
      id: `ch_${n}`,
      card: 'card_b',
      customer: 'cus_9',
      time: one.time + n,
    }));
    const { episodes, summary } = run(
      [charge, later, ...others.flatMap((other) => eventsOf(other).slice(0, 1))].map((event) => JSON.stringify(event)),
    );
    expect(summary).toMatchObject({ events: 6, duplicates: 1, attempts: 5 });
    const ofCustomer = episodes.find(({ detector }) => detector === 'customers');
    expect(ofCustomer?.attempts).toHaveLength(5);
    expect(ofCustomer?.attempts).toContain(one.id);
  });

  it('takes of one event with two contents the greater, in any order and however far apart', () => {
    const base = someTries(chanceOfSeed(1), 1, START_S)[0] as Try;
    const one = { ...base, kind: 'payment', outcome: 'declined', code: 'do_not_honor', card: 'card_a' } as const;
    const [less] = eventsOf({ ...one, customer: 'cus_8' });
    const [greater] = eventsOf({ ...one, customer: 'cus_9' });
    const others = Array.from({ length: 40 }, (_, n) => ({
      ...{ ...one, id: `ch_${n}`, card: 'card_b', time: one.time + n },
      customer: n % 2 === 0 ? 'cus_8' : 'cus_9',
    })).flatMap((other) => eventsOf(other).slice(0, 1));
    for (const events of [
      [less, greater, ...others],
      [greater, ...others, less],
      [less, ...others, greater, less],
    ]) {
      const { episodes, summary } = run(events.map((event) => JSON.stringify(event)));
      expect(summary).toMatchObject({ attempts: 41, duplicates: events.length - 41, bad: 0 });
      const members = (customer: string) =>
        episodes.find(({ detector, entity }) => detector === 'customers' && entity.value === customer)?.attempts;
      expect(members('cus_8')).toHaveLength(20);
      expect(members('cus_9')).toHaveLength(21);
      expect(members('cus_9')).toContain(one.id);
    }
  });

  it('unwraps envelopes of event buses', () => {
    const [event] = eventsOf(someTries(chanceOfSeed(2), 1, START_S)[0] as Try);
    const { summary, bad } = run([
      JSON.stringify({
        version: '0',
        source: 'aws.partner/stripe.com/ed_1',
        'detail-type': 'charge.failed',
        detail: event,
      }),
      JSON.stringify({ specversion: '1.0', id: 'x', type: 'charge.failed', source: 's', data: event }),
    ]);
    expect(bad).toEqual([]);
    expect(summary).toMatchObject({ events: 2, duplicates: 1, attempts: 1, bad: 0 });
  });

  it.each([
    ['nonsense', 'is not JSON'],
    ['[', /one event a line/],
    ['[{}]', /one event a line/],
    ['null', /no Stripe event/],
    ['{}', /no Stripe event/],
    ['{"object":"v2.core.event","id":"evt_1"}', /thin notification/],
    ['{"object":"event","id":"evt_1","type":"charge.failed","created":1,"livemode":true}', /no data.object/],
    [
      '{"object":"event","id":"evt_1","type":"charge.failed","created":1,"livemode":true,"data":{"object":{}}}',
      /without an id/,
    ],
    [
      JSON.stringify(eventsOf({ ...(someTries(chanceOfSeed(3), 1, 0)[0] as Try), time: 1e13 })[0]),
      /after the year 9999/,
    ],
    ['['.repeat(100_000), 'is not JSON'],
  ])('says why a line is bad: %.40s', (line, why) => {
    const { summary, bad } = run([line]);
    expect(bad).toHaveLength(1);
    expect(bad[0]).toMatch(why);
    expect(summary).toMatchObject({ events: 0, bad: 1, attempts: 0 });
  });

  it('leaves out a detector whose mode is off', () => {
    const { episodes } = run(
      someTries(chanceOfSeed(4), 50, START_S).flatMap((one) => eventsOf(one).map((event) => JSON.stringify(event))),
    );
    expect(episodes.length).toBeGreaterThan(0);
    expect(episodes.filter(({ detector }) => detector === 'silent')).toEqual([]);
  });
});

function chanceOfSeed(seed: number): Chance {
  let state = seed;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % limit;
  };
  return { below, pick: (list) => list[below(list.length)] as never };
}
