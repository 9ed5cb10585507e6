// The running tally of a long episode: what its members before a second add up to. It is kept right as they change, so that a
// report looks at what is new and not at all that was (design §4.4).
import type { Identity, Running } from './kept.ts';
import { factsOf } from './members.ts';
import { isMatch, type Subject } from './subjects.ts';
import { changeTally, createTally, type MemberFacts } from './tally.ts';

export function createRunning(identity: Identity, isInForce: (time: number) => boolean): Running {
  return {
    ...identity,
    isInForce,
    instants: { times: [], values: [] },
    readS: identity.firstBreachAt,
    tally: createTally(),
    beforeS: identity.firstAttemptAt,
    receivedAt: 0,
    isReceivedAtExact: true,
  };
}

/** Whether it is of that episode as it stands, which may have begun or ended elsewhere since. */
export function isOf(running: Running, identity: Identity, lastAttemptAt: number): boolean {
  return (
    running.stamp === identity.stamp &&
    running.isOpeningHeld === identity.isOpeningHeld &&
    running.firstAttemptAt === identity.firstAttemptAt &&
    running.firstBreachAt === identity.firstBreachAt &&
    running.beforeS <= lastAttemptAt + 1
  );
}

type Change = { readonly on: 'attempt' | 'signal'; readonly subject: Subject; readonly role: number };

/** Of a subject on the episode's entity, asserted or retracted: what is dated at or after `beforeS` is not in the tally yet. */
export function changeRunning(running: Running, { on, subject, role }: Change, by: 1 | -1): void {
  const { time, receivedAt } = subject;
  if (time >= running.beforeS || time < running.firstAttemptAt) return;
  if (isMatch(role) && running.isInForce(time)) takeIn(running, { facts: factsOf(on, subject), receivedAt }, by);
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
