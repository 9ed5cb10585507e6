// Are the incidents what the log says? Recomputes the episodes from the log, then again in shuffled orders and other cuts,
// and compares them with the incidents that there are. Nothing is changed.
import { episodesOf, fold, keysOf } from '../detectors/fold.ts';
import { SLACK_S } from '../detectors/history-plan.ts';
import { longestOf, recordsIn, usableRules } from '../detectors/replay.ts';
import { liveFromS } from '../detectors/retain.ts';
import { createState, type FoldState } from '../detectors/state.ts';
import type { IncidentFeed } from '../feed/feed.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Rule } from '../model/detector.ts';
import { type Key, keyId } from '../model/entity.ts';
import type { Episode } from '../model/episode.ts';
import type { Incident } from '../model/incident.ts';
import { maskEntity } from '../model/mask.ts';
import { compareKey, type Difference, type ExpectedEpisode } from './verify-compare.ts';

export type VerifyOptions = {
  readonly log: EventLog;
  readonly feed: Pick<IncidentFeed, 'all' | 'caughtUp' | 'get' | 'settingsHistory'>;
  /** Key of the hashes of e-mail and IP. */
  readonly piiKey: string;
  /** Milliseconds, first breach instants: from then on. */
  readonly sinceMs: number;
  readonly nowMs: number;
  /** How often the log is read in another order. Default 3. */
  readonly rounds?: number;
  readonly seed?: number;
  readonly onProgress?: (progress: VerifyProgress) => void;
  readonly signal?: AbortSignal;
};

export type VerifyProgress = {
  /** 0: in the log's order. */
  readonly round: number;
  readonly rounds: number;
  /** Records read, of all rounds. */
  readonly done: number;
  readonly total: number;
};

export type VerifyResult = {
  /** Milliseconds: what was asked for, or what the log still holds whole. */
  readonly sinceMs: number;
  readonly rounds: number;
  readonly records: number;
  /** Episodes that were compared. */
  readonly checked: number;
  readonly differences: readonly Difference[];
};

const DEFAULT_ROUNDS = 3;
const MAX_ROUNDS = 100;
/** Of one partition: of a longer stretch the newest are read. Two states of their attempts are held at once. */
const MAX_RECORDS = 5_000_000;
/** Records between two places of a shuffled round. */
const CUT = 2_000;
const DISORDER_MS = 600_000;
/** An episode may be told of a minute late, and the history lane looks every five minutes. */
const PATIENCE_S = 600;
const HISTORY_PATIENCE_S = 6 * 3_600;

/** Rejects with the log's errors, or the signal's reason. */
export async function verifyIncidents(options: VerifyOptions): Promise<VerifyResult> {
  const { log, feed, piiKey, seed = 1 } = options;
  const rounds = Math.min(MAX_ROUNDS, Math.max(0, Math.trunc(options.rounds ?? DEFAULT_ROUNDS)));
  await feed.caughtUp();
  const incidents = [...feed.all()].filter(({ kind }) => kind === 'episode');
  const rules = await usableRules(log);
  const stretches = await findStretches(options, rules);
  const records = stretches.reduce((sum, { from, to }) => sum + Math.max(0, to - from), 0);
  const sinceS = Math.max(...stretches.map((stretch) => stretch.sinceS), Math.ceil(options.sinceMs / 1000));
  const differences: Difference[] = [];
  const expected = new Map<string, { readonly key: Key; readonly episodes: readonly ExpectedEpisode[] }>();
  let done = 0;
  const random = randomFrom(seed);
  for (const stretch of stretches) {
    let first: Map<string, Recomputed> | null = null;
    for (let round = 0; round <= rounds; round += 1) {
      const onProgress = (more: number): void => {
        done += more;
        options.onProgress?.({ round, rounds, done, total: records * (rounds + 1) });
      };
      const found = await recompute({ options, rules, stretch, onProgress, random: round === 0 ? null : random });
      if (first === null) first = found;
      else differences.push(...unstable(first, found, piiKey));
    }
    for (const { key, episodes } of first?.values() ?? []) {
      const entity = { kind: key.entity.kind, value: maskEntity(key.entity, null, piiKey).value };
      const masked = { ...key, entity };
      expected.set(keyId(masked), { key: masked, episodes: judged(options, { key, episodes, sinceS }) });
    }
  }
  const found = compareAll({ expected, incidents, sinceS });
  // What has changed in the meantime was compared with a log that is past.
  const still = found.filter(({ incident }) => incident === null || isUnchanged(incident, incidents, feed));
  const checked = [...expected.values()].flatMap(({ episodes }) => episodes.filter(({ check }) => check !== 'ignored'));
  return { sinceMs: sinceS * 1000, rounds, records, checked: checked.length, differences: [...differences, ...still] };
}

