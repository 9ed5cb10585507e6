// The whole flow, in the order the data takes: storage → settings → detectors → incidents → what is told → what is heard.
// Everything is put together here and nowhere else, each stage by its file in app/; what was started is stopped in the
// opposite order.
import { join } from 'node:path';
import type { Logger } from 'pino';
import { type AppOptions, type Core, openCore, type Parts } from './app/core.ts';
import { startDetecting } from './app/detecting.ts';
import type { Health } from './app/health.ts';
import { startHearing } from './app/hearing.ts';
import { startLooking } from './app/looking.ts';
import { startReviewing } from './app/reviewing.ts';
import { SHIPPED_DETECTORS, watchSettingsFile } from './app/settings-file.ts';
import { startSilenceWatch } from './app/silence.ts';
import { type StripeSide, startStripeSide } from './app/stripe-side.ts';
import { createTeardown } from './app/teardown.ts';
import { startTelling, type Told } from './app/telling.ts';
import type { Config } from './config/config.ts';
import type { IncidentFeed } from './feed/feed.ts';
import { startIncidentManager } from './incidents/manager.ts';
import { systemClock } from './model/clock.ts';
import { createLogger } from './telemetry/logger.ts';

export { type AppOptions, ROLES, type Role } from './app/core.ts';

export type App = {
  /** Of the console, without a slash at its end. */
  readonly consoleUrl: string;
  /** Of the webhook; null if this process does not ingest. */
  readonly webhookUrl: string | null;
  health(): Promise<Health>;
  /** Drains and stops every part. Safe to call twice. */
  stop(): Promise<void>;
};

/** Rejects with an AppError that names the cure; what had been started by then is stopped. */
export async function startApp(config: Config, options: AppOptions): Promise<App> {
  const logger = createLogger(config.logLevel);
  const teardown = createTeardown(logger);
  try {
    return await assemble({ config, options, logger, teardown, clock: options.clock ?? systemClock });
  } catch (error) {
    await teardown.run();
    throw error;
  }
}

async function assemble(parts: Parts): Promise<App> {
  // Storage: the log and the window store; and the incidents, which everybody follows.
  const core = await openCore(parts);
  const { has } = core;

  // Incidents are decided by the manager. Settings: the file is their first author.
  if (has('respond', 'manage')) await startManager(core);
  if (has('respond')) await startSettings(core);

  // Detectors: attempts in, reports out.
  const detecting = has('detect') ? await startDetecting(core) : null;
  const runHistory = detecting?.runHistory ?? (async () => undefined);

  // Stripe's API: what the webhooks missed, the past, the charges of signals.
  const stripe = await startStripe(core);

  // What looks back: verify, grades, months, tuning.
  const reviewing = startReviewing(core, runHistory);

  // The console and the API, in every process.
  let told: Told = { slack: null, preview: null };
  const preview = () => told.preview;
  const looking = await startLooking(core, { detecting, stripe, reviewing, runHistory, preview });

  // What is told: Slack and the sheet; and that an account has fallen silent.
  if (has('respond')) {
    await startSilence(core);
    told = await startTelling(core, { stripe, reviewing, looking });
  }

  // What is heard: Stripe's webhooks and Slack's clicks.
  const { progress, consoleUrl } = looking;
  const webhookUrl = has('ingest') ? await startHearing(core, { slack: told.slack, progress }) : null;
  return { consoleUrl, webhookUrl, health: core.health, stop: () => core.teardown.run() };
}

async function startManager({ log, clock, metrics, sources, teardown, child }: Core): Promise<void> {
  const manager = await startIncidentManager({ log, clock, logger: child('incidents'), metrics: metrics.manager });
  teardown.push('incident manager', () => manager.close());
  sources.manager = manager.status;
}

async function startSettings({ config, options, feed, log, clock, sources, teardown, child }: Core): Promise<void> {
  const path = config.detectorsFile ?? SHIPPED_DETECTORS;
  const takeFile = options.takeFile ?? false;
  const file = await watchSettingsFile({ path, feed, log, clock, logger: child('settings'), takeFile });
  teardown.push('settings file', () => file.stop());
  sources.settingsFile = file.problem;
}

async function startStripe(core: Core): Promise<StripeSide> {
  const { config, options, dataFolder, feed, log, clock, logger, general, sources, teardown, has, child } = core;
  if (has('ingest')) await settingsKnown(feed, logger);
  const isIngesting = has('ingest') && !options.demo;
  const side = { config, dataFolder, log, clock, logger: child('stripe'), general, isIngesting };
  const stripe = await startStripeSide(side, teardown);
  sources.reconciliation = stripe.reconciliation?.status;
  sources.enrichment = stripe.enrichment?.status;
  return stripe;
}

/** The demo's traffic follows no rhythm. */
async function startSilence({ options, dataFolder, log, feed, clock, sources, teardown, child }: Core): Promise<void> {
  if (options.demo) return;
  const file = join(dataFolder, 'rhythm.json');
  const silence = await startSilenceWatch({ log, feed, clock, logger: child('silence'), file });
  teardown.push('silence', () => silence.close());
  sources.silence = silence.status;
}

/** Ingest must know which metadata to keep: resolves once the first settings are accepted. */
async function settingsKnown(feed: IncidentFeed, logger: Logger): Promise<void> {
  if (feed.general() !== null) return;
  logger.info('waiting for the first settings, which a process of role respond reads from detectors.yaml');
  await new Promise<void>((resolve) => {
    const stop = feed.subscribe(() => {
      if (feed.general() === null) return;
      stop();
      resolve();
    });
  });
}
