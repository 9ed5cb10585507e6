// Compares what Stripe has with what the log has, takes what lacks, and says so per hour: after a start, every hour, and
// when told to. A webhook that was never delivered is thus late, not lost.
import type { Logger } from 'pino';
import type { EventLog } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import { AppError, messageOf } from '../model/errors.ts';
import type { Acceptor } from './accept.ts';
import { ofAccount } from './backfill.ts';
import {
  addRun,
  type CoverageHour,
  createTallies,
  dropBefore,
  HOUR_S,
  hourOf,
  type RunOver,
} from './reconcile-coverage.ts';
import { accountsSince, idsSince, newestReceivedAt } from './reconcile-log.ts';
import type { StripeApi } from './stripe-client.ts';
import { type Kept, keptFile } from './stripe-kept.ts';
import { persist } from './stripe-persist.ts';
import { walkEvents } from './stripe-walk.ts';

export type ReconciliationOptions = {
  readonly api: Pick<StripeApi, 'events' | 'source' | 'livemode'>;
  readonly log: Pick<EventLog, 'read' | 'offsetsAt' | 'ends'>;
  readonly acceptor: Pick<Acceptor, 'accept'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where it keeps how far it got and the coverage, e.g. `data/coverage.json`. */
  readonly file: string;
  readonly metrics?: { gapClosed(events: number): void };
};

export type Reconciliation = {
  /** Newest hour first, of the last 30 days. */
  coverage(): readonly CoverageHour[];
  status(): ReconciliationStatus;
  /** Looks now instead of at the next hour: after an outage. Resolves when a run that began after the call has ended. */
  runNow(): Promise<void>;
  close(): Promise<void>;
};

type ReconciliationStatus = {
  readonly isRunning: boolean;
  /** ISO 8601: Stripe and the log agree up to here; null: not known yet. */
  readonly through: string | null;
  readonly lastRunAt: string | null;
  /** Of the last run, by account; empty: all is well. */
  readonly errors: readonly ReconciliationError[];
};

type ReconciliationError = {
  readonly account: string | null;
  readonly code: string;
  readonly message: string;
  readonly help: string;
};

/** `isPassing`: worth another try before the hour is over. */
type Problem = ReconciliationError & { readonly isPassing: boolean };

type Followed = {
  /** Connected account; null: the key's own. */
  readonly account: string | null;
  /** Seconds: Stripe and the log agree up to here. */
  readonly throughS: number;
};

/** What is kept between starts. */
type State = {
  readonly v: 1;
  readonly source: string;
  /** The key's own first, then every connected account that was ever seen. */
  readonly accounts: readonly Followed[];
  readonly hours: readonly CoverageHour[];
};

const EVERY_MS = 3_600_000;
const AGAIN_AFTER_FAILURE_MS = 300_000;
/** So old an event must be to be missed: a webhook takes its time. */
const GRACE_S = 120;
/** What Stripe shows late, and what clocks differ by, lies within it. */
const OVERLAP_S = 600;
const RETENTION_S = 30 * 86_400;
/** After so much of Stripe's time it is kept how far it got: whole hours. */
const CHUNK_S = 24 * HOUR_S;
const MAX_TRIES = 5;

/** Begins at once. Never rejects: what goes wrong is in the status. */
export function startReconciliation(options: ReconciliationOptions): Reconciliation {
  const { clock, logger } = options;
  const kept: Kept<State> = keptFile(options.file, isState, logger);
  const stop = new AbortController();
  const keep = async (next: State): Promise<void> => {
    state = next;
    await kept.save(next);
  };
  let state: State | null = null;
  let problems: readonly Problem[] = [];
  let lastRunAt: number | null = null;
  let isRunning = false;
  let wake = new AbortController();
  let waiting: (() => void)[] = [];

  const run = async (): Promise<void> => {
    const answered = waiting;
    waiting = [];
    wake = new AbortController();
    isRunning = true;
    try {
      state ??= await firstState(await kept.load(), options);
      problems = await reconcileAll({ ...options, signal: stop.signal, keep }, state);
      lastRunAt = clock.now();
    } catch (error) {
      problems = [problemOf(null, error)];
    }
    isRunning = false;
    if (!stop.signal.aborted)
      for (const { isPassing: _, ...problem } of problems) logger.warn(problem, 'reconciliation failed');
    for (const done of answered) done();
  };
  const loop = (async () => {
    while (!stop.signal.aborted) {
      await run();
      if (waiting.length > 0) continue;
      const pauseMs = problems.some(({ isPassing }) => isPassing) ? AGAIN_AFTER_FAILURE_MS : EVERY_MS;
      await clock.sleep(pauseMs, AbortSignal.any([stop.signal, wake.signal]));
    }
    for (const done of waiting) done();
  })();
  return {
    coverage: () => state?.hours ?? [],
    status: () => ({
      isRunning,
      through: iso(state === null ? null : Math.min(...state.accounts.map(({ throughS }) => throughS))),
      lastRunAt: iso(lastRunAt === null ? null : lastRunAt / 1000),
      errors: problems.map(({ isPassing: _, ...problem }) => problem),
    }),
    runNow: async () => {
      if (stop.signal.aborted) return;
      const done = new Promise<void>((resolve) => waiting.push(resolve));
      wake.abort();
      await done;
    },
    close: async () => {
      stop.abort();
      await loop;
    },
  };
}

type Parts = ReconciliationOptions & { readonly signal: AbortSignal; readonly keep: (state: State) => Promise<void> };