function isUnchanged(id: string, before: readonly Incident[], feed: Pick<IncidentFeed, 'get'>): boolean {
  const old = before.find((incident) => incident.id === id);
  return old === undefined || feed.get(id)?.version === old.version;
}

type Stretch = { readonly partition: number; readonly from: number; readonly to: number; readonly sinceS: number };

async function findStretches({ log, sinceMs }: VerifyOptions, rules: readonly Rule[]): Promise<readonly Stretch[]> {
  const state = createState({ lane: 'all' });
  fold(state, rules);
  const { windowS, quietForS } = longestOf(state);
  const reachMs = (windowS + quietForS + SLACK_S) * 1000 + DISORDER_MS;
  const positions = await log.offsetsAt('attempts', Math.max(0, sinceMs - reachMs));
  const stretches: Stretch[] = [];
  for (const { partition, first, next } of await log.ends('attempts')) {
    const wanted = positions.find((position) => position.partition === partition)?.offset ?? 0;
    const from = Math.max(first, wanted, next - MAX_RECORDS);
    // If the oldest record kept is itself wanted, an older one may have been wanted too.
    const isCut = from > wanted || (first > 0 && from === first);
    const oldestMs = isCut && from < next ? await timeAt(log, partition, from) : null;
    const sinceS = oldestMs === null ? 0 : Math.ceil((oldestMs + reachMs) / 1000);
    stretches.push({ partition, from, to: next, sinceS });
  }
  return stretches;
}

async function timeAt(log: EventLog, partition: number, offset: number): Promise<number | null> {
  for await (const page of log.read('attempts', partition, offset, offset + 1)) return page[0]?.timeMs ?? null;
  return null;
}

/** Of one key: over all views, and over the live ones alone; seconds: where the one ends to count and the other begins. */
type Recomputed = {
  readonly key: Key;
  readonly episodes: {
    readonly all: readonly Episode[];
    readonly live: readonly Episode[];
    readonly boundaryS: number;
  };
};

type Recompute = {
  readonly options: VerifyOptions;
  readonly rules: readonly Rule[];
  readonly stretch: Stretch;
  readonly onProgress: (records: number) => void;
  /** null: in the log's order. */
  readonly random: (() => number) | null;
};

async function recompute({ options, rules, stretch, onProgress, random }: Recompute): Promise<Map<string, Recomputed>> {
  const { log, signal } = options;
  const { partition, from, to } = stretch;
  const all = createState({ lane: 'all' });
  const live = createState({ lane: 'live' });
  fold(all, rules);
  fold(live, rules);
  const ranges = random === null ? [{ from, to }] : shuffled(cuts(from, to), random);
  const input = { log, partition, ranges, onProgress, ...(signal === undefined ? {} : { signal }) };
  for await (const slice of recordsIn(input)) {
    const records = slice.map(({ record }) => record);
    for (const part of random === null ? [records] : randomCuts(shuffled(records, random), random)) {
      fold(all, part);
      fold(live, part);
    }
  }
  // Seen by the live lane or not, it is the same instant.
  const boundaryS = liveFromS(all);
  const found = new Map<string, Recomputed>();
  const keys = new Map<string, Key>();
  for (const state of [all, live]) for (const [id, key] of await keysWithEpisodes(state)) keys.set(id, key);
  for (const [id, key] of keys)
    found.set(id, { key, episodes: { all: episodesOf(all, key), live: episodesOf(live, key), boundaryS } });
  return found;
}

const SLICE_KEYS = 2_000;

