// What is kept of an event: nothing secret, nothing about a person that fraud work does not need, never too much; and the
// normaliser reads from it what it reads from the event.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unwrapEnvelope } from '../../../src/ingest/envelope.ts';
import { normalise } from '../../../src/ingest/normalise.ts';
import { redact, withoutSecrets } from '../../../src/ingest/redact.ts';
import { SAMPLE_CONTEXT, SAMPLES, sample } from '../../support/stripe-samples.ts';

const names = SAMPLES.map(({ file }) => file.replace(/\.json$/, ''));
const MAX_KEPT_CHARACTERS = 262_144 + 1_024;

describe('what is kept of a sample event', () => {
  it.each(names)('%s: the same to the normaliser, whole, without secrets and persons', (name) => {
    const event = sample(name);
    const { value, isCut } = redact(event);
    expect(normalise(unwrapEnvelope(value), SAMPLE_CONTEXT)).toEqual(normalise(unwrapEnvelope(event), SAMPLE_CONTEXT));
    expect(isCut).toBe(false);
    const text = JSON.stringify(value);
    expect(text).not.toMatch(
      /secret|Jenny Example|Main Street|Flat 2|15555550100|hosted_invoice|checkout\.stripe\.com|110000000/,
    );
  });

  it('names what it looks for: the samples do hold secrets and persons', () => {
    const all = names.map((name) => JSON.stringify(sample(name))).join();
    for (const word of [
      '_secret_',
      'client_secret',
      'Jenny Example',
      '1 Main Street',
      '15555550100',
      'hosted_invoice_url',
      '110000000',
    ])
      expect(all).toContain(word);
  });

  it('is what fraud work needs', () => {
    const { value } = redact(sample('endive-charge-failed'));
    expect(value).toMatchObject({
      id: 'evt_e01',
      data: {
        object: {
          billing_details: { email: 'Jenny@Example.com ', address: { postal_code: '94107', country: 'US' } },
          outcome: { type: 'issuer_declined', risk_score: 31 },
          payment_method_details: { card: { fingerprint: 'fpVisa4242', checks: { cvc_check: 'pass' } } },
        },
      },
    });
    expect(redact(sample('endive-dispute-created')).value).toMatchObject({
      data: {
        object: { evidence: { customer_email_address: 'jenny@example.com', customer_purchase_ip: '203.0.113.9' } },
      },
    });
    expect(JSON.stringify(redact(sample('endive-dispute-created')).value)).not.toContain('Springfield');
  });

  it('keeps the names of metadata, but no secret in them', () => {
    const metadata = { name: 'gold plan', phone: 'yes', note: 'see sk_live_abc123', client_secret: 'pi_1_secret_2' };
    expect(redact({ metadata }).value).toEqual({
      metadata: { name: 'gold plan', phone: 'yes', note: 'see [removed]' },
    });
  });

  it('keeps no link but paths of the API', () => {
    const links = { url: 'https://checkout.stripe.com/c/pay/cs_1#x', return_url: 'https://shop.example/?t=1' };
    expect(redact({ ...links, list: { url: '/v1/charges' } }).value).toEqual({ list: { url: '/v1/charges' } });
  });
});

describe('secrets in a text', () => {
  it.each([
    ['pi_1_secret_AbC', '[removed]'],
    [
      'https://x.example/?payment_intent_client_secret=pi_1_secret_AbC&x=1',
      'https://x.example/?payment_intent_client_secret=[removed]&x=1',
    ],
    ['sk_live_1, rk_test_2 and whsec_a+b/c=', '[removed], [removed] and [removed]'],
    ['card 4242 4242 4242 4242!', 'card [removed]!'],
    ['4242-4242-4242-4242', '[removed]'],
    ['378282246310005', '[removed]'],
    ['4242 4242 4242 4241', '4242 4242 4242 4241'],
    ['ch_4242424242424242', 'ch_4242424242424242'],
    ['order 1234567890', 'order 1234567890'],
    ['ordinary text', 'ordinary text'],
  ])('%s', (text, expected) => {
    expect(withoutSecrets(text)).toBe(expected);
  });
});

describe('bounds', () => {
  const sizeOf = (value: unknown): number => JSON.stringify(redact(value).value).length;

  it('keep id, type, time and mode of an event that is far too large', () => {
    const data = { object: { lines: Array.from({ length: 190 }, (_, n) => ({ n, text: 'x'.repeat(4_000) })) } };
    const event = { data, id: 'evt_1', object: 'event', type: 'invoice.paid', created: 5, livemode: true };
    const { value, isCut } = redact(event);
    expect(isCut).toBe(true);
    expect(value).toMatchObject({ id: 'evt_1', object: 'event', type: 'invoice.paid', created: 5, livemode: true });
    expect(sizeOf(event)).toBeLessThan(MAX_KEPT_CHARACTERS);
  });

  it.each([
    ['a long text', 'x'.repeat(1_000_000)],
    ['a long list', Array.from({ length: 100_000 }, () => 1e20)],
    ['many names', Object.fromEntries(Array.from({ length: 50_000 }, (_, n) => [`name${n}`, n]))],
    ['a long name', { ['x'.repeat(100_000)]: 1 }],
    ['control characters', Array.from({ length: 190 }, () => '\u0000'.repeat(4_000))],
    ['halves of characters', Array.from({ length: 190 }, () => '\ud800'.repeat(4_000))],
    [
      'quotes in names',
      Object.fromEntries(Array.from({ length: 400 }, (_, n) => ['"'.repeat(100) + n, '"'.repeat(4_000)])),
    ],
    ['depth', JSON.parse(`${'['.repeat(5_000)}${']'.repeat(5_000)}`)],
  ])('%s is cut', (_, value) => {
    expect(redact(value).isCut).toBe(true);
    expect(sizeOf(value)).toBeLessThan(MAX_KEPT_CHARACTERS);
  });

  it('leave any small JSON value without such names as it is', () => {
    const plain = fc
      .jsonValue({ maxDepth: 4 })
      // As a parser gives it: -0 is 0 then.
      .map((value) => JSON.parse(JSON.stringify(value)) as unknown)
      .filter((value) => !/url|name|number|secret|phone|__proto__|\d{13}/.test(JSON.stringify(value)));
    fc.assert(
      fc.property(plain, (value) => {
        expect(redact(value)).toEqual({ value, isCut: false });
      }),
    );
  });
});
