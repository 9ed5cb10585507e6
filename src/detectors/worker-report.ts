// From the fold's state to what is told of one key: its episodes in the live lane's range, the report, and who made up an
// episode that has ended.
import { createHash } from 'node:crypto';
import type { AttemptFields } from '../model/attempt.ts';
import type { Rule } from '../model/detector.ts';
import { type Key, keyId, type LabelledEntity } from '../model/entity.ts';
import type { AsOf, Episode, Report, ReportedEpisode } from '../model/episode.ts';
import { maskEntity } from '../model/mask.ts';
import { erasedIdentity } from '../model/mask-names.ts';
import { withoutMembers } from '../model/mask-told.ts';
import { type EndedMembers, MEMBERS_MAX } from '../model/members.ts';
import { scopeId } from '../model/scope.ts';
import { detailsOfKey } from './details.ts';
import { evidenceOf } from './evidence.ts';
import { episodesOf } from './fold.ts';
import type { Member } from './members.ts';
import { type EpisodeNow, isOver, type ReportMark, type ToldEpisode } from './reports.ts';
import { liveFromS } from './retain.ts';
import type { FoldState } from './state.ts';
import { summaryOf } from './summary.ts';

/** Most episodes in one report, and most of them with evidence: the newest. A report stays below 1 MiB. */
const MAX_EPISODES = 1_500;
const MAX_WITH_EVIDENCE = 100;
/** Characters of the ids in one record of `members`. */
const MAX_IDS = 900_000;

export type Standing = {
  readonly fromS: number;
  /** In the range, or reaching into it, or told of before. */
  readonly episodes: readonly (Episode & EpisodeNow)[];
  /** The mark without what has left the range. */
  readonly mark: ReportMark | null;
};

export type StandingOptions = {
  readonly mark: ReportMark | null;
  /** Milliseconds: what the quiet gap is measured against. */
  readonly timeMs: number;
  /** Seconds: attempts before it may be missing; null: none is. */
  readonly exactFromS: number | null;
};

/**
 * An episode that began before the range belongs to the history lane, unless it reaches into the range or was told from
 * here: an attack that goes on for longer than `lateness` is followed to its end.
 */
export function standingOf(state: FoldState, key: Key, { mark, timeMs, exactFromS }: StandingOptions): Standing {
  const fromS = liveFromS(state);
  const told = mark?.episodes ?? [];
  const { quietForS, windowS } = reachOf(state, key);
  const episodes = episodesOf(state, key)
    .filter((episode) => episode.lastBreachAt >= fromS || told.some((before) => overlap(before, episode)))
    .slice(-MAX_EPISODES)
    .map((episode) => ({
      ...episode,
      exact: episode.exact && (exactFromS === null || episode.firstBreachAt - quietForS - windowS > exactFromS),
      over: isOver(episode, quietForS, timeMs),
      quietForS,
    }));
  const still = told.filter(
    (before) => before.firstBreachAt >= fromS || episodes.some((episode) => overlap(before, episode)),
  );
  if (mark === null || still.length === told.length) return { fromS, episodes, mark };
  return { fromS, episodes, mark: still.length === 0 ? null : { ...mark, episodes: still } };
}

function overlap(a: ToldEpisode, b: Episode): boolean {
  return a.firstBreachAt <= b.lastBreachAt && b.firstBreachAt <= a.lastBreachAt;
}

/** quietFor of the newest rule, and the longest window of any: seconds. */
function reachOf(state: FoldState, key: Key): { quietForS: number; windowS: number } {
  const versions: readonly Rule[] = state.detectors.get(key.detector)?.versions ?? [];
  const newest = versions.findLast(({ settings }) => settings !== null)?.settings;
  return {
    quietForS: newest?.quietForS ?? 0,
    windowS: Math.max(0, ...versions.map(({ settings }) => settings?.windowS ?? 0)),
  };
}

export type Told = { readonly report: Report; readonly ended: readonly EndedMembers[]; readonly id: string };

export type TellOptions = {
  readonly standing: Standing;
  readonly asOf: AsOf;
  readonly piiKey: string;
  /** Number of the newest erase that the state knows of. */
  readonly erased: number;
};

/** The report of a key, and the members of each episode that was not over when it was last told and is now. */
export function tell(state: FoldState, key: Key, { standing, asOf, piiKey, erased }: TellOptions): Told {
  const { episodes, fromS, mark } = standing;
  // Who was erased is told of by numbers alone.
  const isErased = erasedIdentity(key.entity.value, piiKey) !== null;
  const ended: { episode: Episode; hits: readonly Member[] }[] = [];
  let receivedAt: number | null = null;
  let fields: AttemptFields | null = null;
  const reported = episodes.map((episode, i): ReportedEpisode => {
    const { quietForS: _, ...plain } = episode;
    if (i < episodes.length - MAX_WITH_EVIDENCE) return { ...plain, evidence: evidenceOf(NO_EVIDENCE) };
    const wasOver = mark?.episodes.some((before) => before.over && overlap(before, episode)) ?? false;
    if (episode.over && !wasOver)
      ended.push({ episode, hits: isErased ? [] : detailsOfKey(state, key, episode).members });
    const { evidence, ...told } = summaryOf(state, key, episode);
    receivedAt = told.receivedAt || null;
    fields = told.fields ?? fields;
    return { ...plain, evidence: isErased ? withoutMembers(evidence) : evidence };
  });
  const entity = maskEntity(key.entity, fields, piiKey);
  const scope = { account: key.scope.account, livemode: key.scope.livemode };
  const { detector } = key;
  return {
    id: reportId({ detector, scope, entity }, asOf),
    report: {
      type: 'report',
      detector,
      scope,
      entity,
      asOf,
      range: { fromS, toS: null },
      episodes: reported,
      receivedAt,
      ...(erased === 0 ? {} : { erased }),
    },
    ended: ended.map(({ episode, hits }) => endedMembers({ detector, scope, entity }, episode, hits)),
  };
}

const NO_EVIDENCE = { members: [], values: { times: [], values: [] }, trigger: null };

type MaskedKey = { readonly detector: string; readonly scope: Key['scope']; readonly entity: LabelledEntity };

/** The same for the same key and position, and time if the clock made it; no personal data: the entity is masked. */
export function reportId({ detector, scope, entity }: MaskedKey, asOf: AsOf): string {
  const text = [detector, scopeId(scope), entity.kind, entity.value].join('\u001f');
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 20);
  return `report:${hash}:${asOf.partition}:${asOf.offset}${asOf.atMs === undefined ? '' : `:${asOf.atMs}`}`;
}

function endedMembers(key: MaskedKey, episode: Episode, hits: readonly Member[]): EndedMembers {
  const attempts: string[] = [];
  let characters = 0;
  for (let i = hits.length - 1; i >= 0 && attempts.length < MEMBERS_MAX; i--) {
    const id = hits[i]?.id ?? '';
    characters += id.length + 3;
    if (characters > MAX_IDS) break;
    attempts.push(id);
  }
  const { firstBreachAt, lastBreachAt, attemptCount } = episode;
  const { detector, scope, entity } = key;
  const { kind, value } = entity;
  return { detector, scope, entity: { kind, value }, firstBreachAt, lastBreachAt, attemptCount, attempts };
}

/** A mark as a row of the window store. */
export const markRowId = (key: Key): string => `told/${keyId(key)}`;
