// The one pure fold (design §3): live detection, the history lane, backtest, what-if and verify are all this function.
// A view is folded as: retract what its attempt contributed, merge, assert what it contributes now.
import { attemptOfView, type MergedAttempt, mergeSignal, mergeStates } from '../attempts/merge.ts';
import type { SignalView, View } from '../model/attempt.ts';
import type { Rule } from '../model/detector.ts';
import { type Key, keyId } from '../model/entity.ts';
import type { Episode } from '../model/episode.ts';
import { lookForIds, noneWaiting, type Waiting, wait } from './ahead.ts';
import { type RowWriter, rowWriter } from './attempt-rows.ts';
import { addAttempt, attemptAt, handleOf, replaceAttempt, scopeNumber } from './attempt-table.ts';
import { type Details, detailsOfKey } from './details.ts';
import type { MoveContext, Place, Touched } from './entities.ts';
import { episodesOfKey } from './episodes.ts';
import { keyIn } from './keys.ts';
import { addPacked, handleOfPacked, isHeldAs, unpacked } from './packed-attempts.ts';
import { packedSubject } from './packed-subject.ts';
import type { PackedView } from './packed-view.ts';
import {
  addRevision,
  assertAll,
  assertWaiting,
  contextOf,
  holdSignal,
  lowerLeast,
  retractAll,
  touchFrom,
} from './place.ts';
import { createRevision } from './revision.ts';
import { addRule } from './rules.ts';
import { baseOf, clockRow, type FoldState, idInScope, partsOf, subjectOfSignal } from './state.ts';
import { attemptSubject, type Subject, signalSubject } from './subjects.ts';
import type { Row } from './window-store.ts';

export { keysOf } from './keys.ts';

export type FoldRecord = View | SignalView | Rule;

/** A packed view is the same as the view that it was read from. */
export type Foldable = FoldRecord | PackedView;

export type FoldResult = {
  /** What changed, for the window store; none of a state that is not stored (lane `all`). */
  readonly rows: Row[];
  /** Keys whose episodes may have changed, by keyId. */
  readonly touched: Map<string, Key>;
};

/** Seconds, [fromS, toS): of first breach instants. */
export type Range = { readonly fromS: number; readonly toS: number | null };

type Changes = {
  /** null: nothing is stored of this state. */
  readonly writer: RowWriter | null;
  readonly rules: Rule[];
  readonly touched: Touched[];
  readonly context: MoveContext;
  readonly waiting: Waiting;
};

export function fold(state: FoldState, records: readonly Foldable[]): FoldResult {
  state.batch += 1;
  const touched: Touched[] = [];
  const context = contextOf(state, touched);
  const writer = state.lane === 'live' ? rowWriter(state) : null;
  const changes: Changes = { writer, rules: [], touched, context, waiting: noneWaiting() };
  const receivedBefore = state.greatestReceivedAt;
  for (const [i, record] of records.entries()) {
    lookForIds(changes.waiting, state.attempts.index, records, i);
    if (record.record !== 'packed') settle(state, changes);
    if (record.record === 'rule') foldRule(state, record, changes);
    else {
      // A view of the other lane moves the boundary between the lanes all the same: both go by the newest receipt.
      if (record.receivedAt > state.greatestReceivedAt) state.greatestReceivedAt = record.receivedAt;
      if (state.lane === 'live' && record.lane === 'history') continue;
      if (record.record === 'packed') foldPacked(state, record, changes);
      else if (record.record === 'view') foldAttempt(state, attemptOfView(record), changes);
      else foldSignal(state, record, changes);
    }
  }
  settle(state, changes);
  const rows = rowsOf(changes);
  if (state.lane === 'live' && state.greatestReceivedAt !== receivedBefore) rows.push(clockRow(state));
  return { rows, touched: touchedKeys(state, touched) };
}

function rowsOf({ rules, writer }: Changes): Row[] {
  if (writer === null) return [];
  const rows: Row[] = rules.map((rule) => {
    return { kind: 'rule', id: `${rule.detector}/${rule.version}`, value: JSON.stringify(rule) };
  });
  return rows.concat(writer.rows());
}

function touchedKeys(state: FoldState, touched: readonly Touched[]): Map<string, Key> {
  const keys = new Map<string, Key>();
  for (const place of touched) {
    const key = keyIn(state, place);
    keys.set(keyId(key), key);
  }
  return keys;
}

/** Every episode of a key whose first breach instant lies in the range (default: all), in time order. */
export function episodesOf(state: FoldState, key: Key, range?: Range): Episode[] {
  const rules = state.detectors.get(key.detector);
  if (rules === undefined) return [];
  const episodes = episodesOfKey(rules, partsOf(state, key), baseOf(state, key));
  if (range === undefined) return episodes;
  const { fromS, toS } = range;
  return episodes.filter(({ firstBreachAt: at }) => at >= fromS && (toS === null || at < toS));
}

