import { describe, expect, it } from 'vitest';
import { normalise } from '../../../src/ingest/normalise.ts';
import { HANDLED_TYPES, permissionLabel } from '../../../src/ingest/stripe-types.ts';

const context = { metadata: { ip: null, keys: [] } };

function eventOfType(type: string) {
  const object = {
    id: 'ch_1',
    latest_attempt: 'setatt_1',
    last_payment_error: { charge: 'ch_1', code: 'card_declined' },
  };
  return { id: 'evt_1', object: 'event', type, created: 1_700_000_000, livemode: true, data: { object } };
}

describe('the handled event types', () => {
  it('fit into one list call and are all different', () => {
    expect(HANDLED_TYPES.length).toBeLessThanOrEqual(20);
    expect(new Set(HANDLED_TYPES).size).toBe(HANDLED_TYPES.length);
  });

  it.each(HANDLED_TYPES)('%s is counted', (type) => {
    expect(normalise(eventOfType(type), context).kind).toMatch(/^(view|signal)$/);
  });

  it.each(['invoice.payment_failed', 'customer.created', 'payment_intent.succeeded', 'charge.captured'])(
    '%s is not, and is not asked for',
    (type) => {
      expect(HANDLED_TYPES).not.toContain(type);
      expect(normalise(eventOfType(type), context).kind).toBe('ignored');
    },
  );
});

describe('permissions', () => {
  it('are named as the Dashboard names them', () => {
    expect(permissionLabel('rak_charge_read')).toBe('Charges and Refunds: Read (rak_charge_read)');
    expect(permissionLabel('rak_unheard_of')).toBe('rak_unheard_of');
  });
});
