// The month of fraud: what a month (UTC) came to, as it is told in the sheet, in Slack and on a page. src/tuning/month.ts
// makes it from the daily totals and the incidents.
import type { Outcome } from './attempt.ts';
import type { CurveShare } from './curve.ts';
import type { ProofKind, Sums } from './daily-totals.ts';
import type { Severity } from './detector.ts';
import type { Verdict } from './incident.ts';
import type { Scope } from './scope.ts';

export type Month = {
  /** `2026-10`. */
  readonly month: string;
  /** Live mode first, then by account. */
  readonly scopes: readonly MonthOfScope[];
};

export type MonthOfScope = {
  readonly scope: Scope;
  /** Days of which there is a total, and those of them that are not whole. */
  readonly days: number;
  readonly partialDays: readonly string[];
  readonly payments: Readonly<Record<Outcome | 'all', Count>>;
  readonly saves: Readonly<Partial<Record<Outcome, number>>>;
  readonly proofs: Readonly<Record<ProofKind, Count>>;
  readonly incidents: MonthIncidents;
  readonly grades: readonly Grade[];
  readonly estimates: readonly Estimate[];
};

export type Count = { readonly count: number; readonly amounts: Sums };

export type MonthIncidents = {
  readonly opened: number;
  /** Of these: what was told as one alert. */
  readonly alerts: number;
  readonly severities: Readonly<Partial<Record<Severity, number>>>;
  readonly verdicts: Readonly<Partial<Record<Verdict | 'none', number>>>;
  /** Milliseconds; null: nobody did. */
  readonly toAcknowledgeMs: Times | null;
  readonly toResolveMs: Times | null;
};

export type Times = { readonly count: number; readonly median: number; readonly p90: number };

export type Grade = {
  readonly detector: string;
  /** Alerts: incidents of episodes and storms; what a storm holds is one alert. */
  readonly incidents: number;
  /** Those with a grade: a verdict other than unsure, or proven fraud. */
  readonly graded: number;
  /** `graded` of `incidents`; null: there are none. */
  readonly coverage: number | null;
  readonly fraud: number;
  readonly verdicts: Readonly<Partial<Record<Verdict, number>>>;
  /** Resolved as something else, and proven fraud later. */
  readonly corrected: number;
  /** `fraud` of `graded`; null: none is graded. */
  readonly precision: CurveShare | null;
};

/** Of a card network's monitoring programme. */
export type Estimate = {
  readonly programme: 'VAMP' | 'ECM';
  readonly network: 'visa' | 'mastercard';
  readonly numerator: number;
  /** null: there is no month before to divide by. */
  readonly denominator: number | null;
  readonly ratio: number | null;
  /** Reports whose card is not known here; each could be of this network. */
  readonly unknownBrand: number;
  readonly thresholds: readonly ProgrammeThreshold[];
  /** The highest level that is reached; null: none. */
  readonly reached: string | null;
};

export type ProgrammeThreshold = { readonly level: string; readonly count: number; readonly ratio: number };

/** The parts of a month's payments, by the words that every output has for them. */
export const PAYMENT_LABELS: readonly (readonly [Outcome | 'all', string])[] = [
  ['all', 'attempts'],
  ['succeeded', 'succeeded'],
  ['declined', 'declined by the bank'],
  ['blocked', 'blocked by Radar'],
  ['authentication_failed', 'authentication failed'],
  ['invalid', 'invalid'],
];

export const PROOF_LABELS: readonly (readonly [ProofKind, string])[] = [
  ['dispute', 'disputes'],
  ['early_fraud_warning', 'early fraud warnings'],
  ['refund', 'refunds as fraud'],
];

/** `own account`, `acct_1A (TEST)`. */
export const scopeTitle = ({ account, livemode }: Scope): string =>
  `${account ?? 'own account'}${livemode ? '' : ' (TEST)'}`;

/** What is to be known of how the month was counted; '' if nothing is. */
export function monthNotice({ days, partialDays }: Pick<MonthOfScope, 'days' | 'partialDays'>): string {
  if (days === 0)
    return 'There is no total of this month: nothing was received, or it was long before this was installed.';
  if (partialDays.length === 0) return '';
  return `Counted in part only, since the log had let go of the rest: ${partialDays.slice(0, 31).join(', ')}.`;
}

/** Months that are over, for whoever tells of them once: that each is told once is up to the teller. */
export interface Months {
  /** The newest month that is over, with what came late; null: not known yet. */
  over(): string | null;
  /** Read anew from the log; rejects with its errors. */
  report(month: string, signal: AbortSignal): Promise<Month>;
  /** Called every hour while a month is over. A listener must not throw. */
  subscribe(listener: () => void): () => void;
}
