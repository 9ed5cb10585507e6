// Episodes by brute force over a list of tries, from the definition alone (design §4.2) and apart from the engine: every
// window is summed anew. Also the generator: it knows what really happened, and writes it down as Stripe would.

export type Try = {
  readonly id: string;
  readonly intent: string;
  /** Seconds. */
  readonly time: number;
  readonly kind: 'payment' | 'setup';
  readonly outcome: 'succeeded' | 'declined' | 'blocked';
  readonly code: string;
  readonly card: string | null;
  readonly customer: string | null;
  readonly email: string | null;
  readonly amount: number;
  readonly currency: string;
  readonly dunning: boolean;
  readonly account: string | null;
  readonly livemode: boolean;
};

export type Dispute = {
  readonly id: string;
  readonly charge: Try;
  readonly time: number;
};

/** A detector as the brute force knows it. */
export type Counted<T> = {
  readonly name: string;
  readonly kind: string;
  readonly entity: (one: T) => string | null;
  readonly where: (one: T) => boolean;
  /** Of a ratio: what is in the denominator besides. */
  readonly of?: (one: T) => boolean;
  readonly minimum?: number;
  /** Which may be breach instants. Default: those that match (ratio: those in the denominator). */
  readonly at?: (one: T) => boolean;
  readonly value: 'count' | 'ratio' | ((matching: readonly T[]) => number);
  readonly windowS: number;
  readonly quietForS: number;
  readonly steps: readonly (readonly [severity: string, threshold: number])[];
};

type Timed = {
  readonly id: string;
  readonly time: number;
  readonly account: string | null;
  readonly livemode: boolean;
};

export function bruteForce<T extends Timed>(all: readonly T[], detector: Counted<T>): object[] {
  const keys = new Map<string, T[]>();
  for (const one of all) {
    const entity = detector.entity(one);
    if (entity === null) continue;
    const key = JSON.stringify([one.account, one.livemode, entity]);
    keys.set(key, [...(keys.get(key) ?? []), one]);
  }
  return [...keys].flatMap(([key, ones]) => {
    const [account, livemode, entity] = JSON.parse(key) as [string | null, boolean, string];
    return episodesOf(ones, detector).map((episode) => ({
      detector: detector.name,
      entity: { kind: detector.kind, value: entity },
      account,
      livemode,
      ...episode,
    }));
  });
}

const iso = (seconds: number): string => new Date(seconds * 1_000).toISOString();

function episodesOf<T extends Timed>(ones: readonly T[], detector: Counted<T>): object[] {
  const { windowS, quietForS, where, steps } = detector;
  const instants = [...new Set(ones.map(({ time }) => time))]
    .sort((a, b) => a - b)
    .flatMap((time) => {
      const value = valueAt(ones, detector, time);
      return value !== null && value >= (steps[0]?.[1] ?? 0) ? [{ time, value }] : [];
    });
  const runs: { time: number; value: number }[][] = [];
  for (const instant of instants) {
    const open = runs.at(-1);
    const last = open?.at(-1);
    if (open !== undefined && last !== undefined && instant.time - last.time <= quietForS) open.push(instant);
    else runs.push([instant]);
  }
  return runs.map((run) => {
    const [from, to] = [run[0]?.time ?? 0, run.at(-1)?.time ?? 0];
    const members = ones
      .filter((one) => where(one) && one.time > from - windowS && one.time <= to)
      .sort((a, b) => a.time - b.time || (a.id < b.id ? -1 : 1));
    const peak = Math.max(...run.map(({ value }) => value));
    return {
      severity: steps.filter(([, threshold]) => peak >= threshold).at(-1)?.[0],
      firstAttemptAt: iso(members[0]?.time ?? 0),
      lastAttemptAt: iso(members.at(-1)?.time ?? 0),
      firstBreachAt: iso(from),
      lastBreachAt: iso(to),
      peak,
      attempts: members.map(({ id }) => id),
    };
  });
}

/** Of the window that ends at that second; null if it is no instant at which the detector can breach. */
function valueAt<T extends Timed>(ones: readonly T[], detector: Counted<T>, time: number): number | null {
  const { where, of, minimum = 0, value, windowS } = detector;
  const inDenominator = (one: T): boolean => where(one) || of?.(one) === true;
  const mayBreach = detector.at ?? (value === 'ratio' ? inDenominator : where);
  if (!ones.some((one) => one.time === time && mayBreach(one))) return null;
  const inWindow = ones.filter((one) => one.time > time - windowS && one.time <= time);
  const matching = inWindow.filter(where);
  if (matching.length === 0) return null;
  if (value === 'count') return matching.length;
  if (value !== 'ratio') return value(matching);
  const denominator = inWindow.filter(inDenominator).length;
  return denominator < minimum ? null : matching.length / denominator;
}

/** As printed: sorted by the fields that design §7 names. */
export function sortLines<T extends object>(lines: readonly T[]): T[] {
  const key = (line: object): (string | number | null)[] => {
    const { firstAttemptAt, detector, account, livemode, entity } = line as {
      firstAttemptAt: string;
      detector: string;
      account: string | null;
      livemode: boolean;
      entity: { kind: string; value: string };
    };
    return [firstAttemptAt, detector, account, Number(livemode), entity.kind, entity.value];
  };
  return [...lines].sort((a, b) => {
    const [left, right] = [key(a), key(b)];
    for (const [i, x] of left.entries()) {
      const y = right[i] ?? null;
      if (x === y) continue;
      if (x === null) return -1;
      return y === null || x > y ? 1 : -1;
    }
    return 0;
  });
}

