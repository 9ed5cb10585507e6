// The intent view of a failed payment. It hides Radar's blocks, and without a charge it is the only view there is.
import type { AttemptFields } from '../model/attempt.ts';
import { isAuthenticationFailure } from './charge.ts';
import { emailOf, invoiceHints, legacySourceFields, metadataFields, methodFields, resultOf } from './fields.ts';
import { compact, idAt, isJson, type Json, objectAt, secondAt, textAt, wholeAt } from './json.ts';
import type { EventHead, NormaliseContext, Normalised } from './normalised.ts';

export function intentView(head: EventHead, intent: Json, context: NormaliseContext): Normalised {
  const id = textAt(intent, 'id');
  if (id === null) return { kind: 'bad', reason: 'no_id', message: `${head.type} has an intent without an id.` };
  const error = objectAt(intent, 'last_payment_error');
  const attempt = attemptId(head, id, intent, error);
  if (attempt === null) return { kind: 'ignored', reason: 'no_attempt' };
  const method = objectAt(error, 'payment_method');
  const { type: _type, ...rank } = head;
  return {
    kind: 'view',
    view: {
      ...rank,
      record: 'view',
      source: 'intent',
      attempt,
      kind: 'payment',
      time: head.created,
      ...invoiceHints(intent),
      fields: compact<AttemptFields>({
        ...(method === null ? legacySourceFields(objectAt(error, 'source')) : methodFields(method)),
        ...metadataFields(intent, context),
        result: failureResult(head, error),
        amount: wholeAt(intent, 'amount'),
        currency: textAt(intent, 'currency')?.toLowerCase(),
        customer: idAt(intent, 'customer') ?? idAt(intent, 'customer_account'),
        email: emailOf(textAt(objectAt(method, 'billing_details'), 'email'), textAt(intent, 'receipt_email')),
        intent: id,
      }),
    },
  };
}

/** Of an intent or setup: `decline_code`, else `code`. */
export function failureResult(head: EventHead, error: Json | null) {
  const errorCode = textAt(error, 'code');
  const code = textAt(error, 'decline_code') ?? errorCode ?? '';
  return resultOf(isAuthenticationFailure(errorCode) ? 'authentication_failed' : 'declined', code, head.livemode);
}

/**
 * The charge's id where one exists. An error without a charge made none: only the event id tells such attempts apart
 * (`latest_charge` may still name the one before).
 */
function attemptId(head: EventHead, id: string, intent: Json, error: Json | null): string | null {
  if (error === null) return idAt(intent, 'latest_charge') ?? newestEmbeddedCharge(intent);
  return idAt(error, 'charge') ?? `${id}:${idAt(error, 'payment_method') ?? '-'}:${head.event}`;
}

/** Up to 2022-08-01 an intent embeds its charges, newest first; they serve identity only. */
function newestEmbeddedCharge(intent: Json): string | null {
  const data = objectAt(intent, 'charges')?.data;
  if (!Array.isArray(data)) return null;
  const charges = data.filter(isJson).filter((charge) => textAt(charge, 'id') !== null);
  const [newest = null] = charges.toSorted((a, b) => (secondAt(b, 'created') ?? 0) - (secondAt(a, 'created') ?? 0));
  return textAt(newest, 'id');
}