/** Every account by itself: one that cannot be read holds up no other. */
async function reconcileAll(parts: Parts, before: State): Promise<readonly Problem[]> {
  const { clock, log, signal, keep } = parts;
  const nowS = Math.floor(clock.now() / 1000);
  const idsFrom = createIdsFrom(log, signal);
  const problems: Problem[] = [];
  let state = await withSeenAccounts(before, parts, nowS);
  for (const followed of state.accounts) {
    try {
      for (const range of chunksOf(followed, nowS)) {
        state = addChunk(state, { ...range, tallies: await reconcileRange(parts, range, idsFrom) });
        await keep(state);
      }
    } catch (error) {
      if (signal.aborted) throw error;
      problems.push(problemOf(followed.account, error));
    }
  }
  return problems;
}

type IdsFrom = (sinceS: number) => Promise<ReadonlySet<string>>;

/** Read when they are first needed (not for an account that refuses), and again only for an earlier time. */
function createIdsFrom(log: ReconciliationOptions['log'], signal: AbortSignal): IdsFrom {
  let read: { readonly sinceS: number; readonly ids: ReadonlySet<string> } | null = null;
  return async (sinceS) => {
    if (read === null || sinceS < read.sinceS)
      read = { sinceS, ids: await idsSince(log, (sinceS - OVERLAP_S) * 1000, signal) };
    return read.ids;
  };
}

type Range = { readonly account: string | null; readonly fromS: number; readonly untilS: number };

/** From the beginning of the hour that was reached, so that each hour is counted whole. */
function* chunksOf({ account, throughS }: Followed, nowS: number): Generator<Range> {
  const lastS = nowS - GRACE_S;
  const firstS = Math.max(hourOf(throughS - OVERLAP_S), hourOf(nowS - RETENTION_S) + HOUR_S);
  for (let fromS = firstS; fromS <= lastS; fromS += CHUNK_S)
    yield { account, fromS, untilS: Math.min(fromS + CHUNK_S - 1, lastS) };
}

function addChunk(state: State, run: RunOver): State {
  const { account, untilS } = run;
  return {
    ...state,
    accounts: state.accounts.map((one) =>
      one.account === account ? { account, throughS: Math.max(one.throughS, untilS) } : one,
    ),
    hours: dropBefore(addRun(state.hours, run), untilS - RETENTION_S),
  };
}

async function reconcileRange(parts: Parts, range: Range, idsFrom: IdsFrom): Promise<RunOver['tallies']> {
  const { api, acceptor, clock, logger, metrics, signal } = parts;
  const { account, fromS, untilS } = range;
  const tallies = createTallies(fromS, untilS);
  const patient = async <T>(attempt: () => Promise<T>): Promise<T> =>
    await persist(attempt, { clock, signal, maxTries: MAX_TRIES });
  for await (const { events } of walkEvents({ api, ...range, signal, persist: patient })) {
    const ids = await idsFrom(fromS);
    const missing = events.filter(({ id }) => !ids.has(id as string)).map((event) => ofAccount(event, account));
    if (missing.length > 0) {
      await patient(async () => await acceptor.accept(missing, { receivedAt: clock.now() }));
      metrics?.gapClosed(missing.length);
    }
    for (const { id, created } of events) tallies.add(created as number, ids.has(id as string));
  }
  const byHour = tallies.byHour();
  for (const gap of [...byHour.values()].flatMap(({ gaps }) => gaps))
    logger.warn(
      { account, from: iso(gap.fromS), to: iso(gap.toS), events: gap.events },
      'a gap is closed: these events had not come by webhook',
    );
  return byHour;
}

/** Without anything kept it begins where the log ends; with an empty log now: nothing lacks that was never wanted. */
async function firstState(kept: State | null, { log, api, clock }: ReconciliationOptions): Promise<State> {
  if (kept !== null && kept.source === api.source) return kept;
  const newest = await newestReceivedAt(log);
  const throughS = Math.floor((newest ?? clock.now()) / 1000);
  return { v: 1, source: api.source, accounts: [{ account: null, throughS }], hours: [] };
}

/** Connected accounts are found by what came of them lately; a new one is followed from there on. */
async function withSeenAccounts(state: State, { log, api }: ReconciliationOptions, nowS: number): Promise<State> {
  const throughS = Math.max(...state.accounts.map((one) => one.throughS));
  const seen = await accountsSince(log, (throughS - OVERLAP_S) * 1000, api.livemode);
  const known = new Set(state.accounts.map(({ account }) => account));
  const added = [...seen].filter((account) => !known.has(account)).sort();
  return {
    ...state,
    accounts: [...state.accounts, ...added.map((account) => ({ account, throughS: Math.min(throughS, nowS) }))],
  };
}

function problemOf(account: string | null, error: unknown): Problem {
  if (!(error instanceof AppError))
    return { account, code: 'internal', message: messageOf(error), help: '', isPassing: true };
  const { code, message, help, retriable } = error;
  return { account, code, message, help, isPassing: retriable };
}

function isState(value: unknown): value is State {
  const { v, source, accounts, hours } = (value ?? {}) as Partial<State>;
  if (v !== 1 || typeof source !== 'string' || !Array.isArray(accounts) || !Array.isArray(hours)) return false;
  return accounts.length > 0 && accounts.every((one) => Number.isSafeInteger(one?.throughS));
}

const iso = (seconds: number | null): string | null =>
  seconds === null ? null : new Date(seconds * 1000).toISOString();
