// What is kept beside the cells of long episodes, so that a report need not look at all their members (running.ts, summary.ts).
import type { AttemptFields } from '../model/attempt.ts';
import type { Evidence } from '../model/episode.ts';
import type { Tally } from './tally.ts';

/** Which episode, and by which rules its members are judged: with others nothing that was kept holds. */
export type Identity = {
  readonly stamp: number;
  readonly firstAttemptAt: number;
  readonly firstBreachAt: number;
  /** Its first breach instant is held: what lies before it is judged by the rule of that. */
  readonly isOpeningHeld: boolean;
};

export type Running = Identity & {
  /** Some rule of the detector counts at that second: what is dated then may be a member. */
  readonly isInForce: (time: number) => boolean;
  /** Its breach instants before `readS`: a change may be dated before what had been read. */
  readonly instants: { readonly times: number[]; readonly values: number[] };
  readS: number;
  readonly tally: Tally;
  /** Seconds: the members dated before it are in the tally. */
  beforeS: number;
  /** Milliseconds: none of them was received after it. */
  receivedAt: number;
  /** One of them was received then; false: the one that was has been taken out. */
  isReceivedAtExact: boolean;
};

/** What a report tells of the members of an episode. */
export type Summary = {
  readonly evidence: Evidence;
  /** Milliseconds: the greatest of its members'; 0: none. */
  readonly receivedAt: number;
  /** Of the newest member with a card. */
  readonly fields: AttemptFields | null;
};

/** What was told of episodes that are over: it holds until something dated up to the last of them changes. */
export type Past = {
  readonly stamp: number;
  untilS: number;
  /** By first breach instant. */
  readonly told: Map<number, { readonly lastBreachAt: number; readonly summary: Summary }>;
};
