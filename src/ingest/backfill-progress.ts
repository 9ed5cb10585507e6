// What a person is told of a backfill: how far, how fast, when it ends, how much of Stripe's read allowance it took. Pure.
import type { BackfillCursor } from './backfill.ts';

type BackfillState = 'idle' | 'running' | 'done' | 'failed' | 'stopped';

/** Times are ISO 8601 in UTC. */
export type BackfillStatus = {
  readonly state: BackfillState;
  readonly since: string | null;
  readonly until: string | null;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  /** The connected account at work; null: the key's own, or none. */
  readonly account: string | null;
  readonly accounts: number;
  /** Everything of that account up to here is in the log. */
  readonly reachedAt: string | null;
  /** 0 to 1, of the time to go through. */
  readonly fraction: number;
  readonly events: number;
  /** Of these, attempts' views and signals. */
  readonly counted: number;
  readonly eventsPerSecond: number;
  /** null: not known yet, or it does not run. */
  readonly expectedEndAt: string | null;
  readonly requests: number;
  /** Requests a second it allows itself now. */
  readonly requestsPerSecond: number;
  /** Part of the 10,000 reads that Stripe allows any account in 30 days. */
  readonly readBudgetUsed: number;
  /** Stripe or the log cannot answer now. */
  readonly waiting: { readonly code: string; readonly message: string; readonly until: string } | null;
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly help: string;
    readonly details: readonly object[];
  } | null;
};

/** Of a run, so of one life of the process. */
export type Run = {
  readonly state: BackfillState;
  readonly cursor: BackfillCursor;
  readonly startedAt: number;
  readonly endedAt: number | null;
  /** As it began: speed and end are judged by what was done since. */
  readonly first: BackfillCursor;
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly waiting: BackfillStatus['waiting'];
  readonly error: BackfillStatus['error'];
};

/** docs.stripe.com/rate-limits: at least so many reads a month, more for accounts with many transactions. */
const READS_A_MONTH = 10_000;

export const IDLE: BackfillStatus = {
  state: 'idle',
  since: null,
  until: null,
  startedAt: null,
  endedAt: null,
  account: null,
  accounts: 0,
  reachedAt: null,
  fraction: 0,
  events: 0,
  counted: 0,
  eventsPerSecond: 0,
  expectedEndAt: null,
  requests: 0,
  requestsPerSecond: 0,
  readBudgetUsed: 0,
  waiting: null,
  error: null,
};

export function backfillStatus(run: Run, nowMs: number): BackfillStatus {
  const { state, cursor, first, startedAt, endedAt, requests } = run;
  const elapsedMs = Math.max(1, (endedAt ?? nowMs) - startedAt);
  const fraction = state === 'done' ? 1 : fractionOf(cursor);
  const gained = fraction - fractionOf(first);
  const leftMs = gained > 0 ? (elapsedMs * (1 - fraction)) / gained : null;
  return {
    state,
    since: iso(cursor.sinceS * 1000),
    until: iso(cursor.untilS * 1000),
    startedAt: iso(startedAt),
    endedAt: endedAt === null ? null : iso(endedAt),
    account: cursor.accounts[cursor.index] ?? null,
    accounts: cursor.accounts.length,
    reachedAt: iso(cursor.reachedS * 1000),
    fraction,
    events: cursor.events,
    counted: cursor.counted,
    eventsPerSecond: ((cursor.events - first.events) * 1000) / elapsedMs,
    expectedEndAt: state === 'running' && leftMs !== null ? iso(nowMs + leftMs) : null,
    requests,
    requestsPerSecond: run.requestsPerSecond,
    readBudgetUsed: requests / READS_A_MONTH,
    waiting: state === 'running' ? run.waiting : null,
    error: run.error,
  };
}

function fractionOf({ accounts, index, sinceS, untilS, reachedS }: BackfillCursor): number {
  if (accounts.length === 0) return 1;
  const own = untilS <= sinceS ? 1 : (reachedS - sinceS) / (untilS - sinceS);
  return Math.min(1, Math.max(0, (index + Math.min(1, Math.max(0, own))) / accounts.length));
}

const iso = (ms: number): string => new Date(ms).toISOString();
