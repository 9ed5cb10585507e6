// For each dispute and early fraud warning: which detectors had spoken, and how long before; and of those that came
// unannounced, the cheapest change of a detector that would have caught them, with its price in alerts a week.
import { detailsOf, episodesOf, keysOf } from '../detectors/fold.ts';
import { unhurried } from '../detectors/replay.ts';
import type { DetectorSettings, Rule } from '../model/detector.ts';
import type { Key } from '../model/entity.ts';
import type { Incident } from '../model/incident.ts';
import { maskEntity } from '../model/mask.ts';
import { type Scope, scopeId } from '../model/scope.ts';
import { candidatesOf, curveOf, lowestOf } from './curve.ts';
import type { Correction } from './grades.ts';
import type { ScopedProof } from './grades-join.ts';
import { replayWith, ruleOf, type WhatIfParts, weeksOf } from './what-if.ts';

export type Fired = {
  readonly incident: string;
  readonly detector: string;
  /** Milliseconds from the incident's opening to the dispute or warning; below zero: it came after. */
  readonly beforeMs: number;
};

export type Catch = {
  readonly detector: string;
  readonly windowS: number;
  /** The lowest threshold that there would be. */
  readonly threshold: number;
  /** As it is now. */
  readonly now: { readonly windowS: number; readonly threshold: number };
  /** Incidents a week with the change, and how many of them are more than now. */
  readonly perWeek: number;
  readonly extraPerWeek: number;
};

export type Missed = ScopedProof & {
  /** Earliest first. */
  readonly fired: readonly Fired[];
  /** `announced`: something had spoken before. Else what a change could have done. */
  readonly result: 'announced' | 'catchable' | 'nothing_to_see' | 'out_of_range';
  readonly catch: Catch | null;
};

export type MissedQuestion = {
  readonly proofs: readonly ScopedProof[];
  readonly incidents: readonly Incident[];
  readonly corrections: ReadonlyMap<string, Correction>;
  /** Milliseconds: what the log is asked about. */
  readonly sinceMs: number;
  readonly signal?: AbortSignal;
};

/** The newest so many are looked into; of each the cost is counted once for all. */
const MAX_LOOKED = 50;
const MAX_WINDOW_S = 7 * 86_400;
/** As many times its own window. */
const WINDOWS = [1, 4, 24] as const;
/** One decline says nothing: a threshold of 1 would be every customer's. */
const LEAST = 2;
/** Seconds: what led to a payment is on its entity in the day before it, or in the hour after. */
const BEFORE_S = 86_400;
const AFTER_S = 3_600;

/** Newest first. Refunds are the merchant's own doing: they are no warning that could have been missed. */
export async function missedFraud(parts: WhatIfParts, question: MissedQuestion): Promise<readonly Missed[]> {
  const proofs = question.proofs
    .filter(({ proof }) => proof.kind !== 'refund')
    .toSorted((a, b) => b.proof.at - a.proof.at || (a.proof.id < b.proof.id ? -1 : 1));
  const fired = firedBy(question);
  const unannounced = proofs.filter((one) => !wasAnnounced(fired.get(proofId(one)) ?? []));
  const inRange = unannounced
    .filter(({ proof }) => (proof.paid?.at ?? 0) * 1_000 >= question.sinceMs)
    .slice(0, MAX_LOOKED);
  const catches = inRange.length === 0 ? new Map<string, Catch>() : await cheapest(parts, question, inRange);
  const looked = new Set(inRange.map(proofId));
  return proofs.map((one) => {
    const id = proofId(one);
    const own = fired.get(id) ?? [];
    const found = catches.get(id) ?? null;
    const result = wasAnnounced(own)
      ? 'announced'
      : !looked.has(id)
        ? 'out_of_range'
        : found === null
          ? 'nothing_to_see'
          : 'catchable';
    return { ...one, fired: own, result, catch: found };
  });
}

const proofId = ({ scope, proof }: ScopedProof): string => `${scopeId(scope)}\u001f${proof.kind}\u001f${proof.id}`;

const wasAnnounced = (fired: readonly Fired[]): boolean => fired.some(({ beforeMs }) => beforeMs > 0);

function firedBy({ incidents, corrections }: MissedQuestion): ReadonlyMap<string, readonly Fired[]> {
  const fired = new Map<string, Fired[]>();
  for (const incident of incidents) {
    const { account, livemode, id, detector, openedAt } = incident;
    for (const { proof } of corrections.get(id)?.proofs ?? []) {
      const key = proofId({ scope: { account, livemode }, proof });
      const own = fired.get(key) ?? [];
      own.push({ incident: id, detector, beforeMs: proof.at * 1_000 - openedAt });
      fired.set(key, own);
    }
  }
  for (const own of fired.values()) own.sort((a, b) => b.beforeMs - a.beforeMs);
  return fired;
}

type Variant = { readonly settings: DetectorSettings; readonly windowS: number; readonly rule: Rule };

/** Detectors that count attempts on a person or card; those of the account see no single payment. */
function variantsOf({ feed }: WhatIfParts): readonly Variant[] {
  const latenessMs = feed.general()?.latenessMs ?? 0;
  return feed.settings().flatMap(({ rule: { settings } }) => {
    if (settings === null || settings.mode === 'off' || settings.on === 'signal' || settings.per === 'account')
      return [];
    if (settings.count === 'ratio' || settings.count === 'sum(amount)') return [];
    const windows = new Set(WINDOWS.map((times) => Math.min(MAX_WINDOW_S, settings.windowS * times)));
    return [...windows].map((windowS) => {
      const quietForS = Math.max(settings.quietForS, windowS);
      const wide = { ...settings, windowS, quietForS, thresholds: { notice: lowestOf(settings.count) } };
      return { settings, windowS, rule: ruleOf(`${settings.name}\u001f${windowS}`, wide, latenessMs) };
    });
  });
}

