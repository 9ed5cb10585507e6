// The month of fraud: what the days of a month (UTC) came to, what became of its incidents, and how near the account is to
// the card networks' programmes. Pure.
import type { Outcome } from '../model/attempt.ts';
import { type DailyTotals, PROOF_KINDS, type Proof, type ProofKind } from '../model/daily-totals.ts';
import { SEVERITIES, type Severity } from '../model/detector.ts';
import { type Incident, VERDICTS, type Verdict } from '../model/incident.ts';
import type { Count, Month, MonthIncidents, MonthOfScope, Times } from '../model/month.ts';
import { type Scope, scopeId } from '../model/scope.ts';
import { type Correction, gradesOf, isAlert, verdictOf } from './grades.ts';
import { estimatesOf } from './month-programmes.ts';
import { addFigures, addSums, noFigures } from './totals-days.ts';

export type MonthParts = {
  readonly month: string;
  readonly days: Iterable<DailyTotals>;
  /** Those that opened in the month, newest state. */
  readonly incidents: readonly Incident[];
  readonly corrections: ReadonlyMap<string, Correction>;
};

export function monthOf({ month, days, incidents, corrections }: MonthParts): Month {
  const all = [...days];
  const own = Map.groupBy(
    all.filter(({ day }) => day.startsWith(`${month}-`)),
    ({ scope }) => scopeId(scope),
  );
  const before = previousMonth(month);
  const previous = Map.groupBy(
    all.filter(({ day }) => day.startsWith(`${before}-`)),
    ({ scope }) => scopeId(scope),
  );
  const opened = Map.groupBy(incidents, ({ account, livemode }) => scopeId({ account, livemode }));
  const scopes = new Map<string, Scope>();
  for (const [id, [first]] of own) if (first !== undefined) scopes.set(id, first.scope);
  for (const [id, [first]] of opened)
    if (first !== undefined) scopes.set(id, { account: first.account, livemode: first.livemode });
  const parts = [...scopes].map(([id, scope]) =>
    monthOfScope(scope, {
      days: own.get(id) ?? [],
      before: previous.get(id) ?? [],
      incidents: opened.get(id) ?? [],
      corrections,
    }),
  );
  return { month, scopes: parts.sort((a, b) => compareScopes(a.scope, b.scope)) };
}

/** `2026-09` of `2026-10`. */
export function previousMonth(month: string): string {
  const [year = 0, number = 1] = month.split('-').map(Number);
  return new Date(Date.UTC(year, number - 2, 1)).toISOString().slice(0, 7);
}

/** Milliseconds, [from, to). */
export function monthRange(month: string): { readonly fromMs: number; readonly toMs: number } {
  const [year = 0, number = 1] = month.split('-').map(Number);
  return { fromMs: Date.UTC(year, number - 1, 1), toMs: Date.UTC(year, number, 1) };
}

function compareScopes(a: Scope, b: Scope): number {
  return Number(b.livemode) - Number(a.livemode) || ((a.account ?? '') < (b.account ?? '') ? -1 : 1);
}

type ScopeParts = Pick<MonthParts, 'incidents' | 'corrections'> & {
  readonly days: readonly DailyTotals[];
  readonly before: readonly DailyTotals[];
};

function monthOfScope(scope: Scope, { days, before, incidents, corrections }: ScopeParts): MonthOfScope {
  const figures = days.reduce(addFigures, noFigures());
  const proofs = days.flatMap((day) => day.proofs);
  return {
    scope,
    days: days.length,
    partialDays: days.flatMap(({ day, whole }) => (whole ? [] : [day])).sort(),
    payments: paymentsOf(figures.outcomes),
    saves: figures.saves,
    proofs: Object.fromEntries(
      PROOF_KINDS.map((kind) => [kind, countOf(proofs.filter((proof) => proof.kind === kind))]),
    ) as Record<ProofKind, Count>,
    incidents: incidentsOf(incidents),
    grades: gradesOf(incidents, corrections),
    estimates: estimatesOf({
      proofs,
      brands: figures.brands,
      brandsBefore: before.length === 0 ? null : before.reduce(addFigures, noFigures()).brands,
    }),
  };
}

const NOTHING: Count = { count: 0, amounts: {} };

function paymentsOf(outcomes: DailyTotals['outcomes']): MonthOfScope['payments'] {
  const of = (outcome: Outcome): Count => outcomes[outcome] ?? NOTHING;
  const all = Object.values(outcomes).reduce<Count>(
    (sum, { count, amounts }) => ({ count: sum.count + count, amounts: addSums(sum.amounts, amounts) }),
    NOTHING,
  );
  return {
    all,
    succeeded: of('succeeded'),
    declined: of('declined'),
    blocked: of('blocked'),
    authentication_failed: of('authentication_failed'),
    invalid: of('invalid'),
  };
}

function countOf(proofs: readonly Proof[]): Count {
  let amounts: Count['amounts'] = {};
  for (const { amount, currency } of proofs)
    if (amount !== null && currency !== null && /^[a-z]{3}$/.test(currency))
      amounts = addSums(amounts, { [currency]: { count: 1, amount } });
  return { count: proofs.length, amounts };
}

function incidentsOf(incidents: readonly Incident[]): MonthIncidents {
  const byId = new Map(incidents.map((incident) => [incident.id, incident]));
  const alerts = incidents.filter(isAlert);
  const severities: Partial<Record<Severity, number>> = {};
  const verdicts: Partial<Record<Verdict | 'none', number>> = {};
  for (const incident of alerts) {
    severities[incident.severity] = (severities[incident.severity] ?? 0) + 1;
    const verdict = verdictOf(incident, (id) => byId.get(id) ?? null) ?? 'none';
    verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
  }
  return {
    opened: incidents.length,
    alerts: alerts.length,
    severities: ordered(severities, SEVERITIES),
    verdicts: ordered(verdicts, [...VERDICTS, 'none'] as const),
    toAcknowledgeMs: timesOf(acknowledgedIn(alerts)),
    toResolveMs: timesOf(
      alerts.flatMap(({ resolved, openedAt }) => (resolved === null ? [] : [resolved.at - openedAt])),
    ),
  };
}

const acknowledgedIn = (alerts: readonly Incident[]): readonly number[] =>
  alerts.flatMap(({ acknowledged, openedAt }) => (acknowledged === null ? [] : [acknowledged.at - openedAt]));

function ordered<K extends string>(
  counts: Partial<Record<K, number>>,
  names: readonly K[],
): Partial<Record<K, number>> {
  return Object.fromEntries(
    names.flatMap((name) => (counts[name] === undefined ? [] : [[name, counts[name]]])),
  ) as Partial<Record<K, number>>;
}

/** By nearest rank. */
function timesOf(values: readonly number[]): Times | null {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return sorted.length === 0 ? null : { count: sorted.length, median: at(0.5), p90: at(0.9) };
}