/** Members, values and trigger of the episode that begins at that breach instant (seconds). */
export function detailsOf(state: FoldState, key: Key, firstBreachAt: number): Details | null {
  const episode = episodesOf(state, key).find((candidate) => candidate.firstBreachAt === firstBreachAt);
  return episode === undefined ? null : detailsOfKey(state, key, episode);
}

/** The same as of its attempt, without unpacking it if there is nothing to merge. */
function foldPacked(state: FoldState, view: PackedView, changes: Changes): void {
  const { attempts } = state;
  const known = handleOfPacked(attempts, view);
  if (known >= 0 && isHeldAs(attempts, known, view)) return;
  if (known >= 0 || state.signalsOfCharge.size > 0) {
    settle(state, changes);
    foldAttempt(state, unpacked(attempts, view), changes);
    return;
  }
  if (view.time < state.lostS) return;
  const handle = addPacked(attempts, view);
  changes.writer?.attempt(handle);
  const subject = packedSubject(attempts, handle) ?? attemptSubject(attemptAt(attempts, handle));
  if (wait(changes.waiting, { handle, scope: view.scope }, subject)) settle(state, changes);
}

/** Counts what waits: before anything else is counted, and before anything that waits is changed. */
function settle(state: FoldState, { waiting, context }: Changes): void {
  if (waiting.places.length > 0) assertWaiting(state, waiting, context);
}

/** One view of an attempt, as an attempt of its own. */
function foldAttempt(state: FoldState, seen: MergedAttempt, changes: Changes): void {
  const { attempts } = state;
  const scope = scopeNumber(attempts, seen);
  const known = handleOf(attempts, scope, seen.id);
  const held = known < 0 ? undefined : attemptAt(attempts, known);
  // Let go of at the limit: it merges no more, and it must not be counted as another one.
  if (held === undefined && seen.time < state.lostS) return;
  const merged = held === undefined ? seen : mergeStates(held, seen);
  if (held !== undefined && sameFacts(held, merged)) return;
  const { context, writer } = changes;
  const after = attemptSubject(merged);
  const waiting = state.signalsOfCharge.size === 0 ? [] : signalsOf(state, merged);
  for (const { place, change } of waiting) retractAll(state, 'signal', place, change, context);
  if (held !== undefined) {
    const change = { before: attemptSubject(held), after };
    retractAll(state, 'attempt', { handle: known, scope }, change, context);
    replaceAttempt(attempts, known, merged);
  }
  const handle = held === undefined ? addAttempt(attempts, scope, merged) : known;
  writer?.attempt(handle);
  assertAll(state, 'attempt', { handle, scope }, after, context);
  for (const { place, change } of waiting) assertAll(state, 'signal', place, change.after, context);
}

type Follower = { readonly place: Place; readonly change: { readonly before: Subject; readonly after: Subject } };

/** The signals of a charge that is about to change. */
function signalsOf(state: FoldState, charge: MergedAttempt): Follower[] {
  const found: Follower[] = [];
  for (const id of state.signalsOfCharge.get(idInScope(charge, charge.id)) ?? []) {
    const signal = state.signals.get(id);
    if (signal === undefined) continue;
    const { merged, handle } = signal;
    const change = { before: subjectOfSignal(state, merged), after: signalSubject(merged, charge) };
    found.push({ place: { handle, scope: scopeNumber(state.attempts, merged) }, change });
  }
  return found;
}

/** A redelivered view changes nothing: layers that stay are the same objects. */
function sameFacts(a: MergedAttempt, b: MergedAttempt): boolean {
  return (
    a.time === b.time &&
    a.kind === b.kind &&
    a.invoice === b.invoice &&
    a.firstPayment === b.firstPayment &&
    a.receivedAt === b.receivedAt &&
    a.layers.length === b.layers.length &&
    a.layers.every((layer, index) => layer === b.layers[index])
  );
}

function foldSignal(state: FoldState, view: SignalView, { writer, context }: Changes): void {
  const id = idInScope(view, `${view.signal}/${view.id}`);
  const held = state.signals.get(id);
  const merged = mergeSignal(held?.merged, view);
  const scope = scopeNumber(state.attempts, merged);
  const after = subjectOfSignal(state, merged);
  if (held !== undefined) {
    const change = { before: subjectOfSignal(state, held.merged), after };
    retractAll(state, 'signal', { handle: held.handle, scope }, change, context);
  }
  const { handle } = holdSignal(state, id, merged);
  assertAll(state, 'signal', { handle, scope }, after, context);
  writer?.signal(id, merged);
}

function foldRule(state: FoldState, rule: Rule, { rules: changed, touched }: Changes): void {
  if (!addRule(state.detectors, rule)) return;
  const rules = state.detectors.get(rule.detector);
  if (rules === undefined) return;
  changed.push(rule);
  if (rule.settings !== null && !rules.revisions.has(rule.revision)) {
    const revision = createRevision(rule.revision, rule.settings);
    rules.revisions.set(rule.revision, revision);
    addRevision(state, rules, revision);
  } else lowerLeast(state, rules);
  touchFrom(state, rules, rule.sinceS, touched);
}
