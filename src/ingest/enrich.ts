// Early fraud warnings, disputes and reviews name a charge but no card, customer or e-mail: here the charge is read once,
// and goes into the log as one more view of its attempt. A consumer of `stripe-events`, so that no webhook waits for it.
import type { Logger } from 'pino';
import { decode } from '../log/codec.ts';
import type { Batch, Consumer, EventLog, StoredRecord } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import { AppError } from '../model/errors.ts';
import type { Acceptor } from './accept.ts';
import { type ChargeProblem, eventOfCharge } from './enrich-charge.ts';
import { createKnownCharges, type KnownCharges } from './enrich-known.ts';
import { isJson, type Json, objectOf } from './json.ts';
import { normalise } from './normalise.ts';
import type { UnstampedSignal, UnstampedView } from './normalised.ts';
import type { StripeApi } from './stripe-client.ts';
import { persist } from './stripe-persist.ts';

/**
 * What became of a signal: its charge was read, or stood in the event itself (`charge.refunded`), or needed no read; or
 * why there is no view of it. Refunds are never worth a read: their charge comes with `charge.refunded`.
 */
type EnrichOutcome =
  | 'read'
  | 'in_event'
  | 'known'
  | 'no_charge'
  | 'refund'
  | 'not_found'
  | 'forbidden'
  | 'refused'
  | ChargeProblem;

export type EnrichmentOptions = {
  readonly log: Pick<EventLog, 'consume'>;
  readonly api: Pick<StripeApi, 'charge'>;
  readonly acceptor: Pick<Acceptor, 'accept'>;
  /** Milliseconds; the lateness in force now. */
  readonly latenessMs: () => number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics?: { enriched(outcome: EnrichOutcome): void };
};

export type Enrichment = {
  status(): EnrichmentStatus;
  /** Resolves when the running batch has returned. */
  close(): Promise<void>;
};

type EnrichmentStatus = {
  readonly outcomes: Readonly<Partial<Record<EnrichOutcome, number>>>;
  /** Records not looked at yet, by partition, as last seen. */
  readonly behind: number;
  /** Why it waits; null: it does not. */
  readonly waiting: { readonly code: string; readonly message: string } | null;
};

/** Signals are rare among them; a batch that waits for Stripe holds up nothing else. */
const MAX_RECORDS = 500;
const CONTEXT = { metadata: { ip: null, keys: [] } };

/** Resolves once it reads. Shared out among the processes that run it. */
export async function startEnrichment(options: EnrichmentOptions): Promise<Enrichment> {
  const { log, clock, logger, metrics } = options;
  const outcomes: Partial<Record<EnrichOutcome, number>> = {};
  const behind = new Map<number, number>();
  const known = createKnownCharges();
  const closing = new AbortController();
  let waiting: EnrichmentStatus['waiting'] = null;

  const count = (outcome: EnrichOutcome): void => {
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    metrics?.enriched(outcome);
  };
  const patient = async <T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T> => {
    const told = (error: AppError, pauseMs: number): void => {
      const { code, message } = error;
      logger.warn({ code, pauseMs }, `enrichment waits: ${message}`);
      waiting = { code, message };
    };
    const result = await persist(attempt, { clock, signal, waiting: told, maxTries: Number.POSITIVE_INFINITY });
    waiting = null;
    return result;
  };
  const batch = async ({ partition, records, next, signal }: Batch): Promise<null> => {
    const stop = AbortSignal.any([signal, closing.signal]);
    for (const record of records) {
      const found = await lookAt(record, {
        ...options,
        known,
        patient: async (attempt) => await patient(attempt, stop),
      });
      if (found !== null) count(found);
      behind.set(partition, Math.max(0, next - record.offset - 1));
    }
    return null;
  };
  const consumer: Consumer = await log.consume({
    topic: 'stripe-events',
    group: 'enrich',
    maxRecords: MAX_RECORDS,
    revoked: async (partition) => void behind.delete(partition),
    batch,
  });
  return {
    status: () => ({ outcomes: { ...outcomes }, behind: [...behind.values()].reduce((a, b) => a + b, 0), waiting }),
    close: async () => {
      closing.abort();
      await consumer.close();
    },
  };
}

