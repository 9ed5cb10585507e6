// The whole flow, in the order the data takes: storage → settings → detectors → incidents → what is told → what is heard.
// Everything is put together here and nowhere else; what was started is stopped in the opposite order.
import { join } from 'node:path';
import type { Logger } from 'pino';
import { startSlackPreview } from './alerts/preview.ts';
import { type Slack, type SlackOptions, startSlack } from './alerts/slack.ts';
import { createDeadLetterDesk } from './app/dead-letter-desk.ts';
import { DEMO_LINES, demoSecret, startDemo } from './app/demo.ts';
import { openErasingLog, startErasing } from './app/erasing.ts';
import { type Health, type HealthSources, healthOf } from './app/health.ts';
import { operationsOf } from './app/operations.ts';
import { keptPiiKey } from './app/pii-key.ts';
import { stagesOf, watchProgress } from './app/progress.ts';
import { readingsOf } from './app/readings.ts';
import { startGrades } from './app/report-operations.ts';
import { SHIPPED_DETECTORS, watchSettingsFile } from './app/settings-file.ts';
import { startSilenceWatch } from './app/silence.ts';
import { watchStateLimit } from './app/state-limit.ts';
import { openStorage } from './app/storage.ts';
import { coverageSentence, startStripeSide } from './app/stripe-side.ts';
import { createTeardown, type Teardown } from './app/teardown.ts';
import type { Config } from './config/config.ts';
import { startConsole } from './console/console.ts';
import type { Preview } from './console/options.ts';
import { openDeliveryIndex } from './deliveries/delivery-index.ts';
import { incidentsOf } from './deliveries/loop.ts';
import { validateChange } from './detectors/detectors-file.ts';
import { startHistoryLane } from './detectors/history.ts';
import { type DetectWorker, startDetectWorker } from './detectors/worker.ts';
import { openDeadLetterIndex } from './feed/dead-letter-index.ts';
import type { IncidentFeed } from './feed/feed.ts';
import { openIncidentFeed } from './feed/incident-feed.ts';
import { startIncidentManager } from './incidents/manager.ts';
import { startWebhookServer } from './ingest/webhook.ts';
import type { EventLog } from './log/event-log.ts';
import { type Clock, systemClock } from './model/clock.ts';
import type { Delivery } from './model/delivery.ts';
import type { GeneralSettings } from './model/detector.ts';
import type { Months } from './model/month.ts';
import { type PreviewRows, startSheetsPreview } from './sinks/preview.ts';
import { startSheets } from './sinks/sheets.ts';
import { createLogger } from './telemetry/logger.ts';
import { createMetrics, type Metrics } from './telemetry/metrics.ts';
import { changeWords } from './tuning/change-words.ts';
import { createGotThrough } from './tuning/got-through.ts';
import { attemptsOfIncident } from './tuning/members.ts';
import { monthReport } from './tuning/month-report.ts';
import { monthWords } from './tuning/month-words.ts';
import { startTuning, type Tuning } from './tuning/tuning.ts';
import { startVerifyJob } from './tuning/verify-job.ts';
import { why } from './tuning/why.ts';

/** `manage`: incidents can be read and acted on, nothing is told or heard; what the CLI opens for one command. */
export const ROLES = ['ingest', 'detect', 'respond', 'manage'] as const;
export type Role = (typeof ROLES)[number];

export type AppOptions = {
  readonly roles: readonly Role[];
  /** Simulated traffic, previews in place of Slack and the sheet, a data folder of its own. */
  readonly demo: boolean;
  /** The detectors file wins over what persons have set. */
  readonly takeFile?: boolean;
  readonly clock?: Clock;
  /** What opens the log and the window store. Default: as configured. Tests of crashes put something between. */
  readonly storage?: typeof openStorage;
};

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

type Parts = {
  readonly config: Config;
  readonly options: AppOptions;
  readonly logger: Logger;
  readonly teardown: Teardown;
  readonly clock: Clock;
};

