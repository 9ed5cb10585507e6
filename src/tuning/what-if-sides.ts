// The two sides of a what-if: which incidents both have, which only one, what people and Stripe said of them, and what is in
// them.
import { detailsOf, episodesOf, keysOf } from '../detectors/fold.ts';
import { unhurried } from '../detectors/replay.ts';
import type { FoldState } from '../detectors/state.ts';
import type { EntityKind, Severity } from '../model/detector.ts';
import type { Key } from '../model/entity.ts';
import type { Episode } from '../model/episode.ts';
import type { Incident, Verdict } from '../model/incident.ts';
import { maskEntity } from '../model/mask.ts';
import type { WhatIf, WhatIfDifference, WhatIfIncident, WhatIfSide } from '../model/what-if.ts';
import { entityIdOf, type FraudSignal, fraudByEntity, speaksOf } from './fraud-signals.ts';

/** What the two rules are called in the fold. */
export const BEFORE = 'before';
export const AFTER = 'after';

export type SidesContext = {
  /** The detector's, newest first. */
  readonly incidents: readonly Incident[];
  readonly fraud: readonly FraudSignal[];
  readonly piiKey: string;
  readonly sinceS: number;
  readonly weeks: number;
  /** What the changed detector counts on. */
  readonly kind: EntityKind;
};

export type Sides = Omit<WhatIf, 'detector' | 'sinceMs' | 'untilMs' | 'records' | 'lacking' | 'curve'>;

const LISTED = 200;
/** Attempts that are looked at one by one for customers and amounts. */
const MAX_MEMBERS = 100_000;
const MOST_CURRENCIES = 3;

export async function compareSides(state: FoldState, context: SidesContext): Promise<Sides> {
  const { before, after } = await collect(state, context.sinceS);
  const joined = joiner(context);
  const [added, kept] = partition(after, before);
  const [removed, stayed] = partition(before, after);
  const more = added.map(joined);
  const fewer = removed.map(joined);
  const changed = kept.filter(({ episode, other }) => other !== null && other.episode.severity !== episode.severity);
  const difference = (own: readonly WhatIfEpisode[], both: readonly WhatIfEpisode[], told: readonly WhatIfIncident[]) =>
    differenceOf(state, { own, both, told });
  return {
    before: sideOf(before.map(joined), context.weeks),
    after: sideOf(after.map(joined), context.weeks),
    ...{ added: listed(more), addedCount: added.length, addedWith: difference(added, stayed, more) },
    ...{ removed: listed(fewer), removedCount: removed.length, removedWith: difference(removed, kept, fewer) },
    changedSeverity: changed.length,
  };
}

type WhatIfEpisode = { readonly key: Key; readonly episode: Episode };

async function collect(
  state: FoldState,
  sinceS: number,
): Promise<{ readonly before: readonly WhatIfEpisode[]; readonly after: readonly WhatIfEpisode[] }> {
  const before: WhatIfEpisode[] = [];
  const after: WhatIfEpisode[] = [];
  for await (const key of unhurried(keysOf(state))) {
    if (key.detector !== BEFORE && key.detector !== AFTER) continue;
    const side = key.detector === BEFORE ? before : after;
    for (const episode of episodesOf(state, key)) if (episode.firstBreachAt >= sinceS) side.push({ key, episode });
  }
  return { before, after };
}

type Kept = WhatIfEpisode & { readonly other: WhatIfEpisode | null };

/** Those that share no breach instant's time with one of the other side, and those that do. */
function partition(own: readonly WhatIfEpisode[], others: readonly WhatIfEpisode[]): [WhatIfEpisode[], Kept[]] {
  const byEntity = Map.groupBy(others, ({ key }) => entityIdOf(key));
  const alone: WhatIfEpisode[] = [];
  const shared: Kept[] = [];
  for (const one of own) {
    const { firstBreachAt, lastBreachAt } = one.episode;
    const other = byEntity
      .get(entityIdOf(one.key))
      ?.find(({ episode }) => episode.firstBreachAt <= lastBreachAt && episode.lastBreachAt >= firstBreachAt);
    if (other === undefined) alone.push(one);
    else shared.push({ ...one, other });
  }
  return [alone, shared];
}

