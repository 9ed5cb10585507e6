// Records of `daily-totals`: what a scope's day (UTC) came to, kept when the log has let go of its attempts. Compacted: the
// newest record of a day is the day. No personal data but Stripe ids, card fingerprints, and hashes.
import type { Outcome } from './attempt.ts';
import type { Entity } from './entity.ts';
import { type Scope, scopeId } from './scope.ts';

/** By currency (lower-case ISO 4217), in minor units. */
export type Sums = Readonly<Record<string, { readonly count: number; readonly amount: number }>>;

export const PROOF_KINDS = ['dispute', 'early_fraud_warning', 'refund'] as const;
export type ProofKind = (typeof PROOF_KINDS)[number];

/** What others said of a payment: a dispute, an early fraud warning, a refund as fraud. */
export type Proof = {
  /** Of the Stripe object. */
  readonly id: string;
  readonly kind: ProofKind;
  readonly charge: string | null;
  readonly reason: string;
  /** Seconds: the least of its events'. */
  readonly at: number;
  /** Minor units; of a warning those of its charge, if that is known. */
  readonly amount: number | null;
  readonly currency: string | null;
  /** The event that said so last: a later one knows better. */
  readonly said: { readonly created: number; readonly event: string };
  /** null: the log does not have the charge. */
  readonly paid: PaidFacts | null;
};

export type PaidFacts = {
  /** Seconds. */
  readonly at: number;
  /** '' if unknown. */
  readonly brand: string;
  /** Masked, as incidents have them. */
  readonly entities: readonly Entity[];
};

export type DailyTotals = {
  readonly scope: Scope;
  /** `2026-10-03`, UTC. */
  readonly day: string;
  /** Everything of the partition of `attempts` below this offset is in it: the greatest is the newest. */
  readonly asOf: number;
  /** False: the log had let go of a part of the day before it was counted. */
  readonly whole: boolean;
  /** Payments. */
  readonly outcomes: Readonly<Partial<Record<Outcome, { readonly count: number; readonly amounts: Sums }>>>;
  /** Cards that were to be saved. */
  readonly saves: Readonly<Partial<Record<Outcome, number>>>;
  /** Succeeded payments by card brand, '' for what is no card. */
  readonly brands: Readonly<Record<string, number>>;
  /** By id; at most MAX_PROOFS. */
  readonly proofs: readonly Proof[];
};

/** Of one scope and day; more are not taken, and the day is then not `whole`. */
export const MAX_PROOFS = 1_000;

/** How far a partition of `attempts` is in the totals. */
export type TotalsMark = { readonly partition: number; readonly next: number };

export type TotalsRecord = { readonly totals: DailyTotals } | { readonly mark: TotalsMark };

export const totalsId = ({ scope, day }: Pick<DailyTotals, 'scope' | 'day'>): string => `${scopeId(scope)}\u001f${day}`;

export const markId = (partition: number): string => `mark\u001f${partition}`;

export const DAY_S = 86_400;

/** `2026-10-03` of seconds. */
export const dayOf = (seconds: number): string => new Date(seconds * 1_000).toISOString().slice(0, 10);

export const dayStartS = (day: string): number => Date.parse(`${day}T00:00:00Z`) / 1_000;
