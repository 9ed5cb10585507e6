// Evaluates waiting views over all views of their scopes: a piece of event time is replayed without them and then with
// them, and every key that they touch and that has, or had, an episode there is reported.
import type { EventLog } from '../log/event-log.ts';
import type { Rule } from '../model/detector.ts';
import { type Key, keyId } from '../model/entity.ts';
import type { Episode, Report } from '../model/episode.ts';
import type { EndedMembers } from '../model/members.ts';
import { scopeId } from '../model/scope.ts';
import { episodesOf, type FoldRecord, fold } from './fold.ts';
import type { HistoryIndex, Span } from './history-index.ts';
import {
  HOUR_S,
  loadOf,
  type Piece,
  planPieces,
  type Reach,
  rangeOf,
  reachBack,
  reachOn,
  SLACK_S,
} from './history-plan.ts';
import { createChargesOfSignals } from './history-signals.ts';
import { keysWithEpisodes, longestOf, type OffsetRange, replay, unhurried } from './replay.ts';
import { isOver } from './reports.ts';
import { liveFromS } from './retain.ts';
import { createState, type FoldState, idInScope } from './state.ts';
import { reportId, tell } from './worker-report.ts';

export type Evaluation = {
  readonly log: EventLog;
  readonly partition: number;
  readonly piiKey: string;
  /** Number of the newest erase that was known before anything was read. */
  readonly erased: number;
  readonly rules: readonly Rule[];
  readonly index: HistoryIndex;
  /** What of the partition is counted: [oldest record kept, position that it is as of). */
  readonly kept: OffsetRange;
  /** Milliseconds: the greatest `receivedAt` below that position. */
  readonly greatestReceivedAt: number;
  /** History views at or after it wait. */
  readonly evaluated: number;
  /** Event hours that hold some. */
  readonly hours: ReadonlySet<number>;
  /** Event hours of which every history view is looked at again. */
  readonly again: ReadonlySet<number>;
  /** Their scopes; null: any. */
  readonly scopes: ReadonlySet<string> | null;
  /** Seconds: attempts before it may be missing, the log has let go of them; null: none is. */
  readonly exactFromS: number | null;
  /** Milliseconds: makes reports as of one offset newer than those of an earlier run. */
  readonly nowMs: number;
  readonly maxViews?: number;
  readonly signal: AbortSignal;
  readonly told: (report: {
    readonly id: string;
    readonly report: Report;
    readonly ended: readonly EndedMembers[];
  }) => Promise<void>;
};

export type Evaluated = {
  readonly keys: number;
  /** Event hours to look at again once instants before `dueS` (seconds) belong to the history lane. */
  readonly again: ReadonlyMap<number, number>;
  /** Episodes whose beginning the log no longer holds: nothing is said of them. */
  readonly unknown: number;
};

/** Views of one piece in memory, about 200 bytes each. */
const MAX_VIEWS = 500_000;
/** Episodes in a report. */
const MAX_EPISODES = 1_000;
/** Seconds until an episode that reaches into the live range is looked at again after it may be over. */
const PATIENCE_S = 6 * HOUR_S;

type Loaded = {
  readonly piece: Piece;
  readonly state: FoldState;
  readonly touched: ReadonlyMap<string, Key>;
  /** Keys with an episode before the waiting views were folded. */
  readonly before: ReadonlyMap<string, Key>;
};

export async function evaluate(run: Evaluation): Promise<Evaluated> {
  const empty = emptyState(run);
  const reach = longestOf(empty);
  const boundaryS = liveFromS(empty);
  const again = new Map<number, number>();
  const hours = [...run.hours, ...run.again];
  const pieces = planPieces({
    hours: new Set(hours),
    reach,
    count: run.index.count,
    maxViews: run.maxViews ?? MAX_VIEWS,
  });
  for (const hour of hours) {
    const dueS = (hour + 1) * HOUR_S + SLACK_S + reach.windowS + reach.quietForS;
    if (dueS >= boundaryS) again.set(hour, dueS);
  }
  let keys = 0;
  let unknown = 0;
  let order = 0;
  for (const piece of pieces) {
    const loaded = await settle(run, piece, reach);
    for await (const key of unhurried(loaded.touched.values())) {
      const spoken = speakOf(run, loaded, { key, reach, boundaryS });
      unknown += spoken.unknown;
      for (const part of spoken.parts) {
        order += 1;
        await run.told(tellOf(run, loaded.state, { key, part, atMs: run.nowMs + order }));
      }
      if (spoken.parts.length > 0) keys += 1;
      for (const episode of spoken.open) lookAgain(again, hours, { episode, reach });
    }
  }
  return { keys, again, unknown };
}

