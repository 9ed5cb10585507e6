// What is shown of a record that could not be handled: nothing that could tell of a person, whatever it is called.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { outlineOf } from '../../../src/app/dead-letter-outline.ts';

const event = {
  id: 'evt_1A2b',
  type: 'charge.failed',
  api_version: '2026-01-28',
  created: 1_800_000_000,
  livemode: false,
  data: {
    object: {
      id: 'ch_1A2b',
      amount: 1_999,
      currency: 'eur',
      customer: 'cus_secret',
      failure_code: 'card_declined',
      description: 'Subscription of Cardholder Name',
      receipt_email: 'ana@shop.example',
      billing_details: { name: 'Cardholder Name', phone: '+49 30 1234567', address: { postal_code: '10115' } },
      payment_method_details: { card: { last4: '4242', exp_year: 2031, fingerprint: 'fp_secret' } },
      metadata: { 'Cardholder Name': 'ana', client_ip: '203.0.113.9' },
      'ana@shop.example': 1,
      refunds: [],
      tries: [1, 2, 3, 4, 5],
    },
  },
};

describe('the outline of a record', () => {
  it('shows ids, codes, amounts and times, and of the rest only what it is', () => {
    const text = outlineOf(JSON.stringify({ event })) ?? '';
    for (const shown of [
      'id: "evt_1A2b"',
      'type: "charge.failed"',
      'created: 1800000000',
      'amount: 1999',
      'currency: "eur"',
      'failure_code: "card_declined"',
      'customer: (text of 10 characters)',
      'metadata: (2 fields)',
      '(a key): (a number)',
      'livemode: false',
    ])
      expect(text).toContain(shown);
    for (const hidden of ['secret', 'Ana', 'ana', 'shop.example', '4242', '2031', '10115', '203.0.113.9', 'phone: "'])
      expect(text).not.toContain(hidden);
  });

  it('shows no value that does not look as its name says', () => {
    const text = outlineOf(
      JSON.stringify({ id: 'ana_smith', type: 'Cardholder Name', code: 'ana@shop', currency: 'ana smith' }),
    );
    expect(text).not.toMatch(/ana/i);
  });

  it('never shows a marked text, number or key, wherever it stands', () => {
    const marked = fc.constantFrom('SECRET person', 'secret@shop.example', '+49301234567', 'Straße 1');
    const tree = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        marked,
        fc.constant(49_301_234_567),
        tie('object'),
        fc.array(tie('value'), { maxLength: 5 }),
      ),
      object: fc.dictionary(
        fc.oneof(marked, fc.constantFrom('id', 'type', 'code', 'reason', 'name', 'x')),
        tie('value'),
      ),
    })).object;
    fc.assert(
      fc.property(tree, (content) => {
        const text = outlineOf(JSON.stringify(content)) ?? '';
        expect(text).not.toMatch(/secret|shop\.example|49301234567|Straße/i);
      }),
    );
  });

  it('is bounded, and says of what is no JSON that it is none', () => {
    const wide = Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`k${n}`, n]));
    expect(outlineOf(JSON.stringify(wide))?.split('\n').length).toBeLessThanOrEqual(202);
    const deep = Array.from({ length: 500 }).reduce((inner) => ({ inner }), {});
    expect(outlineOf(JSON.stringify(deep))?.split('\n').length).toBeLessThan(20);
    expect(outlineOf('{"half')).toBeNull();
    expect(outlineOf('"text"')).toBe('(text of 4 characters)');
  });
});
