// Sample events of every API version that differs, each against what was written by hand beside it.
import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unwrapEnvelope } from '../../../src/ingest/envelope.ts';
import { headOf, normalise } from '../../../src/ingest/normalise.ts';
import { SAMPLE_CONTEXT, SAMPLES, SAMPLES_FOLDER, sample } from '../../support/stripe-samples.ts';

describe('sample events', () => {
  it.each(SAMPLES.map(({ file, says, expect: expected }) => [file, says, expected] as const))(
    '%s: %s',
    (file, _, expected) => {
      const found = normalise(unwrapEnvelope(sample(file.replace(/\.json$/, ''))), SAMPLE_CONTEXT);
      if (found.kind !== 'bad') return expect(found).toEqual(expected);
      const { message, ...rest } = found;
      expect(rest).toEqual(expected);
      expect(message.length).toBeGreaterThan(20);
    },
  );

  it('are all in the index, once, each with the source of its shape', () => {
    const files = readdirSync(SAMPLES_FOLDER).filter((name) => name !== 'index.json');
    expect(SAMPLES.map(({ file }) => file).toSorted()).toEqual(files.toSorted());
    expect(files.length).toBeGreaterThan(60);
    for (const { shape } of SAMPLES) expect(shape).toMatch(/^(facts §|own: )/);
  });

  it('cover every API version whose shape differs', () => {
    const versions = new Set(
      SAMPLES.map(({ file }) => headOf(unwrapEnvelope(sample(file.replace(/\.json$/, ''))))?.apiVersion),
    );
    const needed = [
      '',
      '2015-10-16',
      '2017-08-15',
      '2019-05-16',
      '2020-08-27',
      '2022-08-01',
      '2022-11-15',
      '2023-10-16',
      '2024-06-20',
    ];
    const trains = [
      '2025-01-27.acacia',
      '2025-03-31.basil',
      '2025-10-29.clover',
      '2026-08-26.dahlia',
      '2026-10-28.endive',
    ];
    for (const version of [...needed, ...trains]) expect(versions).toContain(version);
  });
});

describe('the envelope', () => {
  const event = {
    id: 'evt_1',
    object: 'event',
    type: 'charge.updated',
    created: 1,
    livemode: true,
    data: { object: {} },
  };

  it.each([
    ['no id', { ...event, id: undefined }],
    ['an empty id', { ...event, id: '' }],
    ['no type', { ...event, type: 7 }],
    ['no time', { ...event, created: '2026-01-01' }],
    ['a fraction of a second', { ...event, created: 1.5 }],
    ['a time before 1970', { ...event, created: -1 }],
    ['no livemode', { ...event, livemode: 'true' }],
    ['another object', { ...event, object: 'charge' }],
    ['a list', [event]],
    ['a text', 'evt_1'],
    ['null', null],
    ['a number', 5],
  ])('with %s is no event', (_, value) => {
    expect(normalise(value, SAMPLE_CONTEXT)).toMatchObject({ kind: 'bad', reason: 'not_an_event' });
  });

  it('of an event bus is unwrapped only if it is one', () => {
    expect(unwrapEnvelope({ detail: event, source: 'aws.partner/stripe.com/ed_1' })).toBe(event);
    expect(unwrapEnvelope({ data: event, specversion: '1.0' })).toBe(event);
    for (const other of [event, { detail: event, source: 'aws.other' }, { data: event }, 'text', null, [event]])
      expect(unwrapEnvelope(other)).toBe(other);
  });
});

