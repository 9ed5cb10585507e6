// Why did it alert, or not? For an entity or an attempt: what each detector counts on it, how much that is, and what became of
// it. Read from the log and the incidents; nothing is changed.
import { SLACK_S } from '../detectors/history-plan.ts';
import type { IncidentFeed } from '../feed/feed.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Attempt } from '../model/attempt.ts';
import type { Clock } from '../model/clock.ts';
import type { DetectorSettings, EntityKind, Severity } from '../model/detector.ts';
import { ladder } from '../model/detector.ts';
import type { Entity } from '../model/entity.ts';
import { AppError } from '../model/errors.ts';
import type { Incident } from '../model/incident.ts';
import { maskEntity } from '../model/mask.ts';
import type { Scope } from '../model/scope.ts';
import type { WhyAnswer, WhyDetector, WhyQuestion, WhyReason } from '../model/why.ts';
import { attemptsById, entityValue, type ReadOptions, type Subject, type Subjects, subjectsOf } from './why-read.ts';
import { type Counted, countedBy, peakOf, type Value, valueAt } from './why-value.ts';

export type WhyParts = {
  readonly log: EventLog;
  readonly feed: Pick<IncidentFeed, 'all' | 'settings' | 'mutes'>;
  readonly piiKey: string;
  readonly clock: Clock;
};

const HOUR_MS = 3_600_000;
/** At least so far back, whatever the windows are. */
const LOOK_BACK_MS = 24 * HOUR_MS;
const AHEAD_MS = 600_000;

/** Rejects with `not_found` for an attempt that the log does not have, else with the log's errors. */
export async function why(parts: WhyParts, question: WhyQuestion, signal?: AbortSignal): Promise<WhyAnswer> {
  const { log, piiKey, clock, feed } = parts;
  const atMs = clock.now();
  const read = { log, piiKey, ...(signal === undefined ? {} : { signal }) };
  const settings = feed.settings().flatMap(({ rule }) => rule.settings ?? []);
  if ('entity' in question) return await whyEntity(parts, { read, settings, atMs, entity: question.entity });
  const [attempt] = await attemptsById({ ...read, fromMs: 0 }, question.attempt);
  if (attempt === undefined)
    throw new AppError('not_found', `The log has no attempt ${question.attempt.slice(0, 100)}.`, {
      help: 'It keeps attempts for 35 days. Ask with the charge id (ch_…) that Stripe shows.',
    });
  return await whyAttempt(parts, { read, settings, atMs, attempt });
}

type Asked = {
  readonly read: Omit<ReadOptions, 'fromMs'>;
  readonly settings: readonly DetectorSettings[];
  readonly atMs: number;
};

async function whyEntity(parts: WhyParts, asked: Asked & { readonly entity: Entity }): Promise<WhyAnswer> {
  const { read, settings, atMs, entity } = asked;
  const own = settings.filter(({ per }) => per === entity.kind);
  const sinceMs = atMs - Math.max(LOOK_BACK_MS, reachMs(own));
  const subjects = await subjectsOf({ ...read, fromMs: sinceMs - AHEAD_MS }, [entity]);
  const scopes = scopesOf(subjects);
  const detectors = scopes.flatMap((scope) =>
    own.map((one) =>
      explain(parts, {
        settings: one,
        scope,
        subjects: ofEntity(subjects, { scope, entity, piiKey: parts.piiKey }),
        entity,
        at: { ms: atMs, attempt: null },
      }),
    ),
  );
  return { atMs, sinceMs, isWhole: subjects.isWhole, attempt: null, detectors };
}

async function whyAttempt(parts: WhyParts, asked: Asked & { readonly attempt: Attempt }): Promise<WhyAnswer> {
  const { read, settings, atMs, attempt } = asked;
  const { id, time, fields, dunning, account, livemode } = attempt;
  const kinds = new Set(settings.map(({ per }) => per));
  const entities = [...kinds].flatMap((kind) => entityOf(kind, attempt) ?? []);
  const sinceMs = (time - SLACK_S) * 1000 - reachMs(settings);
  const subjects = await subjectsOf({ ...read, fromMs: sinceMs - AHEAD_MS }, entities);
  const scope = { account, livemode };
  const detectors = settings.map((one) => {
    const entity = entityOf(one.per, attempt);
    const counted = entity === null ? [] : ofEntity(subjects, { scope, entity, piiKey: parts.piiKey });
    return explain(parts, { settings: one, scope, subjects: counted, entity, at: { ms: time * 1000, attempt: id } });
  });
  const { outcome = '', code = '', class: kind = '' } = fields.result ?? {};
  return {
    atMs,
    sinceMs,
    isWhole: subjects.isWhole,
    attempt: { id, atMs: time * 1000, outcome, code, class: kind, dunning },
    detectors,
  };
}

function entityOf(kind: EntityKind, { fields }: Attempt): Entity | null {
  const value = entityValue(kind, fields);
  return value === null ? null : { kind, value };
}

function reachMs(settings: readonly DetectorSettings[]): number {
  return Math.max(0, ...settings.map(({ windowS, quietForS }) => windowS + quietForS)) * 1000;
}

