// What the past suggests for each detector, and which shadow detectors could alert: read in the background, asked by the
// sheet, Slack and the API.
import type { CurveShare, Suggestion, Surface } from './curve.ts';

/** A detector that has run in the shadow for a week or more. */
export type Promotion = {
  readonly detector: string;
  /** The version that it was read for. */
  readonly version: number;
  /** Milliseconds: in the shadow since. */
  readonly since: number;
  /** Would have fired. */
  readonly incidents: number;
  readonly perWeek: number;
  /** Of these another detector that alerts has an incident on the same entity, or with some of the same attempts. */
  readonly overlapping: number;
  readonly judged: number;
  readonly fraud: number;
  /** null: none is judged. */
  readonly precision: CurveShare | null;
  /** `would have fired 12 times (8.4 a week) in 10 days, 9 of them beside another alert, …`. */
  readonly words: string;
  /** In the form of detectors.yaml. */
  readonly change: Readonly<Record<string, unknown>>;
};

export interface Suggestions {
  /** As last read; empty before the first reading. */
  of(detector: string): readonly Suggestion[];
  /** As last read, by detector. */
  surfaces(): readonly Surface[];
  /** As things stand now. */
  promotions(): readonly Promotion[];
  /** Reads the last 30 days again; resolves when that is done. Asked while it reads, it reads once more. */
  runNow(): Promise<void>;
  subscribe(listener: () => void): () => void;
  close(): Promise<void>;
}
