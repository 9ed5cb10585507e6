// The laws of the merge: what an attempt or a signal is, is a function of the set of its views.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  attemptOf,
  compareRanks,
  type MergedAttempt,
  type MergedSignal,
  mergeSignal,
  mergeSignalStates,
  mergeStates,
  mergeView,
} from '../../../src/attempts/merge.ts';
import type { AttemptFields, SignalView, View } from '../../../src/model/attempt.ts';

function mergeAll(views: readonly View[]): MergedAttempt {
  const merged = views.reduce<MergedAttempt | undefined>(mergeView, undefined);
  if (merged === undefined) throw new Error('No views.');
  return merged;
}

function mergeAllSignals(views: readonly SignalView[]): MergedSignal {
  const merged = views.reduce<MergedSignal | undefined>(mergeSignal, undefined);
  if (merged === undefined) throw new Error('No views.');
  return merged;
}

const base: View = {
  record: 'view',
  account: null,
  livemode: true,
  source: 'charge',
  created: 100,
  apiVersion: '2026-10-28.endive',
  event: 'evt_1',
  attempt: 'ch_1',
  kind: 'payment',
  time: 99,
  fields: {},
  invoice: false,
  firstPayment: false,
  receivedAt: 101_000,
  lane: 'live',
};

/** Few values of everything, so that views often agree, collide and tie. */
const few = <T>(...values: T[]) => fc.constantFrom(...values);
const hostile = fc.oneof(few('a', 'b', '=1+1', '<!channel>', '\u{1f4a9}'), fc.string({ maxLength: 8 }));
const fields: fc.Arbitrary<AttemptFields> = fc.record(
  {
    result: fc.record({
      outcome: few('declined', 'blocked', 'succeeded'),
      code: few('generic_decline', 'fraudulent', ''),
      class: few('G', 'F', ''),
    }),
    amount: few(1, 2, 0),
    currency: few('eur', 'jpy'),
    card: hostile,
    customer: few('cus_1', 'cus_2'),
    email: hostile,
    ip: few('203.0.113.9', '2001:db8::/64'),
    method: few('card', 'link'),
    metadata: fc.dictionary(few('plan', 'shop', 'x'), hostile, { maxKeys: 3, noNullPrototype: true }),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<AttemptFields>;

const view: fc.Arbitrary<View> = fc
  .record({
    source: few('charge', 'intent'),
    created: few(100, 101, 102),
    apiVersion: few('', '2019-05-16', '2026-10-28.endive'),
    event: few('evt_1', 'evt_2'),
    time: few(98, 99, 100),
    fields,
    invoice: fc.boolean(),
    firstPayment: fc.boolean(),
    receivedAt: few(101_000, 102_000, 103_000),
    lane: few('live', 'history'),
  })
  .map((part) => ({ ...base, ...part }) as View);

const views = fc.array(view, { minLength: 1, maxLength: 7 });

describe('the merge of an attempt', () => {
  it('gives the same in any order, with any repetition', () => {
    const shuffled = views.chain((list) =>
      fc.tuple(
        fc.constant(list),
        fc.shuffledSubarray(list, { minLength: list.length }),
        fc.array(fc.nat(list.length - 1), { maxLength: 4 }),
      ),
    );
    fc.assert(
      fc.property(shuffled, ([list, other, again]) => {
        const repeated = [...other, ...again.flatMap((index) => list[index] ?? [])];
        expect(mergeAll(repeated)).toEqual(mergeAll(list));
      }),
    );
  });

  it('gives the same in any grouping', () => {
    fc.assert(
      fc.property(views, views, views, (a, b, c) => {
        const [x, y, z] = [mergeAll(a), mergeAll(b), mergeAll(c)];
        const all = mergeAll([...a, ...b, ...c]);
        expect(mergeStates(mergeStates(x, y), z)).toEqual(all);
        expect(mergeStates(x, mergeStates(y, z))).toEqual(all);
        expect(mergeStates(z, mergeStates(y, x))).toEqual(all);
        expect(mergeStates(all, x)).toEqual(all);
        expect(mergeStates(x, x)).toEqual(x);
      }),
    );
  });

  it('takes each field from the greatest view that has it, as a plain search finds it', () => {
    fc.assert(
      fc.property(views, (list) => {
        const { fields: merged, time } = attemptOf(mergeAll(list));
        expect(time).toBe(Math.min(...list.map((one) => one.time)));
        const names = new Set(list.flatMap((one) => Object.keys(one.fields)));
        names.delete('metadata');
        for (const name of names) {
          const having = list.filter((one) => name in one.fields);
          const greatest = having.filter((one) => having.every((other) => compareRanks(one, other) >= 0));
          const values = greatest.map((one) => one.fields[name as keyof AttemptFields]);
          expect(values).toContainEqual(merged[name as keyof AttemptFields]);
        }
        expect(new Set(Object.keys(merged).filter((name) => name !== 'metadata'))).toEqual(names);
        const keys = new Set(list.flatMap((one) => Object.keys(one.fields.metadata ?? {})));
        expect(new Set(Object.keys(merged.metadata ?? {}))).toEqual(keys);
      }),
    );
  });

  it('keeps the very same layers when a view comes again', () => {
    fc.assert(
      fc.property(views, (list) => {
        const merged = mergeAll(list);
        const again = mergeView(merged, list[0] ?? base);
        expect(again.layers.length).toBe(merged.layers.length);
        again.layers.forEach((layer, index) => {
          expect(layer).toBe(merged.layers[index]);
        });
      }),
    );
  });

  it('stays small: a layer that can give nothing is let go', () => {
    const later = (n: number): View => ({
      ...base,
      created: 100 + n,
      event: `evt_${n}`,
      fields: { amount: n, email: 'x' },
    });
    const merged = mergeAll(Array.from({ length: 1_000 }, (_, n) => later(n)));
    expect(merged.layers).toHaveLength(1);
    expect(attemptOf(merged).fields.amount).toBe(999);
  });
});

describe('which view wins', () => {
  const result = (outcome: 'declined' | 'blocked', code: string) => ({
    result: { outcome, code, class: 'G' as const },
  });

  it.each([
    ['the charge over a later intent', {}, { source: 'intent' as const, created: 200 }],
    ['the later event', { created: 101 }, {}],
    ['the later API version', { apiVersion: '2026-10-28.endive' }, { apiVersion: '2019-05-16' }],
    ['a version over none', {}, { apiVersion: '' }],
    ['the greater event id', { event: 'evt_2' }, { event: 'evt_1' }],
  ])('%s', (_, winner, loser) => {
    const a: View = { ...base, ...winner, fields: result('blocked', 'rule') };
    const b: View = { ...base, ...loser, fields: { ...result('declined', 'generic_decline'), customer: 'cus_1' } };
    for (const list of [
      [a, b],
      [b, a],
    ])
      expect(attemptOf(mergeAll(list)).fields).toEqual({ ...a.fields, customer: 'cus_1' });
  });

  it('merges metadata key by key', () => {
    const a: View = { ...base, fields: { metadata: { plan: 'pro' } } };
    const b: View = { ...base, source: 'intent', event: 'evt_2', fields: { metadata: { plan: 'basic', shop: 'x' } } };
    expect(attemptOf(mergeAll([b, a])).fields.metadata).toEqual({ plan: 'pro', shop: 'x' });
  });

  it('is dunning if a view names an invoice and none is a first payment', () => {
    const dunning = (...marks: readonly (readonly [boolean, boolean])[]): boolean =>
      attemptOf(mergeAll(marks.map(([invoice, firstPayment]) => ({ ...base, invoice, firstPayment })))).dunning;
    expect(dunning([false, false])).toBe(false);
    expect(dunning([false, false], [true, false])).toBe(true);
    expect(dunning([true, false], [false, true])).toBe(false);
    expect(dunning([true, true])).toBe(false);
  });

  it('was received when it was first received', () => {
    const again = { ...base, receivedAt: 900_000 };
    expect(mergeAll([again, base, again]).receivedAt).toBe(base.receivedAt);
  });
});

const signal: fc.Arbitrary<SignalView> = fc
  .record({
    created: few(100, 101, 102),
    event: few('evt_1', 'evt_2', 'evt_3'),
    time: few(100, 101, 102),
    receivedAt: few(101_000, 102_000),
    charge: few(null, 'ch_1', 'ch_2'),
    reason: few('', 'rule', '=1+1', '<!here>'),
    money: few({}, { amount: 5 }, { amount: 7, currency: 'eur' }, { currency: 'jpy' }),
    lane: few('live', 'history'),
  })
  .map(({ money, ...part }) => {
    const fixed = { record: 'signal', signal: 'review', id: 'prv_1', account: null, livemode: true };
    return { ...fixed, ...part, ...money } as SignalView;
  });
const signals = fc.array(signal, { minLength: 1, maxLength: 6 });

describe('the merge of a signal', () => {
  it('gives the same in any order, with any repetition', () => {
    const shuffled = signals.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray([...list, ...list], { minLength: list.length * 2 })),
    );
    fc.assert(
      fc.property(shuffled, ([list, other]) => {
        expect(mergeAllSignals(other)).toEqual(mergeAllSignals(list));
      }),
    );
  });

  it('gives the same in any grouping', () => {
    fc.assert(
      fc.property(signals, signals, signals, (a, b, c) => {
        const [x, y, z] = [mergeAllSignals(a), mergeAllSignals(b), mergeAllSignals(c)];
        const all = mergeAllSignals([...a, ...b, ...c]);
        expect(mergeSignalStates(mergeSignalStates(x, y), z)).toEqual(all);
        expect(mergeSignalStates(x, mergeSignalStates(z, y))).toEqual(all);
        expect(mergeSignalStates(x, x)).toEqual(x);
      }),
    );
  });

  it('takes each fact from the latest event that has it, and the least times', () => {
    fc.assert(
      fc.property(signals, (list) => {
        const merged = mergeAllSignals(list);
        expect(merged.time).toBe(Math.min(...list.map(({ time }) => time)));
        expect(merged.receivedAt).toBe(Math.min(...list.map(({ receivedAt }) => receivedAt)));
        const latest = (having: readonly SignalView[]): readonly SignalView[] =>
          having.filter((one) =>
            having.every(
              (other) => one.created > other.created || (one.created === other.created && one.event >= other.event),
            ),
          );
        const reasons = latest(list.filter(({ reason }) => reason !== '')).map(({ reason }) => reason);
        expect(reasons.length === 0 ? [''] : reasons).toContain(merged.reason);
        const charges = latest(list.filter(({ charge }) => charge !== null)).map(({ charge }) => charge);
        expect(charges.length === 0 ? [null] : charges).toContain(merged.charge);
        const paid = latest(list.filter(({ amount, currency }) => amount !== undefined || currency !== undefined));
        const money = paid.map(({ amount, currency }) => [amount, currency]);
        expect(money.length === 0 ? [[undefined, undefined]] : money).toContainEqual([merged.amount, merged.currency]);
        expect(merged.layers.length).toBeLessThanOrEqual(3);
      }),
    );
  });
});