function scopesOf({ attempts }: Subjects): readonly Scope[] {
  const scopes = new Map<string, Scope>();
  for (const { account, livemode } of attempts) scopes.set(`${account}/${livemode}`, { account, livemode });
  return [...scopes.values()];
}

type OfEntity = { readonly scope: Scope; readonly entity: Entity; readonly piiKey: string };

function ofEntity({ attempts, signals }: Subjects, { scope, entity, piiKey }: OfEntity): readonly Subject[] {
  const { kind, value } = entity;
  return [...attempts, ...signals].filter((subject) => {
    if (subject.account !== scope.account || subject.livemode !== scope.livemode) return false;
    const own = entityValue(kind, 'signal' in subject ? subject.of : subject.fields);
    return own !== null && (own === value || maskEntity({ kind, value: own }, null, piiKey).value === value);
  });
}

type Subjected = {
  readonly settings: DetectorSettings;
  readonly scope: Scope;
  /** On the entity. */
  readonly subjects: readonly Subject[];
  readonly entity: Entity | null;
  /** Milliseconds; the attempt that is asked about. */
  readonly at: { readonly ms: number; readonly attempt: string | null };
};

function explain({ feed, piiKey, clock }: WhyParts, { settings, scope, subjects, entity, at }: Subjected): WhyDetector {
  const { name, title, mode, windowS, thresholds, on } = settings;
  const own = subjects.filter((subject) => 'signal' in subject === (on === 'signal'));
  const counted = countedBy(settings, own);
  const fields = subjects.flatMap((one) => ('signal' in one ? one.of : one.fields));
  // Asked by its hash, an entity is known by what it is found to be.
  const plain =
    entity === null ? null : (fields.map((one) => entityValue(entity.kind, one)).find(Boolean) ?? entity.value);
  const labelled =
    entity === null ? null : maskEntity({ kind: entity.kind, value: plain ?? '' }, fields[0] ?? null, piiKey);
  const value = entity === null ? null : valueAt(settings, counted, Math.floor(at.ms / 1000));
  const peak = peakOf(settings, counted);
  const shown = { detector: name, title, mode, ...scope, entity: labelled, windowS, thresholds };
  const isSame = (one: Pick<Incident, 'detector' | 'account' | 'livemode' | 'entity'>): boolean =>
    labelled !== null &&
    one.detector === name &&
    one.account === scope.account &&
    one.livemode === scope.livemode &&
    one.entity.kind === labelled.kind &&
    one.entity.value === labelled.value;
  const mute = feed.mutes(clock.now()).find(isSame);
  const incident = incidentOf(
    [...feed.all()].filter((one) => one.kind === 'episode' && isSame(one)),
    counted,
    at,
  );
  return {
    ...shown,
    value: value?.value ?? null,
    peak: peak === null ? null : { value: peak.value, atMs: peak.atS * 1000, severity: severityOf(settings, peak) },
    reason: reasonOf({ settings, entity, counted, at, value, peak, incident, isMuted: mute !== undefined }),
    incident: incident === null ? null : { id: incident.id, status: incident.status },
    mutedUntil: mute?.until ?? null,
  };
}

/** Newest first: one that covers the attempt, or what was counted; one that stands before one that is past. */
function incidentOf(incidents: readonly Incident[], counted: readonly Counted[], at: Subjected['at']): Incident | null {
  const firstMs = at.attempt === null ? (counted[0]?.time ?? Number.POSITIVE_INFINITY) * 1000 : at.ms;
  const covering = incidents.filter(
    ({ firstAttemptAt, lastBreachAt, lastAttemptAt }) =>
      firstAttemptAt <= at.ms && Math.max(lastAttemptAt, lastBreachAt) >= firstMs,
  );
  const isPast = ({ status }: Incident): boolean => status === 'withdrawn' || status === 'merged';
  return covering.find((incident) => !isPast(incident)) ?? covering[0] ?? null;
}

function severityOf({ thresholds }: DetectorSettings, { value }: Value): Severity | null {
  return ladder(thresholds).findLast((step) => value >= step.value)?.severity ?? null;
}

type Found = {
  readonly settings: DetectorSettings;
  readonly entity: Entity | null;
  readonly counted: readonly Counted[];
  readonly at: Subjected['at'];
  readonly value: Value | null;
  readonly peak: Value | null;
  readonly incident: Incident | null;
  readonly isMuted: boolean;
};

function reasonOf({ settings, entity, counted, at, value, peak, incident, isMuted }: Found): WhyReason {
  if (entity === null) return 'no_entity';
  const asked = at.attempt === null ? counted : counted.filter(({ id }) => id === at.attempt);
  if (!asked.some(({ matches, isInRatio, mayBreach }) => matches || isInRatio || mayBreach)) return 'no_match';
  if (incident?.status === 'withdrawn' || incident?.status === 'merged') return 'withdrawn';
  if (incident !== null) return isMuted ? 'muted' : incident.mode === 'shadow' ? 'shadow' : 'told';
  if (settings.mode === 'off') return 'off';
  const judged = at.attempt === null ? peak : value;
  if (settings.minimum !== null && (judged === null || judged.denominator < settings.minimum)) return 'below_minimum';
  return judged === null || severityOf(settings, judged) === null ? 'below_threshold' : 'reached';
}
