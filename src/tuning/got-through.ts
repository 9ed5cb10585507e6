// What got through on an incident's entity: successes since its first attempt, read from the log once and then only what
// has come since.
import type { View } from '../model/attempt.ts';
import type { Incident } from '../model/incident.ts';
import type { Through } from '../model/through.ts';
import { findStretch, type ReadLog, scan } from './attempts-scan.ts';
import { viewTest } from './matches.ts';
import { shownText } from './member-summary.ts';

export type GotThroughParts = {
  readonly log: ReadLog;
  readonly piiKey: string;
  /** Number of the newest erase: with another one everything is read anew. */
  readonly erased?: () => number;
};

/** Null: the incident is about no entity of its own. Rejects with the log's errors, and when `signal` is aborted. */
export type GotThrough = (incident: Incident, signal?: AbortSignal) => Promise<Through | null>;

/** Incidents whose reading is remembered; of others it begins anew. */
const MAX_KNOWN = 500;
/** Successes of one incident whose ids are held; more are counted no further. */
const MAX_SUCCESSES = 10_000;
const MAX_CUSTOMERS = 3;
const MAX_CURRENCIES = 3;
/** Milliseconds: a view may be received before its attempt's own time by a wrong clock. */
const AHEAD_MS = 300_000;

type Reading = {
  /** Milliseconds: attempts from then on. */
  readonly fromMs: number;
  next: number | null;
  readonly successes: Map<string, { readonly amount: number | null; readonly currency: string | null }>;
  readonly customers: Set<string>;
};

export function createGotThrough({ log, piiKey, erased = () => 0 }: GotThroughParts): GotThrough {
  const known = new Map<string, Reading>();
  let readWith = erased();
  return async (incident, signal) => {
    const { kind, asOf, id, firstAttemptAt } = incident;
    // Of the whole account every payment would count: that is business, not what got through.
    if (kind !== 'episode' || asOf.topic !== 'attempts' || incident.entity.kind === 'account') return null;
    // Somebody whom it told of was erased, and this process still reads them.
    if ((incident.erased?.number ?? 0) > erased()) return null;
    if (readWith !== erased()) known.clear();
    readWith = erased();
    const before = known.get(id);
    // Later information may move its first attempt: then what was read is of another stretch.
    const reading = before?.fromMs === firstAttemptAt ? before : newReading(firstAttemptAt);
    known.delete(id);
    const times = { receivedFromMs: firstAttemptAt - AHEAD_MS, receivedToMs: null, below: Number.POSITIVE_INFINITY };
    const stretch = await findStretch(log, asOf.partition, times);
    const from = Math.max(stretch.from, reading.next ?? 0);
    const isOn = viewTest(incident.entity, piiKey);
    for await (const record of scan(log, { ...stretch, from }, incident)) {
      signal?.throwIfAborted();
      if (record.record === 'view' && record.time * 1_000 >= firstAttemptAt && isOn(record)) take(reading, record);
    }
    reading.next = Math.max(from, stretch.to);
    known.set(id, reading);
    const [eldest] = known.keys();
    if (known.size > MAX_KNOWN && eldest !== undefined) known.delete(eldest);
    return throughOf(reading);
  };
}

const newReading = (fromMs: number): Reading => ({
  fromMs,
  next: null,
  successes: new Map(),
  customers: new Set(),
});

/** A success is never taken back: Stripe has other events for what becomes of it. Views of one attempt count once. */
function take({ successes, customers }: Reading, { fields, attempt }: View): void {
  if (fields.customer !== undefined) {
    customers.delete(fields.customer);
    customers.add(fields.customer);
    const [longestAgo] = customers;
    if (customers.size > MAX_CUSTOMERS && longestAgo !== undefined) customers.delete(longestAgo);
  }
  if (fields.result?.outcome !== 'succeeded') return;
  if (successes.size >= MAX_SUCCESSES && !successes.has(attempt)) return;
  successes.set(attempt, { amount: fields.amount ?? null, currency: fields.currency ?? null });
}

function throughOf({ successes, customers }: Reading): Through {
  const sums = new Map<string, { currency: string; amount: number; count: number }>();
  for (const { amount, currency } of successes.values()) {
    if (amount === null || currency === null) continue;
    const sum = sums.get(currency) ?? { currency: shownText(currency), amount: 0, count: 0 };
    sums.set(currency, { ...sum, amount: sum.amount + amount, count: sum.count + 1 });
  }
  const amounts = [...sums.values()]
    .sort((a, b) => b.count - a.count || (a.currency < b.currency ? -1 : 1))
    .slice(0, MAX_CURRENCIES);
  return { count: successes.size, amounts, customers: [...customers].reverse().map(shownText) };
}
