// The running tally of a long episode: what its members before a second add up to. It is kept right as they change, so that a
// report looks at what is new and not at all that was (design §4.4). And what was told of an episode that is over.
import type { AttemptFields } from '../model/attempt.ts';
import type { Episode, Evidence } from '../model/episode.ts';
import type { Instants } from './episodes.ts';
import type { MemberFacts } from './evidence.ts';
import { factsOf } from './members.ts';
import type { Revision } from './revision.ts';
import { type DetectorRules, ruleAt } from './rules.ts';
import { isMatch, type Subject } from './subjects.ts';
import { changeTally, createTally, type Tally } from './tally.ts';

/** Which episode, and by which rules its members are judged: with others nothing that was kept holds. */
type Identity = {
  readonly stamp: number;
  readonly firstAttemptAt: number;
  readonly firstBreachAt: number;
  /** Its first breach instant is held: what lies before it is judged by the rule of that. */
  readonly isOpeningHeld: boolean;
};

export type Running = Identity & {
  readonly rules: DetectorRules;
  /** Its breach instants before `readS`: a change may be dated before what had been read. */
  readonly instants: Instants;
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

/** An episode as it stands. */
type AsItStands = {
  readonly episode: Pick<Episode, 'firstAttemptAt' | 'firstBreachAt' | 'lastAttemptAt'>;
  readonly rules: DetectorRules;
  readonly isOpeningHeld: boolean;
};

export function createRunning({ episode, rules, isOpeningHeld }: AsItStands): Running {
  const { firstAttemptAt, firstBreachAt } = episode;
  return {
    stamp: rules.stamp,
    firstAttemptAt,
    firstBreachAt,
    isOpeningHeld,
    rules,
    instants: { times: [], values: [], opening: null, selected: null },
    readS: firstBreachAt,
    tally: createTally(),
    beforeS: firstAttemptAt,
    receivedAt: 0,
    isReceivedAtExact: true,
  };
}

/** Whether it is of that episode as it stands: which may have begun or ended elsewhere since. */
export function isOf(running: Running, { episode, rules, isOpeningHeld }: AsItStands): boolean {
  return (
    running.rules === rules &&
    running.stamp === rules.stamp &&
    running.isOpeningHeld === isOpeningHeld &&
    running.firstAttemptAt === episode.firstAttemptAt &&
    running.firstBreachAt === episode.firstBreachAt &&
    running.beforeS <= episode.lastAttemptAt + 1
  );
}

/** Some rule of the detector counts then. */
export function isInForce({ rules, isOpeningHeld, firstBreachAt }: Running, time: number): boolean {
  return (isOpeningHeld && time <= firstBreachAt) || ruleAt(rules, time) !== null;
}

type Change = { readonly on: Revision['settings']['on']; readonly subject: Subject; readonly role: number };

/** Of a subject on the episode's entity, asserted or retracted: what is dated at or after `beforeS` is not in the tally yet. */
export function changeRunning(running: Running, { on, subject, role }: Change, by: 1 | -1): void {
  const { time, receivedAt } = subject;
  if (time >= running.beforeS || time < running.firstAttemptAt) return;
  if (isMatch(role) && isInForce(running, time)) takeIn(running, { facts: factsOf(on, subject), receivedAt }, by);
}

type Taken = { readonly facts: MemberFacts; readonly receivedAt: number };

/** A member; -1 takes it out again. */
export function takeIn(running: Running, { facts, receivedAt }: Taken, by: 1 | -1): void {
  changeTally(running.tally, facts, by);
  if (by === -1) {
    if (receivedAt === running.receivedAt) running.isReceivedAtExact = false;
  } else if (receivedAt >= running.receivedAt) {
    running.receivedAt = receivedAt;
    running.isReceivedAtExact = true;
  }
}
