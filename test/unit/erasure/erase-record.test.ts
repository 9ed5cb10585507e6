import { describe, expect, it } from 'vitest';
import { createRecordEraser } from '../../../src/erasure/erase-record.ts';
import { encode } from '../../../src/log/codec.ts';
import { tokenOf } from '../../../src/model/mask-erased.ts';
import { erasedName } from '../../../src/model/mask-names.ts';
import { failedCharge } from '../../support/local-stripe.ts';

const PII_KEY = '22'.repeat(32);
const CUSTOMER = { kind: 'customer', value: 'cus_one' } as const;

describe('a stored Stripe event of somebody who is erased', () => {
  it('still says where it came from', () => {
    const as = erasedName(CUSTOMER, { piiKey: PII_KEY, nonce: 'n' });
    const subjects = [{ kind: 'customer', token: tokenOf(CUSTOMER), as }] as const;
    const erase = createRecordEraser([{ number: 1, offset: 0, at: 2_000, subjects, attempts: [] }], PII_KEY);
    const { event } = failedCharge('one', 1);
    const value = encode('stripe-events', { event, cut: true, via: 'backfill' });
    const after = erase('stripe-events', { partition: 0, offset: 0, key: event.id, value, timeMs: 1_000 });
    expect(JSON.parse(after?.value ?? '{}')).toMatchObject({ cut: true, via: 'backfill', erased: true });
    expect(after?.value).not.toContain('cus_one');
  });
});
