// How near an account is to the card networks' monitoring programmes: estimates from what Stripe's events say. Thresholds as
// Stripe's page on monitoring programmes gives them; both of a threshold's parts must be reached. Pure.
import type { Proof } from '../model/daily-totals.ts';
import type { Estimate, ProgrammeThreshold } from '../model/month.ts';

/** Disputes (TC15) and fraud reports (TC40) by settled transactions of the same month; one with both counts twice. */
const VAMP: readonly ProgrammeThreshold[] = [
  { level: 'non-compliant', count: 5, ratio: 0.005 },
  { level: 'excessive', count: 1_500, ratio: 0.015 },
];

/** Chargebacks of the month by payments of the month before. */
const ECM: readonly ProgrammeThreshold[] = [
  { level: 'ECM', count: 100, ratio: 0.015 },
  { level: 'HECM', count: 300, ratio: 0.03 },
];

export type ProgrammeFacts = {
  /** Of the month. */
  readonly proofs: readonly Proof[];
  /** Succeeded payments by brand: of the month, and of the one before (null: unknown). */
  readonly brands: Readonly<Record<string, number>>;
  readonly brandsBefore: Readonly<Record<string, number>> | null;
};

export function estimatesOf({ proofs, brands, brandsBefore }: ProgrammeFacts): readonly Estimate[] {
  const reports = proofs.filter(({ kind }) => kind !== 'refund');
  const disputes = proofs.filter(({ kind }) => kind === 'dispute');
  return [
    estimate({ programme: 'VAMP', network: 'visa', thresholds: VAMP }, reports, brands.visa ?? 0),
    estimate(
      { programme: 'ECM', network: 'mastercard', thresholds: ECM },
      disputes,
      brandsBefore === null ? null : (brandsBefore.mastercard ?? 0),
    ),
  ];
}

function estimate(
  programme: Pick<Estimate, 'programme' | 'network' | 'thresholds'>,
  proofs: readonly Proof[],
  denominator: number | null,
): Estimate {
  const brandOf = ({ paid }: Proof): string => paid?.brand ?? '';
  const numerator = proofs.filter((proof) => brandOf(proof) === programme.network).length;
  const unknownBrand = proofs.filter((proof) => brandOf(proof) === '').length;
  const ratio = denominator === null || denominator === 0 ? null : numerator / denominator;
  const reached = programme.thresholds.filter(({ count, ratio: limit }) => numerator >= count && (ratio ?? 0) >= limit);
  return { ...programme, numerator, denominator, ratio, unknownBrand, reached: reached.at(-1)?.level ?? null };
}