function emptyState({ rules, greatestReceivedAt }: Evaluation): FoldState {
  const state = createState({ lane: 'all' });
  fold(state, rules);
  state.greatestReceivedAt = greatestReceivedAt;
  return state;
}

/** Loads more until no touched key has an episode that crosses the edges of what is known. */
async function settle(run: Evaluation, first: Piece, reach: Reach): Promise<Loaded> {
  for (let piece = first; ; ) {
    const loaded = await load(run, piece, reach);
    const wider = await widened(run, loaded, reach);
    if (wider === null) return loaded;
    piece = wider;
  }
}

async function load(run: Evaluation, piece: Piece, reach: Reach): Promise<Loaded> {
  const { log, partition, index, kept, signal, scopes } = run;
  const span = loadOf(piece, reach);
  const state = emptyState(run);
  const isWaiting = waitingTest(run);
  const charges = createChargesOfSignals(state);
  const isNear = (record: FoldRecord): boolean =>
    record.record === 'rule' ||
    (record.time >= span.fromS && record.time < span.toS && (scopes === null || scopes.has(scopeId(record))));
  const input = { log, partition, ranges: index.ranges(span, kept), signal };
  await replay(state, {
    ...input,
    wants: (record, offset) => {
      if (!isNear(record)) return false;
      charges.see(record);
      return !isWaiting(record, offset);
    },
  });
  // The charge of a signal may be far from it.
  const missing = charges.missing();
  const everywhere = { ...input, ranges: missing.size === 0 ? [] : [kept] };
  const isMissing = (record: FoldRecord): boolean =>
    record.record === 'view' && missing.has(idInScope(record, record.attempt));
  await replay(state, { ...everywhere, wants: (record, offset) => isMissing(record) && !isWaiting(record, offset) });
  const before = await keysWithEpisodes(state);
  const touched = await replay(state, {
    ...input,
    wants: (record, offset) => isNear(record) && isWaiting(record, offset),
  });
  const far = await replay(state, {
    ...everywhere,
    wants: (record, offset) => isMissing(record) && isWaiting(record, offset),
  });
  for (const [id, key] of far) touched.set(id, key);
  return { piece, state, touched, before };
}

function waitingTest({ evaluated, again }: Evaluation): (record: FoldRecord, offset: number) => boolean {
  return (record, offset) =>
    record.record !== 'rule' &&
    record.lane === 'history' &&
    (offset >= evaluated || again.has(Math.floor(record.time / HOUR_S)));
}

async function widened(run: Evaluation, { piece, state, touched }: Loaded, reach: Reach): Promise<Piece | null> {
  const { fromS, toS } = rangeOf(piece, reach);
  const load = loadOf(piece, reach);
  const canReachBack = load.fromS > floorS(run);
  const canReachOn = load.toS < run.index.newestS();
  let earliest = Number.POSITIVE_INFINITY;
  let goesOn = false;
  for await (const key of unhurried(touched.values())) {
    for (const { firstBreachAt, lastBreachAt } of episodesOf(state, key)) {
      if (firstBreachAt < fromS && lastBreachAt >= fromS) earliest = Math.min(earliest, firstBreachAt);
      if (firstBreachAt < toS && lastBreachAt >= load.toS - SLACK_S - reach.quietForS) goesOn = true;
    }
  }
  if (canReachBack && Number.isFinite(earliest)) return reachBack(piece, earliest);
  return canReachOn && goesOn ? reachOn(piece) : null;
}

