// The API's further questions and jobs (design §7): each is a few lines between a request and the part that answers it.
import type { Logger } from 'pino';
import type { DeadLetterDesk, Operation } from '../console/options.ts';
import type { IncidentFeed } from '../feed/feed.ts';
import type { Backfills } from '../ingest/backfill-jobs.ts';
import { readBackfillRequest } from '../ingest/backfill-request.ts';
import type { Reconciliation } from '../ingest/reconcile.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import { messageOf } from '../model/errors.ts';
import { readCurveQuestion, readVerifyQuestion, readWhatIfQuestion, readWhyQuestion } from '../tuning/questions.ts';
import { surfaceOf } from '../tuning/surface.ts';
import type { Tuning } from '../tuning/tuning.ts';
import type { VerifyJob } from '../tuning/verify-job.ts';
import { whatIf } from '../tuning/what-if.ts';
import { why } from '../tuning/why.ts';
import { deadLetterOperations } from './dead-letter-operations.ts';
import type { EraseJobs } from './erase-jobs.ts';
import { eraseOperations } from './erase-operations.ts';
import { proposalOperations } from './proposal-operations.ts';
import { reportOperations } from './report-operations.ts';

export type OperationParts = {
  readonly log: EventLog;
  readonly feed: IncidentFeed;
  readonly piiKey: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly deadLetters: DeadLetterDesk;
  readonly erases: EraseJobs;
  readonly backfills: Backfills;
  readonly reconciliation: Reconciliation | null;
  readonly verification: VerifyJob;
  /** null: this process does not respond. */
  readonly tuning: Tuning | null;
  /** Evaluates what waits for the history lane. */
  readonly runHistory: () => Promise<void>;
};

export function operationsOf(parts: OperationParts): readonly Operation[] {
  return [
    ...backfillOperations(parts),
    ...verifyOperations(parts),
    whyOperation(parts),
    whatIfOperation(parts),
    curveOperation(parts),
    ...(parts.tuning === null ? [] : proposalOperations({ ...parts.tuning, feed: parts.feed })),
    ...reportOperations(parts),
    ...deadLetterOperations(parts.deadLetters),
    ...eraseOperations(parts),
  ];
}

function backfillOperations(parts: OperationParts): Operation[] {
  const { backfills, reconciliation, clock, logger, runHistory, tuning } = parts;
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
          .then(async () => await tuning?.suggestions.runNow())
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

function verifyOperations({ verification }: OperationParts): Operation[] {
  return [
    { method: 'GET', path: '/verify', run: async () => ({ status: 200, body: verification.status() }) },
    {
      method: 'POST',
      path: '/verify',
      run: async ({ body }) => {
        verification.start(readVerifyQuestion(body));
        return { status: 202, body: verification.status() };
      },
    },
  ];
}

const whyOperation = (parts: OperationParts): Operation => ({
  method: 'GET',
  path: '/why',
  run: async ({ query, signal }) => ({ status: 200, body: await why(parts, readWhyQuestion(query), signal) }),
});

const curveOperation = (parts: OperationParts): Operation => ({
  method: 'GET',
  path: '/curve',
  run: async ({ query, signal }) => {
    const question = readCurveQuestion(query, parts.clock.now());
    return { status: 200, body: await surfaceOf(parts, { ...question, signal }) };
  },
});

const whatIfOperation = (parts: OperationParts): Operation => ({
  method: 'POST',
  path: '/what-if',
  run: async ({ body, signal }) => {
    const question = readWhatIfQuestion(body, { feed: parts.feed, nowMs: parts.clock.now() });
    return { status: 200, body: await whatIf(parts, { ...question, signal }) };
  },
});
