// Reads from Stripe's API through its SDK: paced, with a time-out, never anything but GET. Retrying is not done here but
// by `persist` (stripe-persist.ts), so that every request is counted and paced.
import { createHash } from 'node:crypto';
import type Stripe from 'stripe';
import type { Clock } from '../model/clock.ts';
import { isJson, type Json } from './json.ts';
import { badAnswer, stripeError } from './stripe-errors.ts';
import { createPace } from './stripe-pace.ts';
import { stopped } from './stripe-persist.ts';
import { createSdk } from './stripe-sdk.ts';

export type StripeApiOptions = {
  readonly apiKey: string;
  /** Another server in Stripe's place, `http://host:port`; null: Stripe. */
  readonly apiUrl: string | null;
  readonly clock: Clock;
  /** Requests a second, of everything this process reads. Default 5, a fifth of Stripe's limit for one endpoint. */
  readonly perSecond?: number;
  /** Default 30 s. */
  readonly timeoutMs?: number;
};

export type EventQuery = {
  /** Connected account; null: the key's own. */
  readonly account: string | null;
  readonly types: readonly string[];
  /** Seconds, of `created`. */
  readonly beforeS?: number;
  /** Event ids. */
  readonly endingBefore?: string;
  readonly startingAfter?: string;
  /** 1 to 100. */
  readonly limit: number;
  readonly signal?: AbortSignal;
};

/** Newest first, as Stripe lists them. */
export type EventPage = { readonly events: readonly Json[]; readonly hasMore: boolean };

type ChargeQuery = { readonly account: string | null; readonly signal?: AbortSignal };

/**
 * Every method makes one request and rejects with AppError: `stripe_unauthorized`, `stripe_forbidden` (details name the
 * permission), `stripe_not_found`, `stripe_invalid_request`, `stripe_untrusted`, `stripe_bad_answer`, `stripe_failed`; retriable:
 * `stripe_rate_limited`, `stripe_conflict`, `stripe_unavailable`, `stripe_timeout`, `stripe_unreachable`; `stopped` if aborted
 * before it was made (the SDK cannot let go of a request; `persist` does).
 */
export type StripeApi = {
  /** Tells keys apart without giving them away: what was kept of one account is of no use for another. */
  readonly source: string;
  /** By the key's form; null: it does not tell. */
  readonly livemode: boolean | null;
  /** `GET /v1/events`. Older than 30 days they are gone. */
  events(query: EventQuery): Promise<EventPage>;
  /** `GET /v1/charges/:id`. */
  charge(id: string, query: ChargeQuery): Promise<Json>;
  status(): StripeApiStatus;
  /** Lets go of its connections. */
  close(): void;
};

type StripeApiStatus = {
  /** Made since the start. Stripe allows 500 reads for each transaction of 30 days, and at least 10,000 a month. */
  readonly requests: number;
  /** Requests a second it allows itself now. */
  readonly perSecond: number;
};

const PER_SECOND = 5;

/** Throws AppError `bad_environment` for an address that the SDK cannot use. */
export function createStripeApi({
  apiKey,
  apiUrl,
  clock,
  perSecond = PER_SECOND,
  timeoutMs,
}: StripeApiOptions): StripeApi {
  const { stripe, close } = createSdk({ apiKey, apiUrl, timeoutMs });
  const pace = createPace({ clock, perSecond });
  let requests = 0;

  const ask = async <T>(doing: string, signal: AbortSignal | undefined, request: () => Promise<T>): Promise<T> => {
    await pace.turn(signal);
    throwIfStopped(signal);
    requests += 1;
    try {
      const answer = await request();
      pace.answered();
      return answer;
    } catch (cause) {
      const error = stripeError(cause, doing);
      if (error.code === 'stripe_rate_limited') pace.slowDown();
      throw error;
    }
  };
  return {
    source: createHash('sha256').update(apiKey).digest('hex').slice(0, 16),
    livemode: /^[rs]k_(live|test)_/.test(apiKey) ? apiKey.includes('k_live_') : null,
    events: async ({ account, signal, ...query }) =>
      await ask('listing events', signal, async () =>
        pageOf(await stripe.events.list(paramsOf(query), actingFor(account))),
      ),
    charge: async (id, { account, signal }) =>
      await ask('reading a charge', signal, async () =>
        chargeOf(await stripe.charges.retrieve(id, {}, actingFor(account))),
      ),
    status: () => ({ requests, perSecond: pace.perSecond() }),
    close,
  };
}

const actingFor = (account: string | null): Stripe.RequestOptions =>
  account === null ? {} : { stripeAccount: account };

function paramsOf({ types, beforeS, endingBefore, startingAfter, limit }: Omit<EventQuery, 'account' | 'signal'>) {
  return {
    types: [...types],
    limit,
    ...(beforeS === undefined ? {} : { created: { lt: beforeS } }),
    ...(endingBefore === undefined ? {} : { ending_before: endingBefore }),
    ...(startingAfter === undefined ? {} : { starting_after: startingAfter }),
  };
}

/** The SDK takes any JSON without an `error` for a success, whatever its status. */
function pageOf(answer: unknown): EventPage {
  if (
    !isJson(answer) ||
    answer.object !== 'list' ||
    !Array.isArray(answer.data) ||
    typeof answer.has_more !== 'boolean'
  )
    throw badAnswer(statusOf(answer), 'listing events', 'the answer is JSON, but no list');
  if (!answer.data.every(isEvent))
    throw badAnswer(statusOf(answer), 'listing events', 'the list holds something that is no event');
  return { events: answer.data, hasMore: answer.has_more };
}

/** What paging relies on. */
const isEvent = (value: unknown): value is Json =>
  isJson(value) && typeof value.id === 'string' && value.id !== '' && Number.isSafeInteger(value.created);

function chargeOf(answer: unknown): Json {
  if (isJson(answer) && answer.object === 'charge' && typeof answer.id === 'string') return answer;
  throw badAnswer(statusOf(answer), 'reading a charge', 'the answer is JSON, but no charge');
}

function statusOf(answer: unknown): number {
  const response = isJson(answer) && isJson(answer.lastResponse) ? answer.lastResponse : null;
  return typeof response?.statusCode === 'number' ? response.statusCode : 200;
}

function throwIfStopped(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw stopped();
}
