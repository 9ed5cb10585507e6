// What is written is what is read, whatever it holds; a newer program's records stop the reader.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type MergedSignal, mergeSignal } from '../../../src/attempts/merge.ts';
import { decodeAttemptsRecord, encodeAttemptsRecord } from '../../../src/attempts/wire.ts';
import { decodeMergedSignal, encodeMergedSignal } from '../../../src/attempts/wire-signals.ts';
import type { AttemptFields, SignalView, View } from '../../../src/model/attempt.ts';
import type { Rule } from '../../../src/model/detector.ts';
import { SAMPLES, sample, signalOf, viewOf } from '../../support/stripe-samples.ts';

const named = (kind: string): string[] =>
  SAMPLES.filter(({ expect: { kind: found } }) => found === kind).map(({ file }) => file.replace(/\.json$/, ''));

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('=1+1', '<!channel>', '\u2028', '\0', '"', '\\'),
);
const fullText = text.filter((value) => value !== '');
/** Keys without what JSON must escape: JSON.parse of Node 24.21 may lose one of two such keys of an object. */
const keyText = fc.string({ minLength: 1, maxLength: 12 }).filter((key) => key !== '__proto__' && !/["\\]/.test(key));
const whole = fc.maxSafeInteger();
const second = fc.nat(4_000_000_000);
const scope = { account: fc.option(fullText), livemode: fc.boolean() };
const stamp = { receivedAt: fc.nat(), lane: fc.constantFrom('live' as const, 'history' as const) };

const fields = fc.record(
  {
    result: fc.record({
      outcome: fc.constantFrom('succeeded', 'declined', 'blocked', 'authentication_failed', 'invalid'),
      code: text,
      class: fc.constantFrom('F', 'T', 'G', 'B', 'X', ''),
    }),
    amount: whole,
    metadata: fc.dictionary(keyText, text, { maxKeys: 3, noNullPrototype: true }),
    ...Object.fromEntries(
      [
        'currency',
        'card',
        'brand',
        'last4',
        'funding',
        'country',
        'wallet',
        'customer',
        'email',
        'ip',
        'method',
        'intent',
      ].map((name) => [name, fullText]),
    ),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<AttemptFields>;

const view: fc.Arbitrary<View> = fc.record({
  record: fc.constant('view' as const),
  ...scope,
  source: fc.constantFrom('charge' as const, 'intent' as const, 'setup' as const),
  created: second,
  apiVersion: text,
  event: fullText,
  attempt: fullText,
  kind: fc.constantFrom('payment' as const, 'setup' as const),
  time: second,
  fields,
  invoice: fc.boolean(),
  firstPayment: fc.boolean(),
  ...stamp,
});

const signal: fc.Arbitrary<SignalView> = fc.record(
  {
    record: fc.constant('signal' as const),
    ...scope,
    signal: fc.constantFrom('early_fraud_warning' as const, 'dispute' as const, 'review' as const, 'refund' as const),
    id: fullText,
    charge: fc.option(fullText),
    reason: text,
    amount: whole,
    currency: fullText,
    event: fullText,
    created: second,
    time: second,
    ...stamp,
  },
  {
    requiredKeys: [
      'record',
      'account',
      'livemode',
      'signal',
      'id',
      'charge',
      'reason',
      'event',
      'created',
      'time',
      'receivedAt',
      'lane',
    ],
  },
) as fc.Arbitrary<SignalView>;

describe('a record of attempts', () => {
  it.each(named('view'))('holds the view of %s, in at most 300 bytes', (name) => {
    const one = viewOf(sample(name));
    const encoded = encodeAttemptsRecord(one);
    expect(decodeAttemptsRecord(encoded)).toEqual(one);
    if (name !== 'hostile-strings') expect(encoded.length).toBeLessThanOrEqual(300);
  });

  it.each(named('signal'))('holds the signal of %s, in at most 300 bytes', (name) => {
    const one = signalOf(sample(name));
    const encoded = encodeAttemptsRecord(one);
    expect(decodeAttemptsRecord(encoded)).toEqual(one);
    expect(encoded.length).toBeLessThanOrEqual(300);
  });

  it('holds any view and any signal', () => {
    fc.assert(
      fc.property(view, (one) => {
        expect(decodeAttemptsRecord(encodeAttemptsRecord(one))).toEqual(one);
      }),
    );
    fc.assert(
      fc.property(signal, (one) => {
        expect(decodeAttemptsRecord(encodeAttemptsRecord(one))).toEqual(one);
      }),
    );
  });

  it('holds a rule', () => {
    const rule: Rule = {
      record: 'rule',
      detector: 'd',
      version: 2,
      revision: 1,
      sinceS: 7,
      settings: null,
      latenessMs: 5,
    };
    expect(decodeAttemptsRecord(encodeAttemptsRecord(rule))).toEqual(rule);
  });

  it.each(['', 'x', '{}', '[]', '["1",0]', '[1]', '[1,3]', 'null', '7'])('%s is none', (value) => {
    expect(() => decodeAttemptsRecord(value)).toThrow(expect.objectContaining({ code: 'bad_record' }));
  });

  it('of a newer program stops the reader, with the cure', () => {
    expect(() => decodeAttemptsRecord('[2,0]')).toThrow(
      expect.objectContaining({ code: 'newer_schema', help: expect.stringContaining('declinewatch') }),
    );
    expect(() => decodeMergedSignal('[2]')).toThrow(expect.objectContaining({ code: 'newer_schema' }));
  });

  it('that ends early, as an older program wrote it, has fewer fields', () => {
    const one = viewOf(sample('endive-charge-failed'));
    const tuple = JSON.parse(encodeAttemptsRecord(one)) as unknown[];
    const { fields: kept } = decodeAttemptsRecord(JSON.stringify(tuple.slice(0, 18))) as View;
    expect(kept).toEqual({ result: one.fields.result, amount: 4_200 });
  });
});

describe('a row of the window store', () => {
  it('holds any merged signal', () => {
    fc.assert(
      fc.property(fc.array(signal, { minLength: 1, maxLength: 4 }), (list) => {
        const merged = list.reduce<MergedSignal | undefined>(mergeSignal, undefined);
        expect(merged && decodeMergedSignal(encodeMergedSignal(merged))).toEqual(merged);
      }),
    );
  });
});