describe('the fields of a view', () => {
  const fieldsOf = (change: (charge: Record<string, unknown>) => void, type = 'charge.failed') => {
    const event = sample('endive-charge-failed');
    change(event.data.object);
    const found = normalise({ ...event, type }, SAMPLE_CONTEXT);
    return found.kind === 'view' ? found.view : null;
  };

  it('takes the e-mail of the billing details, then of the receipt', () => {
    expect(fieldsOf((charge) => Object.assign(charge, { receipt_email: 'b@x.com' }))?.fields.email).toBe(
      'jenny@example.com',
    );
    const blank = fieldsOf((charge) =>
      Object.assign(charge, { billing_details: { email: '  ' }, receipt_email: ' B@X.com' }),
    );
    expect(blank?.fields.email).toBe('b@x.com');
  });

  it('says authentication only by the two error codes', () => {
    const failed = (change: object) => fieldsOf((charge) => Object.assign(charge, change))?.fields.result;
    expect(failed({ outcome: null, failure_code: 'payment_intent_authentication_failure' })).toEqual({
      outcome: 'authentication_failed',
      code: 'payment_intent_authentication_failure',
      class: 'X',
    });
    expect(failed({ outcome: null, failure_code: 'authentication_required' })?.outcome).toBe('declined');
    expect(failed({ outcome: { type: 'issuer_declined', reason: 'authentication_required' } })).toMatchObject({
      outcome: 'declined',
      class: 'X',
    });
  });

  it('counts a late failure of an authorised payment as a decline', () => {
    const view = fieldsOf((charge) => Object.assign(charge, { outcome: { type: 'authorized', reason: null } }));
    expect(view?.fields.result).toEqual({ outcome: 'declined', code: 'card_declined', class: 'G' });
  });

  it.each([
    [{ description: 'Subscription update' }, true, false],
    [{ description: 'Payment for Invoice' }, true, false],
    [{ description: 'Subscription creation', invoice: 'in_1' }, true, true],
    [{ description: 'my Subscription update' }, false, false],
    [{ invoice: { id: 'in_1', object: 'invoice' } }, true, false],
    [{ payment_details: { order_reference: 'in_1' } }, true, false],
    [{ payment_details: { order_reference: 'main_1' } }, false, false],
    [{ invoice: null }, false, false],
  ])('reads %o as invoice: %s, first payment: %s', (change, invoice, firstPayment) => {
    expect(fieldsOf((charge) => Object.assign(charge, change))).toMatchObject({ invoice, firstPayment });
  });

  it('takes only own metadata of the configured keys', () => {
    const event = sample('endive-charge-failed');
    event.data.object.metadata = JSON.parse('{"__proto__":"x","plan":7,"toString":"y"}');
    const found = normalise(event, {
      metadata: { ip: 'valueOf', keys: ['__proto__', 'constructor', 'plan', 'toString'] },
    });
    expect(found.kind === 'view' && found.view.fields.metadata).toEqual({ toString: 'y' });
    expect(found.kind === 'view' && found.view.fields.ip).toBeUndefined();
  });

  it('takes no address when none is configured', () => {
    const event = sample('2026-08-26-dahlia-charge-failed-metadata');
    const found = normalise(event, { metadata: { ip: null, keys: [] } });
    expect(found.kind === 'view' && Object.keys(found.view.fields)).not.toContain('ip');
  });
});

describe('whatever is sent', () => {
  const names = [
    'id',
    'object',
    'created',
    'charge',
    'latest_charge',
    'last_payment_error',
    'last_setup_error',
    'charges',
    'data',
  ];
  const more = [
    'payment_method',
    'payment_method_details',
    'type',
    'card',
    'source',
    'outcome',
    'metadata',
    'amount',
    'customer',
  ];
  const object = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.jsonValue({ maxDepth: 1 }),
      tie('object'),
      fc.array(tie('object'), { maxLength: 3 }),
    ),
    object: fc.dictionary(fc.constantFrom(...names, ...more), tie('value'), { maxKeys: 8 }),
  })).object;
  const type = fc.constantFrom(
    ...['charge.failed', 'charge.succeeded', 'payment_intent.payment_failed', 'setup_intent.setup_failed'],
    ...['setup_intent.succeeded', 'charge.refunded', 'review.opened', 'charge.dispute.created', 'refund.created'],
  );

  it('never throws, and a view always has an id, a time and a scope', () => {
    fc.assert(
      fc.property(type, object, (name, inner) => {
        const event = {
          id: 'evt_1',
          object: 'event',
          type: name,
          created: 5,
          livemode: false,
          data: { object: inner },
        };
        const found = normalise(event, SAMPLE_CONTEXT);
        if (found.kind !== 'view') return;
        expect(found.view.attempt).not.toBe('');
        expect(Number.isSafeInteger(found.view.time) && found.view.time >= 0).toBe(true);
        expect(found.view).toMatchObject({ account: null, livemode: false });
        for (const value of Object.values(found.view.fields)) expect(value ?? null).not.toBeNull();
      }),
      { numRuns: 300 },
    );
  });

  it('never throws for any JSON value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => ['bad', 'ignored'].includes(normalise(value, SAMPLE_CONTEXT).kind)),
    );
  });
});
