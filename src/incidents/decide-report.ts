// A report: what reconcile asks for, as changes. Older reports, and detectors that tell nothing, are only seen.
import type { ChangeType, ReportMark } from '../model/commands.ts';
import { compareSeverity, type DetectorSettings, ladder } from '../model/detector.ts';
import { keyId } from '../model/entity.ts';
import type { Report, ReportedEpisode } from '../model/episode.ts';
import type { Incident } from '../model/incident.ts';
import { fitIncident } from './bounds.ts';
import { deadlineOf } from './deadlines.ts';
import { type Draft, seen } from './draft.ts';
import { type EpisodeFacts, episodeFacts, newIncident, sameFacts, settingsFacts } from './facts.ts';
import { endMutesEarly } from './mutes.ts';
import { type Effect, reconcile } from './reconcile.ts';
import { type DetectorState, incidentsOfKey, type State, sourceId } from './state.ts';
import { gatherStorm } from './storm.ts';
import { growStorms } from './storm-growth.ts';

type Context = {
  readonly state: State;
  readonly report: Report;
  readonly key: string;
  readonly time: number;
  readonly detector: DetectorState | undefined;
};

export function decideReport(state: State, report: Report, time: number): readonly Draft[] {
  const key = keyId(report);
  if (!isNewer(state, report, key)) return [seen({ reason: 'older_report', detector: report.detector })];
  const detector = state.detectors.get(report.detector);
  const context: Context = { state, report, key, time, detector };
  const effects = reconcile({
    report,
    incidents: incidentsOfKey(state, key),
    continueAfter: continueAfter(detector?.settings ?? null),
  });
  const drafts: Draft[] = [];
  let opened = 0;
  for (const effect of effects) {
    const draft = draftOf(context, effect, state.numbered + opened + 1);
    if (draft === null) continue;
    if (draft.type === 'opened') opened += 1;
    drafts.push(draft);
  }
  const settings = detector?.current.rule.settings ?? null;
  const numbered = state.numbered + opened;
  const gathered = settings === null ? drafts : gatherStorm(drafts, { state, settings, time, numbered });
  const grown = growStorms(gathered, state, time);
  const [first = seen({ reason: 'nothing_new', detector: report.detector }), ...rest] = endMutesEarly(
    grown,
    state,
    time,
  );
  return [{ ...first, report: markOf(report) }, ...rest];
}

/**
 * Newer than the key's last of that lane; of two as of one offset the later. Of a key that has been forgotten: newer than
 * any that was forgotten.
 */
function isNewer(state: State, { asOf }: Report, key: string): boolean {
  const mark = state.keys.get(key)?.marks.get(asOf.lane);
  if (mark !== undefined && sourceId(mark.asOf) === sourceId(asOf)) {
    if (asOf.offset !== mark.asOf.offset) return asOf.offset > mark.asOf.offset;
    return (asOf.atMs ?? 0) > (mark.asOf.atMs ?? 0);
  }
  return asOf.offset > (state.sources.get(sourceId(asOf))?.forgottenOffset ?? -1);
}

function markOf({ detector, scope, entity, asOf, range }: Report): ReportMark {
  const { account, livemode } = scope;
  return { detector, scope: { account, livemode }, entity: { kind: entity.kind, value: entity.value }, asOf, range };
}

/** Of a ratio the thresholds are fractions: there growth is counted in attempts, as many as make a ratio at all. */
function continueAfter(settings: DetectorSettings | null): number {
  if (settings === null) return 1;
  if (settings.continueAfter !== null) return settings.continueAfter;
  if (settings.count === 'ratio') return Math.max(1, settings.minimum ?? 1);
  return ladder(settings.thresholds)[0]?.value ?? 1;
}

function draftOf(context: Context, effect: Effect, number: number): Draft | null {
  switch (effect.kind) {
    case 'open':
      return openDraft(context, effect, `INC-${number}`);
    case 'update':
      return updateDraft(context, effect.incident, effect.episode);
    case 'return':
      return returnDraft(context, effect.incident, effect.episode);
    case 'merge': {
      const incident = next(context, effect.incident, { status: 'merged', mergedInto: effect.into });
      return { type: 'merged', data: { into: effect.into }, incident };
    }
    case 'withdraw': {
      const incident = next(context, effect.incident, { status: 'withdrawn' });
      return { type: 'withdrawn', data: { attempts: effect.left, attemptCount: incident.attemptCount }, incident };
    }
  }
}