export type Chance = { below(limit: number): number; pick<T>(list: readonly T[]): T };

const CODES = ['do_not_honor', 'generic_decline', 'incorrect_cvc', 'insufficient_funds', 'expired_card', 'stolen_card'];
export const BENIGN = new Set(['insufficient_funds', 'expired_card']);

export function someTries(chance: Chance, count: number, startS: number): Try[] {
  let time = startS;
  return Array.from({ length: count }, (_, index) => {
    time += chance.pick([0, 1, 1, 5, 59, 60, 61, 120, 599, 600, 601, 3_600, 3_601]);
    const outcome = chance.pick(['declined', 'declined', 'declined', 'blocked', 'succeeded'] as const);
    const kind = chance.below(6) === 0 ? 'setup' : 'payment';
    return {
      id: `${kind === 'setup' ? 'setatt' : 'ch'}_${String(chance.below(1e9))}x${index}`,
      intent: `${kind === 'setup' ? 'seti' : 'pi'}_${index}`,
      time,
      kind,
      outcome: kind === 'setup' && outcome === 'blocked' ? 'declined' : outcome,
      code: outcome === 'succeeded' ? '' : outcome === 'blocked' && kind === 'payment' ? 'rule' : chance.pick(CODES),
      card: chance.pick(['card_a', 'card_b', 'card_c', null]),
      customer: chance.pick(['cus_1', 'cus_2', null]),
      email: chance.pick(['a@example.com', 'b@example.com', 'ö@example.com', null]),
      amount: kind === 'setup' ? 0 : chance.pick([50, 100, 5_000]),
      currency: chance.pick(['usd', 'eur']),
      dunning: kind === 'payment' && chance.below(8) === 0,
      account: chance.pick([null, null, 'acct_1', 'acct_2']),
      livemode: chance.below(5) > 0,
    } as const;
  });
}

type Envelope = { readonly id: string; readonly type: string; readonly created: number; readonly one: Try };

/** Every event of a try: of a declined payment two, and the intent's says less. */
export function eventsOf(one: Try, version = '2026-01-28.clover'): object[] {
  const make = ({ id, type, created }: Omit<Envelope, 'one'>, object: object): object => ({
    id: `evt_${id}`,
    object: 'event',
    api_version: version,
    created,
    type,
    livemode: one.livemode,
    ...(one.account === null ? {} : { account: one.account }),
    data: { object },
  });
  const method =
    one.card === null
      ? { type: 'link', link: {} }
      : { type: 'card', card: { fingerprint: one.card, brand: 'visa', last4: '4242' } };
  const billing = { billing_details: { email: one.email === null ? null : ` ${one.email.toUpperCase()} ` } };
  const error = {
    code: 'card_declined',
    decline_code: one.code,
    payment_method: { id: 'pm_1', object: 'payment_method', ...method, ...billing },
  };
  if (one.kind === 'setup') {
    const isFine = one.outcome === 'succeeded';
    return [
      make(
        { id: one.id, type: `setup_intent.${isFine ? 'succeeded' : 'setup_failed'}`, created: one.time },
        {
          id: one.intent,
          object: 'setup_intent',
          customer: one.customer,
          latest_attempt: one.id,
          ...(isFine ? { payment_method: { id: 'pm_1', ...method, ...billing } } : { last_setup_error: error }),
        },
      ),
    ];
  }
  const created = one.card === null ? one.time : one.time + 2;
  const charge = {
    id: one.id,
    object: 'charge',
    created: one.time,
    amount: one.amount,
    currency: one.currency,
    customer: one.customer,
    payment_intent: one.intent,
    payment_method_details: method,
    ...billing,
    failure_code: one.outcome === 'succeeded' ? null : 'card_declined',
    outcome: outcomeObject(one),
    ...(one.dunning ? { description: 'Subscription update' } : {}),
  };
  if (one.outcome === 'succeeded') return [make({ id: one.id, type: 'charge.succeeded', created }, charge)];
  const intent = {
    id: one.intent,
    object: 'payment_intent',
    amount: one.amount,
    currency: one.currency,
    customer: one.customer,
    last_payment_error: {
      ...error,
      charge: one.id,
      ...(one.outcome === 'blocked' ? { decline_code: 'generic_decline' } : {}),
    },
  };
  return [
    make({ id: one.id, type: 'charge.failed', created }, charge),
    make({ id: `${one.id}i`, type: 'payment_intent.payment_failed', created: created + 1 }, intent),
  ];
}

function outcomeObject({ outcome, code }: Try): object {
  if (outcome === 'succeeded') return { type: 'authorized', reason: null };
  return { type: outcome === 'blocked' ? 'blocked' : 'issuer_declined', reason: code };
}

export function eventOf({ id, charge, time }: Dispute): object {
  return {
    id: `evt_${id}`,
    object: 'event',
    api_version: '2026-01-28.clover',
    created: time,
    type: 'charge.dispute.created',
    livemode: charge.livemode,
    ...(charge.account === null ? {} : { account: charge.account }),
    data: {
      object: {
        id,
        object: 'dispute',
        charge: charge.id,
        amount: charge.amount,
        currency: charge.currency,
        reason: 'fraudulent',
      },
    },
  };
}
