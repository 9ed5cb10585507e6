// What is read from Stripe's API, if there is a key: what the webhooks missed, the past, and the charges of signals. All of it
// enters the log through the same door as the webhooks.
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { type Acceptor, createAcceptor } from '../ingest/accept.ts';
import { type Backfills, createBackfills } from '../ingest/backfill-jobs.ts';
import { type Enrichment, startEnrichment } from '../ingest/enrich.ts';
import { type Reconciliation, startReconciliation } from '../ingest/reconcile.ts';
import { createStripeApi } from '../ingest/stripe-client.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import type { GeneralSettings } from '../model/detector.ts';
import type { Teardown } from './teardown.ts';

export type StripeSideOptions = {
  readonly config: Config;
  readonly dataFolder: string;
  readonly log: EventLog;
  readonly clock: Clock;
  readonly logger: Logger;
  /** As in force now. */
  readonly general: () => GeneralSettings;
  /** False: only what a person asks for, nothing by itself. */
  readonly isIngesting: boolean;
};

export type StripeSide = {
  /** The door for what a person hands in again. */
  readonly acceptor: Acceptor;
  readonly backfills: Backfills;
  /** null: there is no key, or this process does not ingest. */
  readonly reconciliation: Reconciliation | null;
  readonly enrichment: Enrichment | null;
};

export async function startStripeSide(options: StripeSideOptions, teardown: Teardown): Promise<StripeSide> {
  const { config, dataFolder, log, clock, logger, general, isIngesting } = options;
  const { apiKey, apiUrl } = config.stripe;
  const api = apiKey === null ? null : createStripeApi({ apiKey, apiUrl, clock });
  if (api !== null) teardown.push('stripe api', () => api.close());
  const latenessMs = (): number => general().latenessMs;
  const acceptor = createAcceptor({ log, context: general, latenessMs });
  teardown.push('acceptor', () => acceptor.close());
  const backfills = createBackfills({ api, acceptor, clock, logger, file: join(dataFolder, 'backfill.json') });
  teardown.push('backfills', () => backfills.close());
  if (api === null || !isIngesting) return { acceptor, backfills, reconciliation: null, enrichment: null };
  const enrichment = await startEnrichment({ log, api, acceptor, latenessMs, clock, logger });
  teardown.push('enrichment', () => enrichment.close());
  const file = join(dataFolder, 'coverage.json');
  const reconciliation = startReconciliation({ api, log, acceptor, clock, logger, file });
  teardown.push('reconciliation', () => reconciliation.close());
  await backfills.resume();
  return { acceptor, backfills, reconciliation, enrichment };
}

/** How far what Stripe has agrees with what the log has; null: not known. */
export function coverageSentence(reconciliation: Reconciliation | null): string | null {
  const status = reconciliation?.status();
  if (!status) return null;
  const [error] = status.errors;
  if (error !== undefined) return `What Stripe has could not be compared: ${error.message}`;
  return status.through === null ? null : `Stripe and the log agree up to ${status.through}.`;
}
