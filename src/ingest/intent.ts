// The intent view of a failed payment. It hides Radar's blocks, and without a charge it is the only view there is.
import { isAuthenticationFailure } from './charge.ts';
import { currencyOf, emailOf, legacySourceFields, methodFields, resultOf } from './fields.ts';
import { idOf, isJson, type Json, objectOf, secondOf, textOf, wholeOf } from './json.ts';
import type { EventHead, NormaliseContext, Normalised } from './normalised.ts';
import { viewOf } from './view.ts';

export function intentView(head: EventHead, intent: Json, context: NormaliseContext): Normalised {
  const id = textOf(intent.id);
  if (id === null) return { kind: 'bad', reason: 'no_id', message: `${head.type} has an intent without an id.` };
  const error = objectOf(intent.last_payment_error);
  const attempt = attemptId(head, id, intent, error);
  if (attempt === null) return { kind: 'ignored', reason: 'no_attempt' };
  const method = objectOf(error?.payment_method);
  return viewOf(head, context, {
    object: intent,
    source: 'intent',
    attempt,
    kind: 'payment',
    time: head.created,
    method: method === null ? legacySourceFields(objectOf(error?.source)) : methodFields(method),
    result: failureResult(head, error),
    amount: wholeOf(intent.amount),
    currency: currencyOf(intent),
    customer: idOf(intent.customer) ?? idOf(intent.customer_account),
    email: emailOf(textOf(objectOf(method?.billing_details)?.email), textOf(intent.receipt_email)),
    intent: id,
  });
}

/** Of an intent or setup: `decline_code`, else `code`. */
export function failureResult(head: EventHead, error: Json | null) {
  const errorCode = textOf(error?.code);
  const code = textOf(error?.decline_code) ?? errorCode ?? '';
  return resultOf(isAuthenticationFailure(errorCode) ? 'authentication_failed' : 'declined', code, head.livemode);
}

/**
 * The charge's id where one exists. An error without a charge made none: only the event id tells such attempts apart
 * (`latest_charge` may still name the one before).
 */
function attemptId(head: EventHead, id: string, intent: Json, error: Json | null): string | null {
  if (error === null) return idOf(intent.latest_charge) ?? newestEmbeddedCharge(intent);
  return idOf(error.charge) ?? `${id}:${idOf(error.payment_method) ?? '-'}:${head.event}`;
}

/** Up to 2022-08-01 an intent embeds its charges, newest first; they serve identity only. */
function newestEmbeddedCharge(intent: Json): string | null {
  const data = objectOf(intent.charges)?.data;
  if (!Array.isArray(data)) return null;
  const charges = data.filter(isJson).filter((charge) => textOf(charge.id) !== null);
  const [newest = null] = charges.toSorted((a, b) => (secondOf(b.created) ?? 0) - (secondOf(a.created) ?? 0));
  return textOf(newest?.id);
}
