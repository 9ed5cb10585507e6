// Walks Stripe's events forward in time. Stripe lists newest first, and gives newer pages only from a known event on
// (`ending_before`): so first an event to start from is found, then page follows page.
import { AppError } from '../model/errors.ts';
import type { Json } from './json.ts';
import type { EventPage, StripeApi } from './stripe-client.ts';
import { isCursorGone } from './stripe-errors.ts';
import { HANDLED_TYPES } from './stripe-types.ts';

export type WalkOptions = {
  readonly api: Pick<StripeApi, 'events'>;
  /** Connected account; null: the key's own. */
  readonly account: string | null;
  /** Seconds, of `created`; both included. */
  readonly fromS: number;
  readonly untilS: number;
  readonly signal?: AbortSignal;
  /** Around each request: where it is tried again. */
  readonly persist?: <T>(request: () => Promise<T>) => Promise<T>;
};

export type WalkedPage = {
  /** Oldest first; those whose `created` lies in the range. */
  readonly events: readonly Json[];
  /** Seconds: everything that Stripe listed up to here has been given. */
  readonly reachedS: number;
};

const PAGE = 100;
/** Pages of one and the same second that are gone back through for the oldest event. */
const MAX_PAGES_OF_A_SECOND = 1_000;
const MAX_NEW_STARTS = 5;

/**
 * Pages of at most 100 events of the handled types. Ends when Stripe has no newer event, or one beyond the range. Events that arrive while it
 * walks are given if they are in the range. Rejects as the API does, with `stripe_bad_answer` if paging gets nowhere.
 */
export async function* walkEvents(options: WalkOptions): AsyncGenerator<WalkedPage> {
  const walk = createList(options);
  let fromS = options.fromS;
  for (let starts = 0; ; starts += 1) {
    const start = await findStart(walk, fromS, options.untilS);
    if (start === null) return;
    try {
      yield* walkFrom(walk, start, options);
      return;
    } catch (error) {
      // The event to go on from has become older than 30 days: begin anew, where the pages had got to.
      if (!(error instanceof CursorGone) || starts >= MAX_NEW_STARTS) throw error;
      fromS = Math.max(fromS, error.reachedS);
    }
  }
}

type List = (
  query: Pick<Parameters<StripeApi['events']>[0], 'beforeS' | 'endingBefore' | 'startingAfter'> & { limit?: number },
) => Promise<EventPage>;

/** Lists with everything that stays the same; events oldest first. */
function createList({ api, account, signal, persist = async (request) => await request() }: WalkOptions): List {
  return async ({ limit = PAGE, ...query }) => {
    const types = HANDLED_TYPES;
    const page = await persist(
      async () => await api.events({ ...query, account, types, limit, ...(signal === undefined ? {} : { signal }) }),
    );
    return { ...page, events: page.events.toReversed() };
  };
}

class CursorGone extends Error {
  readonly reachedS: number;

  constructor(reachedS: number) {
    super('The cursor is gone.');
    this.reachedS = reachedS;
  }
}

/** The event after which pages follow, and the events up to it that have been read on the way. */
type Start = { readonly cursor: Json; readonly before: readonly Json[] };

async function* walkFrom(
  list: List,
  { cursor, before }: Start,
  { fromS, untilS }: WalkOptions,
): AsyncGenerator<WalkedPage> {
  let at = cursor;
  let reachedS = Math.max(fromS, createdOf(cursor));
  const inRange = (event: Json): boolean => createdOf(event) >= fromS && createdOf(event) <= untilS;
  if (before.length > 0) yield { events: before.filter(inRange), reachedS };
  while (createdOf(at) <= untilS) {
    const { events, hasMore } = await pageAfter(list, at, reachedS);
    const last = events.at(-1);
    if (last === undefined) {
      if (hasMore) throw stuck('an empty page says that more follow');
      return;
    }
    if (last.id === at.id) throw stuck('a page ends where it should begin');
    at = last;
    reachedS = Math.max(reachedS, createdOf(last));
    yield { events: events.filter(inRange), reachedS: Math.min(reachedS, untilS) };
    if (!hasMore) return;
  }
}

async function pageAfter(list: List, at: Json, reachedS: number): Promise<EventPage> {
  try {
    return await list({ endingBefore: idOf(at) });
  } catch (error) {
    if (isCursorGone(error)) throw new CursorGone(reachedS);
    throw error;
  }
}

/**
 * The newest event before the range, else the page with the oldest in it: its time is closed in on by halves, for nothing
 * says how far back the list goes. Null: there is no event up to `untilS`.
 */
async function findStart(list: List, fromS: number, untilS: number): Promise<Start | null> {
  const [anchor] = (await list({ beforeS: fromS, limit: 1 })).events;
  if (anchor !== undefined) return { cursor: anchor, before: [] };
  // Nothing is older than `low`; something is older than `high`, once that has been asked.
  let low = fromS;
  let high: number | null = null;
  for (;;) {
    const beforeS: number = high === null ? untilS + 1 : low + Math.ceil((high - low) / 2);
    const { events, hasMore } = await list({ beforeS });
    const [first] = events;
    const last = events.at(-1);
    if (first === undefined || last === undefined) {
      if (high === null) return null;
      low = beforeS;
      // What was there has become older than 30 days meanwhile.
      if (beforeS === high) high = null;
    } else if (!hasMore) return { cursor: last, before: events };
    else if (high !== null && high - low <= 1) return await oldestOf(list, events);
    else high = Math.max(low + 1, Math.min(beforeS, createdOf(first) + 1));
  }
}

/** More than a page of events within the oldest second: back through them. */
async function oldestOf(list: List, newer: readonly Json[]): Promise<Start> {
  let page = newer;
  for (let pages = 0; pages < MAX_PAGES_OF_A_SECOND; pages += 1) {
    const [first] = page;
    if (first === undefined) throw stuck('an empty page says that more follow');
    const { events, hasMore } = await list({ startingAfter: idOf(first) });
    const last = events.at(-1);
    if (last === undefined) return { cursor: page.at(-1) ?? first, before: page };
    if (!hasMore) return { cursor: last, before: events };
    page = events;
  }
  throw stuck('one second holds too many events');
}

const createdOf = (event: Json): number => event.created as number;
const idOf = (event: Json): string => event.id as string;

const stuck = (what: string): AppError =>
  new AppError('stripe_bad_answer', `Stripe: listing events: ${what}.`, {
    help: 'Something between here and Stripe may answer in its place: check STRIPE_API_URL and the proxy.',
  });
