// Detectors as they are accepted and put in force (design §5). The YAML file's form is in src/detectors/schema.ts.

export const SEVERITIES = ['notice', 'warning', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

export const MODES = ['off', 'shadow', 'alert'] as const;
export type Mode = (typeof MODES)[number];

/** Which changes of a detector a second person must apply: none, those that make it quieter, each. */
export const APPROVALS = ['none', 'loosening', 'all'] as const;
export type Approval = (typeof APPROVALS)[number];

export type EntityKind = 'card' | 'customer' | 'email' | 'ip' | 'account' | `metadata.${string}`;

export type CountKind =
  | 'attempts'
  | 'distinct(card)'
  | 'distinct(email)'
  | 'distinct(customer)'
  | 'distinct(ip)'
  | 'sum(amount)'
  | 'ratio';

export type Thresholds = Readonly<Partial<Record<Severity, number>>>;

/** One step of the escalation list: after `afterMs` unacknowledged, mention `to` (a user group, user or channel id). */
export type EscalationStep = { readonly afterMs: number; readonly to: string };

/** A detector's settings in full: every default filled in, units in the names. */
export type DetectorSettings = {
  readonly name: string;
  readonly title: string;
  readonly why: string;
  readonly on: 'attempt' | 'signal';
  readonly count: CountKind;
  /** CEL. */
  readonly where: string;
  /** CEL; of a ratio, what its denominator adds to `where`. */
  readonly of: string | null;
  /** CEL; which attempts may be breach instants. */
  readonly at: string | null;
  /** Of a ratio: the least denominator. */
  readonly minimum: number | null;
  /** Of a sum: others do not match. */
  readonly currency: string | null;
  readonly per: EntityKind;
  readonly windowS: number;
  readonly quietForS: number;
  readonly thresholds: Thresholds;
  readonly mode: Mode;
  readonly settleMs: number;
  readonly alertMaxAgeMs: number;
  /** Growth after a resolution that opens a new incident; null: the lowest threshold. */
  readonly continueAfter: number | null;
  /** Factor of the acknowledged peak that speaks again. */
  readonly repage: number;
  readonly escalation: readonly EscalationStep[];
  readonly stormAfter: number;
  /** Absent: none. */
  readonly approval?: Exclude<Approval, 'none'>;
};

/** Top level of the file that concerns no single detector. */
export type GeneralSettings = {
  readonly latenessMs: number;
  readonly metadata: { readonly ip: string | null; readonly keys: readonly string[] };
};

/** An accepted settings version as a control record of `attempts`: one ordered input for the fold. */
export type Rule = {
  readonly record: 'rule';
  readonly detector: string;
  readonly version: number;
  /** Versions of one revision share cells (they differ in thresholds or quietFor only). */
  readonly revision: number;
  /** Seconds, event time. Of a detector's first version 0: before it no other rule was in force. */
  readonly sinceS: number;
  /** null: the detector was removed. */
  readonly settings: DetectorSettings | null;
  readonly latenessMs: number;
};

/** The severities of `thresholds`, lowest first, with their values. */
export function ladder(thresholds: Thresholds): readonly { readonly severity: Severity; readonly value: number }[] {
  return SEVERITIES.flatMap((severity) => {
    const value = thresholds[severity];
    return value === undefined ? [] : [{ severity, value }];
  });
}

/** -1, 0 or 1 as `a` is below, the same as or above `b`; null (none) is below every severity. */
export function compareSeverity(a: Severity | null, b: Severity | null): number {
  const rank = (s: Severity | null): number => (s === null ? -1 : SEVERITIES.indexOf(s));
  return Math.sign(rank(a) - rank(b));
}
