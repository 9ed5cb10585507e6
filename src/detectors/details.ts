// What makes up one episode: who its members are, its value over time, and what triggered it.
import type { Key } from '../model/entity.ts';
import type { Episode } from '../model/episode.ts';
import { scopeNumber } from './attempt-table.ts';
import { type Instants, instantsOf } from './episodes.ts';
import { entityAt, hitsOn } from './hit-table.ts';
import { type Member, memberOf } from './members.ts';
import type { Revision } from './revision.ts';
import { type DetectorRules, ruleAt } from './rules.ts';
import { type FoldState, groupOf, partsOf, subjectOf, timeOf } from './state.ts';
import { isEligible, isMatch, roleOf, type Subject } from './subjects.ts';

export type Details = {
  /** By time, then id. */
  readonly members: readonly Member[];
  readonly values: readonly { readonly time: number; readonly value: number }[];
  /** What `at:` selected at the newest breach instant it did; null without `at:`. */
  readonly trigger: Member | null;
};

/** Of an episode whose beginning has been dropped, what is still held. */
export function detailsOfKey(state: FoldState, key: Key, episode: Episode): Details {
  const reading = readingOf(state, key, episode);
  const members: Member[] = [];
  for (const { on, subject } of membersOf(state, key, reading)) members.push(memberOf(on, subject));
  const trigger = triggerOf(state, key, reading.instants);
  const { times, values } = reading.instants;
  return {
    members: members.sort(byTime),
    values: times.map((time, i) => ({ time, value: values[i] ?? 0 })),
    trigger: trigger === null ? null : memberOf(trigger.on, trigger.subject),
  };
}

/** What an episode is, as far as it can be read off the cells. */
export type Reading = {
  readonly episode: Episode;
  readonly rules: DetectorRules;
  readonly instants: Instants;
  /** Of the first breach instant; null: its cell is not held any more. */
  readonly opening: Revision | null;
};

export function readingOf(state: FoldState, key: Key, episode: Episode): Reading {
  const rules = state.detectors.get(key.detector) as DetectorRules;
  const instants = instantsOf(rules, partsOf(state, key), { fromS: state.cutS, episode });
  const opening = instants.times[0] === episode.firstBreachAt ? instants.opening : null;
  return { episode, rules, instants, opening };
}

/** Something that is counted, and what it is. */
export type Counted = { readonly on: Member['on']; readonly subject: Subject };

/** In no order. */
export function* membersOf(state: FoldState, key: Key, { episode, rules, opening }: Reading): Generator<Counted> {
  const { firstAttemptAt, lastAttemptAt, firstBreachAt } = episode;
  for (const counted of subjectsOn(state, key, { fromS: firstAttemptAt, toS: lastAttemptAt })) {
    const { on, subject } = counted;
    const revision = subject.time <= firstBreachAt && opening !== null ? opening : revisionAt(rules, subject.time);
    if (revision !== null && belongs(revision, key, on) && isMatch(roleOf(revision, subject))) yield counted;
  }
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
function* subjectsOn(state: FoldState, key: Key, { fromS, toS }: Span): Generator<Counted> {
  const { kind, value } = key.entity;
  const scope = scopeNumber(state.attempts, key.scope);
  for (const on of ['attempt', 'signal'] as const) {
    const { hits } = groupOf(state, on, kind);
    const isInside = (handle: number): boolean => {
      const time = timeOf(state, on, handle);
      return time >= fromS && time <= toS;
    };
    for (const handle of hitsOn(hits, entityAt(hits, scope, value), isInside))
      yield { on, subject: subjectOf(state, on, handle) };
  }
}

/** What `at:` selected at the newest instant at which it did. */
export function triggerOf(state: FoldState, key: Key, { selected }: Pick<Instants, 'selected'>): Counted | null {
  if (selected === null) return null;
  const { time, revision } = selected;
  let trigger: Counted | null = null;
  for (const counted of subjectsOn(state, key, { fromS: time, toS: time })) {
    const { on, subject } = counted;
    const isSelected = belongs(revision, key, on) && isEligible(roleOf(revision, subject));
    if (isSelected && (trigger === null || subject.id > trigger.subject.id)) trigger = counted;
  }
  return trigger;
}
