// What makes up one episode: who its members are, its value over time, and what triggered it.

import type { AttemptFields } from '../model/attempt.ts';
import type { Key } from '../model/entity.ts';
import type { Episode } from '../model/episode.ts';
import { scopeNumber } from './attempt-table.ts';
import { type Instant, instantsOf } from './episodes.ts';
import { entityAt, hitsOn } from './hit-table.ts';
import type { Revision } from './revision.ts';
import { type DetectorRules, ruleAt } from './rules.ts';
import { type FoldState, groupOf, partsOf, subjectOf, timeOf } from './state.ts';
import { isEligible, isMatch, roleOf, type Subject } from './subjects.ts';

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

export type Details = {
  /** By time, then id. */
  readonly members: readonly Member[];
  readonly values: readonly { readonly time: number; readonly value: number }[];
  /** What `at:` selected at the newest breach instant it did; null without `at:`. */
  readonly trigger: Member | null;
};

/** Of an episode whose beginning has been dropped, what is still held. */
export function detailsOfKey(state: FoldState, key: Key, episode: Episode): Details {
  const rules = state.detectors.get(key.detector) as DetectorRules;
  const instants = instantsOf(rules, partsOf(state, key), { fromS: state.cutS, episode });
  const opening = instants[0]?.time === episode.firstBreachAt ? instants[0].revision : null;
  const members: Member[] = [];
  const { firstAttemptAt, lastAttemptAt, firstBreachAt } = episode;
  for (const { on, subject } of subjectsOn(state, key, { fromS: firstAttemptAt, toS: lastAttemptAt })) {
    const revision = subject.time <= firstBreachAt && opening !== null ? opening : revisionAt(rules, subject.time);
    if (revision === null || !belongs(revision, key, on) || !isMatch(roleOf(revision, subject))) continue;
    members.push(memberOf(on, subject));
  }
  return {
    members: members.sort(byTime),
    values: instants.map(({ time, value }) => ({ time, value })),
    trigger: triggerOf(state, key, instants),
  };
}

function memberOf(on: Member['on'], { id, time, fields, amount, currency, reason, receivedAt }: Subject): Member {
  if (on === 'attempt') return { id, time, on, fields, reason, receivedAt };
  const { result: _result, ...known } = fields;
  const money = amount === undefined || currency === undefined ? {} : { amount, currency };
  return { id, time, on, fields: { ...known, ...money }, reason, receivedAt };
}

const byTime = (a: Member, b: Member): number => a.time - b.time || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

function revisionAt(rules: DetectorRules, time: number): Revision | null {
  const rule = ruleAt(rules, time);
  return rule === null ? null : (rules.revisions.get(rule.revision) ?? null);
}

const belongs = ({ settings }: Revision, key: Key, on: string): boolean =>
  settings.per === key.entity.kind && settings.on === on;

type Span = { readonly fromS: number; readonly toS: number };

/** Whatever is counted on the key's entity in a span of time, both ends included. */
function* subjectsOn(
  state: FoldState,
  key: Key,
  { fromS, toS }: Span,
): Generator<{ on: 'attempt' | 'signal'; subject: Subject }> {
  const { kind, value } = key.entity;
  const scope = scopeNumber(state.attempts, key.scope);
  for (const on of ['attempt', 'signal'] as const) {
    const { hits } = groupOf(state, on, kind);
    for (const handle of hitsOn(hits, entityAt(hits, scope, value))) {
      const time = timeOf(state, on, handle);
      if (time < fromS || time > toS) continue;
      yield { on, subject: subjectOf(state, on, handle) };
    }
  }
}

function triggerOf(state: FoldState, key: Key, instants: readonly Instant[]): Member | null {
  const instant = instants.findLast(({ revision }) => revision.at !== null);
  if (instant === undefined) return null;
  const { time, revision } = instant;
  let trigger: Member | null = null;
  for (const { on, subject } of subjectsOn(state, key, { fromS: time, toS: time })) {
    const isSelected = belongs(revision, key, on) && isEligible(roleOf(revision, subject));
    if (isSelected && (trigger === null || subject.id > trigger.id)) trigger = memberOf(on, subject);
  }
  return trigger;
}
