// What is told of a member: of an attempt as it is, of a signal what is known of its charge and its own reason and money.
import type { AttemptFields } from '../model/attempt.ts';
import { PackedFacts } from './packed-facts.ts';
import { PackedSubject } from './packed-subject.ts';
import type { Subject } from './subjects.ts';
import type { MemberFacts } from './tally.ts';

/** What the windows know of a member. */
export type Member = {
  /** Of the attempt, or of the signal's object. */
  readonly id: string;
  /** Seconds. */
  readonly time: number;
  readonly on: 'attempt' | 'signal';
  /** Of a signal those of its charge, without a result; money is the signal's own if it has any. */
  readonly fields: AttemptFields;
  /** Of a signal. */
  readonly reason: string;
  /** Milliseconds. */
  readonly receivedAt: number;
};

export function memberOf(on: Member['on'], subject: Subject): Member {
  const { id, time, reason, receivedAt } = subject;
  return { id, time, on, fields: fieldsOf(on, subject), reason, receivedAt };
}

/** The same for the evidence. */
export function factsOf(on: Member['on'], subject: Subject): MemberFacts {
  if (subject instanceof PackedSubject) return new PackedFacts(subject);
  const { id, time, fields, reason } = subject;
  if (on === 'signal') return { id, at: time, code: reason, fields: fieldsOf(on, subject) };
  const { result } = fields;
  return result === undefined
    ? { id, at: time, code: reason, fields }
    : { id, at: time, outcome: result.outcome, code: result.code, fields };
}

function fieldsOf(on: Member['on'], { fields, amount, currency }: Subject): AttemptFields {
  if (on === 'attempt') return fields;
  const { result: _result, ...known } = fields;
  return amount === undefined || currency === undefined ? known : { ...known, amount, currency };
}