/** A detector that is off tells nothing, and one that is removed or unknown has nothing to say. */
function openDraft(context: Context, effect: Effect & { kind: 'open' }, id: string): Draft | null {
  const { state, report, detector, time, key } = context;
  const settings = detector?.current.rule.settings ?? null;
  if (settings === null || settings.mode === 'off') return null;
  const { episode, continues, splitFrom } = effect;
  const until = state.mutes.get(key)?.until ?? 0;
  const incident = fitIncident(
    newIncident({
      id,
      time,
      report,
      episode,
      settings,
      counted: settingsOf(detector, episode.settingsVersion) ?? settings,
      mutedUntil: until > time ? until : null,
      continues,
      splitFrom,
    }),
  );
  const { severity, peak, attemptCount, late } = incident;
  const links = { ...(continues === null ? {} : { continues }), ...(splitFrom === null ? {} : { splitFrom }) };
  return {
    type: 'opened',
    data: { severity, peak, attemptCount, late, ...links },
    incident,
    nextDeadline: deadlineOf(incident, settings),
  };
}

function settingsOf(detector: DetectorState | undefined, version: number): DetectorSettings | null {
  return detector?.recent.find(({ rule }) => rule.version === version)?.rule.settings ?? null;
}

function updateDraft(context: Context, incident: Incident, episode: ReportedEpisode): Draft | null {
  const facts = fittedFacts(incident, episode);
  if (sameFacts(incident, facts)) return null;
  const after = next(context, incident, factsAfter(context, incident, facts));
  return {
    type: typeOf(incident, facts),
    data: differences(incident, facts),
    incident: after,
    nextDeadline: deadlineOf(after, context.detector?.settings ?? null),
  };
}

function returnDraft(context: Context, incident: Incident, episode: ReportedEpisode): Draft {
  const facts = fittedFacts(incident, episode);
  const status = incident.acknowledged === null ? 'open' : 'acknowledged';
  const after = next(context, incident, {
    ...factsAfter(context, incident, facts),
    status,
    ...(status === 'open' ? { waitingSince: context.time } : {}),
  });
  const nextDeadline = deadlineOf(after, context.detector?.settings ?? null);
  return { type: 'returned', data: differences(incident, facts), incident: after, nextDeadline };
}

/** As they would stand in the incident, so that what had to be left out once is not taken for news. */
function fittedFacts(incident: Incident, episode: ReportedEpisode): EpisodeFacts {
  const facts = episodeFacts(episode);
  return { ...facts, evidence: fitIncident({ ...incident, ...facts }).evidence };
}

function factsAfter({ time, detector, report }: Context, incident: Incident, facts: EpisodeFacts): Partial<Incident> {
  const now = detector?.current.rule.settings ?? null;
  const counted = settingsOf(detector, facts.settingsVersion);
  const isFresh = facts.lastBreachAt > incident.lastBreachAt && time - facts.lastBreachAt <= (now?.alertMaxAgeMs ?? 0);
  return {
    ...facts,
    ...(counted === null || facts.settingsVersion === incident.settingsVersion ? {} : settingsFacts(counted)),
    ...(now === null || now.mode === 'off' ? {} : { mode: now.mode }),
    // A late incident that gains a fresh breach speaks.
    late: incident.late && !isFresh,
    asOf: report.asOf,
  };
}

function next({ time }: Context, incident: Incident, changed: Partial<Incident>): Incident {
  return fitIncident({ ...incident, ...changed, updatedAt: time, version: incident.version + 1 });
}

function typeOf(before: Incident, after: EpisodeFacts): ChangeType {
  if (compareSeverity(after.severity, before.severity) > 0) return 'severity_raised';
  if (after.over && !before.over) return 'ended';
  const isLess =
    compareSeverity(after.severity, before.severity) < 0 ||
    after.attemptCount < before.attemptCount ||
    after.peak < before.peak;
  if (isLess) return 'shrank';
  const isMore =
    after.attemptCount > before.attemptCount ||
    after.peak > before.peak ||
    after.lastBreachAt > before.lastBreachAt ||
    after.firstBreachAt < before.firstBreachAt;
  return isMore ? 'grew' : 'updated';
}

const TOLD = ['severity', 'peak', 'attemptCount'] as const;

/** `{ attemptCount: 14, was: { attemptCount: 9 } }`: what stands now, and what of it was otherwise. */
function differences(before: Incident, after: EpisodeFacts): Draft['data'] {
  const was: Record<string, unknown> = {};
  for (const name of TOLD) if (before[name] !== after[name]) was[name] = before[name];
  const { severity, peak, attemptCount } = after;
  return { severity, peak, attemptCount, ...(Object.keys(was).length === 0 ? {} : { was }) };
}
