// The other forms in which an event may arrive: thin notifications (recognised and named) and the envelopes of event
// buses (unwrapped in backtest files only: they are unsigned).
import { isJson, textOf } from './json.ts';

/** `object: v2.core.event`, no data in it. */
export function isThin(event: unknown): boolean {
  return isJson(event) && event.object === 'v2.core.event';
}

/** The event inside an EventBridge (`detail`) or Event Grid (`data`, CloudEvents) envelope; anything else as it is. */
export function unwrapEnvelope(value: unknown): unknown {
  if (!isJson(value) || value.object !== undefined) return value;
  if (isJson(value.detail) && (textOf(value.source) ?? '').startsWith('aws.partner/stripe.com')) return value.detail;
  if (isJson(value.data) && textOf(value.specversion) !== null) return value.data;
  return value;
}
