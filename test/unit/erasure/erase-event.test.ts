import { describe, expect, it } from 'vitest';
import { entitiesOfView } from '../../../src/attempts/erase-view.ts';
import { decodeAttemptsRecord } from '../../../src/attempts/wire.ts';
import { eraseEvent } from '../../../src/erasure/erase-event.ts';
import { recordsOf } from '../../../src/ingest/records.ts';
import type { View } from '../../../src/model/attempt.ts';
import type { Entity } from '../../../src/model/entity.ts';
import { failedCharge } from '../../support/local-stripe.ts';

const { event } = failedCharge('1', 1_800_000_000, {
  customer: 'cus_1',
  receipt_email: ' Ana@Mail.example ',
  description: 'Order of bo@mail.example, paid later',
  metadata: { client_ip: '203.0.113.9:443', user: 'u1' },
  payment_method_details: { type: 'card', card: { fingerprint: 'fp1', brand: 'visa', last4: '7391' } },
});
const is =
  (kind: string, value: string) =>
  (entity: Entity): boolean =>
    entity.kind === kind && entity.value === value;

describe('eraseEvent', () => {
  it.each([
    ['customer', 'cus_1'],
    ['email', 'ana@mail.example'],
    ['email', 'bo@mail.example'],
    ['card', 'fp1'],
    ['ip', '203.0.113.9'],
    ['metadata.user', 'u1'],
  ])('leaves of an event that names the %s %s that it was there', (kind, value) => {
    const left = eraseEvent(event, is(kind, value));
    expect(left).toEqual({
      id: 'evt_1',
      object: 'event',
      type: 'charge.failed',
      created: 1_800_000_000,
      api_version: '2020-08-27',
      account: undefined,
      livemode: false,
      data: { object: { object: 'charge', id: 'ch_1' } },
    });
    expect(eraseEvent(left, is(kind, value))).toBeNull();
  });

  it('leaves everybody else’s alone, whatever it is', () => {
    expect(eraseEvent(event, is('customer', 'cus_2'))).toBeNull();
    for (const odd of [null, 7, 'cus_1', [], ['cus_1'], {}]) expect(eraseEvent(odd, () => false)).toBeNull();
    let deep: object = { customer: 'cus_1' };
    for (let i = 0; i < 100; i += 1) deep = { deep };
    expect(eraseEvent(deep, is('customer', 'cus_1'))).toBeNull();
  });

  it('keeps the charge of a signal', () => {
    const dispute = {
      ...event,
      type: 'charge.dispute.created',
      data: {
        object: {
          id: 'dp_1',
          object: 'dispute',
          charge: 'ch_1',
          evidence: { customer_email_address: 'ana@mail.example' },
        },
      },
    };
    expect(eraseEvent(dispute, is('email', 'ana@mail.example'))).toMatchObject({
      data: { object: { object: 'dispute', id: 'dp_1', charge: 'ch_1' } },
    });
  });

  it('what is left is an attempt of nobody, should anybody try it again', () => {
    const left = eraseEvent(event, is('customer', 'cus_1'));
    const { attempts } = recordsOf(left, {
      receivedAt: 1_800_000_000_000,
      context: { metadata: { ip: null, keys: ['user'] } },
      latenessMs: 1,
    });
    const view = decodeAttemptsRecord(attempts?.value ?? '') as View;
    expect([view.attempt, entitiesOfView(view), view.fields.last4]).toEqual(['ch_1', [], undefined]);
  });
});
