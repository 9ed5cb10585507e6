// The state of the fold for one source partition: merged attempts and signals, the rules, and what happened on each entity.
import type { MergedAttempt, MergedSignal } from '../attempts/merge.ts';
import type { EntityKind } from '../model/detector.ts';
import { type Key, keyId } from '../model/entity.ts';
import { type Scope, scopeId } from '../model/scope.ts';
import {
  type AttemptTable,
  attemptAt,
  createAttemptTable,
  footprintOf,
  handleOf,
  scopeAt,
  scopeNumber,
  sizeOf,
} from './attempt-table.ts';
import { type Group, noneJudged, noWatched, watchedAt } from './entities.ts';
import type { Base, KeyCells } from './episodes.ts';
import { bytesOfHits, createHitTable } from './hit-table.ts';
import type { OpenEpisode } from './open-episode.ts';
import { packedSubject } from './packed-subject.ts';
import type { DetectorRules } from './rules.ts';
import { attemptSubject, type Subject, signalSubject } from './subjects.ts';
import type { Row } from './window-store.ts';

export type HeldSignal = { merged: MergedSignal; readonly handle: number };

/** The beginning of an episode that has been dropped while it is still open. */
export type HeldHead = { readonly key: Key; readonly open: OpenEpisode };

export type FoldState = {
  /** `live` sees live views only, and is stored; `all` sees every view and is not (backtest, history). */
  readonly lane: 'live' | 'all';
  readonly attempts: AttemptTable;
  /** By scope, kind and id of the object; their handles are of their own. */
  readonly signals: Map<string, HeldSignal>;
  readonly signalByHandle: Map<number, HeldSignal>;
  nextSignal: number;
  /** Charge → ids of the signals that wait for, or follow, its facts. */
  readonly signalsOfCharge: Map<string, Set<string>>;
  readonly detectors: Map<string, DetectorRules>;
  /** By what is counted and on which kind of entity. */
  readonly groups: Map<string, Group>;
  /** By keyId. */
  readonly heads: Map<string, HeldHead>;
  /** How many words of the attempts' dictionary the window store knows. */
  wordsStored: number;
  /** Number of the batch: what has been touched in it bears it. */
  batch: number;
  /** Milliseconds: the greatest `receivedAt` seen. */
  greatestReceivedAt: number;
  /** Seconds: breach instants before it have been dropped. */
  cutS: number;
  /** Seconds: the limit has been reached, and attempts dated before it were let go of although they were still needed. 0: never. */
  lostS: number;
  /** Most attempts and signals that are held; beyond it the oldest go. */
  readonly maxAttempts: number;
  readonly longEpisodes: LongEpisodes;
};

/** Of which episodes a running tally is kept. */
export type LongEpisodes = {
  /** Those of at least so many members. */
  readonly members: number;
  /** About so many of the newest are left out of it: they change most, and are looked at anew for each report. */
  readonly newest: number;
};

const LONG_EPISODES: LongEpisodes = { members: 1_000, newest: 250 };

/** Of one partition. A million take about 200 MB of memory and at most 150 MB of the store with three detectors: docs/operations.md. */
export const MAX_ATTEMPTS = 2_000_000;

export function createState(options: {
  readonly lane: 'live' | 'all';
  readonly maxAttempts?: number;
  readonly longEpisodes?: LongEpisodes;
}): FoldState {
  return {
    lane: options.lane,
    attempts: createAttemptTable(),
    signals: new Map(),
    signalByHandle: new Map(),
    nextSignal: 0,
    signalsOfCharge: new Map(),
    detectors: new Map(),
    groups: new Map(),
    heads: new Map(),
    wordsStored: 0,
    batch: 0,
    greatestReceivedAt: 0,
    cutS: 0,
    lostS: 0,
    maxAttempts: options.maxAttempts ?? MAX_ATTEMPTS,
    longEpisodes: options.longEpisodes ?? LONG_EPISODES,
  };
}

/** Ids are Stripe's, unique in a scope. */
export function idInScope(scope: Scope, id: string): string {
  return `${scopeId(scope)}/${id}`;
}

