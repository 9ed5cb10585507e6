// The charge view of an attempt: the only one with Radar's outcome, and the one that wins a merge.
import type { AttemptFields, Outcome, Result } from '../model/attempt.ts';
import { emailOf, invoiceHints, legacySourceFields, metadataFields, methodFields, resultOf } from './fields.ts';
import { compact, idAt, type Json, objectAt, secondAt, textAt, wholeAt } from './json.ts';
import type { EventHead, NormaliseContext, Normalised } from './normalised.ts';

export function chargeView(head: EventHead, charge: Json, context: NormaliseContext): Normalised {
  const attempt = textAt(charge, 'id');
  if (attempt === null) return { kind: 'bad', reason: 'no_id', message: `${head.type} has a charge without an id.` };
  const details = objectAt(charge, 'payment_method_details');
  const isLegacy = textAt(details, 'type') === null;
  const method = isLegacy ? legacySourceFields(objectAt(charge, 'source')) : methodFields(details);
  const { type: _type, ...rank } = head;
  return {
    kind: 'view',
    view: {
      ...rank,
      record: 'view',
      source: 'charge',
      attempt,
      kind: 'payment',
      time: method.method === 'card' ? (secondAt(charge, 'created') ?? head.created) : head.created,
      ...invoiceHints(charge),
      fields: compact<AttemptFields>({
        ...method,
        ...metadataFields(charge, context),
        result: chargeResult(head, charge),
        amount: wholeAt(charge, 'amount'),
        currency: textAt(charge, 'currency')?.toLowerCase(),
        customer: idAt(charge, 'customer'),
        email: emailOf(textAt(objectAt(charge, 'billing_details'), 'email'), textAt(charge, 'receipt_email')),
        intent: idAt(charge, 'payment_intent'),
      }),
    },
  };
}

function chargeResult(head: EventHead, charge: Json): Result {
  if (head.type === 'charge.succeeded') return resultOf('succeeded', '', head.livemode);
  const outcome = objectAt(charge, 'outcome');
  const failureCode = textAt(charge, 'failure_code');
  const code = textAt(outcome, 'reason') ?? failureCode ?? '';
  return resultOf(outcomeOf(textAt(outcome, 'type'), failureCode), code, head.livemode);
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
