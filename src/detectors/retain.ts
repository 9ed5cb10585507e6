// How long the fold's state is kept: a function of the log's prefix. Dropping goes by the greatest `receivedAt` seen, in
// steps of an hour, never by a clock and never by event time. Beyond the limit of what is held the oldest go before that.
import type { Rule } from '../model/detector.ts';
import { type Key, keyId } from '../model/entity.ts';
import { rowWriter } from './attempt-rows.ts';
import { attemptAt, handlesOf, oldestTime, removeAttempt, sizeOf } from './attempt-table.ts';
import { cellsFrom } from './cells.ts';
import { type Group, unwatch } from './entities.ts';
import { openBefore } from './episodes.ts';
import { entityOfHash, isListed, keepHits, noteOf } from './hit-table.ts';
import { cellsIn, keyIn } from './keys.ts';
import type { DetectorRules } from './rules.ts';
import {
  baseOf,
  clockRow,
  type FoldState,
  type HeldHead,
  idInScope,
  partsOf,
  scopeOfHandle,
  subjectOf,
  timeOf,
} from './state.ts';
import { hashEntity, isOn } from './subjects.ts';
import type { TextHash } from './text-hash.ts';
import type { Row } from './window-store.ts';

const STEP_S = 3_600;
export const HEAD_ROW = 'head/';

/**
 * Seconds: a live view can no longer be dated before it, so instants before it belong to the history lane. What was let go
 * of at the limit is not judged any more either: what was told of it stays as it was told.
 */
export function liveFromS(state: FoldState): number {
  return Math.max(Math.floor((state.greatestReceivedAt - latenessOf(state)) / 1000), state.lostS);
}

function latenessOf(state: FoldState): number {
  let latest: Rule | null = null;
  for (const { versions } of state.detectors.values())
    for (const rule of versions) if (latest === null || rule.latenessMs > latest.latenessMs) latest = rule;
  return latest?.latenessMs ?? DEFAULT_LATENESS_MS;
}

const DEFAULT_LATENESS_MS = 72 * 3_600_000;

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
 * heads. Does nothing until another hour of `receivedAt` has passed or there are too many. The rows say what the store must
 * keep and forget.
 */
export function expire(state: FoldState): Row[] {
  if (state.lane === 'all') return [];
  state.lostS = Math.max(state.lostS, limitS(state));
  const agedS = Math.floor((state.greatestReceivedAt - horizonMs(state)) / 1000 / STEP_S) * STEP_S;
  const cutS = Math.max(agedS, state.lostS);
  if (cutS <= state.cutS) return [];
  if (state.heads.size === 0 && cutS <= oldestS(state)) {
    state.cutS = cutS;
    return [clockRow(state)];
  }
  const rows = keysBefore(state, cutS).flatMap((key) => keepHead(state, key, cutS));
  state.cutS = cutS;
  const fromS = heldFromS(state);
  dropHits(state, fromS);
  for (const group of state.groups.values()) cutCells(state, group);
  rows.push(...dropSubjects(state, fromS), clockRow(state));
  return rows;
}

/** Seconds: nothing that is held is dated before it. */
function oldestS({ attempts, signals }: FoldState): number {
  let oldest = oldestTime(attempts);
  for (const { merged } of signals.values()) if (merged.time < oldest) oldest = merged.time;
  return oldest;
}

/** One in fifty goes: the next time is not at the next record, and this time holds nothing up for long. */
const LET_GO = 0.02;

/** Seconds: what is dated before it must go for the limit; 0: nothing. */
function limitS({ attempts, signals, maxAttempts }: FoldState): number {
  const held = sizeOf(attempts) + signals.size;
  if (held <= maxAttempts) return 0;
  const times = new Float64Array(held);
  let at = 0;
  for (const handle of handlesOf(attempts)) times[at++] = attempts.times[handle] ?? 0;
  for (const { merged } of signals.values()) times[at++] = merged.time;
  return nthTime(times, Math.floor(held - maxAttempts * (1 - LET_GO))) + 1;
}

const SPANS = 65_536;

/** The nth in order, from 0 on: counted in spans of equal length, of which only the one that it lies in is sorted. */
function nthTime(times: Float64Array, n: number): number {
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const time of times) {
    if (time < first) first = time;
    if (time > last) last = time;
  }
  const length = Math.ceil((last - first + 1) / SPANS);
  const spanOf = (time: number): number => Math.floor((time - first) / length);
  const counts = new Uint32Array(SPANS);
  for (const time of times) {
    const at = spanOf(time);
    counts[at] = (counts[at] as number) + 1;
  }
  let span = 0;
  let before = 0;
  for (; before + (counts[span] as number) <= n; span++) before += counts[span] as number;
  const inSpan = times.filter((time) => spanOf(time) === span);
  return inSpan.sort()[n - before] as number;
}