type Parts = EnrichmentOptions & {
  readonly known: KnownCharges;
  readonly patient: <T>(attempt: () => Promise<T>) => Promise<T>;
};

type Found = { readonly event: Json; readonly receivedAt: number };

/** Null: no signal, nothing to do. */
async function lookAt({ value, timeMs }: StoredRecord, parts: Parts): Promise<EnrichOutcome | null> {
  const event = eventIn(value);
  if (event === null) return null;
  const found = normalise(event, CONTEXT);
  if (found.kind === 'view') noteCharge(found.view, timeMs, parts);
  return found.kind === 'signal' ? await enrich(found.signal, { event, receivedAt: timeMs }, parts) : null;
}

/** Throws `newer_schema`: what a newer program wrote is never passed over. */
function eventIn(value: string): Json | null {
  try {
    const { event } = decode<{ readonly event?: unknown }>('stripe-events', value);
    return isJson(event) ? event : null;
  } catch (error) {
    if (error instanceof AppError && error.code === 'bad_record') return null;
    throw error;
  }
}

const keyOf = (account: string | null, charge: string): string => `${account ?? ''}/${charge}`;

/** A charge's own event, or a view made here: the detectors have it. */
function noteCharge(view: UnstampedView, receivedAt: number, { known, latenessMs }: Parts): void {
  const { source, account, attempt, time, event } = view;
  if (source !== 'charge') return;
  const isLive = isYoung(time, receivedAt, latenessMs()) || event.startsWith('charge:');
  known.add(keyOf(account, attempt), { receivedAt, isLive });
}

const isYoung = (timeS: number, receivedAt: number, latenessMs: number): boolean =>
  receivedAt - timeS * 1000 <= latenessMs;

async function enrich(signal: UnstampedSignal, { event, receivedAt }: Found, parts: Parts): Promise<EnrichOutcome> {
  const { charge, account } = signal;
  if (charge === null) return 'no_charge';
  const isLive = isYoung(signal.time, receivedAt, parts.latenessMs());
  if (parts.known.has(keyOf(account, charge), { receivedAt, isLive })) return 'known';
  const own = objectOf(objectOf(event.data)?.object);
  if (own?.object === 'charge') return await append(own, account, { outcome: 'in_event', parts });
  if (signal.signal === 'refund') return 'refund';
  return await readAndAppend(charge, account, parts);
}

async function readAndAppend(charge: string, account: string | null, parts: Parts): Promise<EnrichOutcome> {
  const { api, patient, logger } = parts;
  try {
    const object = await patient(async () => await api.charge(charge, { account }));
    return object.id === charge ? await append(object, account, { outcome: 'read', parts }) : 'bad_charge';
  } catch (error) {
    const outcome = outcomeOf(error);
    if (outcome === null) throw error;
    const { code, message, help } = error as AppError;
    logger.warn({ code, charge, help }, `a signal stays without its charge: ${message}`);
    return outcome;
  }
}

/** Null: it is no answer of Stripe's, or it was stopped; the batch comes again. */
function outcomeOf(error: unknown): EnrichOutcome | null {
  if (!(error instanceof AppError) || error.retriable || !error.code.startsWith('stripe_')) return null;
  if (error.code === 'stripe_not_found') return 'not_found';
  return error.code === 'stripe_forbidden' || error.code === 'stripe_unauthorized' ? 'forbidden' : 'refused';
}

type Appending = { readonly outcome: EnrichOutcome; readonly parts: Parts };

async function append(charge: Json, account: string | null, { outcome, parts }: Appending): Promise<EnrichOutcome> {
  const event = eventOfCharge(charge, account);
  if (typeof event === 'string') return event;
  const { acceptor, clock, known, patient } = parts;
  const receivedAt = clock.now();
  await patient(async () => await acceptor.accept([event], { receivedAt }));
  known.add(keyOf(account, String(charge.id)), { receivedAt, isLive: true });
  return outcome;
}
