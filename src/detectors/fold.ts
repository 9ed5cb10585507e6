// The one pure fold (design §3): live detection, the history lane, backtest, what-if and verify are all this function.
// A view is folded as: retract what its attempt contributed, merge, assert what it contributes now.
import { attemptOf, type MergedAttempt, mergeSignal, mergeView } from '../attempts/merge.ts';
import { encodeMerged, encodeMergedSignal } from '../attempts/wire.ts';
import type { Attempt, SignalView, View } from '../model/attempt.ts';
import type { DetectorSettings, Rule } from '../model/detector.ts';
import { type Key, keyId } from '../model/entity.ts';
import type { Episode } from '../model/episode.ts';
import { attemptVariables, type FilterVariables, signalVariables } from './cel.ts';
import { addHit, type Cells, createCells, type Hit, removeHit } from './cells.ts';
import { type Details, detailsOfKey, episodesOfKey, type KeyCells, type Range } from './episodes.ts';
import { createRevision, type DetectorRules, type Revision } from './rules.ts';
import { clockRow, type FoldState, type HeldAttempt, type HeldSignal, idInScope, type Placed } from './state.ts';
import type { Row } from './window-store.ts';

export type FoldRecord = View | SignalView | Rule;

export type FoldResult = {
  /** What changed, for the window store; a later row of an id replaces the earlier. */
  readonly rows: Row[];
  /** Keys whose episodes may have changed, by keyId. */
  readonly touched: Map<string, Key>;
};

export function fold(state: FoldState, records: readonly FoldRecord[]): FoldResult {
  const changed = new Map<string, Row>();
  const touched = new Map<string, Key>();
  const receivedBefore = state.greatestReceivedAt;
  for (const record of records) {
    if (record.record === 'rule') foldRule(state, record, changed, touched);
    else {
      if (state.lane === 'live' && record.lane === 'history') continue;
      if (record.receivedAt > state.greatestReceivedAt) state.greatestReceivedAt = record.receivedAt;
      if (record.record === 'view') foldView(state, record, changed, touched);
      else foldSignal(state, record, changed, touched);
    }
  }
  for (const key of touched.values()) dropEmptyCells(state, key);
  if (state.greatestReceivedAt !== receivedBefore) changed.set('clock', clockRow(state));
  return { rows: [...changed.values()], touched };
}

/** Every episode of a key whose first breach instant lies in the range (default: all), in time order. */
export function episodesOf(state: FoldState, key: Key, range?: Range): Episode[] {
  const rules = state.detectors.get(key.detector);
  if (rules === undefined) return [];
  return episodesOfKey(rules, cellsOf(rules, key), state.heads.get(keyId(key)) ?? null, range);
}

/** Members, values and trigger of the episode that begins at that breach instant (seconds). */
export function detailsOf(state: FoldState, key: Key, firstBreachAt: number): Details | null {
  const rules = state.detectors.get(key.detector);
  if (rules === undefined) return null;
  return detailsOfKey(rules, cellsOf(rules, key), state.heads.get(keyId(key)) ?? null, firstBreachAt);
}

export function* keysOf(state: FoldState): Generator<Key> {
  const seen = new Set<string>();
  for (const { revisions } of state.detectors.values()) {
    for (const { keys } of revisions.values()) {
      for (const { key } of keys.values()) {
        const id = keyId(key);
        if (seen.has(id)) continue;
        seen.add(id);
        yield key;
      }
    }
  }
}

function cellsOf(rules: DetectorRules, key: Key): KeyCells {
  const id = idInScope(key.scope, key.entity.value);
  const parts: { revision: Revision; cells: Cells }[] = [];
  for (const revision of rules.revisions.values()) {
    const cells = revision.settings.per === key.entity.kind ? revision.keys.get(id) : undefined;
    if (cells !== undefined) parts.push({ revision, cells });
  }
  return parts;
}

/** A key whose last attempt left has nothing to keep. */
function dropEmptyCells(state: FoldState, key: Key): void {
  const id = idInScope(key.scope, key.entity.value);
  for (const { settings, keys } of state.detectors.get(key.detector)?.revisions.values() ?? [])
    if (settings.per === key.entity.kind && keys.get(id)?.list.length === 0) keys.delete(id);
}

