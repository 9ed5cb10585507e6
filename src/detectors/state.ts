// The state of the fold for one source partition: merged attempts and signals, the rules, and every key's cells.
import { attemptOf, type MergedAttempt, type MergedSignal } from '../attempts/merge.ts';
import type { Attempt } from '../model/attempt.ts';
import type { Key } from '../model/entity.ts';
import { scopeId } from '../model/scope.ts';
import type { Cells, Hit } from './cells.ts';
import type { EpisodeHead } from './episodes.ts';
import type { DetectorRules } from './rules.ts';
import type { Row } from './window-store.ts';

/** A hit in its place. */
export type Placed = { readonly cells: Cells; readonly hit: Hit; readonly revision: number; readonly detector: string };

export type HeldAttempt = { merged: MergedAttempt; readonly placed: Placed[] };
export type HeldSignal = { merged: MergedSignal; readonly placed: Placed[] };

export type FoldState = {
  /** `live` sees live views only; `all` sees every view (backtest, history). */
  readonly lane: 'live' | 'all';
  readonly attempts: Map<string, HeldAttempt>;
  readonly signals: Map<string, HeldSignal>;
  /** Charge → ids of the signals that wait for, or follow, its facts. */
  readonly signalsOfCharge: Map<string, Set<string>>;
  readonly detectors: Map<string, DetectorRules>;
  /** Heads of open episodes, by keyId. */
  readonly heads: Map<string, EpisodeHead>;
  /** Milliseconds: the greatest `receivedAt` seen. */
  greatestReceivedAt: number;
  /** Seconds: what lies before has been dropped. */
  cutS: number;
};

export function createState(options: { readonly lane: 'live' | 'all' }): FoldState {
  return {
    lane: options.lane,
    attempts: new Map(),
    signals: new Map(),
    signalsOfCharge: new Map(),
    detectors: new Map(),
    heads: new Map(),
    greatestReceivedAt: 0,
    cutS: 0,
  };
}

/** Ids are Stripe's, unique in a scope. */
export function idInScope(scope: { readonly account: string | null; readonly livemode: boolean }, id: string): string {
  return `${scopeId(scope)}/${id}`;
}

/** The attempt of that id, as merged so far; null if it is not held. */
export function findAttempt(state: FoldState, scope: Key['scope'], id: string): Attempt | null {
  const held = state.attempts.get(idInScope(scope, id));
  return held === undefined ? null : attemptOf(held.merged);
}

export type FoldStats = {
  readonly attempts: number;
  readonly signals: number;
  readonly keys: number;
  readonly cells: number;
  /** Filters that failed at run time, by detector. */
  readonly filterErrors: Readonly<Record<string, number>>;
};

export function statsOf(state: FoldState): FoldStats {
  let keys = 0;
  let cells = 0;
  const filterErrors: Record<string, number> = {};
  for (const { name, revisions } of state.detectors.values()) {
    for (const revision of revisions.values()) {
      keys += revision.keys.size;
      for (const { list } of revision.keys.values()) cells += list.length;
      if (revision.errors > 0) filterErrors[name] = (filterErrors[name] ?? 0) + revision.errors;
    }
  }
  return { attempts: state.attempts.size, signals: state.signals.size, keys, cells, filterErrors };
}

export const CLOCK_ROW = 'state/clock';

/** The two instants that dropping goes by, for the window store. */
export function clockRow({ greatestReceivedAt, cutS }: FoldState): Row {
  return { kind: 'mark', id: CLOCK_ROW, value: JSON.stringify({ greatestReceivedAt, cutS }) };
}
