// What is heard, put together: Stripe's webhooks and Slack's clicks, and in the demo simulated traffic through the very same door.
import type { Slack } from '../alerts/slack.ts';
import { startWebhookServer } from '../ingest/webhook.ts';
import type { Core } from './core.ts';
import { demoSecret, startDemo } from './demo.ts';
import type { Progress } from './progress.ts';

/** The webhook's address. */
export async function startHearing(
  core: Core,
  { slack, progress }: { readonly slack: Slack | null; readonly progress: Progress },
): Promise<string> {
  const { config, options, log, clock, logger, general, metrics, teardown, child } = core;
  const secrets = options.demo ? [demoSecret()] : config.stripe.webhookSecrets;
  const server = await startWebhookServer({
    log,
    clock,
    logger: child('ingest'),
    host: config.host,
    port: config.port,
    secrets,
    context: general,
    latenessMs: () => general().latenessMs,
    extra: slack === null ? [] : [{ method: 'POST', path: '/slack/events', handle: slack.handleHttp }],
    health: progress.health,
    metrics: metrics.ingest,
  });
  teardown.push('webhook', () => server.close());
  const url = `${server.url}/webhooks/stripe`;
  if (options.demo) {
    const simulated = startDemo({ url, secret: secrets[0] ?? '', clock, logger });
    teardown.push('demo', () => simulated.stop());
  }
  return url;
}
