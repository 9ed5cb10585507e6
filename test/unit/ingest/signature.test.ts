import Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { headerProblem, isSignedByStripe } from '../../../src/ingest/signature.ts';
import { SECRET, signatureOf } from '../../support/stripe-sender.ts';

const NOW_S = 1_790_000_000;
const nowMs = NOW_S * 1000;
const payload = '{"id":"evt_1"}';
const body = Buffer.from(payload);
const headerAt = (timestamp: number, secret = SECRET): string => signatureOf(payload, { timestamp, secret });

describe('what the header says before the body is read', () => {
  it.each([
    ['now', 0, null],
    ['5 minutes ago', -300, null],
    ['5 minutes ahead', 300, null],
    ['a second older', -301, 'expired_signature'],
    ['a second further ahead', 301, 'future_signature'],
  ])('%s: %s s', (_, offset, problem) => {
    expect(headerProblem(headerAt(NOW_S + offset), nowMs)).toBe(problem);
  });

  it.each([undefined, ''])('%s is missing', (header) => {
    expect(headerProblem(header, nowMs)).toBe('missing_signature');
  });

  const good = headerAt(NOW_S);
  it.each([
    ['no stamp', good.replace(/^t=\d+,/, '')],
    ['two stamps', `t=1,${good}`],
    ['a stamp that is no number', good.replace(/^t=\d+/, 't=soon')],
    ['a stamp with more behind it', good.replace(/^t=(\d+)/, 't=$1x')],
    ['a negative stamp', good.replace(/^t=/, 't=-')],
    ['a signature without a value', `${good},v1=`],
    ['a name alone', `${good},v1`],
    ['another alphabet', `${good},v1=${'é'.repeat(64)}`],
    ['blanks', good.replace(',', ', ')],
    ['anything', 'hello'],
  ])('%s is bad', (_, header) => {
    expect(headerProblem(header, nowMs)).toBe('bad_signature');
  });
});

describe('the signature', () => {
  const signed = (header: string, secrets: readonly string[] = [SECRET], bytes = body): boolean =>
    isSignedByStripe({ body: bytes, header, nowMs }, secrets);

  it('is good by any of several secrets, and by any of several signatures', () => {
    const other = headerAt(NOW_S, 'whsec_old');
    expect(signed(headerAt(NOW_S))).toBe(true);
    expect(signed(other, [SECRET, 'whsec_old'])).toBe(true);
    expect(signed(other, ['whsec_old', SECRET])).toBe(true);
    expect(signed(`${other},${headerAt(NOW_S).split(',')[1]}`)).toBe(true);
  });

  it('is bad by another secret, no secret, an empty one', () => {
    for (const secrets of [['whsec_other'], [], [''], [' ']]) expect(signed(headerAt(NOW_S), secrets)).toBe(false);
  });

  it('is bad for a body that differs in one byte, an empty one, one with a mark in front', () => {
    const bytes = [`${payload} `, payload.replace('1', '2'), '', `\ufeff${payload}`].map((text) => Buffer.from(text));
    for (const other of bytes) expect(signed(headerAt(NOW_S), [SECRET], other)).toBe(false);
  });

  it('is of bytes, not of the text they are read as', () => {
    const text = '{"id":"\ufffd"}';
    const header = signatureOf(text, { timestamp: NOW_S });
    const mark = Buffer.from(text);
    const at = mark.indexOf(0xef);
    const broken = Buffer.concat([mark.subarray(0, at), Buffer.from([0xff]), mark.subarray(at + 3)]);
    expect(broken.toString('utf8')).toBe(text);
    expect(signed(header, [SECRET], mark)).toBe(true);
    expect(signed(header, [SECRET], broken)).toBe(false);
  });

  it('is bad with another stamp than the signed one', () => {
    expect(signed(headerAt(NOW_S).replace(`t=${NOW_S}`, `t=${NOW_S - 1}`))).toBe(false);
  });

  it('is only of the scheme v1', () => {
    expect(signed(headerAt(NOW_S).replace('v1=', 'v0='))).toBe(false);
  });

  it('is bad when too old, whatever the header check said', () => {
    expect(signed(headerAt(NOW_S - 301))).toBe(false);
  });

  it('throws nothing for what is no hexadecimal', () => {
    for (const value of ['x', 'z'.repeat(64), '.'.repeat(64)]) expect(signed(`t=${NOW_S},v1=${value}`)).toBe(false);
  });

  it('agrees with what Stripe signs', () => {
    const header = Stripe.webhooks.generateTestHeaderString({ payload, secret: SECRET, timestamp: NOW_S });
    expect(signed(header)).toBe(true);
  });
});
