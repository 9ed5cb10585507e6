// What reading a key's cells leaves behind: the episode that is still open, and what need not be read again.
import type { Severity } from '../model/detector.ts';
import type { Episode } from '../model/episode.ts';

/** An episode that later instants may join. Persisted when its beginning is dropped: then it is its head. */
export type OpenEpisode = {
  firstAttemptAt: number;
  lastAttemptAt: number;
  firstBreachAt: number;
  lastBreachAt: number;
  peak: number;
  severity: Severity;
  threshold: number;
  attemptCount: number;
  settingsVersion: number;
  /** Matching attempts after the last breach instant: members, if another follows. */
  sinceCount: number;
  sinceLastAt: number;
};

/** What was read off the cells before a second: it holds as long as they and the rules stay. */
export type Settled = {
  readonly beforeS: number;
  readonly stamp: number;
  readonly ended: readonly Episode[];
  readonly open: Readonly<OpenEpisode> | null;
};
