// The one pure fold (design §3): live detection, the history lane, backtest, what-if and verify are all this function.
// A view is folded as: retract what its attempt contributed, merge, assert what it contributes now.
import { type MergedAttempt, type MergedSignal, mergeSignal, mergeView } from '../attempts/merge.ts';
import { encodeMerged, encodeMergedSignal } from '../attempts/wire.ts';
import type { SignalView, View } from '../model/attempt.ts';
import type { Rule } from '../model/detector.ts';
import { type Key, keyId } from '../model/entity.ts';
import type { Episode } from '../model/episode.ts';
import { addAttempt, attemptAt, handleOf, replaceAttempt, scopeNumber } from './attempt-table.ts';
import type { Cells } from './cells.ts';
import { type Details, detailsOfKey } from './details.ts';
import type { MoveContext, Touched } from './entities.ts';
import { episodesOfKey } from './episodes.ts';
import { keyIn } from './keys.ts';
import { addRevision, contextOf, holdSignal, lowerLeast, place, touchFrom } from './place.ts';
import { addRule, createRevision } from './rules.ts';
import { baseOf, clockRow, type FoldState, type HeldSignal, idInScope, partsOf, subjectOfSignal } from './state.ts';
import { attemptSubject, type Subject } from './subjects.ts';
import type { Row } from './window-store.ts';

export { keysOf } from './keys.ts';

export type FoldRecord = View | SignalView | Rule;

export type FoldResult = {
  /** What changed, for the window store; none of a state that is not stored (lane `all`). */
  readonly rows: Row[];
  /** Keys whose episodes may have changed, by keyId. */
  readonly touched: Map<string, Key>;
};

/** Seconds, [fromS, toS): of first breach instants. */
export type Range = { readonly fromS: number; readonly toS: number | null };

type Changes = {
  /** As merged now, by handle. */
  readonly attempts: Map<number, MergedAttempt>;
  /** By id in scope. */
  readonly signals: Map<string, MergedSignal>;
  readonly rules: Rule[];
  readonly touched: Map<Cells, Touched>;
  readonly context: MoveContext;
};

export function fold(state: FoldState, records: readonly FoldRecord[]): FoldResult {
  const touched = new Map<Cells, Touched>();
  const context = contextOf(state, touched);
  const changes: Changes = { attempts: new Map(), signals: new Map(), rules: [], touched, context };
  const receivedBefore = state.greatestReceivedAt;
  for (const record of records) {
    if (record.record === 'rule') foldRule(state, record, changes);
    else {
      // A view of the other lane moves the boundary between the lanes all the same: both go by the newest receipt.
      if (record.receivedAt > state.greatestReceivedAt) state.greatestReceivedAt = record.receivedAt;
      if (state.lane === 'live' && record.lane === 'history') continue;
      if (record.record === 'view') foldView(state, record, changes);
      else foldSignal(state, record, changes);
    }
  }
  const rows = state.lane === 'all' ? [] : rowsOf(changes);
  if (state.lane === 'live' && state.greatestReceivedAt !== receivedBefore) rows.push(clockRow(state));
  return { rows, touched: touchedKeys(state, touched) };
}

function rowsOf({ rules, attempts, signals }: Changes): Row[] {
  const rows: Row[] = rules.map((rule) => {
    return { kind: 'rule', id: `${rule.detector}/${rule.version}`, value: JSON.stringify(rule) };
  });
  for (const merged of attempts.values())
    rows.push({ kind: 'attempt', id: idInScope(merged, merged.id), value: encodeMerged(merged) });
  for (const [id, merged] of signals)
    rows.push({ kind: 'attempt', id: `signal:${id}`, value: encodeMergedSignal(merged) });
  return rows;
}

function touchedKeys(state: FoldState, touched: ReadonlyMap<Cells, Touched>): Map<string, Key> {
  const keys = new Map<string, Key>();
  for (const { revision, ...place } of touched.values()) {
    const key = keyIn(state, place, revision);
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

function foldView(state: FoldState, view: View, { attempts: changed, context }: Changes): void {
  const { attempts } = state;
  const scope = scopeNumber(attempts, view);
  const known = handleOf(attempts, scope, view.attempt);
  const held = known < 0 ? undefined : attemptAt(attempts, known);
  // Let go of at the limit: it merges no more, and it must not be counted as another one.
  if (held === undefined && view.time < state.lostS) return;
  const merged = mergeView(held, view);
  if (held !== undefined && sameFacts(held, merged)) return;
  const waiting = state.signalsOfCharge.size === 0 ? [] : signalsOf(state, idInScope(view, view.attempt));
  const handle = known < 0 ? addAttempt(attempts, scope, merged) : known;
  if (known >= 0) replaceAttempt(attempts, handle, merged);
  changed.set(handle, merged);
  const before = held === undefined ? null : attemptSubject(held);
  place(state, 'attempt', { handle, scope, before, after: attemptSubject(merged) }, context);
  for (const { signal, subject } of waiting) {
    const move = { handle: signal.handle, scope, before: subject, after: subjectOfSignal(state, signal.merged) };
    place(state, 'signal', move, context);
  }
}

/** The signals of a charge, as they are before it changes. */
function signalsOf(state: FoldState, charge: string): { signal: HeldSignal; subject: Subject }[] {
  const found: { signal: HeldSignal; subject: Subject }[] = [];
  for (const id of state.signalsOfCharge.get(charge) ?? []) {
    const signal = state.signals.get(id);
    if (signal !== undefined) found.push({ signal, subject: subjectOfSignal(state, signal.merged) });
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

function foldSignal(state: FoldState, view: SignalView, { signals, context }: Changes): void {
  const id = idInScope(view, `${view.signal}/${view.id}`);
  const held = state.signals.get(id);
  const before = held === undefined ? null : subjectOfSignal(state, held.merged);
  const merged = mergeSignal(held?.merged, view);
  const { handle } = holdSignal(state, id, merged);
  const scope = scopeNumber(state.attempts, merged);
  place(state, 'signal', { handle, scope, before, after: subjectOfSignal(state, merged) }, context);
  signals.set(id, merged);
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
