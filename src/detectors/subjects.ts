// An attempt or a signal as filters see it, and what it is to a revision: on which entity, whether it matches, what it adds.
import { attemptOf, type MergedAttempt, type MergedSignal } from '../attempts/merge.ts';
import type { AttemptFields } from '../model/attempt.ts';
import type { EntityKind } from '../model/detector.ts';
import { attemptVariables, type FilterVariables, signalVariables } from './cel.ts';
import type { Contribution } from './cells.ts';
import { isPackedKind, PackedSubject } from './packed-subject.ts';
import type { Revision } from './revision.ts';
import { hashText, hashTextAt, type TextHash } from './text-hash.ts';

export type Subject = {
  readonly id: string;
  /** Seconds. */
  readonly time: number;
  /** Of a signal, those of its charge: what it is counted on. */
  readonly fields: AttemptFields;
  /** Its own: of a signal not its charge's. */
  readonly amount: number | undefined;
  readonly currency: string | undefined;
  /** Of a signal. */
  readonly reason: string;
  /** Milliseconds. */
  readonly receivedAt: number;
  readonly variables: FilterVariables;
};

/** What a subject is to a revision, as a sum of these; 0: nothing. */
const MATCHES = 1;
const COUNTED = 2;
const ELIGIBLE = 4;

/** Stripe's largest amounts have twelve digits; with this bound a sum of 9,000 is exact whatever comes in. */
const MAX_AMOUNT = 1e12;

export function attemptSubject(merged: MergedAttempt): Subject {
  const attempt = attemptOf(merged);
  const { id, time, fields } = attempt;
  const { amount, currency } = fields;
  const { receivedAt } = merged;
  return { id, time, fields, amount, currency, reason: '', receivedAt, variables: attemptVariables(attempt) };
}

/** `charge`: the attempt it is about, if it is held. */
export function signalSubject(merged: MergedSignal, charge: MergedAttempt | null): Subject {
  const fields = charge === null ? {} : attemptOf(charge).fields;
  const { id, time, receivedAt, signal, reason, amount, currency, livemode } = merged;
  const { card, customer, email } = fields;
  const variables = signalVariables({ signal, reason, amount, currency, livemode, card, customer, email });
  return { id, time, fields, amount, currency, reason, receivedAt, variables };
}

/** Whether a subject is counted on an entity of that kind. */
export function isOn(per: EntityKind, subject: Subject): boolean {
  if (subject instanceof PackedSubject && isPackedKind(per)) return subject.has(per);
  return entityOf(per, subject.fields) !== null;
}

/** The hash of that entity in a scope. */
export function hashEntity(to: TextHash, per: EntityKind, scope: number, subject: Subject): void {
  if (subject instanceof PackedSubject && isPackedKind(per)) {
    hashTextAt(to, subject.bytes, subject.textAt(per), scope);
  } else hashText(to, entityOf(per, subject.fields) ?? '', scope);
}

/** The value of an entity of that kind; null: the subject is not counted on any. */
export function entityOf(per: EntityKind, fields: AttemptFields): string | null {
  switch (per) {
    case 'account':
      return 'account';
    case 'card':
    case 'customer':
    case 'email':
    case 'ip':
      return fields[per] ?? null;
    default:
      return fields.metadata?.[per.slice('metadata.'.length)] ?? null;
  }
}

export function roleOf({ settings, where, of, at }: Revision, subject: Subject): number {
  const { variables } = subject;
  const { count } = settings;
  const isForeign = count === 'sum(amount)' && subject.currency !== settings.currency;
  const matches = !isForeign && where(variables);
  const counted = count === 'ratio' && (matches || of?.(variables) === true);
  const eligible = at !== null ? at(variables) : count === 'ratio' ? counted : matches;
  return (matches ? MATCHES : 0) + (counted ? COUNTED : 0) + (eligible ? ELIGIBLE : 0);
}

export const isMatch = (role: number): boolean => (role & MATCHES) !== 0;
export const isEligible = (role: number): boolean => (role & ELIGIBLE) !== 0;

export function contributionOf({ settings }: Revision, subject: Subject, role: number): Contribution {
  const { count } = settings;
  const matches = isMatch(role);
  const isSum = matches && count === 'sum(amount)';
  return {
    time: subject.time,
    matching: matches ? 1 : 0,
    counted: (role & COUNTED) !== 0 ? 1 : 0,
    eligible: isEligible(role) ? 1 : 0,
    amount: isSum ? Math.min(Math.max(subject.amount ?? 0, -MAX_AMOUNT), MAX_AMOUNT) : 0,
    value: matches && count.startsWith('distinct') ? distinctValue(count, subject.fields) : null,
  };
}

function distinctValue(count: string, fields: AttemptFields): string | null {
  switch (count) {
    case 'distinct(card)':
      return fields.card ?? null;
    case 'distinct(email)':
      return fields.email ?? null;
    case 'distinct(customer)':
      return fields.customer ?? null;
    default:
      return fields.ip ?? null;
  }
}
