// When a key must be reported (design §4.4): what opens, worsens, splits, merges or is withdrawn at once; growth after
// 5, 10, 20, 40 and then every 60 s; an end once. Pure: the caller brings the time and keeps the mark.
import { compareSeverity } from '../model/detector.ts';
import type { Episode } from '../model/episode.ts';

/** What decides about reporting, of an episode as it stands. */
export type EpisodeNow = Pick<
  Episode,
  'severity' | 'firstBreachAt' | 'lastBreachAt' | 'peak' | 'attemptCount' | 'settingsVersion' | 'exact'
> & {
  /** No more breach instants can join it. */
  readonly over: boolean;
  /** Seconds after `lastBreachAt` until it is over. */
  readonly quietForS: number;
};

export type ToldEpisode = Omit<EpisodeNow, 'quietForS'>;

/** What was reported of a key last: a row of the window store. Losing it repeats a report. */
export type ReportMark = {
  /** Milliseconds: when the newest of its episodes was first reported. */
  readonly openedAtMs: number;
  readonly toldAtMs: number;
  readonly episodes: readonly ToldEpisode[];
};

/** Milliseconds; infinite: never. */
export type Later = {
  /** By the clock. */
  readonly atMs: number;
  /** The next end, by the time that the attempts have come to (what `EpisodeNow.over` goes by). */
  readonly endMs: number;
};

export type Due =
  | { readonly due: 'now'; readonly why: 'opened' | 'worse' | 'changed' | 'grew' | 'over' }
  /** Nothing to tell before one of these times, if nothing else changes. */
  | ({ readonly due: 'later' } & Later)
  | { readonly due: 'never' };

const SLOTS_MS = [5_000, 10_000, 20_000, 40_000];
const EVERY_MS = 60_000;

/** `mark` null: never reported. Both lists of episodes are of one range, in time order. */
export function reportDue(mark: ReportMark | null, episodes: readonly EpisodeNow[], nowMs: number): Due {
  const told = mark?.episodes ?? [];
  const pairs = pairUp(told, episodes);
  if (pairs === null)
    return { due: 'now', why: episodes.some((now) => !overlapsAny(now, told)) ? 'opened' : 'changed' };
  if (pairs.some(([before, now]) => compareSeverity(now.severity, before.severity) > 0))
    return { due: 'now', why: 'worse' };
  if (pairs.some(([before, now]) => now.over && !before.over)) return { due: 'now', why: 'over' };
  const endMs = Math.min(...episodes.map(endOf));
  if (mark === null || pairs.every(([before, now]) => isSame(before, now)))
    return later({ atMs: Number.POSITIVE_INFINITY, endMs });
  const slotMs = nextSlotMs(mark);
  return slotMs <= nowMs ? { due: 'now', why: 'grew' } : later({ atMs: slotMs, endMs });
}

/** The mark after a report at `nowMs`; null if there is nothing left to remember. */
export function markAfter(mark: ReportMark | null, episodes: readonly EpisodeNow[], nowMs: number): ReportMark | null {
  if (episodes.length === 0) return null;
  const told = mark?.episodes ?? [];
  const opens = mark === null || episodes.some((now) => !overlapsAny(now, told));
  return {
    openedAtMs: opens ? nowMs : mark.openedAtMs,
    toldAtMs: nowMs,
    episodes: episodes.map(({ quietForS: _, ...episode }) => episode),
  };
}

/** Told and present one to one by the breach instants they share; null if some has opened, left, merged or split. */
function pairUp(
  told: readonly ToldEpisode[],
  episodes: readonly EpisodeNow[],
): readonly (readonly [ToldEpisode, EpisodeNow])[] | null {
  if (told.length !== episodes.length) return null;
  const pairs: [ToldEpisode, EpisodeNow][] = [];
  for (const [i, now] of episodes.entries()) {
    const before = told[i];
    // Both lists are in time order and disjoint in themselves: only neighbours could share it.
    const isShared = [told[i - 1], told[i + 1]].some((other) => other !== undefined && overlaps(other, now));
    if (before === undefined || !overlaps(before, now) || isShared) return null;
    pairs.push([before, now]);
  }
  return pairs;
}

type Span = Pick<Episode, 'firstBreachAt' | 'lastBreachAt'>;

const overlaps = (a: Span, b: Span): boolean => a.firstBreachAt <= b.lastBreachAt && b.firstBreachAt <= a.lastBreachAt;

const overlapsAny = (span: Span, others: readonly Span[]): boolean => others.some((other) => overlaps(other, span));

function isSame(before: ToldEpisode, now: EpisodeNow): boolean {
  return (
    before.attemptCount === now.attemptCount &&
    before.lastBreachAt === now.lastBreachAt &&
    before.firstBreachAt === now.firstBreachAt &&
    before.peak === now.peak &&
    before.severity === now.severity &&
    before.settingsVersion === now.settingsVersion &&
    before.exact === now.exact &&
    before.over === now.over
  );
}

/** The first slot after the last report. */
function nextSlotMs({ openedAtMs, toldAtMs }: ReportMark): number {
  const sinceMs = Math.max(0, toldAtMs - openedAtMs);
  const early = SLOTS_MS.find((slot) => slot > sinceMs);
  if (early !== undefined) return openedAtMs + early;
  const last = SLOTS_MS.at(-1) ?? 0;
  return openedAtMs + last + (Math.floor((sinceMs - last) / EVERY_MS) + 1) * EVERY_MS;
}

function endOf({ over, lastBreachAt, quietForS }: EpisodeNow): number {
  return over ? Number.POSITIVE_INFINITY : (lastBreachAt + quietForS + 1) * 1000;
}

const later = ({ atMs, endMs }: Later): Due =>
  Number.isFinite(Math.min(atMs, endMs)) ? { due: 'later', atMs, endMs } : { due: 'never' };

/** Quiet for longer than `quietFor`, seen at `nowMs`: an instant exactly `quietFor` later would still join. */
export function isOver(episode: Span, quietForS: number, nowMs: number): boolean {
  return nowMs >= (episode.lastBreachAt + quietForS + 1) * 1000;
}
