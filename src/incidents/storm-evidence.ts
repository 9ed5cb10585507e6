// What a storm's children say, added up: counts, codes and amounts as each said when it joined, and how many joined when.
import type { Evidence } from '../model/episode.ts';
import type { Incident } from '../model/incident.ts';

const MAX_CODES = 8;
const MAX_CURRENCIES = 3;
const MAX_NEWEST = 10;
const MAX_POINTS = 60;

/** `4 cards`. */
export const stormLabel = (children: number, kind: string | undefined): string => `${children} ${kind ?? 'entitie'}s`;

/** What joins at that time, milliseconds. */
export function addEvidence(sum: Evidence, child: Incident, time: number): Evidence {
  return { ...withChild(sum, child), series: addPoint(sum.series, Math.floor(time / 1000)) };
}

/** When it joined stands in the series already. */
export function withChild(sum: Evidence, { evidence, entity }: Incident): Evidence {
  return {
    ...sum,
    outcomes: addCounts(sum.outcomes, evidence.outcomes),
    codes: addCodes(sum.codes, evidence.codes),
    amounts: addAmounts(sum.amounts, evidence.amounts),
    distinct: addDistinct(sum.distinct, evidence.distinct, entity.kind),
    newest: newestOf(sum.newest, evidence.newest),
    trigger: null,
  };
}

/** As if it had not joined; of what is counted as the most that one child has seen, what others saw is not known. */
export function withoutChild(sum: Evidence, { evidence, entity }: Incident): Evidence {
  const gone = new Set(evidence.newest.map(({ id }) => id));
  const own = DISTINCT[entity.kind as keyof typeof DISTINCT] as keyof Evidence['distinct'] | undefined;
  const nothing: Evidence = { ...evidence, outcomes: {}, codes: [], amounts: [], newest: [] };
  return {
    ...gainedEvidence({ ...sum, newest: sum.newest.filter(({ id }) => !gone.has(id)) }, evidence, nothing),
    distinct: own === undefined ? sum.distinct : { ...sum.distinct, [own]: Math.max(0, sum.distinct[own] - 1) },
  };
}

/** What a child has gained or lost since it joined. Of codes and currencies beyond the kept ones the sums are at least so much. */
export function gainedEvidence(sum: Evidence, before: Evidence, after: Evidence): Evidence {
  const lostCodes = before.codes.map(({ code, count }) => ({ code, count: -count }));
  const lostAmounts = before.amounts.map(({ currency, amount, count }) => ({
    currency,
    amount: -amount,
    count: -count,
  }));
  const lostOutcomes = Object.fromEntries(Object.entries(before.outcomes).map(([name, count]) => [name, -count]));
  return {
    ...sum,
    outcomes: positive(addCounts(addCounts(sum.outcomes, lostOutcomes), after.outcomes)),
    codes: addCodes(addCodes(sum.codes, lostCodes, Number.POSITIVE_INFINITY), after.codes),
    amounts: addAmounts(addAmounts(sum.amounts, lostAmounts, Number.POSITIVE_INFINITY), after.amounts),
    newest: newestOf(sum.newest, after.newest),
  };
}

function positive(counts: Evidence['outcomes']): Evidence['outcomes'] {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

/** Each member once: a child says its newest again each time. */
function newestOf(a: Evidence['newest'], b: Evidence['newest']): Evidence['newest'] {
  const members = new Map([...a, ...b].map((member) => [member.id, member]));
  return [...members.values()].sort((x, y) => y.at - x.at || (x.id < y.id ? -1 : 1)).slice(0, MAX_NEWEST);
}

function addCounts(a: Evidence['outcomes'], b: Evidence['outcomes']): Evidence['outcomes'] {
  const counts: Record<string, number> = { ...a };
  for (const [name, count] of Object.entries(b)) counts[name] = (counts[name] ?? 0) + count;
  return counts;
}

function addCodes(a: Evidence['codes'], b: Evidence['codes'], most = MAX_CODES): Evidence['codes'] {
  const counts = new Map<string, number>();
  for (const { code, count } of [...a, ...b]) counts.set(code, (counts.get(code) ?? 0) + count);
  return [...counts]
    .map(([code, count]) => ({ code, count }))
    .sort((x, y) => y.count - x.count || (x.code < y.code ? -1 : 1))
    .filter(({ count }) => most > MAX_CODES || count > 0)
    .slice(0, most);
}

function addAmounts(a: Evidence['amounts'], b: Evidence['amounts'], most = MAX_CURRENCIES): Evidence['amounts'] {
  const sums = new Map<string, { currency: string; amount: number; count: number }>();
  for (const { currency, amount, count } of [...a, ...b]) {
    const known = sums.get(currency) ?? { currency, amount: 0, count: 0 };
    sums.set(currency, { currency, amount: known.amount + amount, count: known.count + count });
  }
  return [...sums.values()]
    .sort((x, y) => y.count - x.count || (x.currency < y.currency ? -1 : 1))
    .filter(({ count }) => most > MAX_CURRENCIES || count > 0)
    .slice(0, most);
}

const DISTINCT = { card: 'cards', customer: 'customers', email: 'emails', ip: 'ips' } as const;

/** Exact for what the detector counts on (one entity a child); of the others the most that one child has seen. */
function addDistinct(a: Evidence['distinct'], b: Evidence['distinct'], kind: string): Evidence['distinct'] {
  const sum = { ...a };
  for (const [own, name] of Object.entries(DISTINCT) as [string, keyof Evidence['distinct']][])
    sum[name] = own === kind ? a[name] + 1 : Math.max(a[name], b[name]);
  return sum;
}

/** Incidents that joined, step by step; the steps double when there are too many. */
function addPoint({ fromS, stepS, values }: Evidence['series'], atS: number): Evidence['series'] {
  const index = Math.max(0, Math.floor((atS - fromS) / stepS));
  if (index < MAX_POINTS) {
    const next = Array.from({ length: Math.max(values.length, index + 1) }, (_, i) => values[i] ?? 0);
    next[index] = (next[index] ?? 0) + 1;
    return { fromS, stepS, values: next };
  }
  const half: number[] = [];
  for (let i = 0; i < values.length; i += 2) half.push((values[i] ?? 0) + (values[i + 1] ?? 0));
  return addPoint({ fromS, stepS: stepS * 2, values: half }, atS);
}
