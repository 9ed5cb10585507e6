// The demo: simulated traffic and an attack, as signed webhooks to the service's own port.
import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { Clock } from '../model/clock.ts';
import { simulate } from '../simulate/send.ts';

export const demoSecret = (): string => `whsec_${randomBytes(24).toString('hex')}`;

/** Which variables make each part real, a line each. */
export const DEMO_LINES: readonly string[] = [
  'Stripe: set STRIPE_WEBHOOK_SECRET to the signing secret of your webhook endpoint (docs/stripe.md).',
  'Slack:  set SLACK_BOT_TOKEN, SLACK_CHANNEL and SLACK_APP_TOKEN or SLACK_SIGNING_SECRET (docs/slack.md).',
  'Sheet:  set GOOGLE_SHEET_ID and GOOGLE_APPLICATION_CREDENTIALS (docs/sheets.md).',
];

const TRIES_A_SECOND = 5;

export type DemoOptions = {
  /** Of the webhook. */
  readonly url: string;
  readonly secret: string;
  readonly clock: Clock;
  readonly logger: Logger;
};

/** Runs until it is stopped. */
export function startDemo({ url, secret, clock, logger }: DemoOptions): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const seed = clock.now() >>> 0;
  const running = simulate({
    url,
    secret,
    name: 'demo',
    seed,
    ratePerS: TRIES_A_SECOND,
    count: null,
    clock,
    signal: stopping.signal,
  }).then(({ events, refused, lastRefusal }) => {
    if (refused > 0) logger.warn({ events, refused, lastRefusal }, 'some simulated webhooks were refused');
  });
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}