/** Before it nothing is known for certain. */
const floorS = ({ exactFromS }: Evaluation): number => exactFromS ?? Number.NEGATIVE_INFINITY;

type Part = { readonly range: Span; readonly episodes: readonly Episode[] };
type Spoken = {
  readonly parts: readonly Part[];
  /** Episodes that reach into the live range, or may yet. */
  readonly open: readonly Episode[];
  readonly unknown: number;
};
const NOTHING: Spoken = { parts: [], open: [], unknown: 0 };

type Subject = { readonly key: Key; readonly reach: Reach; readonly boundaryS: number };

function speakOf(run: Evaluation, { piece, state, before }: Loaded, { key, reach, boundaryS }: Subject): Spoken {
  const all = episodesOf(state, key);
  if (all.length === 0 && !before.has(keyId(key))) return NOTHING;
  const range = rangeOf(piece, reach);
  // Where the log's beginning cuts into a window or a quiet gap, what looks like a beginning may be none.
  const knownS = Math.max(range.fromS, floorS(run) + SLACK_S + reach.windowS + reach.quietForS);
  const crossing = all.findLast(({ firstBreachAt, lastBreachAt }) => firstBreachAt < knownS && lastBreachAt >= knownS);
  const fromS = crossing === undefined ? knownS : crossing.lastBreachAt + 1;
  const toS = Math.min(range.toS, boundaryS);
  const open = all.filter((e) => e.firstBreachAt < boundaryS && e.lastBreachAt + reach.quietForS >= boundaryS);
  const unknown = all.filter((e) => e.lastBreachAt >= range.fromS && e.firstBreachAt < fromS).length;
  if (fromS >= toS) return { parts: [], open, unknown };
  const episodes = all.filter(({ firstBreachAt }) => firstBreachAt >= fromS && firstBreachAt < toS);
  return { parts: partsOf(episodes, { fromS, toS }), open, unknown };
}

/** Neighbouring ranges with at most 1,000 episodes each. */
function partsOf(episodes: readonly Episode[], { fromS, toS }: Span): Part[] {
  const parts: Part[] = [];
  let beginS = fromS;
  for (let i = 0; i === 0 || i < episodes.length; i += MAX_EPISODES) {
    const endS = episodes[i + MAX_EPISODES]?.firstBreachAt ?? toS;
    parts.push({ range: { fromS: beginS, toS: endS }, episodes: episodes.slice(i, i + MAX_EPISODES) });
    beginS = endS;
  }
  return parts;
}

function lookAgain(
  again: Map<number, number>,
  hours: readonly number[],
  { episode, reach }: { episode: Episode; reach: Reach },
): void {
  const dueS = episode.lastBreachAt + reach.quietForS + PATIENCE_S;
  const fromHour = Math.floor((episode.firstBreachAt - reach.windowS - SLACK_S) / HOUR_S);
  for (const hour of hours)
    if (hour >= fromHour && hour * HOUR_S <= episode.lastBreachAt + SLACK_S)
      again.set(hour, Math.max(dueS, again.get(hour) ?? 0));
}

function tellOf(run: Evaluation, state: FoldState, { key, part, atMs }: { key: Key; part: Part; atMs: number }) {
  const { partition, kept, greatestReceivedAt, piiKey, erased } = run;
  const quietForS = quietForOf(state, key);
  const { fromS } = part.range;
  const episodes = part.episodes.map((episode) => ({
    ...episode,
    over: isOver(episode, quietForS, greatestReceivedAt),
    quietForS,
  }));
  const asOf = { lane: 'history', topic: 'attempts', partition, offset: kept.to, atMs } as const;
  const { report, ended } = tell(state, key, {
    standing: { fromS, episodes, mark: null },
    asOf,
    piiKey,
    erased,
  });
  return { id: `history-${reportId(report, asOf)}`, report: { ...report, range: part.range }, ended };
}

/** Seconds: of the newest settings. */
function quietForOf(state: FoldState, { detector }: Key): number {
  const versions = state.detectors.get(detector)?.versions ?? [];
  return versions.findLast(({ settings }) => settings !== null)?.settings?.quietForS ?? 0;
}
