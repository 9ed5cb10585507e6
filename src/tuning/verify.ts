// Are the incidents what the log says? Recomputes the episodes from the log, then again in shuffled orders and other cuts,
// and compares them with the incidents that there are. Nothing is changed.
import { usableRules } from '../detectors/replay.ts';
import type { IncidentFeed } from '../feed/feed.ts';
import type { EventLog } from '../log/event-log.ts';
import { type Key, keyId } from '../model/entity.ts';
import type { Episode } from '../model/episode.ts';
import type { Incident } from '../model/incident.ts';
import { maskEntity } from '../model/mask.ts';
import { compareAll, type Difference, type ExpectedEpisode } from './verify-compare.ts';
import { findStretches, type Recomputed, randomFrom, recompute } from './verify-recompute.ts';

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
/** An episode may be told of a minute late, and the history lane looks every five minutes. */
const PATIENCE_S = 600;
const HISTORY_PATIENCE_S = 6 * 3_600;

/** Rejects with the log's errors, or the signal's reason. */
export async function verifyIncidents(options: VerifyOptions): Promise<VerifyResult> {
  const { log, feed, piiKey, seed = 1 } = options;
  const rounds = Math.min(MAX_ROUNDS, Math.max(0, Math.trunc(options.rounds ?? DEFAULT_ROUNDS)));
  await feed.caughtUp();
  const incidents = episodeIncidents(feed);
  const rules = await usableRules(log);
  const stretches = await findStretches(log, options.sinceMs, rules);
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
      const order = { random: round === 0 ? null : random, signal: options.signal };
      const found = await recompute({ log, rules, stretch, onProgress, ...order });
      if (first === null) first = found;
      else differences.push(...unstable(first, found, piiKey));
    }
    for (const { key, episodes } of first?.values() ?? []) {
      const masked = { ...key, entity: maskEntity(key.entity, null, piiKey) };
      expected.set(keyId(masked), { key: masked, episodes: judged(options, { key, episodes, sinceS }) });
    }
  }
  const found = await lasting(feed, incidents, (now) => compareAll({ expected, incidents: now, sinceS }));
  const checked = [...expected.values()].flatMap(({ episodes }) => episodes.filter(({ check }) => check !== 'ignored'));
  return { sinceMs: sinceS * 1000, rounds, records, checked: checked.length, differences: [...differences, ...found] };
}

/** What has changed in the meantime was compared with a log that is past, and what was missing may only have been under way. */
async function lasting(
  feed: VerifyOptions['feed'],
  before: readonly Incident[],
  compare: (incidents: readonly Incident[]) => readonly Difference[],
): Promise<readonly Difference[]> {
  const found = compare(before);
  if (found.length === 0) return found;
  await feed.caughtUp();
  const still = new Set(compare(episodeIncidents(feed)).map(named));
  const versions = new Map(before.map(({ id, version }) => [id, version]));
  return found.filter((difference) => {
    const version = difference.incident === null ? undefined : versions.get(difference.incident);
    const isSame = version === undefined || feed.get(difference.incident ?? '')?.version === version;
    return isSame && still.has(named(difference));
  });
}

const episodeIncidents = (feed: Pick<IncidentFeed, 'all'>): readonly Incident[] =>
  [...feed.all()].filter(({ kind }) => kind === 'episode');

function named({ kind, detector, account, livemode, entity, incident, expected }: Difference): string {
  return JSON.stringify([kind, detector, account, livemode, entity.kind, entity.value, incident, expected]);
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
    // The live lane finds the charge of a signal only while it holds it.
    if (cameLater || wasOff || newest?.on === 'signal') return 'optional';
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
