// What a report tells of an episode's members. Of a long episode only what is new is looked at: what lies before it is in the
// running tally, and what was told of one that is over is told again.
import type { Key } from '../model/entity.ts';
import type { Episode } from '../model/episode.ts';
import { scopeNumber } from './attempt-table.ts';
import { HERE, seek } from './cells.ts';
import { type Counted, membersOf, readingOf, triggerOf } from './details.ts';
import { addInstants, type Instants, type KeyCells } from './episodes.ts';
import { evidenceFrom, keepNewest, NEWEST_MAX } from './evidence.ts';
import { entityAt, hitsOn } from './hit-table.ts';
import type { Identity, Running, Summary } from './kept.ts';
import { factsOf } from './members.ts';
import { type DetectorRules, ruleAt } from './rules.ts';
import { createRunning, isOf, takeIn } from './running.ts';
import { type FoldState, groupOf, partsOf, subjectOf, timeOf } from './state.ts';
import { isMatch, roleOf } from './subjects.ts';
import { changeTally, createTally, type MemberFacts, namesIn, type Tally } from './tally.ts';

/** Of an episode as it stands. `over`: it may be told again, and is not expected to change. */
export function summaryOf(state: FoldState, key: Key, episode: Episode & { readonly over: boolean }): Summary {
  const part = episode.attemptCount < state.longEpisodes.members ? null : solePartOf(state, key, episode);
  if (part === null) return plainSummary(state, key, episode);
  const { cells } = part;
  const rules = rulesOf(state, key);
  const of = { part, rules, episode, identity: identityOf(state, rules, episode) };
  if (!episode.over) return runningSummary(state, key, of);
  const known = pastOf(of);
  if (known !== null) return known;
  // Another one that goes on may have the tally.
  const hasTally = cells.running !== null && isOf(cells.running, of.identity, episode.lastAttemptAt);
  const summary = hasTally ? runningSummary(state, key, of) : plainSummary(state, key, episode);
  if (hasTally) cells.running = null;
  keepPast(of, summary);
  return summary;
}

function identityOf({ cutS }: FoldState, { stamp }: DetectorRules, episode: Episode): Identity {
  const { firstAttemptAt, firstBreachAt } = episode;
  return { stamp, firstAttemptAt, firstBreachAt, isOpeningHeld: firstBreachAt >= cutS };
}

const rulesOf = (state: FoldState, key: Key): DetectorRules => state.detectors.get(key.detector) as DetectorRules;

/** The cells that see every change of a member: null if members are counted by more than one revision. */
function solePartOf(state: FoldState, key: Key, { firstAttemptAt, lastBreachAt }: Episode): KeyCells | null {
  const rules = rulesOf(state, key);
  const first = ruleAt(rules, firstAttemptAt);
  const numbers = new Set(first === null ? [] : [first.revision]);
  for (const { sinceS, settings, revision } of rules.versions)
    if (settings !== null && sinceS > firstAttemptAt && sinceS <= lastBreachAt) numbers.add(revision);
  if (numbers.size !== 1) return null;
  return partsOf(state, key).find(({ revision }) => numbers.has(revision.number)) ?? null;
}

type Sums = { readonly tally: Tally; readonly newest: readonly MemberFacts[]; readonly receivedAt: number };

function plainSummary(state: FoldState, key: Key, episode: Episode): Summary {
  const reading = readingOf(state, key, episode);
  const tally = createTally();
  const newest: MemberFacts[] = [];
  let receivedAt = 0;
  for (const { on, subject } of membersOf(state, key, reading)) {
    const facts = factsOf(on, subject);
    changeTally(tally, facts, 1);
    keepNewest(newest, facts);
    receivedAt = Math.max(receivedAt, subject.receivedAt);
  }
  return summed(state, key, reading.instants, { tally, newest, receivedAt });
}

function summed(
  state: FoldState,
  key: Key,
  instants: Omit<Instants, 'opening'>,
  { tally, newest, receivedAt }: Sums,
): Summary {
  const trigger = triggerOf(state, key, instants);
  const evidence = evidenceFrom({
    tally,
    newest,
    values: instants,
    trigger: trigger === null ? null : factsOf(trigger.on, trigger.subject),
  });
  return { evidence, receivedAt, fields: newest.find(({ fields }) => fields.card !== undefined)?.fields ?? null };
}

/** A long episode, and the cells that see all its changes. */
type Of = {
  readonly part: KeyCells;
  readonly rules: DetectorRules;
  readonly episode: Episode;
  readonly identity: Identity;
};

/** More different names than any real attack has: such a tally is not kept. */
const NAMES_MAX = 1_000;

