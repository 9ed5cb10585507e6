// How good the detectors are: what people said of their incidents, corrected by what banks said later. Pure.
import type { CurveShare } from '../model/curve.ts';
import type { Proof } from '../model/daily-totals.ts';
import { type Incident, VERDICTS, type Verdict } from '../model/incident.ts';
import type { Grade } from '../model/month.ts';

export type Correction = {
  readonly incident: string;
  readonly detector: string;
  /** What a person had said; null: nothing yet. */
  readonly verdict: Verdict | null;
  readonly proofs: readonly Joined[];
  /** The grade is fraud, whatever the verdict. */
  readonly isFraud: boolean;
};

/** How a proof belongs to an incident: its charge is a member, or a payment on the incident's entity at that time. */
export type Joined = { readonly proof: Proof; readonly by: 'member' | 'entity' };

const Z = 1.959_963_984_540_054;

/** null for none of none. Throws nothing; `hits` is at most `of`. */
export function wilson(hits: number, of: number): CurveShare | null {
  if (of === 0) return null;
  const value = hits / of;
  const square = Z * Z;
  const centre = (value + square / (2 * of)) / (1 + square / of);
  const half = (Z / (1 + square / of)) * Math.sqrt((value * (1 - value)) / of + square / (4 * of * of));
  return { value, low: Math.max(0, Math.min(value, centre - half)), high: Math.min(1, Math.max(value, centre + half)) };
}

/** A dispute proves fraud only if that is its reason; a parcel that did not come is another matter. */
export function provesFraud({ kind, reason }: Pick<Proof, 'kind' | 'reason'>): boolean {
  return kind !== 'dispute' || reason === 'fraudulent' || reason === 'unrecognized';
}

/** What was told as one alert: merged and withdrawn ones, and those within a storm, are none of their own. */
export function isAlert({ kind, status, storm }: Pick<Incident, 'kind' | 'status' | 'storm'>): boolean {
  return kind !== 'operator' && status !== 'merged' && status !== 'withdrawn' && storm === null;
}

/** Of its own, or of the storm that it is part of. */
export function verdictOf(incident: Incident, get: (id: string) => Incident | null): Verdict | null {
  const own = incident.resolved?.verdict;
  if (own !== undefined) return own;
  return (incident.storm === null ? null : get(incident.storm)?.resolved?.verdict) ?? null;
}

/** By detector name; `corrections` by incident. */
export function gradesOf(
  incidents: Iterable<Incident>,
  corrections: ReadonlyMap<string, Correction>,
): readonly Grade[] {
  const all = [...incidents];
  const proven = provenStorms(all, corrections);
  const byDetector = Map.groupBy(all.filter(isAlert), ({ detector }) => detector);
  return [...byDetector]
    .map(([detector, own]) => gradeOf(detector, own, (id) => corrections.get(id)?.isFraud === true || proven.has(id)))
    .sort((a, b) => (a.detector < b.detector ? -1 : 1));
}

/** A proof on an incident of a storm is one on the storm. */
function provenStorms(incidents: readonly Incident[], corrections: ReadonlyMap<string, Correction>): Set<string> {
  const storms = incidents.flatMap(({ id, storm }) =>
    storm !== null && corrections.get(id)?.isFraud === true ? [storm] : [],
  );
  return new Set(storms);
}

function gradeOf(detector: string, own: readonly Incident[], isProven: (id: string) => boolean): Grade {
  const verdicts: Partial<Record<Verdict, number>> = {};
  let graded = 0;
  let fraud = 0;
  let corrected = 0;
  for (const { id, resolved } of own) {
    const verdict = VERDICTS.find((known) => known === resolved?.verdict) ?? null;
    if (verdict !== null) verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
    const proven = isProven(id);
    if (!proven && (verdict === null || verdict === 'unsure')) continue;
    graded += 1;
    if (proven || verdict === 'fraud') fraud += 1;
    if (proven && verdict !== null && verdict !== 'fraud') corrected += 1;
  }
  const coverage = own.length === 0 ? null : graded / own.length;
  return {
    detector,
    incidents: own.length,
    graded,
    coverage,
    fraud,
    verdicts,
    corrected,
    precision: wilson(fraud, graded),
  };
}
