// What a change of a detector would have done, as it is asked for and told in Slack, the sheet, the console and the CLI.
import type { Severity } from './detector.ts';
import type { LabelledEntity } from './entity.ts';
import type { Status, Verdict } from './incident.ts';

export type WhatIfIncident = {
  readonly account: string | null;
  readonly livemode: boolean;
  readonly entity: LabelledEntity;
  readonly severity: Severity;
  /** Milliseconds. */
  readonly firstBreachAt: number;
  readonly lastBreachAt: number;
  readonly peak: number;
  readonly attemptCount: number;
  /** The incident that there is for it; null: none. */
  readonly incident: { readonly id: string; readonly status: Status; readonly verdict: Verdict | null } | null;
  /** On charges of the same entity, at most a day before its first attempt or after its last breach. */
  readonly disputes: number;
  readonly earlyFraudWarnings: number;
};

export type WhatIfSide = {
  readonly incidents: number;
  readonly perWeek: number;
  readonly severities: Readonly<Partial<Record<Severity, number>>>;
  /** Of those that were resolved. */
  readonly verdicts: Readonly<Partial<Record<Verdict, number>>>;
  readonly disputes: number;
  readonly earlyFraudWarnings: number;
};

/** Of the incidents that only one side has. */
export type WhatIfDifference = {
  /** Resolved as fraud, or with a dispute or an early fraud warning. */
  readonly fraud: number;
  /** Distinct ones among the attempts, that the other side has none of; null: not counted (the whole account, or too many). */
  readonly customers: number | null;
  /** Of the attempts, most first, at most three currencies, minor units; null: not counted. */
  readonly amounts: readonly { readonly currency: string; readonly amount: number }[] | null;
};

/** A field that was not kept from the beginning of the stretch. */
export type LackingField = {
  /** `metadata.plan`, `ip`. */
  readonly field: string;
  /** Milliseconds: from then on it was kept. */
  readonly keptSince: number;
};

export type CurvePoint = { readonly threshold: number; readonly incidents: number; readonly perWeek: number };

export type WhatIf = {
  readonly detector: string;
  /** Milliseconds: what was asked for, or what the log still holds whole. */
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly records: number;
  /** Fields that the attempts in the log lack for a part of the stretch. They were read from Stripe's events again. */
  readonly lacking: readonly LackingField[];
  /** The settings in force now, over the whole stretch. */
  readonly before: WhatIfSide;
  readonly after: WhatIfSide;
  /** Only with the change, newest first, at most 200; `addedCount` is exact. */
  readonly added: readonly WhatIfIncident[];
  readonly addedCount: number;
  readonly addedWith: WhatIfDifference;
  /** Only without it. */
  readonly removed: readonly WhatIfIncident[];
  readonly removedCount: number;
  readonly removedWith: WhatIfDifference;
  /** With both, but of another severity with the change: as it would be. */
  readonly changedSeverity: number;
  /** By lowest threshold; absent unless asked for. */
  readonly curve?: readonly CurvePoint[];
};
