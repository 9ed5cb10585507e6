// What would a change of a detector have done? Its settings as they are and as they would be, both over the same stretch of
// the log, side by side in one fold; with what people said of the incidents there were.
import { detailsOf, episodesOf, type FoldRecord, fold, keysOf } from '../detectors/fold.ts';
import { SLACK_S } from '../detectors/history-plan.ts';
import { createChargesOfSignals } from '../detectors/history-signals.ts';
import { replay, unhurried } from '../detectors/replay.ts';
import { createState, type FoldState, idInScope } from '../detectors/state.ts';
import type { IncidentFeed } from '../feed/feed.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import type { DetectorSettings, Rule, Severity } from '../model/detector.ts';
import type { Key, LabelledEntity } from '../model/entity.ts';
import type { Episode } from '../model/episode.ts';
import { AppError } from '../model/errors.ts';
import type { Incident, Status, Verdict } from '../model/incident.ts';
import { maskEntity } from '../model/mask.ts';
import { scopeId } from '../model/scope.ts';
import { type CurvePoint, candidatesOf, curveOf, lowestOf } from './curve.ts';

export type WhatIfParts = {
  readonly log: EventLog;
  readonly feed: Pick<IncidentFeed, 'all' | 'settings' | 'general'>;
  readonly piiKey: string;
  readonly clock: Clock;
};

export type WhatIfQuestion = {
  readonly detector: string;
  /** As it would be: validated, in full. */
  readonly settings: DetectorSettings;
  /** Milliseconds: incidents whose first breach is not before it. */
  readonly sinceMs: number;
  /** Also how many incidents each lowest threshold would have made. */
  readonly curve?: boolean;
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
  readonly signal?: AbortSignal;
};

export type WhatIfIncident = {
  readonly account: string | null;
  readonly livemode: boolean;
  readonly entity: LabelledEntity;
  readonly severity: Severity;
  /** Milliseconds. */
  readonly firstBreachAt: number;
  readonly lastBreachAt: number;
  readonly peak: number;
  readonly attemptCount: number;
  /** The incident that there is for it; null: none. */
  readonly incident: { readonly id: string; readonly status: Status; readonly verdict: Verdict | null } | null;
};

export type WhatIfSide = {
  readonly incidents: number;
  readonly perWeek: number;
  readonly severities: Readonly<Partial<Record<Severity, number>>>;
  /** Of those that were resolved. */
  readonly verdicts: Readonly<Partial<Record<Verdict, number>>>;
};

export type WhatIf = {
  readonly detector: string;
  /** Milliseconds: what was asked for, or what the log still holds whole. */
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly records: number;
  /** The settings in force now, over the whole stretch. */
  readonly before: WhatIfSide;
  readonly after: WhatIfSide;
  /** Only with the change, newest first, at most 200; `addedCount` is exact. */
  readonly added: readonly WhatIfIncident[];
  readonly addedCount: number;
  /** Only without it. */
  readonly removed: readonly WhatIfIncident[];
  readonly removedCount: number;
  /** With both, but of another severity with the change: as it would be. */
  readonly changedSeverity: number;
  /** By lowest threshold; absent unless asked for. */
  readonly curve?: readonly CurvePoint[];
};

const BEFORE = 'before';
const AFTER = 'after';
const CURVE = 'curve';
const LISTED = 200;
const WEEK_MS = 7 * 86_400_000;
const DISORDER_MS = 600_000;
/** Of one partition: of a longer stretch the newest are read. */
const MAX_RECORDS = 5_000_000;

