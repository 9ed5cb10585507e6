// The evidence a report carries: what an episode is made of, in at most 1.5 KB of JSON whatever comes in (design §4.4).
import type { AttemptFields, Outcome } from '../model/attempt.ts';
import type { Evidence, MemberSummary } from '../model/episode.ts';
import { cardLabel, clean } from '../model/mask.ts';

export const EVIDENCE_MAX_BYTES = 1_536;
export const NEWEST_MAX = 10;
export const SERIES_MAX_POINTS = 60;
const CODES_MAX = 8;
const CURRENCIES_MAX = 3;

/** Most different codes, currencies and outcomes that are told apart. */
const MAX_TALLIES = 1_000;
const MAX_ID = 128;
const MAX_CODE = 48;

/** A member as the windows know it: personal data included, which evidence only counts. */
export type MemberFacts = {
  readonly id: string;
  /** Seconds. */
  readonly at: number;
  /** Absent of a signal. */
  readonly outcome?: Outcome;
  /** Of a signal its reason. */
  readonly code: string;
  readonly fields: AttemptFields;
};

export type EvidenceInput = {
  /** In any order. One pass, so that an episode of 100,000 members costs no more than looking at each. */
  readonly members: Iterable<MemberFacts>;
  /** At its breach instants (seconds), in time order. */
  readonly values: readonly { readonly time: number; readonly value: number }[];
  readonly trigger: MemberFacts | null;
};

export function evidenceOf({ members, values, trigger }: EvidenceInput): Evidence {
  const tally = createTally();
  for (const member of members) tally.add(member);
  const told = tally.told();
  const last = trigger === null ? null : summaryOf(trigger);
  for (const size of SIZES) {
    const evidence = shrink({ told, values, trigger: last, size });
    if (Buffer.byteLength(JSON.stringify(evidence)) <= EVIDENCE_MAX_BYTES) return evidence;
  }
  return { ...NOTHING, distinct: told.distinct };
}

/** What is given up first, when it does not fit: links, then older members, then points, then codes. */
const SIZES = [
  { newest: 10, points: 60, codes: 8, links: true },
  { newest: 10, points: 60, codes: 8, links: false },
  { newest: 8, points: 40, codes: 8, links: false },
  { newest: 6, points: 40, codes: 8, links: false },
  { newest: 5, points: 30, codes: 8, links: false },
  { newest: 4, points: 20, codes: 8, links: false },
  { newest: 3, points: 20, codes: 8, links: false },
  { newest: 2, points: 12, codes: 6, links: false },
  { newest: 1, points: 6, codes: 3, links: false },
  { newest: 0, points: 0, codes: 1, links: false },
] as const;

type Size = (typeof SIZES)[number];

const NOTHING: Evidence = {
  outcomes: {},
  codes: [],
  amounts: [],
  distinct: { cards: 0, customers: 0, emails: 0, ips: 0 },
  newest: [],
  series: { fromS: 0, stepS: 1, values: [] },
  trigger: null,
};

type Told = Omit<Evidence, 'series' | 'trigger'>;

type Parts = {
  readonly told: Told;
  readonly values: EvidenceInput['values'];
  readonly trigger: MemberSummary | null;
  readonly size: Size;
};

function shrink({ told, values, trigger, size }: Parts): Evidence {
  const linked = (member: MemberSummary): MemberSummary => (size.links ? member : { ...member, intent: null });
  return {
    ...told,
    codes: told.codes.slice(0, size.codes),
    newest: told.newest.slice(0, size.newest).map(linked),
    series: seriesOf(values, size.points),
    trigger: trigger === null ? null : linked(trigger),
  };
}

