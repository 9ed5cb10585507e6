// What a report does to the incidents of its key (design §4.4): who claims which episode, what opens, merges, is withdrawn
// or returns. Pure; it says what is to be done, the reducer does it.
import { compareSeverity } from '../model/detector.ts';
import type { Report, ReportedEpisode } from '../model/episode.ts';
import type { Incident } from '../model/incident.ts';

export type Effect =
  /** Its episode, as it stands now; nothing to do if no fact differs. */
  | { readonly kind: 'update'; readonly incident: Incident; readonly episode: ReportedEpisode }
  | { readonly kind: 'return'; readonly incident: Incident; readonly episode: ReportedEpisode }
  | { readonly kind: 'merge'; readonly incident: Incident; readonly into: string }
  /** `left`: ids of attempts that it counted and no reported episode does, newest first, as far as known. */
  | { readonly kind: 'withdraw'; readonly incident: Incident; readonly left: readonly string[] }
  | {
      readonly kind: 'open';
      readonly episode: ReportedEpisode;
      readonly continues: string | null;
      readonly splitFrom: string | null;
    };

export type ReconcileOptions = {
  readonly report: Pick<Report, 'range' | 'episodes'>;
  /** All incidents of the key, in any order. */
  readonly incidents: readonly Incident[];
  /** Growth after a resolution that opens a new incident: attempts; of a sum, minor units of its currency. */
  readonly continueAfter: number;
};

type Claim = { readonly incident: Incident; readonly episode: ReportedEpisode | null };

/** Effects in a fixed order: the incidents' eldest first, then what opens, earliest episode first. */
export function reconcile({ report, incidents, continueAfter }: ReconcileOptions): readonly Effect[] {
  const episodes = [...report.episodes].sort((a, b) => a.firstBreachAt - b.firstBreachAt);
  const eldestFirst = incidents.filter(({ status }) => status !== 'merged').sort(byNumber);
  const claims: Claim[] = eldestFirst
    .filter((incident) => isSpokenOf(incident, report, episodes))
    .map((incident) => ({ incident, episode: claimOf(incident, episodes) }));
  const mine = new Set(claims.map(({ incident }) => incident));
  const others = eldestFirst.filter((incident) => !mine.has(incident) && incident.status !== 'withdrawn');

  const effects: Effect[] = [];
  const openings: Effect[] = [];
  for (const episode of episodes) {
    const group = claims.filter((claim) => claim.episode === episode).map(({ incident }) => incident);
    // The other lane's incident on this very episode: it is handled, and told of by that lane.
    const covering = group.length > 0 ? [] : others.filter((incident) => contains(episode, openingMs(incident)));
    if (group.length + covering.length === 0) {
      openings.push({ kind: 'open', episode, continues: null, splitFrom: splitFrom(episode, claims) });
      continue;
    }
    effects.push(...unify(group, episode));
    if (covering.some(isUnresolved) || group.some(isUnresolvedOrReturning)) continue;
    const resolved = [...group, ...covering].filter(({ status }) => status === 'resolved');
    const last = leavesOf(resolved).at(-1);
    if (last === undefined) continue;
    if (goesOn(resolved, episode, continueAfter))
      openings.push({ kind: 'open', episode, continues: last.id, splitFrom: null });
    else if (group.includes(last)) effects.push({ kind: 'update', incident: last, episode });
  }
  for (const { incident, episode } of claims) {
    if (episode === null && isUnresolved(incident) && firstBreachInRange(incident, report))
      effects.push({ kind: 'withdraw', incident, left: attemptsThatLeft(incident, episodes) });
  }
  return [...effects.sort(byIncident), ...openings];
}

export const isUnresolved = ({ status }: Incident): boolean => status === 'open' || status === 'acknowledged';

const isUnresolvedOrReturning = (incident: Incident): boolean =>
  isUnresolved(incident) || incident.status === 'withdrawn';

/** 12 of `INC-12`: incidents are numbered in the order of their commands, so the least is the eldest. */
export const numberOf = ({ id }: Pick<Incident, 'id'>): number => Number(id.slice(id.indexOf('-') + 1));

const byNumber = (a: Incident, b: Incident): number => numberOf(a) - numberOf(b);

function byIncident(a: Effect, b: Effect): number {
  return 'incident' in a && 'incident' in b ? byNumber(a.incident, b.incident) : 0;
}

