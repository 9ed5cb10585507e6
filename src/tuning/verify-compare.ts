// Episodes as they must be beside the incidents that there are, by the claim rules of design §4.4. Pure.
import { type Key, keyId } from '../model/entity.ts';
import type { Episode } from '../model/episode.ts';
import type { Incident } from '../model/incident.ts';

/** An episode as it must be, and how much of it the incidents must know by now. */
export type ExpectedEpisode = Episode & {
  /**
   * `facts`: there is an incident, and it says the same. `exists`: there is one; the episode goes on, or stands between two
   * lanes. `optional`: if there is one it says the same; the detector was off, or came later. `ignored`: only for claims.
   */
  readonly check: 'facts' | 'exists' | 'optional' | 'ignored';
};

type DifferenceKind =
  /** An episode without an incident. */
  | 'missing'
  /** An open incident without an episode. */
  | 'unfounded'
  /** Its incident is withdrawn, though the episode is there. */
  | 'withdrawn'
  /** More than one unresolved incident on one episode. */
  | 'several'
  /** The incident says otherwise. */
  | 'differs'
  /** Another order of the same records gave other episodes. */
  | 'unstable';

export type Difference = {
  readonly kind: DifferenceKind;
  readonly detector: string;
  readonly account: string | null;
  readonly livemode: boolean;
  /** As it travels: e-mail and IP hashed. */
  readonly entity: { readonly kind: string; readonly value: string };
  readonly incident: string | null;
  /** What does not agree; times in seconds. */
  readonly expected: Facts | null;
  readonly told: Facts | null;
};

type Facts = Readonly<Partial<Record<FactName, string | number>>>;
type FactName = (typeof FACTS)[number];

const FACTS = [
  'severity',
  'threshold',
  'firstAttemptAt',
  'lastAttemptAt',
  'firstBreachAt',
  'lastBreachAt',
  'peak',
  'attemptCount',
] as const;

type Subject = Pick<Difference, 'detector' | 'account' | 'livemode' | 'entity'>;

export type Comparison = {
  readonly expected: ReadonlyMap<string, { readonly key: Key; readonly episodes: readonly ExpectedEpisode[] }>;
  readonly incidents: readonly Incident[];
  readonly sinceS: number;
};

export function compareAll({ expected, incidents, sinceS }: Comparison): Difference[] {
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

type KeyToCompare = {
  readonly subject: Subject;
  /** In time order. */
  readonly episodes: readonly ExpectedEpisode[];
  /** All of the key that follow episodes. */
  readonly incidents: readonly Incident[];
  /** Seconds: incidents that were opened by an earlier breach are not asked for their episode. */
  readonly sinceS: number;
};

function compareKey({ subject, episodes, incidents, sinceS }: KeyToCompare): readonly Difference[] {
  const differences: Difference[] = [];
  const differ = (kind: DifferenceKind, facts: Partial<Pick<Difference, 'incident' | 'expected' | 'told'>>): void => {
    differences.push({ kind, ...subject, incident: null, expected: null, told: null, ...facts });
  };
  const eldestFirst = incidents.filter(({ status }) => status !== 'merged').sort((a, b) => numberOf(a) - numberOf(b));
  const claims = eldestFirst.map((incident) => ({ incident, episode: claimOf(incident, episodes) }));
  for (const episode of episodes) {
    if (episode.check === 'ignored') continue;
    const group = claims.filter((claim) => claim.episode === episode).map(({ incident }) => incident);
    const standing = group.filter(({ status }) => status !== 'withdrawn');
    const newest = standing.findLast(isUnresolved) ?? standing.at(-1);
    if (newest === undefined) {
      if (episode.check === 'optional') continue;
      const [withdrawn] = group;
      if (withdrawn === undefined) differ('missing', { expected: factsOf(episode) });
      else differ('withdrawn', { incident: withdrawn.id, expected: factsOf(episode) });
      continue;
    }
    const unresolved = standing.filter(isUnresolved);
    if (unresolved.length > 1) differ('several', { incident: unresolved.map(({ id }) => id).join(', ') });
    if (episode.check === 'exists' || !newest.exact) continue;
    const [expected, told] = disagreement(factsOf(episode), toldOf(newest));
    if (Object.keys(expected).length > 0) differ('differs', { incident: newest.id, expected, told });
  }
  for (const { incident, episode } of claims) {
    if (episode === null && isUnresolved(incident) && incident.openingBreachS >= sinceS && incident.exact)
      differ('unfounded', { incident: incident.id, told: toldOf(incident) });
  }
  return differences;
}

const isUnresolved = ({ status }: Incident): boolean => status === 'open' || status === 'acknowledged';

const numberOf = ({ id }: Incident): number => Number(id.slice(id.indexOf('-') + 1));

/** The episode with the breach instant that opened it, else the one that it shares most seconds with (ties: the earlier). */
function claimOf(incident: Incident, episodes: readonly ExpectedEpisode[]): ExpectedEpisode | null {
  const opening = incident.openingBreachS;
  const holder = episodes.find((episode) => opening >= episode.firstBreachAt && opening <= episode.lastBreachAt);
  if (holder !== undefined) return holder;
  let best: ExpectedEpisode | null = null;
  let most = 0;
  for (const episode of episodes) {
    const from = Math.max(incident.firstBreachAt / 1000, episode.firstBreachAt);
    const shared = Math.min(incident.lastBreachAt / 1000, episode.lastBreachAt) - from + 1;
    if (shared > most) {
      best = episode;
      most = shared;
    }
  }
  return best;
}

function factsOf(episode: Episode): Record<FactName, string | number> {
  return Object.fromEntries(FACTS.map((name) => [name, episode[name]])) as Record<FactName, string | number>;
}

function toldOf(incident: Incident): Record<FactName, string | number> {
  const { severity, threshold, peak, attemptCount } = incident;
  return {
    severity,
    threshold,
    firstAttemptAt: incident.firstAttemptAt / 1000,
    lastAttemptAt: incident.lastAttemptAt / 1000,
    firstBreachAt: incident.firstBreachAt / 1000,
    lastBreachAt: incident.lastBreachAt / 1000,
    peak,
    attemptCount,
  };
}

type AllFacts = Readonly<Record<FactName, string | number>>;

/** Only what does not agree, of both. */
function disagreement(expected: AllFacts, told: AllFacts): [Facts, Facts] {
  const names = FACTS.filter((name) => expected[name] !== told[name]);
  const pick = (facts: AllFacts): Facts => Object.fromEntries(names.map((name) => [name, facts[name]]));
  return [pick(expected), pick(told)];
}
