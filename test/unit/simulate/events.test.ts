// What is simulated is what the normaliser knows from Stripe: both views of a decline are one attempt, a refund is told twice.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attemptOf, mergeView } from '../../../src/attempts/merge.ts';
import { normalise } from '../../../src/ingest/normalise.ts';
import type { Normalised } from '../../../src/ingest/normalised.ts';
import type { View } from '../../../src/model/attempt.ts';
import { type Act, eventsOf, type Notice, someCard, type Try } from '../../../src/simulate/events.ts';
import { somePerson } from '../../../src/simulate/people.ts';
import { seededRandom } from '../../../src/simulate/random.ts';

const CONTEXT = { metadata: { ip: 'client_ip', keys: [] } };
const AT = 1_790_000_000;

const normalised = (act: Act, seed = 1): readonly Normalised[] =>
  eventsOf(act, seededRandom(seed)).map((event) => normalise(event, CONTEXT));

const viewsOf = (act: Act, seed = 1): readonly View[] =>
  normalised(act, seed).map((found) => {
    if (found.kind !== 'view') throw new Error(`not a view: ${found.kind}`);
    return { ...found.view, receivedAt: AT * 1_000, lane: 'live' };
  });

function someTry(over: Partial<Try> = {}): Try {
  const person = somePerson(seededRandom(9));
  return { at: AT, kind: 'payment', ...person, amount: 1_250, currency: 'usd', result: 'do_not_honor', ...over };
}

describe('a declined payment', () => {
  it('has two views, of charge and intent, which are one attempt', () => {
    const views = viewsOf(someTry({ charge: 'ch_1' }));
    expect(views.map(({ source }) => source)).toEqual(['charge', 'intent']);
    const merged = views.reduce<ReturnType<typeof mergeView> | undefined>(
      (state, view) => mergeView(state, view),
      undefined,
    );
    if (merged === undefined) throw new Error('nothing was merged');
    const { payer, card } = someTry();
    expect(attemptOf(merged)).toMatchObject({
      id: 'ch_1',
      time: AT,
      dunning: false,
      fields: {
        result: { outcome: 'declined', code: 'do_not_honor', class: 'G' },
        amount: 1_250,
        card: card.fingerprint,
        customer: payer.customer,
        email: payer.email,
      },
    });
    expect(attemptOf(merged).fields.ip).toMatch(/^2001:db8:/);
  });

  it('is the same, whatever its seed, in each view', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const [charge, intent] = viewsOf({ ...someTry(), card: someCard(seededRandom(seed)) }, seed);
        expect(intent?.attempt).toBe(charge?.attempt);
        expect(intent?.fields.card).toBe(charge?.fields.card);
      }),
    );
  });

  it('that Radar blocked says so in the charge only', () => {
    const [charge, intent] = viewsOf(someTry({ result: 'blocked:highest_risk_level' }));
    expect(charge?.fields.result).toEqual({ outcome: 'blocked', code: 'highest_risk_level', class: 'F' });
    expect(intent?.fields.result).toMatchObject({ outcome: 'declined', code: 'generic_decline' });
  });

  it('of a subscription names its invoice and no address', () => {
    const views = viewsOf(someTry({ invoice: 'in_1' }));
    expect(views.map(({ invoice }) => invoice)).toEqual([true, true]);
    expect(views.some(({ fields }) => fields.ip !== undefined)).toBe(false);
  });
});

describe('other tries', () => {
  it('that succeed have one view', () => {
    expect(viewsOf(someTry({ result: 'approved' })).map(({ fields }) => fields.result?.outcome)).toEqual(['succeeded']);
  });

  it.each([
    ['approved', 'succeeded'],
    ['incorrect_cvc', 'declined'],
  ])('to save a card: %s', (result, outcome) => {
    const [view, ...more] = viewsOf(someTry({ kind: 'setup', amount: 0, result }));
    expect(more).toEqual([]);
    expect(view).toMatchObject({ kind: 'setup', source: 'setup', fields: { result: { outcome } } });
    expect(view?.attempt).toMatch(/^setatt_/);
  });
});

describe('a notice', () => {
  const notice = (over: Partial<Notice>): Notice => ({
    at: AT,
    kind: 'dispute',
    charge: 'ch_1',
    amount: 4_200,
    currency: 'usd',
    reason: 'fraudulent',
    ...over,
  });
  const signalsOf = (act: Notice) =>
    normalised(act).map((found) => {
      if (found.kind !== 'signal') throw new Error(`not a signal: ${found.kind}`);
      const { signal, charge, reason, amount } = found.signal;
      return { signal, charge, reason, amount };
    });

  it('of a dispute and of a warning is one signal of the charge', () => {
    expect(signalsOf(notice({}))).toEqual([{ signal: 'dispute', charge: 'ch_1', reason: 'fraudulent', amount: 4_200 }]);
    const warning = notice({ kind: 'early_fraud_warning', reason: 'misc' });
    expect(signalsOf(warning)).toEqual([{ signal: 'early_fraud_warning', charge: 'ch_1', reason: 'misc' }]);
  });

  it('of a refund is told by the charge without a reason, and by the refund with it', () => {
    const refund = signalsOf(notice({ kind: 'refund', reason: 'requested_by_customer' }));
    expect(refund.map(({ reason }) => reason)).toEqual(['', 'requested_by_customer']);
    expect(new Set(refund.map(({ charge }) => charge))).toEqual(new Set(['ch_1']));
  });
});
