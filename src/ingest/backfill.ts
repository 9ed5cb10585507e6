// Takes the past from the Events API into the log: forward in time, through the same door as the webhook. Its events
// have ids and attempts of their own, so whatever is taken twice counts once.
import type { Clock } from '../model/clock.ts';
import type { AppError } from '../model/errors.ts';
import type { Acceptor } from './accept.ts';
import type { Json } from './json.ts';
import type { StripeApi } from './stripe-client.ts';
import { persist } from './stripe-persist.ts';
import { walkEvents } from './stripe-walk.ts';

/** What is done, and so where to go on: kept after each page. */
export type BackfillCursor = {
  /** Seconds, of `created`: the range. */
  readonly sinceS: number;
  readonly untilS: number;
  /** Connected accounts; null: the key's own. In this order. */
  readonly accounts: readonly (string | null)[];
  /** Which of them is at work. */
  readonly index: number;
  /** Seconds: of that account everything up to here is in the log. */
  readonly reachedS: number;
  /** In the log through this backfill so far, with what was taken twice. */
  readonly events: number;
  /** Of these, attempts' views and signals. */
  readonly counted: number;
};

export type BackfillOptions = {
  readonly api: Pick<StripeApi, 'events'>;
  readonly acceptor: Pick<Acceptor, 'accept'>;
  readonly clock: Clock;
  readonly cursor: BackfillCursor;
  readonly signal: AbortSignal;
  /** Awaited after each page is in the log; what it keeps is where a later call goes on. */
  readonly onProgress: (cursor: BackfillCursor) => Promise<void> | void;
  /** Stripe or the log cannot answer now, and it is tried again in `pauseMs`. */
  readonly onWaiting?: (error: AppError, pauseMs: number) => void;
};

/** What Stripe shows late lies within it: a resumed backfill begins so much earlier. */
const OVERLAP_S = 300;
/** Events that are made records, and appended, in one go. */
const AT_ONCE = 10;

export function newCursor(range: Pick<BackfillCursor, 'sinceS' | 'untilS' | 'accounts'>): BackfillCursor {
  return { ...range, index: 0, reachedS: range.sinceS, events: 0, counted: 0 };
}

/**
 * Resolves with the cursor at its end. Rejects with the errors of `StripeApi`, `log_unavailable` after long trying, and
 * `stopped`; the last cursor given to `onProgress` is where to go on.
 */
export async function backfill(options: BackfillOptions): Promise<BackfillCursor> {
  let cursor = options.cursor;
  for (; cursor.index < cursor.accounts.length; cursor = nextAccount(cursor)) {
    for await (const page of pagesOf(options, cursor)) {
      cursor = await takePage(options, cursor, page);
      await options.onProgress(cursor);
    }
    cursor = { ...cursor, reachedS: cursor.untilS };
    await options.onProgress(cursor);
  }
  return cursor;
}

const nextAccount = (cursor: BackfillCursor): BackfillCursor => ({
  ...cursor,
  index: cursor.index + 1,
  reachedS: cursor.sinceS,
});

function pagesOf(options: BackfillOptions, { accounts, index, sinceS, reachedS, untilS }: BackfillCursor) {
  const { api, signal } = options;
  const fromS = Math.max(sinceS, reachedS - OVERLAP_S);
  return walkEvents({ api, account: accounts[index] ?? null, fromS, untilS, signal, persist: persistent(options) });
}

const persistent =
  ({ clock, signal, onWaiting }: BackfillOptions) =>
  async <T>(attempt: () => Promise<T>): Promise<T> =>
    await persist(attempt, { clock, signal, ...(onWaiting === undefined ? {} : { waiting: onWaiting }) });

type Page = { readonly events: readonly Json[]; readonly reachedS: number };

async function takePage(options: BackfillOptions, cursor: BackfillCursor, page: Page): Promise<BackfillCursor> {
  const { acceptor, clock } = options;
  const events = page.events.map((event) => ofAccount(event, cursor.accounts[cursor.index] ?? null));
  let counted = 0;
  // A page is a hundred events: taken at once they would hold up a webhook that comes meanwhile.
  for (let at = 0; at < events.length; at += AT_ONCE) {
    const some = events.slice(at, at + AT_ONCE);
    const accepted = await persistent(options)(
      async () => await acceptor.accept(some, { receivedAt: clock.now(), via: 'backfill' }),
    );
    counted += accepted.filter(({ kind }) => kind === 'view' || kind === 'signal').length;
  }
  return {
    ...cursor,
    reachedS: Math.max(cursor.reachedS, page.reachedS),
    events: cursor.events + events.length,
    counted: cursor.counted + counted,
  };
}

/** Listed for a connected account an event does not name it; the webhook's copy does, and it is the scope. */
export function ofAccount(event: Json, account: string | null): Json {
  return account === null ? event : { ...event, account };
}
