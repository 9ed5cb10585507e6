import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attemptOf, mergeStates, mergeView } from '../../../src/attempts/merge.ts';
import { eventOfCharge } from '../../../src/ingest/enrich-charge.ts';
import { normalise } from '../../../src/ingest/normalise.ts';
import type { View } from '../../../src/model/attempt.ts';
import { eventOf, failedCharge } from '../../support/local-stripe.ts';

const CREATED = 1_800_000_000;
const context = { metadata: { ip: null, keys: ['plan'] } };

function viewOf(event: unknown): View {
  const found = normalise(event, context);
  if (found.kind !== 'view') throw new Error(`no view: ${JSON.stringify(found)}`);
  return { ...found.view, receivedAt: CREATED * 1000, lane: 'live' };
}

const chargeOf = (over: Record<string, unknown> = {}) => failedCharge('1', CREATED, over).charge;
const readView = (over: Record<string, unknown> = {}) => viewOf(eventOfCharge(chargeOf(over), null));

describe('a charge that was read', () => {
  it('is a view of its attempt, dated as the charge', () => {
    expect(readView()).toMatchObject({
      attempt: 'ch_1',
      source: 'charge',
      time: CREATED,
      created: CREATED,
      apiVersion: '',
      event: 'charge:ch_1',
      account: null,
      fields: { card: 'fp_1', customer: 'cus_1', result: { outcome: 'declined', code: 'do_not_honor' } },
    });
    expect(viewOf(eventOfCharge(chargeOf({ status: 'succeeded' }), 'acct_1'))).toMatchObject({
      account: 'acct_1',
      fields: { result: { outcome: 'succeeded' } },
    });
  });

  it('is less than any event of the charge, in whatever order they come', () => {
    const own = fc.record({
      created: fc.integer({ min: CREATED, max: CREATED + 5 }),
      version: fc.constantFrom(null, '2018-01-01', '2026-10-28.endive'),
      type: fc.constantFrom('charge.failed', 'charge.succeeded'),
      name: fc.stringMatching(/^[A-Za-z0-9]{1,24}$/),
    });
    fc.assert(
      fc.property(own, fc.boolean(), ({ created, version, type, name }, readFirst) => {
        const object = chargeOf({ customer: 'cus_true', amount: 999 });
        const truth = viewOf({ ...eventOf(`evt_${name}`, type, { created, object }), api_version: version });
        const read = readView({ customer: 'cus_later', amount: 1, receipt_email: 'only@read.example' });
        const [first, second] = readFirst ? [read, truth] : [truth, read];
        const merged = attemptOf(mergeView(mergeView(undefined, first), second));
        expect(merged.fields).toMatchObject({ customer: 'cus_true', amount: 999, result: truth.fields.result });
        // What no event has, it gives.
        expect(merged.fields.email).toBe('only@read.example');
        expect(merged.time).toBe(truth.time);
      }),
    );
  });

  it('comes out the same, however often and with whatever contents it is read', () => {
    const first = mergeView(undefined, readView({ metadata: { plan: 'a' } }));
    const second = mergeView(undefined, readView({ metadata: { plan: 'b' }, amount: 1 }));
    expect(mergeStates(first, first)).toEqual(first);
    expect(mergeStates(first, second)).toEqual(mergeStates(second, first));
  });

  it('of a legacy source that is a card is a view too', () => {
    const source = { object: 'card', fingerprint: 'fp_old', brand: 'Visa', last4: '4242' };
    expect(readView({ payment_method_details: null, source }).fields.card).toBe('fp_old');
  });

  it.each([
    ['a bank debit, whose time it does not tell', { payment_method_details: { type: 'sepa_debit' } }, 'not_a_card'],
    ['Link', { payment_method_details: { type: 'link' } }, 'not_a_card'],
    ['one without a method', { payment_method_details: null }, 'not_a_card'],
    ['one that is pending', { status: 'pending' }, 'no_outcome_yet'],
    ['one of a status to come', { status: 'unheard_of' }, 'no_outcome_yet'],
    ['one without a time', { created: null }, 'bad_charge'],
    ['one without a mode', { livemode: 'yes' }, 'bad_charge'],
    ['another object', { object: 'refund' }, 'bad_charge'],
  ])('is no view: %s', (_name, over, problem) => {
    expect(eventOfCharge(chargeOf(over), null)).toBe(problem);
  });

  it('is no view if it is nothing at all', () => {
    for (const value of [null, 1, 'ch_1', [], undefined]) expect(eventOfCharge(value, null)).toBe('bad_charge');
  });
});
