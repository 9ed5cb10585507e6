// Seeded traffic for tests of the whole flow, and what must come of it, computed apart from the program: by brute force
// over the sorted set of tries, from design §4.2 alone.
import { createHmac } from 'node:crypto';
import Stripe from 'stripe';
import { WEBHOOK_SECRET } from './installation.ts';

export type Try = {
  /** Seconds. */
  readonly at: number;
  readonly charge: string;
  readonly account: string | null;
  readonly card: string;
  readonly customer: string;
  readonly email: string;
  readonly declined: boolean;
};

type Json = Readonly<Record<string, unknown>>;
export type Event = Json & { readonly id: string; readonly type: string };

/** Three plain detectors that the brute force below knows. */
export const TRAFFIC_DETECTORS = `
stormAfter: 10000
settle: 500ms
detectors:
  - name: card-declines
    title: Declines on one card
    why: A test of the whole flow.
    count: attempts
    where: outcome == "declined"
    per: card
    window: 10m
    quietFor: 20m
    thresholds: { warning: 3, critical: 6 }
  - name: cards-of-customer
    title: Cards of one customer
    why: A test of the whole flow.
    count: distinct(card)
    where: outcome == "declined"
    per: customer
    window: 15m
    quietFor: 30m
    thresholds: { warning: 4 }
  - name: email-declines
    title: Declines on one e-mail
    why: A test of the whole flow.
    count: attempts
    where: outcome == "declined"
    per: email
    window: 30m
    quietFor: 40m
    thresholds: { notice: 5, warning: 8 }
`;

type Plan = {
  readonly detector: string;
  readonly entity: 'card' | 'customer' | 'email';
  readonly windowS: number;
  readonly quietForS: number;
  readonly thresholds: readonly (readonly [severity: string, value: number])[];
  readonly value: (members: readonly Try[]) => number;
};

const count = (members: readonly Try[]): number => members.length;
const PLANS: readonly Plan[] = [
  {
    detector: 'card-declines',
    entity: 'card',
    windowS: 600,
    quietForS: 1_200,
    thresholds: [
      ['warning', 3],
      ['critical', 6],
    ],
    value: count,
  },
  {
    detector: 'cards-of-customer',
    entity: 'customer',
    windowS: 900,
    quietForS: 1_800,
    thresholds: [['warning', 4]],
    value: (members) => new Set(members.map(({ card }) => card)).size,
  },
  {
    detector: 'email-declines',
    entity: 'email',
    windowS: 1_800,
    quietForS: 2_400,
    thresholds: [
      ['notice', 5],
      ['warning', 8],
    ],
    value: count,
  },
];

export type Expected = {
  readonly detector: string;
  readonly account: string | null;
  readonly entity: string;
  readonly severity: string;
  readonly peak: number;
  readonly attemptCount: number;
  readonly firstAttemptAt: string;
  readonly lastAttemptAt: string;
  readonly firstBreachAt: string;
  readonly lastBreachAt: string;
};