/** Rejects with `not_found` if there is no such detector, else with the log's errors. */
export async function whatIf(parts: WhatIfParts, question: WhatIfQuestion): Promise<WhatIf> {
  const { feed, piiKey, clock } = parts;
  const { detector, settings, curve = false } = question;
  const current = feed.settings().find(({ rule }) => rule.detector === detector)?.rule.settings;
  if (current === undefined || current === null)
    throw new AppError('not_found', `There is no detector ${detector.slice(0, 100)}.`, {
      help: 'declinewatch detectors list names them.',
    });
  const latenessMs = feed.general()?.latenessMs ?? 0;
  const rules = [ruleOf(BEFORE, current, latenessMs), ruleOf(AFTER, settings, latenessMs)];
  if (curve) rules.push(ruleOf(CURVE, { ...settings, thresholds: { notice: lowestOf(settings.count) } }, latenessMs));
  const { stretches, sinceMs, records } = await stretchesOf(parts, question, [current, settings]);
  const incidents = incidentsByKey(parts, detector);
  const found: Record<typeof BEFORE | typeof AFTER, WhatIfEpisode[]> = { before: [], after: [] };
  const values: Breaches[] = [];
  let done = 0;
  for (const stretch of stretches) {
    const state = createState({ lane: 'all' });
    fold(state, rules);
    await read(state, parts.log, stretch, {
      signal: question.signal,
      onProgress: (more) => {
        done += more;
        question.onProgress?.({ done, total: records });
      },
    });
    await collect(state, { sinceS: sinceMs / 1000, found, values });
  }
  const untilMs = clock.now();
  const weeks = Math.max(1 / 7, (untilMs - sinceMs) / WEEK_MS);
  const joined = joiner(incidents, piiKey);
  const [added, kept] = partition(found.after, found.before);
  const [removed] = partition(found.before, found.after);
  const changed = kept.filter(({ episode, other }) => other !== null && other.episode.severity !== episode.severity);
  return {
    detector,
    sinceMs,
    untilMs,
    records,
    before: sideOf(found.before.map(joined), weeks),
    after: sideOf(found.after.map(joined), weeks),
    ...{ added: listed(added.map(joined)), addedCount: added.length },
    ...{ removed: listed(removed.map(joined)), removedCount: removed.length },
    changedSeverity: changed.length,
    ...(curve
      ? {
          curve: curveOf({ settings, keys: values, candidates: candidatesOf(settings), sinceS: sinceMs / 1000, weeks }),
        }
      : {}),
  };
}

function ruleOf(detector: string, settings: DetectorSettings, latenessMs: number): Rule {
  const own = { ...settings, name: detector };
  return { record: 'rule', detector, version: 1, revision: 1, sinceS: 0, settings: own, latenessMs };
}

type Stretch = {
  readonly partition: number;
  /** Offset of the oldest record kept. */
  readonly first: number;
  readonly from: number;
  readonly to: number;
};

type Watch = { readonly signal: AbortSignal | undefined; readonly onProgress: (records: number) => void };

async function read(state: FoldState, log: EventLog, stretch: Stretch, { signal, onProgress }: Watch): Promise<void> {
  const { partition, first, from, to } = stretch;
  const input = { log, partition, ...(signal === undefined ? {} : { signal }) };
  const charges = createChargesOfSignals(state);
  const isFact = (record: FoldRecord): boolean => {
    charges.see(record);
    return record.record !== 'rule';
  };
  await replay(state, { ...input, ranges: [{ from, to }], wants: isFact, onProgress });
  // The charge of a signal may be far from it.
  const missing = charges.missing();
  if (missing.size === 0) return;
  const isMissing = (record: FoldRecord): boolean =>
    record.record === 'view' && missing.has(idInScope(record, record.attempt));
  await replay(state, { ...input, ranges: [{ from: first, to: from }], wants: isMissing });
}

async function stretchesOf(
  { log }: WhatIfParts,
  { sinceMs }: WhatIfQuestion,
  settings: readonly DetectorSettings[],
): Promise<{ stretches: readonly Stretch[]; sinceMs: number; records: number }> {
  const reachS = Math.max(...settings.map(({ windowS, quietForS }) => windowS + quietForS));
  const reachMs = (reachS + SLACK_S) * 1000 + DISORDER_MS;
  const positions = await log.offsetsAt('attempts', Math.max(0, sinceMs - reachMs));
  const stretches: Stretch[] = [];
  let wholeMs = sinceMs;
  for (const { partition, first, next } of await log.ends('attempts')) {
    const wanted = positions.find((position) => position.partition === partition)?.offset ?? 0;
    const from = Math.max(first, wanted, next - MAX_RECORDS);
    stretches.push({ partition, first, from, to: next });
    if (from >= next || (from === wanted && !(first > 0 && from === first))) continue;
    for await (const page of log.read('attempts', partition, from, from + 1))
      wholeMs = Math.max(wholeMs, (page[0]?.timeMs ?? 0) + reachMs);
  }
  return {
    stretches,
    sinceMs: wholeMs,
    records: stretches.reduce((sum, { from, to }) => sum + Math.max(0, to - from), 0),
  };
}