/** Minor units of the sum's currency; null: no sum, or unknown. */
export function amountOf({ evidence }: Pick<ReportedEpisode, 'evidence'>, currency: string | null): number | null {
  if (currency === null) return null;
  return evidence.amounts.find((amount) => amount.currency === currency)?.amount ?? null;
}

/**
 * Incidents that the report is complete for: opened by a breach instant in its range. Also those of an episode that began
 * before the range and is reported all the same, because it is still open.
 */
function isSpokenOf(
  incident: Incident,
  { range }: ReconcileOptions['report'],
  episodes: readonly ReportedEpisode[],
): boolean {
  const { openingBreachS } = incident;
  if (openingBreachS >= range.fromS) return range.toS === null || openingBreachS < range.toS;
  return episodes.some((episode) => episode.firstBreachAt < range.fromS && contains(episode, openingMs(incident)));
}

/** False if its episode is known to begin before the range: then its absence from the report says nothing. */
function firstBreachInRange(incident: Incident, { range }: ReconcileOptions['report']): boolean {
  return incident.firstBreachAt >= range.fromS * 1000;
}

function claimOf(incident: Incident, episodes: readonly ReportedEpisode[]): ReportedEpisode | null {
  const holder = episodes.find((episode) => contains(episode, openingMs(incident)));
  if (holder !== undefined) return holder;
  let best: ReportedEpisode | null = null;
  let most = 0;
  for (const episode of episodes) {
    const overlap = overlapS(incident, episode);
    if (overlap > most) {
      best = episode;
      most = overlap;
    }
  }
  return best;
}

const openingMs = ({ openingBreachS }: Incident): number => openingBreachS * 1000;

const contains = ({ firstBreachAt, lastBreachAt }: ReportedEpisode, ms: number): boolean =>
  ms >= firstBreachAt * 1000 && ms <= lastBreachAt * 1000;

/** Seconds that the incident, as last told, and the episode have in common; one second is the least overlap. */
function overlapS(incident: Incident, episode: ReportedEpisode): number {
  const from = Math.max(incident.firstBreachAt / 1000, episode.firstBreachAt);
  const to = Math.min(incident.lastBreachAt / 1000, episode.lastBreachAt);
  return Math.max(0, to - from + 1);
}

/** The eldest that is not resolved stays (and comes back, if it was withdrawn); the others are merged into it. */
function unify(group: readonly Incident[], episode: ReportedEpisode): readonly Effect[] {
  const [stays, ...rest] = group.filter(isUnresolvedOrReturning);
  if (stays === undefined) return [];
  const kind = stays.status === 'withdrawn' ? 'return' : 'update';
  return [
    { kind, incident: stays, episode },
    ...rest.map((incident): Effect => ({ kind: 'merge', incident, into: stays.id })),
  ];
}

/** The eldest claimed incident whose time, as last told, this episode shares. */
function splitFrom(episode: ReportedEpisode, claims: readonly Claim[]): string | null {
  const parent = claims.find((claim) => claim.episode !== null && overlapS(claim.incident, episode) > 0);
  return parent?.incident.id ?? null;
}

/** Resolved incidents that no other of them continues: together they are what resolvers have seen. */
function leavesOf(resolved: readonly Incident[]): readonly Incident[] {
  const continued = new Set(resolved.map(({ continues }) => continues));
  return resolved.filter(({ id }) => !continued.has(id));
}

function goesOn(resolved: readonly Incident[], episode: ReportedEpisode, continueAfter: number): boolean {
  const seen = leavesOf(resolved).flatMap((incident) =>
    incident.resolved === null ? [] : [{ incident, at: incident.resolved }],
  );
  if (resolved.every((incident) => compareSeverity(episode.severity, incident.resolved?.severity ?? null) > 0))
    return true;
  const currency = seen[0]?.incident.currency ?? null;
  const amount = amountOf(episode, currency);
  if (amount !== null && seen.every(({ at }) => at.amount !== undefined))
    return amount - seen.reduce((sum, { at }) => sum + (at.amount ?? 0), 0) >= continueAfter;
  const grewBy = episode.attemptCount - seen.reduce((sum, { at }) => sum + at.attemptCount, 0);
  // A sum's unit is money: where the amounts are unknown, any growth counts.
  return grewBy >= (currency === null ? continueAfter : 1);
}

function attemptsThatLeft(incident: Incident, episodes: readonly ReportedEpisode[]): readonly string[] {
  const still = new Set(episodes.flatMap(({ evidence }) => evidence.newest.map(({ id }) => id)));
  return incident.evidence.newest.map(({ id }) => id).filter((id) => !still.has(id));
}
