// Runs backfills for the program: one at a time, known to everybody who asks, gone on with after a restart.
import type { Logger } from 'pino';
import type { Clock } from '../model/clock.ts';
import { AppError, messageOf } from '../model/errors.ts';
import type { Acceptor } from './accept.ts';
import { type BackfillCursor, backfill, newCursor } from './backfill.ts';
import { type BackfillStatus, backfillStatus, IDLE, type Run } from './backfill-progress.ts';
import type { StripeApi } from './stripe-client.ts';
import { type Kept, keptFile } from './stripe-kept.ts';

export type BackfillsOptions = {
  /** null: STRIPE_API_KEY is not set, and every start is refused. */
  readonly api: Pick<StripeApi, 'events' | 'status' | 'source'> | null;
  readonly acceptor: Pick<Acceptor, 'accept'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where it keeps how far it got, e.g. `data/backfill.json`. */
  readonly file: string;
};

export type BackfillRequest = {
  /** Milliseconds since the epoch. */
  readonly sinceMs: number;
  /** Connected accounts; empty: the key's own. */
  readonly accounts: readonly string[];
};

export type Backfills = {
  /**
   * Begins, or goes on with what was broken off if that covers the range. Rejects with AppError `stripe_key_missing` or
   * `backfill_running`; what goes wrong later is in the status.
   */
  start(request: BackfillRequest): Promise<BackfillStatus>;
  /** Goes on with what a kill or a stop has broken off; does nothing if there is nothing. For the start of the program. */
  resume(): Promise<void>;
  status(): BackfillStatus;
  /** Resolves when none runs. */
  idle(): Promise<void>;
  /** Stops it; it goes on at the next start. */
  close(): Promise<void>;
};

/** What is kept between starts; `done` is kept too, so that a start after it begins anew. */
type KeptBackfill = {
  readonly v: 1;
  readonly source: string;
  readonly cursor: BackfillCursor;
  readonly isDone: boolean;
};

/** Stripe's clock and this machine's may differ. */
const AHEAD_S = 60;

export function createBackfills({ api, acceptor, clock, logger, file }: BackfillsOptions): Backfills {
  const kept: Kept<KeptBackfill> = keptFile(file, isKept, logger);
  const stop = new AbortController();
  let run: Run | null = null;
  let running: Promise<void> | null = null;

  const brokenOff = async (source: string): Promise<BackfillCursor | null> => {
    const before = await kept.load();
    return before === null || before.isDone || before.source !== source ? null : before.cursor;
  };
  const begin = (stripe: Pick<StripeApi, 'events' | 'status' | 'source'>, cursor: BackfillCursor): BackfillStatus => {
    const { source } = stripe;
    let requests = 0;
    const counting: Pick<StripeApi, 'events'> = {
      events: async (query) => {
        requests += 1;
        return await stripe.events(query);
      },
    };
    const now = { state: 'running', cursor, first: cursor, startedAt: clock.now(), endedAt: null } as const;
    let current: Run = { ...now, requests: 0, requestsPerSecond: 0, waiting: null, error: null };
    const set = (change: Partial<Run>): void => {
      current = { ...current, requests, requestsPerSecond: stripe.status().perSecond, ...change };
      run = current;
    };
    set({});
    logger.info({ since: iso(cursor.sinceS), reached: iso(cursor.reachedS) }, 'backfill begins');
    running = (async () => {
      await kept.save({ v: 1, source, cursor, isDone: false });
      const end = await backfill({
        api: counting,
        acceptor,
        clock,
        cursor,
        signal: stop.signal,
        onProgress: async (reached) => {
          await kept.save({ v: 1, source, cursor: reached, isDone: false });
          set({ cursor: reached, waiting: null });
        },
        onWaiting: (error, pauseMs) => {
          const { code, message } = error;
          logger.warn({ code, pauseMs }, `backfill waits: ${message}`);
          set({ waiting: { code, message, until: new Date(clock.now() + pauseMs).toISOString() } });
        },
      });
      await kept.save({ v: 1, source, cursor: end, isDone: true });
      set({ state: 'done', endedAt: clock.now() });
      logger.info({ events: end.events, counted: end.counted, requests: current.requests }, 'backfill is done');
    })()
      .catch((error: unknown) => {
        const isStopped = stop.signal.aborted;
        set({
          state: isStopped ? 'stopped' : 'failed',
          endedAt: clock.now(),
          error: isStopped ? null : errorJson(error),
        });
        if (!isStopped)
          logger.error({ error: messageOf(error) }, 'backfill failed; started again, it goes on where it was');
      })
      .finally(() => {
        running = null;
      });
    return backfillStatus(current, clock.now());
  };

  return {
    start: async ({ sinceMs, accounts }) => {
      if (api === null) throw keyMissing();
      if (running !== null || stop.signal.aborted) throw alreadyRuns();
      const now = Math.floor(clock.now() / 1000);
      const wanted = {
        sinceS: Math.floor(sinceMs / 1000),
        untilS: now + AHEAD_S,
        accounts: accounts.length === 0 ? [null] : accounts,
      };
      const before = await brokenOff(api.source);
      if (running !== null) throw alreadyRuns();
      return begin(api, cursorFor(wanted, before));
    },
    resume: async () => {
      if (api === null) return;
      const before = await brokenOff(api.source);
      if (before === null || running !== null || stop.signal.aborted) return;
      begin(api, before);
    },
    status: () => (run === null ? IDLE : backfillStatus(run, clock.now())),
    idle: async () => {
      await running;
    },
    close: async () => {
      stop.abort();
      await running;
    },
  };
}

type Range = Pick<BackfillCursor, 'sinceS' | 'untilS' | 'accounts'>;

/**
 * What was broken off is gone on with if it began no later than what is wanted now and was for the same accounts: the
 * same words (`--since 30d`) said again after a kill mean the same backfill.
 */
function cursorFor(wanted: Range, cursor: BackfillCursor | null): BackfillCursor {
  if (cursor === null) return newCursor(wanted);
  const isSame = cursor.accounts.join() === wanted.accounts.join() && cursor.sinceS <= wanted.sinceS;
  return isSame && cursor.reachedS >= wanted.sinceS
    ? { ...cursor, untilS: Math.max(cursor.untilS, wanted.untilS) }
    : newCursor(wanted);
}

function isKept(value: unknown): value is KeptBackfill {
  const { v, source, cursor, isDone } = (value ?? {}) as Partial<KeptBackfill>;
  if (
    v !== 1 ||
    typeof source !== 'string' ||
    typeof isDone !== 'boolean' ||
    cursor === undefined ||
    !Array.isArray(cursor.accounts)
  )
    return false;
  const { sinceS, untilS, index, reachedS, events, counted } = cursor;
  return [sinceS, untilS, index, reachedS, events, counted].every(Number.isSafeInteger);
}

function errorJson(error: unknown): BackfillStatus['error'] {
  if (!(error instanceof AppError)) return { code: 'internal', message: messageOf(error), help: '', details: [] };
  const { code, message, help, details } = error;
  return { code, message, help, details };
}

const keyMissing = (): AppError =>
  new AppError('stripe_key_missing', 'There is no key for Stripe’s API.', {
    help: 'Set STRIPE_API_KEY to a restricted key with the Read permissions that docs/backfill.md lists, and restart.',
  });

const alreadyRuns = (): AppError =>
  new AppError('backfill_running', 'A backfill runs already.', { help: 'GET /api/backfill shows how far it is.' });

const iso = (seconds: number): string => new Date(seconds * 1000).toISOString();