type WhatIfEpisode = { readonly key: Key; readonly episode: Episode };
type Breaches = { readonly key: Key; readonly values: readonly { readonly time: number; readonly value: number }[] };

async function collect(
  state: FoldState,
  into: { sinceS: number; found: Record<typeof BEFORE | typeof AFTER, WhatIfEpisode[]>; values: Breaches[] },
): Promise<void> {
  for await (const key of unhurried(keysOf(state))) {
    const episodes = episodesOf(state, key);
    if (key.detector === CURVE) {
      const values = episodes.flatMap(({ firstBreachAt }) => detailsOf(state, key, firstBreachAt)?.values ?? []);
      if (values.length > 0) into.values.push({ key, values });
    } else {
      const side = into.found[key.detector === BEFORE ? BEFORE : AFTER];
      for (const episode of episodes) if (episode.firstBreachAt >= into.sinceS) side.push({ key, episode });
    }
  }
}

const entityId = ({ scope, entity }: Pick<Key, 'scope' | 'entity'>): string =>
  `${scopeId(scope)}\u001f${entity.kind}\u001f${entity.value}`;

type Kept = WhatIfEpisode & { readonly other: WhatIfEpisode | null };

/** Those that share no breach instant's time with one of the other side, and those that do. */
function partition(own: readonly WhatIfEpisode[], others: readonly WhatIfEpisode[]): [WhatIfEpisode[], Kept[]] {
  const byEntity = Map.groupBy(others, ({ key }) => entityId(key));
  const alone: WhatIfEpisode[] = [];
  const shared: Kept[] = [];
  for (const one of own) {
    const { firstBreachAt, lastBreachAt } = one.episode;
    const other = byEntity
      .get(entityId(one.key))
      ?.find(({ episode }) => episode.firstBreachAt <= lastBreachAt && episode.lastBreachAt >= firstBreachAt);
    if (other === undefined) alone.push(one);
    else shared.push({ ...one, other });
  }
  return [alone, shared];
}

function incidentsByKey({ feed }: WhatIfParts, detector: string): ReadonlyMap<string, readonly Incident[]> {
  const own = [...feed.all()].filter(
    (incident) => incident.kind === 'episode' && incident.detector === detector && incident.status !== 'merged',
  );
  return Map.groupBy(own, ({ account, livemode, entity }) => entityId({ scope: { account, livemode }, entity }));
}

function joiner(incidents: ReadonlyMap<string, readonly Incident[]>, piiKey: string) {
  return ({ key, episode }: WhatIfEpisode): WhatIfIncident => {
    const { account, livemode } = key.scope;
    const entity = maskEntity(key.entity, null, piiKey);
    const firstBreachAt = episode.firstBreachAt * 1000;
    const lastBreachAt = episode.lastBreachAt * 1000;
    const covering = (incidents.get(entityId({ scope: key.scope, entity })) ?? []).filter(
      (incident) => incident.firstBreachAt <= lastBreachAt && incident.lastBreachAt >= firstBreachAt,
    );
    // Newest first: what was said last, if anything was.
    const known = covering.find(({ resolved }) => resolved !== null) ?? covering[0];
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
    };
  };
}

function sideOf(incidents: readonly WhatIfIncident[], weeks: number): WhatIfSide {
  const severities: Partial<Record<Severity, number>> = {};
  const verdicts: Partial<Record<Verdict, number>> = {};
  for (const { severity, incident } of incidents) {
    severities[severity] = (severities[severity] ?? 0) + 1;
    const verdict = incident?.verdict ?? null;
    if (verdict !== null) verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
  }
  return { incidents: incidents.length, perWeek: incidents.length / weeks, severities, verdicts };
}

function listed(incidents: readonly WhatIfIncident[]): readonly WhatIfIncident[] {
  return [...incidents].sort((a, b) => b.firstBreachAt - a.firstBreachAt).slice(0, LISTED);
}