async function assemble(parts: Parts): Promise<App> {
  const { config, options, logger, teardown, clock } = parts;
  const { demo } = options;
  const has = (...roles: readonly Role[]): boolean => roles.some((role) => options.roles.includes(role));
  const dataFolder = demo ? join(config.dataFolder, 'demo') : config.dataFolder;
  const metrics = createMetrics();
  const child = (part: string): Logger => logger.child({ part });

  // Storage: the log and the window store.
  const owner = `console at ${config.url ?? `http://${config.adminHost}:${config.adminPort}`}`;
  const open = options.storage ?? openStorage;
  const storage = await open({ config, dataFolder, owner, clock, logger }, teardown);
  const { store, kind } = storage;
  const piiKey = config.piiKey ?? keptPiiKey(dataFolder);
  // Everybody reads it without those who were erased.
  const erasing = await openErasingLog(storage, { piiKey, logger: child('erasure') }, teardown);
  const { log } = erasing;
  const erased = erasing.erasures.newest;
  const sources: HealthSources = { log, store, deliveries: [] };
  const health = async (): Promise<Health> => await healthOf(sources);

  // Incidents: decided by the manager, followed by everybody.
  const feed = await openIncidentFeed({ log, logger: child('feed'), ...groupOf(kind, 'feed') });
  teardown.push('feed', () => feed.close());
  sources.feed = feed.status;
  if (has('respond', 'manage')) {
    const manager = await startIncidentManager({ log, clock, logger: child('incidents'), metrics: metrics.manager });
    teardown.push('incident manager', () => manager.close());
    sources.manager = manager.status;
  }

  // Settings: the file is their first author.
  if (has('respond')) {
    const path = config.detectorsFile ?? SHIPPED_DETECTORS;
    const takeFile = options.takeFile ?? false;
    const file = await watchSettingsFile({ path, feed, log, clock, logger: child('settings'), takeFile });
    teardown.push('settings file', () => file.stop());
    sources.settingsFile = file.problem;
  }

  // Detectors: attempts in, reports out; at once for what comes in time, later for what comes late.
  let runHistory = async (): Promise<void> => undefined;
  let detectWorker: DetectWorker | null = null;
  if (has('detect')) {
    const detect = await startDetectWorker({
      log,
      store,
      clock,
      logger: child('detectors'),
      piiKey,
      erased,
      metrics: metrics.detect,
    });
    detectWorker = detect;
    teardown.push('detectors', () => detect.close());
    sources.detect = detect.status;
    const limit = watchStateLimit({ partitions: detect.status, log, feed, clock, logger: child('detectors') });
    teardown.push('state limit', () => limit.stop());
    const history = await startHistoryLane({ log, store, clock, logger: child('history'), piiKey, erased });
    teardown.push('history lane', () => history.close());
    sources.history = history.status;
    runHistory = history.runNow;
  }

  // Stripe's API: what the webhooks missed, the past, the charges of signals.
  const general = (): GeneralSettings => feed.general() ?? NO_SETTINGS;
  if (has('ingest')) await settingsKnown(feed, logger);
  const isIngesting = has('ingest') && !demo;
  const stripe = await startStripeSide(
    { config, dataFolder, log, clock, logger: child('stripe'), general, isIngesting },
    teardown,
  );
  sources.reconciliation = stripe.reconciliation?.status;
  sources.enrichment = stripe.enrichment?.status;

  // The console and the API, in every process: health and metrics are each one's own.
  const verifying = { log, feed, piiKey, clock, logger: child('verify'), settle: runHistory };
  const verification = startVerifyJob(has('respond') ? verifying : { ...verifying, everyMs: null });
  teardown.push('verification', () => verification.close());
  sources.verification = verification.status;
  let months: Months | null = null;
  if (has('respond')) {
    const grades = startGrades({ log, feed, piiKey, clock, logger: child('grades'), dataFolder });
    teardown.push('grades', () => grades.close());
    months = grades.months;
  }
  let tuning: Tuning | null = null;
  if (has('respond')) {
    const made = startTuning({ log, feed, piiKey, clock, logger: child('tuning') });
    teardown.push('tuning', () => made.close());
    tuning = made;
  }
  const posted = observeAlerts({ feed, metrics, sources, startedAt: clock.now() });
  const deliveries = await openDeliveryIndex({ log, posted, ...groupOf(kind, 'delivery-index') });
  teardown.push('delivery index', () => deliveries.close());
  const deadLetters = await openDeadLetterIndex({ log, ...groupOf(kind, 'dead-letter-index') });
  teardown.push('dead letter index', () => deadLetters.close());
  sources.deadLetters = deadLetters.counts;
  const letters = createDeadLetterDesk({ ...stripe, log, clock, general, deadLetters });
  const isResponding = has('respond', 'manage');
  const { erases, status: erasingStatus } = await startErasing(
    {
      storage,
      erasing,
      feed,
      detect: detectWorker,
      isHistoryRunning: () => sources.history?.().some(({ isRunning }) => isRunning) ?? false,
      isResponding,
      deliveriesOf: deliveries.of,
      piiKey,
      clock,
      logger: child('erasure'),
    },
    teardown,
  );
  if (erasingStatus !== undefined) sources.erasing = erasingStatus;
  const progress = watchProgress(() => stagesOf(sources), clock);
  teardown.push('progress', () => progress.stop());
  let told: Told = { slack: null, preview: null };
  const site = await startConsole({
    host: config.adminHost,
    port: config.adminPort,
    tokens: config.tokens,
    consoleUrl: config.url,
    feed,
    log,
    clock,
    logger: child('console'),
    attemptsOf: async (incident) =>
      await attemptsOfIncident({ log, piiKey }, incident, feed.settingsHistory(incident.detector)),
    deliveriesOf: deliveries.of,
    failedDeliveries: deliveries.failed,
    health,
    alive: progress.health,
    metrics: async () => await metrics.text(readingsOf(sources, await health(), clock.now())),
    validateDetector: validateChange,
    operations: operationsOf({
      ...verifying,
      ...stripe,
      erases,
      deadLetters: letters,
      verification,
      runHistory,
      tuning,
    }),
    tuning,
    deadLetters: letters,
    months: async (month, signal) => ({ month, scopes: monthWords(await monthReport(verifying, month, signal)) }),
    preview: () => told.preview,
    demo: demo ? { lines: DEMO_LINES } : null,
  });
  teardown.push('console', () => site.close());
  const consoleUrl = config.url ?? site.url;

  // Silence: an account whose events stop. The demo's traffic follows no rhythm.
  if (has('respond') && !demo) {
    const file = join(dataFolder, 'rhythm.json');
    const silence = await startSilenceWatch({ log, feed, clock, logger: child('silence'), file });
    teardown.push('silence', () => silence.close());
    sources.silence = silence.status;
  }

  // What is told: Slack and the sheet.
  if (has('respond')) {
    const rowUrlOf = (incident: string): string | null =>
      deliveries.of(incident).find(({ output, slot }) => output === 'sheets' && slot === 'row')?.place?.url ?? null;
    told = await startTelling({
      ...parts,
      log,
      feed,
      metrics,
      consoleUrl,
      sources,
      tuning,
      months,
      slack: {
        throughOf: createGotThrough({ log, piiKey, erased }),
        rowUrlOf,
        wouldHaveDone: async (asked, signal) => await changeWords({ log, feed, piiKey, clock }, asked, signal),
        why: async (question) => await why({ log, feed, piiKey, clock }, question),
        coverage: () => coverageSentence(stripe.reconciliation),
        health: async () => (await health()).parts,
      },
    });
    teardown.push('latency', observeLatency(feed, metrics));
  }

  // What is heard: Stripe's webhooks and Slack's clicks.
  let webhookUrl: string | null = null;
  if (has('ingest')) {
    const secrets = demo ? [demoSecret()] : config.stripe.webhookSecrets;
    const server = await startWebhookServer({
      log,
      clock,
      logger: child('ingest'),
      host: config.host,
      port: config.port,
      secrets,
      context: general,
      latenessMs: () => general().latenessMs,
      extra: told.slack === null ? [] : [{ method: 'POST', path: '/slack/events', handle: told.slack.handleHttp }],
      health: progress.health,
      metrics: metrics.ingest,
    });
    teardown.push('webhook', () => server.close());
    webhookUrl = `${server.url}/webhooks/stripe`;
    // Simulated traffic, through the very same door.
    if (demo) {
      const simulated = startDemo({ url: webhookUrl, secret: secrets[0] ?? '', clock, logger });
      teardown.push('demo', () => simulated.stop());
    }
  }
  return { consoleUrl, webhookUrl, health, stop: () => teardown.run() };
}