/** `hash`: how e-mails are told of (design §4.9). */
export function expectedEpisodes(tries: readonly Try[], hash: (email: string) => string): Expected[] {
  const declined = tries.filter((one) => one.declined).sort((a, b) => a.at - b.at);
  const found: Expected[] = [];
  for (const plan of PLANS) {
    const groups = Map.groupBy(declined, (one) => JSON.stringify([one.account, one[plan.entity]]));
    for (const members of groups.values()) found.push(...episodesOf(plan, members, hash));
  }
  return found.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

export const keyOf = ({
  detector,
  account,
  entity,
  firstBreachAt,
}: Pick<Expected, 'detector' | 'account' | 'entity' | 'firstBreachAt'>): string =>
  [detector, account ?? '', entity, firstBreachAt].join('|');

function episodesOf(plan: Plan, members: readonly Try[], hash: (email: string) => string): Expected[] {
  const lowest = plan.thresholds[0]?.[1] ?? 0;
  const valueAt = (at: number): number =>
    plan.value(members.filter((one) => one.at > at - plan.windowS && one.at <= at));
  const instants = [...new Set(members.map(({ at }) => at))].filter((at) => valueAt(at) >= lowest);
  const chains: number[][] = [];
  for (const at of instants) {
    const open = chains.at(-1);
    if (open !== undefined && at - (open.at(-1) ?? 0) <= plan.quietForS) open.push(at);
    else chains.push([at]);
  }
  return chains.map((chain) => {
    const [first = 0] = chain;
    const last = chain.at(-1) ?? 0;
    const own = members.filter(({ at }) => at > first - plan.windowS && at <= last);
    const peak = Math.max(...chain.map(valueAt));
    const { account = null } = own[0] ?? {};
    const value = own[0]?.[plan.entity] ?? '';
    return {
      detector: plan.detector,
      account,
      entity: plan.entity === 'email' ? hash(value) : value,
      severity: plan.thresholds.findLast(([, threshold]) => peak >= threshold)?.[0] ?? '',
      peak,
      attemptCount: own.length,
      firstAttemptAt: iso(own[0]?.at ?? 0),
      lastAttemptAt: iso(own.at(-1)?.at ?? 0),
      firstBreachAt: iso(first),
      lastBreachAt: iso(last),
    };
  });
}

const iso = (seconds: number): string => new Date(seconds * 1000).toISOString();

/** 128 bits of an HMAC over kind and value, as the concepts page says. */
export function emailHash(key: string): (email: string) => string {
  return (email) => createHmac('sha256', key).update(`email\u0000${email}`).digest('hex').slice(0, 32);
}

export type TrafficOptions = {
  readonly seed: number;
  readonly tries: number;
  readonly accounts: readonly (string | null)[];
  /** Seconds: the newest try; the oldest is 25 minutes before. */
  readonly untilS: number;
};

const SPAN_S = 1_500;

export function makeTries({ seed, tries, accounts, untilS }: TrafficOptions): Try[] {
  const random = lcg(seed);
  const pick = (from: number): number => Math.floor(random() * from);
  return Array.from({ length: tries }, (_, index) => {
    const account = accounts[pick(accounts.length)] ?? null;
    const hot = random() < 0.35;
    return {
      at: untilS - pick(SPAN_S),
      charge: `ch_${seed}_${index}`,
      account,
      card: `fp${hot ? pick(2) : pick(60)}`,
      customer: `cus_${hot ? pick(2) : pick(50)}`,
      email: `payer${hot ? pick(2) : pick(50)}@example.com`,
      declined: random() < 0.7,
    };
  });
}

/** Both views of a decline, one of a success; a third of all come twice; the whole out of order. */
export function shuffledEvents(tries: readonly Try[], seed: number): Event[] {
  const random = lcg(seed + 1);
  const events = tries.flatMap(eventsOf);
  const all = [...events, ...events.filter(() => random() < 0.33)];
  for (let i = all.length - 1; i > 0; i--) {
    const other = Math.floor(random() * (i + 1));
    const [a, b] = [all[i], all[other]];
    if (a !== undefined && b !== undefined) [all[i], all[other]] = [b, a];
  }
  return all;
}

export function eventsOf(one: Try): Event[] {
  const card = { brand: 'visa', country: 'US', fingerprint: one.card, funding: 'credit', last4: '4242', wallet: null };
  const charge = {
    id: one.charge,
    object: 'charge',
    amount: 1_200,
    billing_details: { email: one.email },
    created: one.at,
    currency: 'usd',
    customer: one.customer,
    failure_code: one.declined ? 'card_declined' : null,
    metadata: {},
    outcome: one.declined
      ? { type: 'issuer_declined', reason: 'generic_decline', network_status: 'declined_by_network' }
      : { type: 'authorized', reason: null, network_status: 'approved_by_network' },
    payment_intent: one.charge.replace('ch_', 'pi_'),
    payment_method_details: { type: 'card', card },
    status: one.declined ? 'failed' : 'succeeded',
  };
  if (!one.declined) return [envelope(one, 'charge.succeeded', charge)];
  const intent = {
    id: charge.payment_intent,
    object: 'payment_intent',
    amount: 1_200,
    currency: 'usd',
    customer: one.customer,
    last_payment_error: {
      charge: one.charge,
      code: 'card_declined',
      decline_code: 'generic_decline',
      payment_method: { id: 'pm_1', type: 'card', card, billing_details: { email: one.email } },
    },
    latest_charge: one.charge,
    metadata: {},
  };
  return [envelope(one, 'charge.failed', charge), envelope(one, 'payment_intent.payment_failed', intent)];
}

function envelope({ at, charge, account }: Try, type: string, object: Json): Event {
  return {
    id: `evt_${type.startsWith('charge') ? 'c' : 'p'}_${charge}`,
    object: 'event',
    api_version: '2026-01-28.clover',
    created: at,
    data: { object },
    livemode: true,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    type,
    ...(account === null ? {} : { account }),
  };
}

/** `url` is asked at each try: a service that is started again may listen elsewhere. Sends one event as Stripe would, and again until it is accepted; Stripe does so for three days, this for a minute. */
export async function sendEvent(url: () => string, event: Event): Promise<void> {
  const payload = JSON.stringify(event);
  for (const deadline = Date.now() + 60_000; ; ) {
    const timestamp = Math.floor(Date.now() / 1000);
    const signature = Stripe.webhooks.generateTestHeaderString({ payload, secret: WEBHOOK_SECRET, timestamp });
    const headers = { 'content-type': 'application/json', 'stripe-signature': signature };
    const answer = await fetch(url(), { method: 'POST', headers, body: payload }).catch(() => null);
    await answer?.arrayBuffer();
    if (answer?.status === 200) return;
    if (Date.now() > deadline) throw new Error(`${event.id} was not accepted: ${answer?.status ?? 'no answer'}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** `side` at a time; `halfway` runs beside the second half. */
export async function sendAll(
  url: () => string,
  events: readonly Event[],
  { side = 8, halfway }: { readonly side?: number; readonly halfway?: () => Promise<unknown> } = {},
): Promise<void> {
  let next = 0;
  let middle: Promise<unknown> | null = null;
  const sender = async (): Promise<void> => {
    for (let event = events[next++]; event !== undefined; event = events[next++]) {
      if (middle === null && halfway !== undefined && next > events.length / 2) middle = halfway();
      await sendEvent(url, event);
    }
  };
  await Promise.all(Array.from({ length: side }, sender));
  await middle;
}

function lcg(seed: number): () => number {
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}
