// The charge view of an attempt: the only one with Radar's outcome, and the one that wins a merge.
import type { Outcome, Result } from '../model/attempt.ts';
import { currencyOf, emailOf, legacySourceFields, methodFields, resultOf } from './fields.ts';
import { idOf, type Json, objectOf, secondOf, textOf, wholeOf } from './json.ts';
import type { EventHead, NormaliseContext, Normalised } from './normalised.ts';
import { viewOf } from './view.ts';

export function chargeView(head: EventHead, charge: Json, context: NormaliseContext): Normalised {
  const attempt = textOf(charge.id);
  if (attempt === null) return { kind: 'bad', reason: 'no_id', message: `${head.type} has a charge without an id.` };
  const details = methodFields(objectOf(charge.payment_method_details));
  const method = details.method === null ? legacySourceFields(objectOf(charge.source)) : details;
  return viewOf(head, context, {
    object: charge,
    source: 'charge',
    attempt,
    kind: 'payment',
    time: method.method === 'card' ? (secondOf(charge.created) ?? head.created) : head.created,
    method,
    result: chargeResult(head, charge),
    amount: wholeOf(charge.amount),
    currency: currencyOf(charge),
    customer: idOf(charge.customer),
    email: emailOf(textOf(objectOf(charge.billing_details)?.email), textOf(charge.receipt_email)),
    intent: idOf(charge.payment_intent),
  });
}

function chargeResult(head: EventHead, charge: Json): Result {
  if (head.type === 'charge.succeeded') return resultOf('succeeded', '', head.livemode);
  const outcome = objectOf(charge.outcome);
  const failureCode = textOf(charge.failure_code);
  const code = textOf(outcome?.reason) ?? failureCode ?? '';
  return resultOf(outcomeOf(textOf(outcome?.type), failureCode), code, head.livemode);
}

/** A failure that Radar let through and no issuer refused (`authorized`, a late bank debit) is a decline too. */
function outcomeOf(type: string | null, failureCode: string | null): Outcome {
  if (type === 'blocked') return 'blocked';
  if (type === 'invalid') return 'invalid';
  return isAuthenticationFailure(failureCode) ? 'authentication_failed' : 'declined';
}

/** The only two codes that say so (design §4.1). */
export function isAuthenticationFailure(code: string | null): boolean {
  return code === 'payment_intent_authentication_failure' || code === 'setup_intent_authentication_failure';
}
