// What the members of an episode add up to, in any order. A member can be taken out again: so the sums of a long episode are
// kept and changed, and not made anew for each report.
import type { AttemptFields, Outcome } from '../model/attempt.ts';
import type { PackedSubject } from './packed-subject.ts';
import { countValue, countValueAt, createValueCounts, type ValueCounts } from './value-counts.ts';

/** A member as the windows know it: personal data included, which evidence only counts. */
export type MemberFacts = {
  readonly id: string;
  /** Seconds. */
  readonly at: number;
  /** Absent of a signal. */
  readonly outcome?: Outcome | undefined;
  /** Of a signal its reason. */
  readonly code: string;
  readonly fields: AttemptFields;
  /** Absent: it is not held packed, or not alone. */
  readonly packed?: PackedSubject;
};

export type Tally = {
  members: number;
  readonly outcomes: Map<string, number>;
  readonly codes: Map<string, number>;
  /** By currency. */
  readonly amounts: Map<string, Sum>;
  /** Of the kinds COUNTED. */
  readonly values: ValueCounts;
};

/** Minor units in two parts, so that the sum is exact, and the same in any order, whatever comes in. */
type Sum = { high: number; low: number; count: number };

const HIGH = 2 ** 26;
/** What is counted by value: the kinds of the value counts. */
const COUNTED = ['card', 'customer', 'email', 'ip'] as const;

export function createTally(): Tally {
  const [outcomes, codes] = [new Map<string, number>(), new Map<string, number>()];
  return { members: 0, outcomes, codes, amounts: new Map(), values: createValueCounts(COUNTED.length) };
}

/** `by` -1 takes out what was put in before, with the same facts. */
export function changeTally(tally: Tally, member: Omit<MemberFacts, 'id' | 'at'>, by: 1 | -1): void {
  const { outcomes, codes, amounts, values } = tally;
  const { outcome, code, packed } = member;
  const { amount, currency } = packed ?? member.fields;
  tally.members += by;
  if (outcome !== undefined) count(outcomes, outcome, by);
  if (code !== '') count(codes, code, by);
  if (amount !== undefined && currency !== undefined) addAmount(amounts, currency, amount, by);
  for (let kind = 0; kind < COUNTED.length; kind++) {
    const name = COUNTED[kind] as (typeof COUNTED)[number];
    if (packed === undefined) {
      const value = member.fields[name];
      if (value !== undefined) countValue(values, kind, value, by);
    } else if (packed.has(name)) countValueAt(values, kind, { bytes: packed.bytes, at: packed.textAt(name) }, by);
  }
}

function count(counts: Map<string, number>, name: string, by: 1 | -1): void {
  const now = (counts.get(name) ?? 0) + by;
  if (now === 0) counts.delete(name);
  else counts.set(name, now);
}

function addAmount(amounts: Map<string, Sum>, currency: string, amount: number, by: 1 | -1): void {
  const high = Math.floor(amount / HIGH);
  let sum = amounts.get(currency);
  if (sum === undefined) {
    sum = { high: 0, low: 0, count: 0 };
    amounts.set(currency, sum);
  }
  sum.high += by * high;
  sum.low += by * (amount - high * HIGH);
  sum.count += by;
  if (sum.count === 0) amounts.delete(currency);
}

/** Most first; equals by name. */
export function outcomesIn({ outcomes }: Tally): Record<string, number> {
  return Object.fromEntries(top(outcomes, outcomes.size, (n) => n));
}

/** The most frequent. */
export function codesIn({ codes }: Tally, limit: number): { code: string; count: number }[] {
  return top(codes, limit, (n) => n).map(([code, n]) => ({ code, count: n }));
}

/** Those of the most members. */
export function amountsIn({ amounts }: Tally, limit: number): { currency: string; amount: number; count: number }[] {
  return top(amounts, limit, (sum) => sum.count).map(([currency, { high, low, count: n }]) => {
    const amount = Math.max(Math.min(high * HIGH + low, Number.MAX_SAFE_INTEGER), Number.MIN_SAFE_INTEGER);
    return { currency, amount, count: n };
  });
}

/** How many different names it tells apart. */
export const namesIn = ({ codes, amounts }: Tally): number => codes.size + amounts.size;

export function distinctIn({ values: { different } }: Tally) {
  const [cards = 0, customers = 0, emails = 0, ips = 0] = different;
  return { cards, customers, emails, ips };
}

/** Equals by name, so that the same set gives the same; one pass, since there may be as many names as members. */
function top<T>(counts: ReadonlyMap<string, T>, limit: number, by: (value: T) => number): [string, T][] {
  const best: [string, T][] = [];
  const isBefore = ([a, x]: [string, T], [b, y]: [string, T]): boolean => by(x) > by(y) || (by(x) === by(y) && a < b);
  for (const entry of counts) {
    let at = best.length;
    while (at > 0 && isBefore(entry, best[at - 1] as [string, T])) at -= 1;
    if (at >= limit) continue;
    best.splice(at, 0, entry);
    if (best.length > limit) best.pop();
  }
  return best;
}
