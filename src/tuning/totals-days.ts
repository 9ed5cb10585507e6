// The figures of one day from its merged attempts, and the sum of days. Pure.
import { attemptOf, type MergedAttempt } from '../attempts/merge.ts';
import type { Outcome } from '../model/attempt.ts';
import type { DailyTotals, Sums } from '../model/daily-totals.ts';

export type DayFigures = Pick<DailyTotals, 'outcomes' | 'saves' | 'brands'>;

type Growing = {
  readonly outcomes: Partial<
    Record<Outcome, { count: number; amounts: Record<string, { count: number; amount: number }> }>
  >;
  readonly saves: Partial<Record<Outcome, number>>;
  readonly brands: Record<string, number>;
};

/** A currency code; anything else is no money. Names of three letters at most are no names of an object's own either. */
const isCurrency = (text: string): boolean => /^[a-z]{3}$/.test(text);
const isBrand = (text: string): boolean => /^[a-z_]{1,24}$/.test(text) && text !== '__proto__';

export const noFigures = (): DayFigures => ({ outcomes: {}, saves: {}, brands: {} });

/** Adds to the figures in place. An attempt without an outcome is not yet one. */
export function addAttempt(figures: DayFigures, merged: MergedAttempt): void {
  const { kind, fields } = attemptOf(merged);
  const outcome = fields.result?.outcome;
  if (outcome === undefined) return;
  const { outcomes, saves, brands } = figures as Growing;
  if (kind === 'setup') {
    saves[outcome] = (saves[outcome] ?? 0) + 1;
    return;
  }
  outcomes[outcome] ??= { count: 0, amounts: {} };
  const known = outcomes[outcome];
  known.count += 1;
  const { amount, currency } = fields;
  if (amount !== undefined && currency !== undefined && isCurrency(currency)) {
    known.amounts[currency] ??= { count: 0, amount: 0 };
    const sum = known.amounts[currency];
    sum.count += 1;
    sum.amount += amount;
  }
  if (outcome !== 'succeeded') return;
  const brand = fields.brand ?? '';
  const named = isBrand(brand) ? brand : '';
  brands[named] = (brands[named] ?? 0) + 1;
}

/** Associative, commutative. */
export function addFigures(a: DayFigures, b: DayFigures): DayFigures {
  const outcomes: Growing['outcomes'] = {};
  for (const { outcomes: some } of [a, b])
    for (const [outcome, { count, amounts }] of Object.entries(some) as [Outcome, { count: number; amounts: Sums }][]) {
      const known = outcomes[outcome];
      outcomes[outcome] = { count: (known?.count ?? 0) + count, amounts: addSums(known?.amounts ?? {}, amounts) };
    }
  return { outcomes, saves: addCounts(a.saves, b.saves), brands: addCounts(a.brands, b.brands) };
}

export function addSums(a: Sums, b: Sums): Record<string, { count: number; amount: number }> {
  const sums: Record<string, { count: number; amount: number }> = { ...a };
  for (const [currency, { count, amount }] of Object.entries(b)) {
    const known = sums[currency] ?? { count: 0, amount: 0 };
    sums[currency] = { count: known.count + count, amount: known.amount + amount };
  }
  return sums;
}

function addCounts<T extends Readonly<Record<string, number>>>(a: T, b: T): T {
  const counts: Record<string, number> = { ...a };
  for (const [name, count] of Object.entries(b)) counts[name] = (counts[name] ?? 0) + count;
  return counts as T;
}