/** Seconds: what is older is in no window that ends at or after the cut, or has been let go of. */
export function heldFromS({ cutS, lostS, detectors }: FoldState): number {
  let windowS = 0;
  for (const { versions } of detectors.values())
    for (const { settings } of versions) windowS = Math.max(windowS, settings?.windowS ?? 0);
  return Math.max(cutS - windowS, lostS);
}

/** Keys with anything before the cut. */
function keysBefore(state: FoldState, cutS: number): Key[] {
  const keys = new Map<string, Key>();
  for (const place of cellsIn(state)) {
    if ((place.cells.list[0] ?? cutS) >= cutS) continue;
    const key = keyIn(state, place);
    keys.set(keyId(key), key);
  }
  for (const [id, { key }] of state.heads) keys.set(id, key);
  return [...keys.values()];
}

/** The beginning, before the cut, of the episode that a later instant could still join. */
function keepHead(state: FoldState, key: Key, cutS: number): Row[] {
  const rules = state.detectors.get(key.detector);
  if (rules === undefined) return [];
  const id = keyId(key);
  const open = openBefore(rules, partsOf(state, key), { base: baseOf(state, key), beforeS: cutS });
  if (open !== null && cutS - open.lastBreachAt <= longestQuietS(rules)) {
    const head: HeldHead = { key, open };
    state.heads.set(id, head);
    return [{ kind: 'mark', id: HEAD_ROW + id, value: JSON.stringify(head) }];
  }
  return state.heads.delete(id) ? [{ kind: 'mark', id: HEAD_ROW + id, value: null }] : [];
}

function longestQuietS({ versions }: DetectorRules): number {
  return Math.max(...versions.map(({ settings }) => settings?.quietForS ?? 0));
}

/** Takes what is dated before `fromS` off its entities; the others are not looked at. */
function dropHits(state: FoldState, fromS: number): void {
  for (const [group, entities] of entitiesWithOld(state, fromS)) {
    const { on, hits } = group;
    const isWanted = (handle: number): boolean => timeOf(state, on, handle) >= fromS;
    for (const entity of entities) {
      const note = noteOf(hits, entity);
      if (keepHits(hits, entity, isWanted)) unwatch(group, note);
    }
  }
}

/** Of the entity that is looked for. */
const hash: TextHash = [0, 0, 0];

function entitiesWithOld(state: FoldState, fromS: number): Map<Group, Set<number>> {
  const found = new Map<Group, Set<number>>();
  const groups = [...state.groups.values()];
  const add = (on: Group['on'], handle: number): void => {
    const listing = groups.filter((group) => group.on === on && isListed(group.hits, handle));
    if (listing.length === 0) return;
    const subject = subjectOf(state, on, handle);
    const scope = scopeOfHandle(state, on, handle);
    for (const group of listing) {
      if (!isOn(group.kind, subject)) throw new Error('a hit on no entity');
      hashEntity(hash, group.kind, scope, subject);
      found.set(group, (found.get(group) ?? new Set()).add(entityOfHash(group.hits, hash)));
    }
  };
  const { attempts, signalByHandle } = state;
  for (const handle of handlesOf(attempts)) if ((attempts.times[handle] ?? 0) < fromS) add('attempt', handle);
  for (const [handle, { merged }] of signalByHandle) if (merged.time < fromS) add('signal', handle);
  return found;
}

function cutCells({ cutS, lostS }: FoldState, { slots, watched }: Group): void {
  for (const entity of watched) {
    entity?.cells.forEach((cells, i) => {
      const layout = slots[i]?.revision.layout;
      if (cells === undefined || layout === undefined) return;
      const kept = cellsFrom(cells, layout, Math.max(cutS - layout.windowS, lostS));
      Object.assign(kept, { settled: null, running: null, past: null });
      entity.cells[i] = kept.list.length === 0 ? undefined : kept;
    });
  }
}

/** Attempts that a held signal follows stay, and are stored anew: the store forgets by when a row was last appended. */
export function dropSubjects(state: FoldState, fromS: number): Row[] {
  for (const [id, { merged, handle }] of state.signals) {
    if (merged.time >= fromS) continue;
    state.signals.delete(id);
    state.signalByHandle.delete(handle);
    unfollow(state, id, merged.charge === null ? null : idInScope(merged, merged.charge));
  }
  const writer = rowWriter(state);
  for (const handle of handlesOf(state.attempts)) {
    if ((state.attempts.times[handle] ?? 0) >= fromS) continue;
    if (isFollowed(state, handle)) writer.attempt(handle);
    else removeAttempt(state.attempts, handle);
  }
  return writer.rows();
}

function isFollowed({ attempts, signalsOfCharge }: FoldState, handle: number): boolean {
  if (signalsOfCharge.size === 0) return false;
  const merged = attemptAt(attempts, handle);
  return signalsOfCharge.has(idInScope(merged, merged.id));
}

function unfollow({ signalsOfCharge }: FoldState, signal: string, charge: string | null): void {
  if (charge === null) return;
  const followers = signalsOfCharge.get(charge);
  followers?.delete(signal);
  if (followers?.size === 0) signalsOfCharge.delete(charge);
}