function foldView(state: FoldState, view: View, changed: Map<string, Row>, touched: Map<string, Key>): void {
  const id = idInScope(view, view.attempt);
  const held = state.attempts.get(id);
  const merged = mergeView(held?.merged, view);
  if (held !== undefined && sameFacts(held.merged, merged)) return;
  const now: HeldAttempt = held ?? { merged, placed: [] };
  now.merged = merged;
  if (held === undefined) state.attempts.set(id, now);
  placeAttempt(state, now, touched);
  changed.set(`a${id}`, { kind: 'attempt', id, value: encodeMerged(merged) });
  const waiting = state.signalsOfCharge.get(id);
  if (waiting !== undefined) for (const signal of waiting) placeSignal(state, signal, touched);
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

function foldSignal(state: FoldState, view: SignalView, changed: Map<string, Row>, touched: Map<string, Key>): void {
  const id = idInScope(view, `${view.signal}/${view.id}`);
  const held = state.signals.get(id);
  const merged = mergeSignal(held?.merged, view);
  const now: HeldSignal = held ?? { merged, placed: [] };
  now.merged = merged;
  if (held === undefined) state.signals.set(id, now);
  linkSignal(state, id, now);
  placeSignal(state, id, touched);
  changed.set(`s${id}`, { kind: 'attempt', id: `signal:${id}`, value: encodeMergedSignal(merged) });
}

export function linkSignal(state: FoldState, id: string, { merged }: HeldSignal): void {
  if (merged.charge === null) return;
  const charge = idInScope(merged, merged.charge);
  const waiting = state.signalsOfCharge.get(charge) ?? new Set();
  waiting.add(id);
  state.signalsOfCharge.set(charge, waiting);
}

function foldRule(state: FoldState, rule: Rule, changed: Map<string, Row>, touched: Map<string, Key>): void {
  const rules: DetectorRules = state.detectors.get(rule.detector) ?? {
    name: rule.detector,
    versions: [],
    revisions: new Map(),
  };
  if (rules.versions.some(({ version }) => version === rule.version)) return;
  state.detectors.set(rule.detector, rules);
  rules.versions.push(rule);
  rules.versions.sort((a, b) => a.version - b.version);
  changed.set(`r${rule.detector}/${rule.version}`, {
    kind: 'rule',
    id: `${rule.detector}/${rule.version}`,
    value: JSON.stringify(rule),
  });
  if (rule.settings !== null && !rules.revisions.has(rule.revision)) {
    const revision = createRevision(rule.revision, rule.settings);
    rules.revisions.set(rule.revision, revision);
    buildRevision(state, rules.name, revision);
  }
  for (const { keys } of rules.revisions.values()) {
    for (const { key, list } of keys.values())
      if ((list.at(-1)?.time ?? -1) >= rule.sinceS) touched.set(keyId(key), key);
  }
}

/** A new revision has cells of its own, made from what the state holds. */
export function buildRevision(state: FoldState, detector: string, revision: Revision): void {
  if (revision.settings.on === 'attempt') {
    for (const held of state.attempts.values()) {
      const attempt = attemptOf(held.merged);
      place(held.placed, detector, revision, attemptHit(revision, attempt, attemptVariables(attempt)));
    }
    return;
  }
  for (const held of state.signals.values()) place(held.placed, detector, revision, signalHit(state, revision, held));
}

/** Retracts the old contributions of an attempt and asserts the new, in every revision. */
export function placeAttempt(state: FoldState, held: HeldAttempt, touched: Map<string, Key>): void {
  retract(held.placed, touched);
  const attempt = attemptOf(held.merged);
  const variables = attemptVariables(attempt);
  for (const { name, revisions } of state.detectors.values()) {
    for (const revision of revisions.values()) {
      if (revision.settings.on !== 'attempt') continue;
      place(held.placed, name, revision, attemptHit(revision, attempt, variables), touched);
    }
  }
}

export function placeSignal(state: FoldState, id: string, touched: Map<string, Key>): void {
  const held = state.signals.get(id);
  if (held === undefined) return;
  retract(held.placed, touched);
  for (const { name, revisions } of state.detectors.values()) {
    for (const revision of revisions.values()) {
      if (revision.settings.on === 'signal')
        place(held.placed, name, revision, signalHit(state, revision, held), touched);
    }
  }
}

function retract(placed: Placed[], touched: Map<string, Key>): void {
  for (const { cells, hit } of placed) {
    removeHit(cells, hit);
    touched.set(keyId(cells.key), cells.key);
  }
  placed.length = 0;
}

type Found = { readonly hit: Hit; readonly entity: string; readonly scope: Key['scope'] };

function place(
  placed: Placed[],
  detector: string,
  revision: Revision,
  found: Found | null,
  touched?: Map<string, Key>,
): void {
  if (found === null) return;
  const id = idInScope(found.scope, found.entity);
  let cells = revision.keys.get(id);
  if (cells === undefined) {
    const { account, livemode } = found.scope;
    cells = createCells({
      detector,
      scope: { account, livemode },
      entity: { kind: revision.settings.per, value: found.entity },
    });
    revision.keys.set(id, cells);
  }
  addHit(cells, found.hit);
  placed.push({ cells, hit: found.hit, revision: revision.number, detector });
  touched?.set(keyId(cells.key), cells.key);
}

function attemptHit(revision: Revision, attempt: Attempt, variables: FilterVariables): Found | null {
  const { settings } = revision;
  const entity = entityOf(settings, attempt.fields);
  if (entity === null) return null;
  const foreign = settings.count === 'sum(amount)' && attempt.fields.currency !== settings.currency;
  const matches = !foreign && revision.where(variables);
  const counted = settings.count === 'ratio' && (matches || revision.of?.(variables) === true);
  const eligible = isEligible(revision, { matches, counted, variables });
  if (!matches && !counted && !eligible) return null;
  const { id, time, fields } = attempt;
  const hit = {
    id,
    time,
    matches,
    counted,
    eligible,
    value: distinctValue(settings, fields),
    amount: matches ? (fields.amount ?? 0) : 0,
  };
  return { hit, entity, scope: attempt };
}

function signalHit(state: FoldState, revision: Revision, { merged }: HeldSignal): Found | null {
  const charge = merged.charge === null ? undefined : state.attempts.get(idInScope(merged, merged.charge));
  const fields = charge === undefined ? {} : attemptOf(charge.merged).fields;
  const { settings } = revision;
  const entity = entityOf(settings, fields);
  if (entity === null) return null;
  const { signal, reason, amount, currency, livemode } = merged;
  const { card, customer, email } = fields;
  const variables = signalVariables({ signal, reason, amount, currency, livemode, card, customer, email });
  const foreign = settings.count === 'sum(amount)' && currency !== settings.currency;
  const matches = !foreign && revision.where(variables);
  const counted = settings.count === 'ratio' && (matches || revision.of?.(variables) === true);
  const eligible = isEligible(revision, { matches, counted, variables });
  if (!matches && !counted && !eligible) return null;
  const value = distinctValue(settings, fields);
  const hit = {
    id: merged.id,
    time: merged.time,
    matches,
    counted,
    eligible,
    value,
    amount: matches ? (amount ?? 0) : 0,
  };
  return { hit, entity, scope: merged };
}

/** Whose time may be a breach instant: what `at:` selects; of a ratio any in the denominator; else any that matches. */
function isEligible(
  revision: Revision,
  { matches, counted, variables }: { matches: boolean; counted: boolean; variables: FilterVariables },
): boolean {
  if (revision.at !== null) return revision.at(variables);
  return revision.settings.count === 'ratio' ? counted : matches;
}

type EntityFields = Attempt['fields'];

function entityOf({ per }: DetectorSettings, fields: EntityFields): string | null {
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

function distinctValue({ count }: DetectorSettings, fields: EntityFields): string | null {
  switch (count) {
    case 'distinct(card)':
      return fields.card ?? null;
    case 'distinct(email)':
      return fields.email ?? null;
    case 'distinct(customer)':
      return fields.customer ?? null;
    case 'distinct(ip)':
      return fields.ip ?? null;
    default:
      return null;
  }
}
