// Signs and posts bodies as Stripe does, with every part open to a test's change.
import Stripe from 'stripe';

export const SECRET = 'whsec_test_of_the_webhook';

export type Sent = { readonly status: number; readonly body: Readonly<Record<string, unknown>> };

export type SendOptions = {
  readonly secret?: string;
  /** Seconds. */
  readonly timestamp?: number;
  /** Instead of the one computed; null: none. */
  readonly signature?: string | null;
};

export function signatureOf(payload: string, { secret = SECRET, timestamp }: SendOptions = {}): string {
  const at = timestamp ?? Math.floor(Date.now() / 1000);
  return Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp: at });
}

/** Posts to `POST /webhooks/stripe`; an object is sent as JSON. */
export async function send(url: string, event: unknown, options: SendOptions = {}): Promise<Sent> {
  const payload = typeof event === 'string' ? event : JSON.stringify(event);
  const signature = options.signature === undefined ? signatureOf(payload, options) : options.signature;
  const response = await fetch(`${url}/webhooks/stripe`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(signature === null ? {} : { 'stripe-signature': signature }) },
    body: payload,
  });
  return { status: response.status, body: (await response.json()) as Sent['body'] };
}
