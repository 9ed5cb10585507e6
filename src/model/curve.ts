// The whole curve of a detector: what each threshold over each window would have led to.
import type { LackingField } from './what-if.ts';

/** A share with its 95 % interval (Wilson). Fractions. */
export type CurveShare = { readonly value: number; readonly low: number; readonly high: number };

export type SurfacePoint = {
  /** Seconds. */
  readonly windowS: number;
  /** The lowest one: where alerts begin. */
  readonly threshold: number;
  readonly alerts: number;
  readonly perWeek: number;
  /** Alerts of which it is known what they were: by a verdict other than unsure, or by a dispute or early fraud warning. */
  readonly judged: number;
  readonly fraud: number;
  /** null: none is judged. */
  readonly precision: CurveShare | null;
  /** Of which no alert would have spoken. */
  readonly missedDisputes: number;
  readonly missedWarnings: number;
};

export type Suggestion = {
  readonly name: 'three_a_day' | 'no_missed_dispute';
  readonly point: SurfacePoint;
  /** In the form of detectors.yaml. */
  readonly change: Readonly<Record<string, unknown>>;
  /** What it would mean, and what it costs: `4 in 10 min: 3.1 alerts a day (now 1.2), …`. */
  readonly words: string;
};

export type Surface = {
  readonly detector: string;
  /** Milliseconds. */
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly records: number;
  readonly lacking: readonly LackingField[];
  /** Disputes and early fraud warnings on charges that the log has. */
  readonly disputes: number;
  readonly warnings: number;
  /** Seconds, ascending. */
  readonly windows: readonly number[];
  readonly thresholds: readonly number[];
  /** As in force; also among `points`. */
  readonly current: SurfacePoint;
  /** By window, then threshold. */
  readonly points: readonly SurfacePoint[];
  readonly suggestions: readonly Suggestion[];
};

/** What is known of the curve of a detector, for who looks at it. */
export type CurveReading = {
  /** As last read; null: never yet. */
  readonly surface: Surface | null;
  /** The detector's version that it was read for. */
  readonly version: number;
  /** From 0 to 1 while it is being read; null: it is not. */
  readonly progress: number | null;
  /** Why the last reading came to nothing; null: it did not. */
  readonly problem: { readonly message: string; readonly help: string } | null;
};

export interface Curves {
  /** As it stands. Reads, behind, what was never read for the version in force, or a day ago. */
  of(detector: string): CurveReading;
  /** Reads it anew, behind. */
  readNow(detector: string): void;
  /** Reading stops. */
  close(): Promise<void>;
}