function runningSummary(state: FoldState, key: Key, of: Of): Summary {
  const { part, episode } = of;
  const { cells } = part;
  const { lastAttemptAt } = episode;
  const running =
    cells.running !== null && isOf(cells.running, of.identity, lastAttemptAt) ? cells.running : startRunning(of);
  // Nothing half done is kept, whatever happens on the way.
  cells.running = null;
  const selected = readOn(state, running, of);
  const knownS = running.beforeS;
  const beforeS = Math.max(knownS, secondOf(part, running, { lastAttemptAt, count: state.longEpisodes.newest }));
  const fromS = Math.min(knownS, secondOf(part, running, { lastAttemptAt, count: NEWEST_MAX }));
  const newest: MemberFacts[] = [];
  const besides: MemberFacts[] = [];
  let receivedAt = 0;
  for (const { on, subject } of membersFrom(state, key, { part, running, fromS, toS: lastAttemptAt })) {
    const facts = factsOf(on, subject);
    keepNewest(newest, facts);
    if (subject.time < knownS) continue;
    receivedAt = Math.max(receivedAt, subject.receivedAt);
    if (subject.time < beforeS) takeIn(running, { facts, receivedAt: subject.receivedAt }, 1);
    else besides.push(facts);
  }
  // Who was received last has left: whoever is now is among all.
  if (!running.isReceivedAtExact && receivedAt < running.receivedAt) return runningSummary(state, key, of);
  receivedAt = Math.max(receivedAt, running.receivedAt);
  const { tally } = running;
  for (const facts of besides) changeTally(tally, facts, 1);
  const summary = summed(state, key, { ...running.instants, selected }, { tally, newest, receivedAt });
  for (const facts of besides) changeTally(tally, facts, -1);
  running.beforeS = beforeS;
  if (namesIn(tally) <= NAMES_MAX) cells.running = running;
  return summary;
}

function startRunning({ rules, identity }: Of): Running {
  const { firstBreachAt, isOpeningHeld } = identity;
  const isOpened = (time: number): boolean => isOpeningHeld && time <= firstBreachAt;
  return createRunning(identity, (time) => isOpened(time) || ruleAt(rules, time) !== null);
}

/** The breach instants up to the last; the newest of them at which `at:` selected something. */
function readOn(state: FoldState, running: Running, { part, rules, episode }: Of): Instants['selected'] {
  const { instants, readS } = running;
  const { times, values } = instants;
  while (times.length > 0 && (times.at(-1) ?? 0) >= readS) {
    times.pop();
    values.pop();
  }
  addInstants(instants, rules, [part], { fromS: Math.max(readS, state.cutS), episode });
  running.readS = episode.lastBreachAt + 1;
  const { revision } = part;
  const time = times.at(-1);
  return revision.at === null || time === undefined ? null : { time, revision };
}

/** Seconds: at least so many members are dated at or after it, or all. */
function secondOf(
  { revision, cells: { list } }: KeyCells,
  running: Running,
  { lastAttemptAt, count }: { readonly lastAttemptAt: number; readonly count: number },
): number {
  const { stride } = revision.layout;
  let left = count;
  for (let at = seek(list, stride, lastAttemptAt + 1) - stride; at >= 0; at -= stride) {
    const time = list[at] ?? 0;
    if (time < running.firstAttemptAt) break;
    if (running.isInForce(time)) left -= list[at + HERE] ?? 0;
    if (left <= 0) return time;
  }
  return running.firstAttemptAt;
}

type From = {
  readonly part: KeyCells;
  readonly running: Running;
  readonly fromS: number;
  readonly toS: number;
};

/** As `membersOf`, of a part of the episode. */
function* membersFrom(state: FoldState, key: Key, { part, running, fromS, toS }: From): Generator<Counted> {
  const { revision } = part;
  const { on, per } = revision.settings;
  const { hits } = groupOf(state, on, per);
  const isInside = (handle: number): boolean => {
    const time = timeOf(state, on, handle);
    return time >= fromS && time <= toS;
  };
  for (const handle of hitsOn(
    hits,
    entityAt(hits, scopeNumber(state.attempts, key.scope), key.entity.value),
    isInside,
  )) {
    const subject = subjectOf(state, on, handle);
    if (isMatch(roleOf(revision, subject)) && running.isInForce(subject.time)) yield { on, subject };
  }
}

function pastOf({ part: { cells }, rules, episode }: Of): Summary | null {
  const { past } = cells;
  const told = past?.stamp === rules.stamp ? past.told.get(episode.firstBreachAt) : undefined;
  return told?.lastBreachAt === episode.lastBreachAt ? told.summary : null;
}

function keepPast({ part: { cells }, rules: { stamp }, episode }: Of, summary: Summary): void {
  const { firstBreachAt, lastBreachAt } = episode;
  if (cells.past?.stamp !== stamp) cells.past = { stamp, untilS: 0, told: new Map() };
  cells.past.untilS = Math.max(cells.past.untilS, lastBreachAt);
  cells.past.told.set(firstBreachAt, { lastBreachAt, summary });
}