async function keysWithEpisodes(state: FoldState): Promise<Map<string, Key>> {
  const found = new Map<string, Key>();
  let looked = 0;
  for (const key of [...keysOf(state)]) {
    if (episodesOf(state, key).length > 0) found.set(keyId(key), key);
    if (++looked % SLICE_KEYS === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  return found;
}

function unstable(first: Map<string, Recomputed>, again: Map<string, Recomputed>, piiKey: string): Difference[] {
  const differences: Difference[] = [];
  for (const id of new Set([...first.keys(), ...again.keys()])) {
    const one = first.get(id);
    const other = again.get(id);
    if (JSON.stringify(one?.episodes) === JSON.stringify(other?.episodes)) continue;
    const key = (one ?? other)?.key;
    if (key === undefined) continue;
    const { account, livemode } = key.scope;
    const entity = { kind: key.entity.kind, value: maskEntity(key.entity, null, piiKey).value };
    const subject = { detector: key.detector, account, livemode, entity };
    differences.push({ kind: 'unstable', ...subject, incident: null, expected: null, told: null });
  }
  return differences;
}

type Judge = Recomputed & { readonly sinceS: number };

/** What the two lanes tell between them, and how much of it must be known by now. */
function judged({ feed, nowMs }: VerifyOptions, { key, episodes, sinceS }: Judge): ExpectedEpisode[] {
  const { all, live, boundaryS } = episodes;
  const isTwofold = JSON.stringify(all) !== JSON.stringify(live);
  const history = feed.settingsHistory(key.detector);
  const newest = history.findLast(({ rule }) => rule.settings !== null)?.rule.settings;
  const quietForS = newest?.quietForS ?? 0;
  const reachS = quietForS + (newest?.windowS ?? 0) + PATIENCE_S;
  const nowS = nowMs / 1000;
  const checkOf = ({ firstBreachAt, lastBreachAt }: Episode): ExpectedEpisode['check'] => {
    if (firstBreachAt < sinceS) return 'ignored';
    const untilMs = (lastBreachAt + quietForS) * 1000;
    // A detector that came later looks back as far as the live lane does, or where a late view makes it look.
    const cameLater = !isTwofold && history.every(({ at }) => at > untilMs);
    const wasOff = history.some(({ rule }, i) => {
      const endMs = history[i + 1]?.at ?? Number.POSITIVE_INFINITY;
      return (rule.settings === null || rule.settings.mode === 'off') && endMs > firstBreachAt * 1000;
    });
    if (cameLater || wasOff) return 'optional';
    if (lastBreachAt + reachS >= nowS) return nowS - lastBreachAt < PATIENCE_S ? 'optional' : 'exists';
    // Between two lanes until all of it is old.
    const isBetween =
      isTwofold && firstBreachAt < boundaryS + reachS && lastBreachAt + reachS + HISTORY_PATIENCE_S >= boundaryS;
    return isBetween ? 'exists' : 'facts';
  };
  const expected = [
    ...all.filter(({ firstBreachAt }) => firstBreachAt < boundaryS),
    ...live.filter(
      ({ firstBreachAt, lastBreachAt }) =>
        firstBreachAt >= boundaryS &&
        !all.some(
          // The beginning of this one is history's: one incident, told of by that lane.
          (other) =>
            other.firstBreachAt < boundaryS &&
            other.lastBreachAt >= firstBreachAt &&
            other.firstBreachAt <= lastBreachAt,
        ),
    ),
  ];
  return expected.map((episode) => ({ ...episode, check: checkOf(episode) }));
}

type Comparison = {
  readonly expected: ReadonlyMap<string, { readonly key: Key; readonly episodes: readonly ExpectedEpisode[] }>;
  readonly incidents: readonly Incident[];
  readonly sinceS: number;
};

function compareAll({ expected, incidents, sinceS }: Comparison): Difference[] {
  const byKey = new Map<string, Incident[]>();
  for (const incident of incidents) {
    const { detector, account, livemode, entity } = incident;
    const id = keyId({ detector, scope: { account, livemode }, entity });
    byKey.set(id, [...(byKey.get(id) ?? []), incident]);
  }
  const differences: Difference[] = [];
  for (const id of new Set([...expected.keys(), ...byKey.keys()])) {
    const own = byKey.get(id) ?? [];
    const known = expected.get(id);
    const [any] = own;
    const scope = known?.key.scope ?? (any && { account: any.account, livemode: any.livemode });
    const named = known?.key ?? any;
    if (scope === undefined || named === undefined) continue;
    const { kind, value } = named.entity;
    const subject = { detector: named.detector, ...scope, entity: { kind, value } };
    differences.push(...compareKey({ subject, episodes: known?.episodes ?? [], incidents: own, sinceS }));
  }
  return differences;
}

function cuts(from: number, to: number): { from: number; to: number }[] {
  const ranges: { from: number; to: number }[] = [];
  for (let at = from; at < to; at += CUT) ranges.push({ from: at, to: Math.min(to, at + CUT) });
  return ranges;
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const all = [...items];
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const [a, b] = [all[i], all[j]];
    if (a !== undefined && b !== undefined) [all[i], all[j]] = [b, a];
  }
  return all;
}

function* randomCuts<T>(items: readonly T[], random: () => number): Generator<readonly T[]> {
  for (let at = 0; at < items.length; ) {
    const length = 1 + Math.floor(random() * 200);
    yield items.slice(at, at + length);
    at += length;
  }
}

/** A small generator of its own, so that a seed gives the same orders everywhere. */
function randomFrom(seed: number): () => number {
  let state = (Math.imul(seed, 2_654_435_761) + 1) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}