function createTally() {
  const outcomes = new Map<string, number>();
  const codes = new Map<string, number>();
  const amounts = new Map<string, { amount: number; count: number }>();
  const cards = new Set<string>();
  const customers = new Set<string>();
  const emails = new Set<string>();
  const ips = new Set<string>();
  const newest: MemberFacts[] = [];
  return {
    add: (member: MemberFacts): void => {
      const { outcome, code, fields } = member;
      if (outcome !== undefined) count(outcomes, outcome);
      if (code !== '') count(codes, code);
      if (fields.amount !== undefined && fields.currency !== undefined)
        addAmount(amounts, fields.currency, fields.amount);
      if (fields.card !== undefined) cards.add(fields.card);
      if (fields.customer !== undefined) customers.add(fields.customer);
      if (fields.email !== undefined) emails.add(fields.email);
      if (fields.ip !== undefined) ips.add(fields.ip);
      keepNewest(newest, member);
    },
    told: (): Told => ({
      outcomes: Object.fromEntries(outcomes),
      codes: top(codes, CODES_MAX, (n) => n).map(([code, n]) => ({ code: shown(code, MAX_CODE), count: n })),
      amounts: top(amounts, CURRENCIES_MAX, (sum) => sum.count).map(([currency, sum]) => ({
        currency: shown(currency, 3),
        ...sum,
      })),
      distinct: { cards: cards.size, customers: customers.size, emails: emails.size, ips: ips.size },
      newest: newest.map(summaryOf),
    }),
  };
}

function count(tally: Map<string, number>, name: string): void {
  const so = tally.get(name);
  if (so === undefined && tally.size >= MAX_TALLIES) return;
  tally.set(name, (so ?? 0) + 1);
}

function addAmount(amounts: Map<string, { amount: number; count: number }>, currency: string, amount: number): void {
  const sum = amounts.get(currency);
  if (sum !== undefined) {
    sum.amount = Math.min(sum.amount + amount, Number.MAX_SAFE_INTEGER);
    sum.count += 1;
  } else if (amounts.size < MAX_TALLIES) amounts.set(currency, { amount, count: 1 });
}

/** Most first; equals by name, so that the same set gives the same evidence. */
function top<T>(tally: ReadonlyMap<string, T>, limit: number, by: (value: T) => number): [string, T][] {
  return [...tally].sort(([a, x], [b, y]) => by(y) - by(x) || (a < b ? -1 : 1)).slice(0, limit);
}

/** Newest first, equals by id; an insertion into at most ten. */
function keepNewest(newest: MemberFacts[], member: MemberFacts): void {
  const last = newest[NEWEST_MAX - 1];
  if (last !== undefined && compareNewest(member, last) >= 0) return;
  let at = newest.length;
  while (at > 0 && isBefore(member, newest[at - 1])) at -= 1;
  newest.splice(at, 0, member);
  if (newest.length > NEWEST_MAX) newest.pop();
}

const isBefore = (a: MemberFacts, b: MemberFacts | undefined): boolean => b !== undefined && compareNewest(a, b) < 0;

function compareNewest(a: MemberFacts, b: MemberFacts): number {
  return b.at - a.at || (a.id > b.id ? -1 : a.id < b.id ? 1 : 0);
}

function summaryOf({ id, at, outcome, code, fields }: MemberFacts): MemberSummary {
  return {
    id: shown(id, MAX_ID),
    at,
    outcome: outcome ?? '',
    code: shown(code, MAX_CODE),
    amount: fields.amount ?? null,
    currency: fields.currency === undefined ? null : shown(fields.currency, 3),
    card: cardLabel(fields),
    intent: fields.intent === undefined ? null : shown(fields.intent, MAX_ID),
  };
}

const shown = (text: string, length: number): string => clean(text.slice(0, length));

/** The largest value in each step; a step without a breach instant is 0. */
function seriesOf(values: EvidenceInput['values'], points: number): Evidence['series'] {
  const first = values[0];
  const last = values.at(-1);
  if (first === undefined || last === undefined || points === 0)
    return { fromS: first?.time ?? 0, stepS: 1, values: [] };
  const stepS = Math.max(1, Math.ceil((last.time - first.time + 1) / points));
  const steps = new Array<number>(Math.floor((last.time - first.time) / stepS) + 1).fill(0);
  for (const { time, value } of values) {
    const step = Math.floor((time - first.time) / stepS);
    steps[step] = Math.max(steps[step] ?? 0, Math.round(value * 10_000) / 10_000);
  }
  return { fromS: first.time, stepS, values: steps };
}
