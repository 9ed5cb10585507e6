// Episodes, the evidence a report carries, and reports (design §4.2, §4.4).
import type { Lane, Outcome } from './attempt.ts';
import type { Severity } from './detector.ts';
import type { LabelledEntity } from './entity.ts';
import type { Scope } from './scope.ts';

/** All times in seconds. */
export type Episode = {
  readonly severity: Severity;
  /** The threshold of that severity under the rule of the instant that reached it. */
  readonly threshold: number;
  readonly firstAttemptAt: number;
  readonly lastAttemptAt: number;
  readonly firstBreachAt: number;
  readonly lastBreachAt: number;
  readonly peak: number;
  readonly attemptCount: number;
  /** False once attempts had to stop merging (state limit). */
  readonly exact: boolean;
  /** Version of the settings in force at the last breach instant. */
  readonly settingsVersion: number;
};

/** A member as it travels: ids and facts that are no personal data. */
export type MemberSummary = {
  readonly id: string;
  /** Seconds. */
  readonly at: number;
  readonly outcome: Outcome | '';
  readonly code: string;
  readonly amount: number | null;
  readonly currency: string | null;
  /** `visa •••• 4242`, or null. */
  readonly card: string | null;
  readonly intent: string | null;
};

/** At most 1.5 KB as JSON. */
export type Evidence = {
  readonly outcomes: Readonly<Record<string, number>>;
  /** Top 8, most first. */
  readonly codes: readonly { readonly code: string; readonly count: number }[];
  /** Top 3 currencies by count. Minor units. */
  readonly amounts: readonly { readonly currency: string; readonly amount: number; readonly count: number }[];
  readonly distinct: {
    readonly cards: number;
    readonly customers: number;
    readonly emails: number;
    readonly ips: number;
  };
  /** Newest first, at most 10. */
  readonly newest: readonly MemberSummary[];
  /** Value over time, at most 60 points, from `fromS` every `stepS` seconds: the largest value in each step. */
  readonly series: { readonly fromS: number; readonly stepS: number; readonly values: readonly number[] };
  /** The attempt that `at:` selected, if the detector has one. */
  readonly trigger: MemberSummary | null;
};

export type ReportedEpisode = Episode & {
  readonly evidence: Evidence;
  /** No more breach instants can join it: the quiet gap has passed. */
  readonly over: boolean;
};

/** What a report is as of: everything of the partition below `offset` has been folded. */
export type AsOf = {
  readonly lane: Lane;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Milliseconds: of two reports as of one offset the later is newer. It says what time alone has changed: an end. */
  readonly atMs?: number;
};

/** All episodes of one key whose first breach instant lies in [fromS, toS); toS null: no end. */
export type Report = {
  readonly type: 'report';
  readonly detector: string;
  readonly scope: Scope;
  readonly entity: LabelledEntity;
  readonly asOf: AsOf;
  readonly range: { readonly fromS: number; readonly toS: number | null };
  readonly episodes: readonly ReportedEpisode[];
  /** Milliseconds: the greatest `receivedAt` among the members of the newest episode; for latency. */
  readonly receivedAt: number | null;
  /** Number of the newest erase that it knows of; absent: of none. */
  readonly erased?: number;
};
