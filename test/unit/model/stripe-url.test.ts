import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attemptUrl, customerUrl } from '../../../src/model/stripe-url.ts';

const live = { account: null, livemode: true };

describe('links into Stripe', () => {
  it.each([
    ['ch_3abc', null, live, 'https://dashboard.stripe.com/payments/ch_3abc'],
    ['setatt_1', 'seti_1', live, 'https://dashboard.stripe.com/setup_intents/seti_1'],
    ['pi_1:pm_1:evt_1', 'pi_1', { account: null, livemode: false }, 'https://dashboard.stripe.com/test/payments/pi_1'],
    ['dp_1', null, { account: 'acct_9', livemode: false }, 'https://dashboard.stripe.com/acct_9/test/disputes/dp_1'],
    ['evt_1', null, live, null],
  ] as const)('%s of intent %s', (id, intent, scope, url) => {
    expect(attemptUrl({ id, intent }, scope)).toBe(url);
  });

  it('never lead elsewhere, whatever the ids are', () => {
    fc.assert(
      fc.property(fc.string(), fc.option(fc.string()), fc.option(fc.string()), (id, intent, account) => {
        for (const prefix of ['', 'ch_', 'pi_'])
          for (const url of [
            attemptUrl({ id: prefix + id, intent }, { account, livemode: true }),
            customerUrl(id, { account, livemode: true }),
          ])
            if (url !== null) expect(new URL(url).origin + new URL(url).search).toBe('https://dashboard.stripe.com');
      }),
    );
  });
});