function joiner({ incidents, fraud, piiKey, kind }: SidesContext) {
  const byEntity = Map.groupBy(incidents, ({ account, livemode, entity }) =>
    entityIdOf({ scope: { account, livemode }, entity }),
  );
  const signals = fraudByEntity(fraud, kind);
  return ({ key, episode }: WhatIfEpisode): WhatIfIncident => {
    const { account, livemode } = key.scope;
    const entity = maskEntity(key.entity, null, piiKey);
    const firstBreachAt = episode.firstBreachAt * 1000;
    const lastBreachAt = episode.lastBreachAt * 1000;
    const covering = (byEntity.get(entityIdOf({ scope: key.scope, entity })) ?? []).filter(
      (incident) => incident.firstBreachAt <= lastBreachAt && incident.lastBreachAt >= firstBreachAt,
    );
    // Newest first: what was said last, if anything was.
    const known = covering.find(({ resolved }) => resolved !== null) ?? covering[0];
    const near = (signals.get(entityIdOf(key)) ?? []).filter((signal) => speaksOf(episode, signal));
    const disputes = near.filter((signal) => signal.kind === 'dispute').length;
    return {
      account,
      livemode,
      entity: known === undefined ? entity : { ...entity, label: known.entity.label },
      severity: episode.severity,
      firstBreachAt,
      lastBreachAt,
      peak: episode.peak,
      attemptCount: episode.attemptCount,
      incident:
        known === undefined ? null : { id: known.id, status: known.status, verdict: known.resolved?.verdict ?? null },
      disputes,
      earlyFraudWarnings: near.length - disputes,
    };
  };
}

function sideOf(incidents: readonly WhatIfIncident[], weeks: number): WhatIfSide {
  const severities: Partial<Record<Severity, number>> = {};
  const verdicts: Partial<Record<Verdict, number>> = {};
  let disputes = 0;
  let earlyFraudWarnings = 0;
  for (const { severity, incident, ...said } of incidents) {
    severities[severity] = (severities[severity] ?? 0) + 1;
    const verdict = incident?.verdict ?? null;
    if (verdict !== null) verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
    disputes += said.disputes;
    earlyFraudWarnings += said.earlyFraudWarnings;
  }
  const count = incidents.length;
  return { incidents: count, perWeek: count / weeks, severities, verdicts, disputes, earlyFraudWarnings };
}

type Difference = {
  readonly own: readonly WhatIfEpisode[];
  /** What both sides have, as the other side has it. */
  readonly both: readonly WhatIfEpisode[];
  readonly told: readonly WhatIfIncident[];
};

function differenceOf(state: FoldState, { own, both, told }: Difference): WhatIfDifference {
  const fraud = told.filter(
    ({ incident, disputes, earlyFraudWarnings }) => incident?.verdict === 'fraud' || disputes + earlyFraudWarnings > 0,
  ).length;
  const counted = [...own, ...both].reduce((sum, { episode }) => sum + episode.attemptCount, 0);
  if (own.some(({ key }) => key.entity.kind === 'account') || counted > MAX_MEMBERS)
    return { fraud, customers: null, amounts: null };
  const customers = new Set<string>();
  const amounts = new Map<string, number>();
  // An attempt may be in two of them.
  const seen = new Set<string>();
  for (const { key, episode } of own) {
    for (const { id, fields } of detailsOf(state, key, episode.firstBreachAt)?.members ?? []) {
      if (seen.has(id)) continue;
      seen.add(id);
      const { customer, amount, currency } = fields;
      if (customer !== undefined) customers.add(customer);
      if (amount !== undefined && currency !== undefined) amounts.set(currency, (amounts.get(currency) ?? 0) + amount);
    }
  }
  // Those that are spoken of already are not more.
  if (customers.size > 0)
    for (const { key, episode } of both)
      for (const { fields } of detailsOf(state, key, episode.firstBreachAt)?.members ?? [])
        if (fields.customer !== undefined) customers.delete(fields.customer);
  const most = [...amounts].map(([currency, amount]) => ({ currency, amount })).sort((a, b) => b.amount - a.amount);
  return { fraud, customers: customers.size, amounts: most.slice(0, MOST_CURRENCIES) };
}

function listed(incidents: readonly WhatIfIncident[]): readonly WhatIfIncident[] {
  return [...incidents].sort((a, b) => b.firstBreachAt - a.firstBreachAt).slice(0, LISTED);
}
