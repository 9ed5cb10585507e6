// Raw Stripe events of a stream, as Stripe sends them: one event for an attempt, shaped like the sample events of the tests.
import { readFileSync } from 'node:fs';
import type { View } from '../src/model/attempt.ts';
import { attemptStream, type StreamOptions } from './streams.ts';

type Json = Record<string, unknown>;

const sample = (name: string): Json =>
  JSON.parse(readFileSync(new URL(`../test/fixtures/stripe/${name}.json`, import.meta.url), 'utf8')) as Json;

/** Of a declined charge. */
export const failedSample = (): Json => sample('endive-charge-failed');

/** JSON texts, one line each. */
export function* eventStream(options: StreamOptions): Generator<string> {
  const failed = failedSample();
  const succeeded = sample('endive-charge-succeeded-apple-pay');
  for (const view of attemptStream(options)) {
    const isDeclined = view.fields.result?.outcome === 'declined';
    yield JSON.stringify(eventOf(isDeclined ? failed : succeeded, view));
  }
}

export function eventOf(template: Json, { attempt, event, time, fields }: View): Json {
  const { object } = template.data as { object: Json };
  const details = object.payment_method_details as { card: Json };
  return {
    ...template,
    id: event,
    created: time,
    data: {
      object: {
        ...object,
        id: attempt,
        created: time,
        amount: fields.amount,
        currency: fields.currency,
        customer: fields.customer,
        billing_details: { ...(object.billing_details as Json), email: fields.email },
        payment_intent: attempt.replace('ch_', 'pi_'),
        payment_method_details: { ...details, card: { ...details.card, fingerprint: fields.card } },
      },
    },
  };
}
