// Why something did or did not alert, detector by detector: what is asked, and what is answered by the CLI, the API and Slack.
import type { Mode, Severity, Thresholds } from './detector.ts';
import type { Entity, LabelledEntity } from './entity.ts';
import type { Status } from './incident.ts';

/** An e-mail or IP as it is, or as the hash that incidents show. */
export type WhyQuestion = { readonly entity: Entity } | { readonly attempt: string };

/** The detector … */
export type WhyReason =
  /** has an incident that is open, acknowledged or resolved, for what was counted. */
  | 'told'
  /** has one, but its posts are muted. */
  | 'muted'
  /** has one for the sheet and the console only. */
  | 'shadow'
  /** had one, which was withdrawn. */
  | 'withdrawn'
  | 'off'
  /** counts on something that the attempt does not have. */
  | 'no_entity'
  /** counts none of it: its filter says no. */
  | 'no_match'
  /** of a ratio: has too few to judge. */
  | 'below_minimum'
  | 'below_threshold'
  /** reached its threshold, and no incident is known (yet). */
  | 'reached';

export type WhyDetector = {
  readonly detector: string;
  readonly title: string;
  readonly mode: Mode;
  readonly account: string | null;
  readonly livemode: boolean;
  /** What it counts on; null: the attempt does not have that. */
  readonly entity: LabelledEntity | null;
  readonly windowS: number;
  readonly thresholds: Thresholds;
  /** Of the window that ends now; asked of an attempt: at its time. */
  readonly value: number | null;
  /** The largest value at an instant that can breach, since `sinceMs`. */
  readonly peak: { readonly value: number; readonly atMs: number; readonly severity: Severity | null } | null;
  readonly reason: WhyReason;
  readonly incident: { readonly id: string; readonly status: Status } | null;
  /** Milliseconds; null: not muted. */
  readonly mutedUntil: number | null;
};

export type WhyAnswer = {
  readonly atMs: number;
  /** Milliseconds: what was looked at began then. */
  readonly sinceMs: number;
  /** False: older attempts may be missing. */
  readonly isWhole: boolean;
  /** Of a question about an attempt: what is known of it, without personal data. */
  readonly attempt: {
    readonly id: string;
    readonly atMs: number;
    readonly outcome: string;
    readonly code: string;
    readonly class: string;
    readonly dunning: boolean;
  } | null;
  readonly detectors: readonly WhyDetector[];
};