/** The attempt of that id, as merged so far; null if it is not held. */
export function findAttempt({ attempts }: FoldState, scope: Scope, id: string): MergedAttempt | null {
  const handle = handleOf(attempts, scopeNumber(attempts, scope), id);
  return handle < 0 ? null : attemptAt(attempts, handle);
}

/** Where episodes of a key are read from. */
export function baseOf({ heads, cutS }: FoldState, key: Key): Base {
  return { fromS: cutS, open: heads.size === 0 ? null : (heads.get(keyId(key))?.open ?? null) };
}

export function groupOf(state: FoldState, on: Group['on'], kind: EntityKind): Group {
  const id = `${on}/${kind}`;
  let group = state.groups.get(id);
  if (group === undefined) {
    group = { on, kind, slots: [], hits: createHitTable(), watched: noWatched(), unused: [], judged: noneJudged() };
    state.groups.set(id, group);
  }
  return group;
}

/** Seconds. */
export function timeOf({ attempts, signalByHandle }: FoldState, on: Group['on'], handle: number): number {
  return (on === 'attempt' ? attempts.times[handle] : signalByHandle.get(handle)?.merged.time) ?? 0;
}

/** The number of the scope of an attempt or signal. */
export function scopeOfHandle({ attempts, signalByHandle }: FoldState, on: Group['on'], handle: number): number {
  if (on === 'attempt') return scopeAt(attempts, handle);
  const signal = signalByHandle.get(handle);
  if (signal === undefined) throw new Error('a handle of no signal');
  return scopeNumber(attempts, signal.merged);
}

/** What a key's revisions have counted; those without cells have too few attempts in any window to breach. */
export function partsOf(
  { detectors, attempts }: FoldState,
  { detector, scope, entity: { kind, value } }: Key,
): KeyCells[] {
  const parts: KeyCells[] = [];
  const number = scopeNumber(attempts, scope);
  for (const { revision, group, slot } of detectors.get(detector)?.homes ?? []) {
    if (group.kind !== kind) continue;
    const cells = watchedAt(group, number, value)?.cells[slot];
    if (cells !== undefined) parts.push({ revision, cells });
  }
  return parts;
}

/** What is counted under a handle, as it is now; good as long as that is not changed. */
export function subjectOf(state: FoldState, on: Group['on'], handle: number): Subject {
  const { attempts } = state;
  if (on === 'attempt') return packedSubject(attempts, handle) ?? attemptSubject(attemptAt(attempts, handle));
  const held = state.signalByHandle.get(handle);
  if (held === undefined) throw new Error('a handle of no signal');
  return subjectOfSignal(state, held.merged);
}

export function subjectOfSignal(state: FoldState, merged: MergedSignal): Subject {
  return signalSubject(merged, merged.charge === null ? null : findAttempt(state, merged, merged.charge));
}

export type FoldStats = {
  readonly attempts: number;
  readonly signals: number;
  /** Entities that some detector counts on. */
  readonly keys: number;
  /** Outside the heap. */
  readonly bytes: number;
  /** Filters that failed at run time, by detector. */
  readonly filterErrors: Readonly<Record<string, number>>;
};

export function statsOf({ attempts, signals, groups, detectors }: FoldState): FoldStats {
  let keys = 0;
  let bytes = footprintOf(attempts);
  for (const { hits } of groups.values()) {
    keys += hits.size;
    bytes += bytesOfHits(hits);
  }
  const filterErrors: Record<string, number> = {};
  for (const { name, revisions } of detectors.values())
    for (const { errors } of revisions.values())
      if (errors > 0) filterErrors[name] = (filterErrors[name] ?? 0) + errors;
  return { attempts: sizeOf(attempts), signals: signals.size, keys, bytes, filterErrors };
}

export const CLOCK_ROW = 'state/clock';

/** The instants that dropping goes by, for the window store. */
export function clockRow({ greatestReceivedAt, cutS, lostS }: FoldState): Row {
  return { kind: 'mark', id: CLOCK_ROW, value: JSON.stringify({ greatestReceivedAt, cutS, lostS }) };
}
