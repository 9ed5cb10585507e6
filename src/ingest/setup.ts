// The view of a try to save a card: card testers prefer it to a payment. It has no amount.
import { emailOf, methodFields, resultOf } from './fields.ts';
import { failureResult } from './intent.ts';
import { idOf, type Json, objectOf, textOf } from './json.ts';
import type { EventHead, NormaliseContext, Normalised } from './normalised.ts';
import { viewOf } from './view.ts';

export function setupView(head: EventHead, setup: Json, context: NormaliseContext): Normalised {
  const id = textOf(setup.id);
  if (id === null) return { kind: 'bad', reason: 'no_id', message: `${head.type} has a setup without an id.` };
  const error = objectOf(setup.last_setup_error);
  const succeeded = head.type === 'setup_intent.succeeded';
  const method = succeeded ? objectOf(setup.payment_method) : objectOf(error?.payment_method);
  return viewOf(head, context, {
    object: setup,
    source: 'setup',
    attempt: idOf(setup.latest_attempt) ?? head.event,
    kind: 'setup',
    time: head.created,
    method: methodFields(method),
    result: succeeded ? resultOf('succeeded', '', head.livemode) : failureResult(head, error),
    customer: idOf(setup.customer) ?? idOf(setup.customer_account),
    email: emailOf(textOf(objectOf(method?.billing_details)?.email)),
    intent: id,
  });
}
