import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isSignedBySlack } from '../../../src/alerts/slack-signature.ts';

const NOW = 1_800_000_000_000;
const rawBody = Buffer.from('payload=%7B%7D');

function signed(timestampS: number, secret = 'secret') {
  const timestamp = String(timestampS);
  const mac = createHmac('sha256', secret).update(`v0:${timestamp}:payload=%7B%7D`).digest('hex');
  return { rawBody, timestamp, signature: `v0=${mac}` };
}

describe('isSignedBySlack', () => {
  it('accepts five minutes either way and no second more', () => {
    for (const skew of [-300, 0, 300]) expect(isSignedBySlack(signed(NOW / 1000 + skew), 'secret', NOW)).toBe(true);
    for (const skew of [-301, 301, 3600]) expect(isSignedBySlack(signed(NOW / 1000 + skew), 'secret', NOW)).toBe(false);
  });

  it('refuses another secret, another body, and what is no signature', () => {
    const good = signed(NOW / 1000);
    expect(isSignedBySlack(good, 'another', NOW)).toBe(false);
    expect(isSignedBySlack(good, '', NOW)).toBe(false);
    expect(isSignedBySlack({ ...good, rawBody: Buffer.from('payload=%7B%20%7D') }, 'secret', NOW)).toBe(false);
    for (const signature of [undefined, '', 'v0=', 'v0=zz', `${good.signature}00`, good.signature.replace('v0', 'v1')])
      expect(isSignedBySlack({ ...good, signature }, 'secret', NOW)).toBe(false);
    for (const timestamp of [undefined, '', 'NaN', '1e9', '-5'])
      expect(isSignedBySlack({ ...good, timestamp }, 'secret', NOW)).toBe(false);
  });
});