/** Before any file was read: the defaults of design §5. */
const NO_SETTINGS: GeneralSettings = { latenessMs: 72 * 3_600_000, metadata: { ip: null, keys: [] } };

/** Groups of an embedded log are kept for ever: they have names. In Kafka each process has its own, which goes with it. */
function groupOf(kind: 'embedded' | 'kafka', group: string): { readonly group?: string } {
  return kind === 'embedded' ? { group } : {};
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

function observeLatency(feed: IncidentFeed, metrics: Metrics): () => void {
  return feed.subscribe(({ type, at, incident }) => {
    if (type === 'opened' && incident !== null && incident.receivedAt !== null)
      metrics.opened(at - incident.receivedAt);
  });
}

type AlertParts = {
  readonly feed: IncidentFeed;
  readonly metrics: Metrics;
  readonly sources: HealthSources;
  /** Milliseconds: what was told before was measured then. */
  readonly startedAt: number;
};

/** From the decline that breached to what people see, measured once: by the process that tells. */
function observeAlerts({ feed, metrics, sources, startedAt }: AlertParts): (delivery: Delivery) => void {
  return ({ output, subject, slot, at }) => {
    if (at < startedAt || (slot !== 'message' && slot !== 'row')) return;
    if (!sources.deliveries.some((status) => status().output === output && status().active)) return;
    const incident = feed.get(subject);
    if (incident !== null && incident.kind === 'episode' && !incident.late)
      metrics.alerted(output, at - incident.openingBreachS * 1000);
  };
}

type Told = {
  readonly slack: Slack | null;
  readonly preview: Preview | null;
};

type TellingParts = Parts & {
  readonly log: EventLog;
  readonly feed: IncidentFeed;
  readonly metrics: Metrics;
  readonly consoleUrl: string;
  readonly sources: HealthSources;
  readonly tuning: Tuning | null;
  readonly months: Months | null;
  /** What Slack shows beside the incidents themselves. */
  readonly slack: Required<
    Pick<SlackOptions, 'throughOf' | 'rowUrlOf' | 'wouldHaveDone' | 'why' | 'coverage' | 'health'>
  >;
};

/** In the demo how it would look; else each output that is configured. */
async function startTelling(parts: TellingParts): Promise<Told> {
  const { config, options, logger, teardown, clock, log, feed, consoleUrl, sources, tuning, months } = parts;
  const common = { log, consoleUrl, clock, metrics: parts.metrics.delivery };
  if (options.demo) {
    const shown = { ...common, incidents: incidentsOf(feed) };
    const { throughOf } = parts.slack;
    const slack = await startSlackPreview({ ...shown, throughOf, logger: logger.child({ part: 'slack' }) });
    teardown.push('slack preview', () => slack.close());
    const sheet = await startSheetsPreview({ ...shown, logger: logger.child({ part: 'sheets' }) });
    teardown.push('sheet preview', () => sheet.close());
    sources.deliveries.push(slack.status, sheet.status);
    return { slack: null, preview: { slack: slack.messages, sheet: () => tableOf(sheet.rows()) } };
  }
  let slack: Slack | null = null;
  if (config.slack !== null) {
    const started = await startSlack({
      ...common,
      ...parts.slack,
      feed,
      settings: config.slack,
      logger: logger.child({ part: 'slack' }),
      ...(tuning === null ? {} : { proposals: tuning.proposals, promotions: tuning.suggestions.promotions }),
      ...(months === null ? {} : { months }),
    });
    teardown.push('slack', () => started.close());
    sources.deliveries.push(() => started.status().deliveries);
    sources.slackInbound = () => started.status().inbound;
    sources.notices = () => started.status().notices;
    slack = started;
  }
  if (config.google !== null) {
    const sheets = await startSheets({
      ...common,
      feed,
      settings: config.google,
      logger: logger.child({ part: 'sheets' }),
      ...(tuning === null ? {} : { proposals: tuning.proposals, suggestions: tuning.suggestions }),
      ...(months === null ? {} : { months }),
    });
    teardown.push('sheets', () => sheets.close());
    sources.deliveries.push(() => sheets.status());
  }
  return { slack, preview: null };
}

function tableOf({ headers, rows }: PreviewRows): ReturnType<Preview['sheet']> {
  return { headers, rows: rows.map(({ cells }) => cells) };
}
