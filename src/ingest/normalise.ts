// A Stripe event as what the detectors count: a view of an attempt, a signal, or nothing (design §4.1). Pure; it never
// throws, whatever the event holds.
import { chargeView } from './charge.ts';
import { isThin } from './envelope.ts';
import { intentView } from './intent.ts';
import { isJson, type Json, objectOf, secondOf, textOf } from './json.ts';
import type { BadReason, EventHead, NormaliseContext, Normalised } from './normalised.ts';
import { setupView } from './setup.ts';
import { isSignalType, signalView } from './signal.ts';

const bad = (reason: BadReason, message: string): Normalised => ({ kind: 'bad', reason, message });

export function normalise(event: unknown, context: NormaliseContext): Normalised {
  if (isThin(event))
    return bad('thin_notification', 'A thin notification carries no data: let the endpoint send snapshot events.');
  const head = headOf(event);
  if (head === null || !isJson(event))
    return bad('not_an_event', 'This is no Stripe event: object, id, type, created or livemode is missing.');
  const object = objectOf(objectOf(event.data)?.object);
  if (object === null) return bad('no_object', `${head.type} has no data.object.`);
  return fromObject(head, object, context);
}

/** The envelope of a snapshot event, or null if it is none. */
export function headOf(event: unknown): EventHead | null {
  if (!isJson(event) || event.object !== 'event') return null;
  const id = textOf(event.id);
  const type = textOf(event.type);
  const created = secondOf(event.created);
  if (id === null || type === null || created === null || typeof event.livemode !== 'boolean') return null;
  return {
    event: id,
    type,
    created,
    apiVersion: textOf(event.api_version) ?? '',
    account: textOf(event.account),
    livemode: event.livemode,
  };
}

function fromObject(head: EventHead, object: Json, context: NormaliseContext): Normalised {
  switch (head.type) {
    case 'charge.failed':
    case 'charge.succeeded':
      return chargeView(head, object, context);
    case 'payment_intent.payment_failed':
      return intentView(head, object, context);
    case 'setup_intent.setup_failed':
    case 'setup_intent.succeeded':
      return setupView(head, object, context);
    default:
      if (isSignalType(head.type)) return signalView(head, object);
      return { kind: 'ignored', reason: isLinkType(head.type) ? 'link' : 'other_type' };
  }
}

const isLinkType = (type: string): boolean => /^(invoice|invoice_payment|checkout\.session)\./.test(type);