type Valued = { readonly key: Key; readonly values: readonly { readonly time: number; readonly value: number }[] };

async function cheapest(
  parts: WhatIfParts,
  { sinceMs, signal }: MissedQuestion,
  proofs: readonly ScopedProof[],
): Promise<Map<string, Catch>> {
  const variants = variantsOf(parts);
  const { state, ...read } = await replayWith(parts, {
    rules: variants.map(({ rule }) => rule),
    settings: variants.flatMap(({ rule }) => rule.settings ?? []),
    sinceMs,
    ...(signal === undefined ? {} : { signal }),
  });
  const valued = new Map<string, Valued[]>();
  for await (const key of unhurried(keysOf(state))) {
    signal?.throwIfAborted();
    const values = episodesOf(state, key).flatMap(
      (episode) => detailsOf(state, key, episode.firstBreachAt)?.values ?? [],
    );
    const own = valued.get(key.detector) ?? [];
    own.push({ key, values });
    valued.set(key.detector, own);
  }
  const weeks = weeksOf(read.sinceMs, parts.clock.now());
  const priced = variants.map((variant) => {
    const keys = valued.get(variant.rule.detector) ?? [];
    return { ...variant, keys, costs: costsOf(variant, { keys, sinceS: read.sinceMs / 1_000, weeks }) };
  });
  const best = new Map<string, Catch>();
  for (const variant of priced) {
    const { settings, keys, costs } = variant;
    const asIs = priced.find((other) => other.settings === settings && other.windowS === settings.windowS);
    const nowPerWeek = asIs?.costs.get(lowestThreshold(settings)) ?? 0;
    for (const [id, peak] of peaksOf(proofs, keys, parts.piiKey)) {
      const found = catchOf(variant, { peak, costs, nowPerWeek });
      if (found !== null && isCheaper(found, best.get(id))) best.set(id, found);
    }
  }
  return best;
}

const lowestThreshold = ({ thresholds }: DetectorSettings): number => Math.min(...Object.values(thresholds));

/** Of each proof the largest value on an entity of its payment, around it and before it was disputed. */
function peaksOf(proofs: readonly ScopedProof[], keys: readonly Valued[], piiKey: string): ReadonlyMap<string, number> {
  const byEntity = new Map<string, ScopedProof[]>();
  for (const one of proofs)
    for (const entity of one.proof.paid?.entities ?? []) {
      const id = entityKey(one.scope, entity);
      byEntity.set(id, [...(byEntity.get(id) ?? []), one]);
    }
  const peaks = new Map<string, number>();
  for (const { key, values } of keys) {
    const masked = maskEntity(key.entity, null, piiKey);
    for (const one of byEntity.get(entityKey(key.scope, masked)) ?? []) {
      const { at, paid } = one.proof;
      const paidAt = paid?.at ?? 0;
      for (const { time, value } of values) {
        if (time < paidAt - BEFORE_S || time > paidAt + AFTER_S || time >= at) continue;
        peaks.set(proofId(one), Math.max(peaks.get(proofId(one)) ?? 0, value));
      }
    }
  }
  return peaks;
}

const entityKey = (scope: Scope, { kind, value }: { readonly kind: string; readonly value: string }): string =>
  `${scopeId(scope)}\u001f${kind}\u001f${value}`;

type Costs = ReadonlyMap<number, number>;

function costsOf(
  { settings, rule }: Variant,
  { keys, sinceS, weeks }: { readonly keys: readonly Valued[]; readonly sinceS: number; readonly weeks: number },
): Costs {
  const quietForS = rule.settings?.quietForS ?? settings.quietForS;
  const points = curveOf({ settings: { quietForS }, keys, candidates: candidatesOf(settings), sinceS, weeks });
  return new Map(points.map(({ threshold, perWeek }) => [threshold, perWeek]));
}

type Price = { readonly peak: number; readonly costs: Costs; readonly nowPerWeek: number };

/** The highest threshold that would still have been reached; null: there is none that says anything. */
function catchOf({ settings, windowS }: Variant, { peak, costs, nowPerWeek }: Price): Catch | null {
  const now = lowestThreshold(settings);
  const thresholds = [...costs.keys()].filter((threshold) => threshold >= LEAST && threshold <= peak);
  if (thresholds.length === 0) return null;
  const threshold = Math.max(...thresholds);
  // What is reached with the settings as they are is no change.
  if (windowS === settings.windowS && threshold >= now) return null;
  const perWeek = costs.get(threshold) ?? 0;
  const extraPerWeek = Math.max(0, perWeek - nowPerWeek);
  return {
    detector: settings.name,
    windowS,
    threshold,
    now: { windowS: settings.windowS, threshold: now },
    perWeek,
    extraPerWeek,
  };
}

function isCheaper(a: Catch, b: Catch | undefined): boolean {
  if (b === undefined) return true;
  return a.extraPerWeek < b.extraPerWeek || (a.extraPerWeek === b.extraPerWeek && a.windowS < b.windowS);
}
