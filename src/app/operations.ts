// The API's further questions and jobs (design §7): each is a few lines between a request and the part that answers it.
import type { Logger } from 'pino';
import type { Operation } from '../console/options.ts';
import { validateChange } from '../detectors/detectors-file.ts';
import { parseDurationMs } from '../detectors/durations.ts';
import type { IncidentFeed } from '../feed/feed.ts';
import type { Backfills } from '../ingest/backfill-jobs.ts';
import { readBackfillRequest } from '../ingest/backfill-request.ts';
import type { Reconciliation } from '../ingest/reconcile.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import type { EntityKind, GeneralSettings } from '../model/detector.ts';
import { AppError, type ErrorDetail, messageOf } from '../model/errors.ts';
import type { VerifyJob } from '../tuning/verify-job.ts';
import { whatIf } from '../tuning/what-if.ts';
import { type WhyQuestion, why } from '../tuning/why.ts';

export type OperationParts = {
  readonly log: EventLog;
  readonly feed: IncidentFeed;
  readonly piiKey: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly general: () => GeneralSettings;
  readonly backfills: Backfills;
  readonly reconciliation: Reconciliation | null;
  readonly verification: VerifyJob;
  /** Evaluates what waits for the history lane. */
  readonly runHistory: () => Promise<void>;
};

export function operationsOf(parts: OperationParts): readonly Operation[] {
  return [...backfillOperations(parts), ...verifyOperations(parts), whyOperation(parts), whatIfOperation(parts)];
}

function backfillOperations({ backfills, reconciliation, clock, logger, runHistory }: OperationParts): Operation[] {
  return [
    { method: 'GET', path: '/backfill', run: async () => ({ status: 200, body: { backfill: backfills.status() } }) },
    {
      method: 'POST',
      path: '/backfill',
      run: async ({ body }) => {
        const backfill = await backfills.start(readBackfillRequest(body, clock.now()));
        // What came is old: it is evaluated when the backfill ends, not five minutes later.
        void backfills
          .idle()
          .then(runHistory)
          .catch((error: unknown) =>
            logger.warn({ error: messageOf(error) }, 'what was backfilled is evaluated later'),
          );
        return { status: 202, body: { backfill } };
      },
    },
    {
      method: 'GET',
      path: '/coverage',
      run: async () => ({
        status: 200,
        body: { coverage: reconciliation?.coverage() ?? [], reconciliation: reconciliation?.status() ?? null },
      }),
    },
  ];
}

function verifyOperations({ verification, clock }: OperationParts): Operation[] {
  return [
    { method: 'GET', path: '/verify', run: async () => ({ status: 200, body: verification.status() }) },
    {
      method: 'POST',
      path: '/verify',
      run: async ({ body }) => {
        const { since = '7d', rounds } = fieldsOf(body, ['since', 'rounds']);
        const agoMs = durationOf('since', since);
        if (rounds !== undefined && !(Number.isInteger(rounds) && Number(rounds) >= 1 && Number(rounds) <= 100))
          throw invalid([{ path: 'rounds', message: 'is a whole number from 1 to 100' }]);
        verification.start({ sinceMs: agoMs, ...(rounds === undefined ? {} : { rounds: Number(rounds) }) });
        return { status: 202, body: { ...verification.status(), at: new Date(clock.now()).toISOString() } };
      },
    },
  ];
}

function whyOperation(parts: OperationParts): Operation {
  return {
    method: 'GET',
    path: '/why',
    run: async ({ query }) => {
      const unknown = [...query.keys()].filter((name) => name !== 'entity' && name !== 'attempt');
      if (unknown.length > 0) throw invalid(unknown.map((path) => ({ path, message: 'is not known here' })));
      return { status: 200, body: await why(parts, questionOf(query)) };
    },
  };
}

function questionOf(query: URLSearchParams): WhyQuestion {
  const [attempt, entity] = [query.get('attempt'), query.get('entity')];
  if ((attempt === null) === (entity === null))
    throw invalid([{ path: 'entity', message: 'or attempt: ask about one of the two' }]);
  if (attempt !== null) return { attempt };
  const [, kind, value] = /^(card|customer|email|ip|account|metadata\.[^:]{1,40}):(.+)$/s.exec(entity ?? '') ?? [];
  if (kind === undefined || value === undefined)
    throw invalid([{ path: 'entity', message: 'is written KIND:VALUE, e.g. card:FINGERPRINT or customer:cus_…' }]);
  return { entity: { kind: kind as EntityKind, value: kind === 'email' ? value.trim().toLowerCase() : value } };
}

function whatIfOperation({ log, feed, piiKey, clock, general }: OperationParts): Operation {
  return {
    method: 'POST',
    path: '/what-if',
    run: async ({ body, signal }) => {
      const { detector, set = {}, since = '30d', curve } = fieldsOf(body, ['detector', 'set', 'since', 'curve']);
      const current = feed.settings().find(({ rule }) => rule.detector === detector)?.rule.settings;
      if (current == null)
        throw new AppError('not_found', 'There is no such detector.', { help: 'Look at the list of detectors.' });
      const changed = validateChange(current, set, general());
      if ('problems' in changed)
        throw new AppError('invalid_detector', 'The detector would not be sound.', {
          help: 'Correct what is named.',
          details: changed.problems,
        });
      const sinceMs = clock.now() - durationOf('since', since);
      const question = { detector: current.name, settings: changed.settings, sinceMs, curve: curve === true, signal };
      return { status: 200, body: await whatIf({ log, feed, piiKey, clock }, question) };
    },
  };
}

/** Throws `invalid_request` for a body that is no object, and for unknown fields. */
function fieldsOf<T extends string>(body: unknown, known: readonly T[]): Partial<Record<T, unknown>> {
  if (body === undefined) return {};
  if (body === null || typeof body !== 'object' || Array.isArray(body))
    throw invalid([{ path: '', message: 'the body is a JSON object' }]);
  const unknown = Object.keys(body).filter((name) => !known.some((one) => one === name));
  if (unknown.length > 0)
    throw invalid(
      unknown.map((path) => ({ path: path.slice(0, 64), message: `is not known; there are ${known.join(', ')}` })),
    );
  return body as Partial<Record<T, unknown>>;
}

/** Milliseconds. */
function durationOf(path: string, value: unknown): number {
  const ms = typeof value === 'string' ? parseDurationMs(value) : null;
  if (ms === null || ms === 0) throw invalid([{ path, message: 'is a duration, e.g. 7d' }]);
  return ms;
}

const invalid = (details: readonly ErrorDetail[]): AppError =>
  new AppError('invalid_request', 'The request is not understood.', {
    help: 'Correct what is named; docs/console.md lists every parameter.',
    details,
  });
