// How long the fold's state is kept, and how it comes back from the window store. Both are functions of the log's prefix:
// dropping goes by the greatest `receivedAt` seen, in steps of an hour, never by a clock and never by event time.
import { decodeMerged, decodeMergedSignal } from '../attempts/wire.ts';
import type { Rule } from '../model/detector.ts';
import { type Key, keyId } from '../model/entity.ts';
import { type Cells, indexFrom } from './cells.ts';
import { type EpisodeHead, episodesOfKey, instantsOf } from './episodes.ts';
import { buildRevision, keysOf, linkSignal } from './fold.ts';
import { createRevision, type DetectorRules } from './rules.ts';
import { CLOCK_ROW, clockRow, type FoldState, idInScope } from './state.ts';
import type { Row } from './window-store.ts';

const STEP_S = 3_600;
const HEAD_ROW = 'head/';

/** Seconds: a live view can no longer be dated before it, so instants before it belong to the history lane. */
export function liveFromS(state: FoldState): number {
  return Math.floor((state.greatestReceivedAt - latenessOf(state)) / 1000);
}

function latenessOf(state: FoldState): number {
  let latest: Rule | null = null;
  for (const { versions } of state.detectors.values())
    for (const rule of versions) if (latest === null || rule.latenessMs > latest.latenessMs) latest = rule;
  return latest?.latenessMs ?? DEFAULT_LATENESS_MS;
}

export const DEFAULT_LATENESS_MS = 72 * 3_600_000;

/** Milliseconds: how far back of `greatestReceivedAt` attempts are needed: window + quietFor + lateness, the largest. */
export function horizonMs(state: FoldState): number {
  let longestS = 0;
  for (const { versions } of state.detectors.values())
    for (const { settings } of versions)
      if (settings !== null) longestS = Math.max(longestS, settings.windowS + settings.quietForS);
  return latenessOf(state) + (longestS + STEP_S) * 1000;
}

/**
 * Drops what no live view can change any more and no open episode needs; the beginnings of open episodes are kept as
 * heads. Does nothing until another hour of `receivedAt` has passed. The rows say what the store must keep and forget.
 */
export function expire(state: FoldState): Row[] {
  if (state.lane === 'all') return [];
  const cutS = Math.floor((state.greatestReceivedAt - horizonMs(state)) / 1000 / STEP_S) * STEP_S;
  if (cutS <= state.cutS) return [];
  const rows: Row[] = [];
  for (const key of [...keysOf(state)]) rows.push(...expireKey(state, key, cutS));
  state.cutS = cutS;
  dropAttempts(state);
  rows.push(clockRow(state));
  return rows;
}

function expireKey(state: FoldState, key: Key, cutS: number): Row[] {
  const rules = state.detectors.get(key.detector);
  if (rules === undefined) return [];
  const id = keyId(key);
  const entity = idInScope(key.scope, key.entity.value);
  const parts = [...rules.revisions.values()].flatMap((revision) => {
    const cells = revision.settings.per === key.entity.kind ? revision.keys.get(entity) : undefined;
    return cells === undefined ? [] : [{ revision, cells }];
  });
  const before = state.heads.get(id) ?? null;
  const head = headAt(rules, parts, before, cutS);
  for (const { revision, cells } of parts) {
    dropCells(cells, cutS, revision.settings.windowS);
    if (cells.list.length === 0) revision.keys.delete(entity);
  }
  if (head === null) {
    state.heads.delete(id);
    return before === null ? [] : [{ kind: 'mark', id: HEAD_ROW + id, value: null }];
  }
  state.heads.set(id, head);
  return [{ kind: 'mark', id: HEAD_ROW + id, value: JSON.stringify(head) }];
}

