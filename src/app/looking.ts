// The console and the API put together, in every process: health and metrics are each one's own.
import { startConsole } from '../console/console.ts';
import type { Preview } from '../console/options.ts';
import { type DeliveryIndex, openDeliveryIndex } from '../deliveries/delivery-index.ts';
import { validateChange } from '../detectors/detectors-file.ts';
import { type DeadLetterIndex, openDeadLetterIndex } from '../feed/dead-letter-index.ts';
import type { Delivery } from '../model/delivery.ts';
import { attemptsOfIncident } from '../tuning/members.ts';
import { monthReport } from '../tuning/month-report.ts';
import { monthWords } from '../tuning/month-words.ts';
import { type Core, groupOf } from './core.ts';
import { createDeadLetterDesk } from './dead-letter-desk.ts';
import { DEMO_LINES } from './demo.ts';
import type { Detecting } from './detecting.ts';
import { createEraseDesk } from './erase-desk.ts';
import type { EraseJobs } from './erase-jobs.ts';
import { startErasing } from './erasing.ts';
import { operationsOf } from './operations.ts';
import { type Progress, stagesOf, watchProgress } from './progress.ts';
import { readingsOf } from './readings.ts';
import type { Reviewing } from './reviewing.ts';
import type { StripeSide } from './stripe-side.ts';

export type LookingParts = {
  readonly detecting: Detecting | null;
  readonly stripe: StripeSide;
  readonly reviewing: Reviewing;
  readonly runHistory: () => Promise<void>;
  /** How Slack and the sheet would look; null: they are real. */
  readonly preview: () => Preview | null;
};

export type Looking = {
  /** Of the console, without a slash at its end. */
  readonly consoleUrl: string;
  readonly deliveries: DeliveryIndex;
  readonly progress: Progress;
};

export async function startLooking(core: Core, parts: LookingParts): Promise<Looking> {
  const { config, options, log, feed, clock, piiKey, metrics, sources, health, teardown, child } = core;
  const { stripe, reviewing, runHistory, preview } = parts;
  const deliveries = await openDeliveryIndex({
    log,
    posted: measured(core),
    ...groupOf(core.storage, 'delivery-index'),
  });
  teardown.push('delivery index', () => deliveries.close());
  const letters = await openDeadLetterIndex({ log, ...groupOf(core.storage, 'dead-letter-index') });
  teardown.push('dead letter index', () => letters.close());
  sources.deadLetters = letters.counts;
  const deadLetters = createDeadLetterDesk({ ...stripe, log, clock, general: core.general, deadLetters: letters });
  const erases = await startErases(core, parts.detecting, { deliveries, letters });
  const progress = watchProgress(() => stagesOf(sources), clock);
  teardown.push('progress', () => progress.stop());
  const read = { log, feed, piiKey, clock };
  const { verification, tuning } = reviewing;
  const asked = { ...read, ...stripe, logger: child('verify'), erases, deadLetters, verification, runHistory, tuning };
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
    operations: operationsOf(asked),
    tuning,
    deadLetters,
    erases: createEraseDesk({ erases }),
    months: async (month, signal) => ({ month, scopes: monthWords(await monthReport(read, month, signal)) }),
    preview,
    demo: options.demo ? { lines: DEMO_LINES } : null,
  });
  teardown.push('console', () => site.close());
  return { consoleUrl: config.url ?? site.url, deliveries, progress };
}

type Indexes = { readonly deliveries: DeliveryIndex; readonly letters: DeadLetterIndex };

async function startErases(
  core: Core,
  detecting: Detecting | null,
  { deliveries, letters }: Indexes,
): Promise<EraseJobs> {
  const { storage, erasing, feed, piiKey, clock, sources, teardown, child, has } = core;
  const { erases, status } = await startErasing(
    {
      storage,
      erasing,
      feed,
      detect: detecting?.worker ?? null,
      isHistoryRunning: () => sources.history?.().some(({ isRunning }) => isRunning) ?? false,
      isResponding: has('respond', 'manage'),
      deliveriesOf: deliveries.of,
      deadLetters: letters.waiting,
      piiKey,
      clock,
      logger: child('erasure'),
    },
    teardown,
  );
  if (status !== undefined) sources.erasing = status;
  return erases;
}

/** From the decline that breached to what people see, measured once: by the process that tells. */
function measured({ feed, metrics, sources, clock }: Core): (delivery: Delivery) => void {
  // What was told before was measured then.
  const startedAt = clock.now();
  return ({ output, subject, slot, at }) => {
    if (at < startedAt || (slot !== 'message' && slot !== 'row')) return;
    if (!sources.deliveries.some((status) => status().output === output && status().active)) return;
    const incident = feed.get(subject);
    if (incident !== null && incident.kind === 'episode' && !incident.late)
      metrics.alerted(output, at - incident.openingBreachS * 1000);
  };
}
