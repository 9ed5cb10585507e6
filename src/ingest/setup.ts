// The view of a try to save a card: card testers prefer it to a payment. It has no amount.
import type { AttemptFields } from '../model/attempt.ts';
import { emailOf, invoiceHints, metadataFields, methodFields, resultOf } from './fields.ts';
import { failureResult } from './intent.ts';
import { compact, idAt, type Json, objectAt, textAt } from './json.ts';
import type { EventHead, NormaliseContext, Normalised } from './normalised.ts';

export function setupView(head: EventHead, setup: Json, context: NormaliseContext): Normalised {
  const id = textAt(setup, 'id');
  if (id === null) return { kind: 'bad', reason: 'no_id', message: `${head.type} has a setup without an id.` };
  const error = objectAt(setup, 'last_setup_error');
  const succeeded = head.type === 'setup_intent.succeeded';
  const method = succeeded ? objectAt(setup, 'payment_method') : objectAt(error, 'payment_method');
  const { type: _type, ...rank } = head;
  return {
    kind: 'view',
    view: {
      ...rank,
      record: 'view',
      source: 'setup',
      attempt: idAt(setup, 'latest_attempt') ?? head.event,
      kind: 'setup',
      time: head.created,
      ...invoiceHints(setup),
      fields: compact<AttemptFields>({
        ...methodFields(method),
        ...metadataFields(setup, context),
        result: succeeded ? resultOf('succeeded', '', head.livemode) : failureResult(head, error),
        customer: idAt(setup, 'customer') ?? idAt(setup, 'customer_account'),
        email: emailOf(textAt(objectAt(method, 'billing_details'), 'email')),
        intent: id,
      }),
    },
  };
}