/** The beginning, before the cut, of the episode that a later instant could still join. */
function headAt(
  rules: DetectorRules,
  parts: Parameters<typeof episodesOfKey>[1],
  before: EpisodeHead | null,
  cutS: number,
): EpisodeHead | null {
  const instants = instantsOf(rules, parts).filter(({ time }) => time < cutS);
  const last = instants.at(-1)?.time ?? before?.lastBreachAt;
  const quietForS = Math.max(...rules.versions.map(({ settings }) => settings?.quietForS ?? 0));
  if (last === undefined || cutS - last > quietForS) return null;
  const past = parts.map(({ revision, cells }) => ({
    revision,
    cells: { ...cells, list: cells.list.slice(0, indexFrom(cells.list, cutS)) },
  }));
  const open = episodesOfKey(rules, past, before).at(-1);
  return open === undefined ? before : { ...open };
}

/** Cells inside a window that ends after the cut stay; instants before the cut are no longer read. */
function dropCells(cells: Cells, cutS: number, windowS: number): void {
  cells.list.splice(0, indexFrom(cells.list, cutS - windowS));
  cells.head = null;
  cells.cutS = cutS;
}

function dropAttempts(state: FoldState): void {
  const longestS = Math.max(
    0,
    ...[...state.detectors.values()].flatMap(({ versions }) => versions.map(({ settings }) => settings?.windowS ?? 0)),
  );
  const keepFromS = state.cutS - longestS;
  for (const [id, { merged }] of state.attempts) if (merged.time < keepFromS) state.attempts.delete(id);
  for (const [id, { merged }] of state.signals) {
    if (merged.time >= keepFromS) continue;
    state.signals.delete(id);
    if (merged.charge !== null) state.signalsOfCharge.get(idInScope(merged, merged.charge))?.delete(id);
  }
}

/** Takes rows of the store, in the order they were appended and in any pages; `finishRestore` makes the cells. */
export function restoreRows(state: FoldState, rows: readonly Row[]): void {
  for (const { kind, id, value } of rows) {
    if (kind === 'attempt' && value !== null) restoreAttempt(state, id, value);
    else if (kind === 'rule' && value !== null) restoreRule(state, JSON.parse(value) as Rule);
    else if (kind === 'mark' && id === CLOCK_ROW && value !== null) Object.assign(state, JSON.parse(value));
    else if (kind === 'mark' && id.startsWith(HEAD_ROW)) restoreHead(state, id.slice(HEAD_ROW.length), value);
  }
}

function restoreAttempt(state: FoldState, id: string, value: string): void {
  if (id.startsWith('signal:')) {
    const merged = decodeMergedSignal(value);
    state.signals.set(id.slice('signal:'.length), { merged, placed: [] });
    state.greatestReceivedAt = Math.max(state.greatestReceivedAt, merged.receivedAt);
    return;
  }
  const merged = decodeMerged(value);
  state.attempts.set(id, { merged, placed: [] });
  state.greatestReceivedAt = Math.max(state.greatestReceivedAt, merged.receivedAt);
}

function restoreRule(state: FoldState, rule: Rule): void {
  const rules: DetectorRules = state.detectors.get(rule.detector) ?? {
    name: rule.detector,
    versions: [],
    revisions: new Map(),
  };
  state.detectors.set(rule.detector, rules);
  if (rules.versions.some(({ version }) => version === rule.version)) return;
  rules.versions.push(rule);
  rules.versions.sort((a, b) => a.version - b.version);
}

function restoreHead(state: FoldState, id: string, value: string | null): void {
  if (value === null) state.heads.delete(id);
  else state.heads.set(id, JSON.parse(value) as EpisodeHead);
}

/** Makes the cells of everything restored. */
export function finishRestore(state: FoldState): void {
  dropAttempts(state);
  for (const [id, held] of state.signals) linkSignal(state, id, held);
  for (const rules of state.detectors.values()) {
    for (const rule of rules.versions) {
      if (rule.settings === null || rules.revisions.has(rule.revision)) continue;
      const revision = createRevision(rule.revision, rule.settings);
      rules.revisions.set(rule.revision, revision);
      buildRevision(state, rules.name, revision);
      for (const cells of revision.keys.values()) dropCells(cells, state.cutS, rule.settings.windowS);
    }
  }
}
