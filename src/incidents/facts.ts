// An incident's facts, from its episode as reported: seconds become milliseconds, and the whole stays within 4 KB.
import type { DetectorSettings } from '../model/detector.ts';
import type { Report, ReportedEpisode } from '../model/episode.ts';
import type { Incident } from '../model/incident.ts';

/** The part of an incident that its episode decides. */
export type EpisodeFacts = Pick<
  Incident,
  | 'severity'
  | 'threshold'
  | 'firstAttemptAt'
  | 'lastAttemptAt'
  | 'firstBreachAt'
  | 'lastBreachAt'
  | 'peak'
  | 'attemptCount'
  | 'exact'
  | 'over'
  | 'evidence'
  | 'settingsVersion'
>;

/** The part that the settings decide, which were in force when its newest breach happened. */
export type SettingsFacts = Pick<
  Incident,
  'title' | 'why' | 'windowS' | 'count' | 'currency' | 'repage' | 'thresholds'
>;

const MAX_TITLE = 120;
const MAX_WHY = 400;
const MAX_LABEL = 120;

export function episodeFacts(episode: ReportedEpisode): EpisodeFacts {
  return {
    severity: episode.severity,
    threshold: episode.threshold,
    firstAttemptAt: episode.firstAttemptAt * 1000,
    lastAttemptAt: episode.lastAttemptAt * 1000,
    firstBreachAt: episode.firstBreachAt * 1000,
    lastBreachAt: episode.lastBreachAt * 1000,
    peak: episode.peak,
    attemptCount: episode.attemptCount,
    exact: episode.exact,
    over: episode.over,
    evidence: episode.evidence,
    settingsVersion: episode.settingsVersion,
  };
}

export function settingsFacts(settings: DetectorSettings): SettingsFacts {
  return {
    title: clip(settings.title, MAX_TITLE),
    why: clip(settings.why, MAX_WHY),
    windowS: settings.windowS,
    count: settings.count,
    currency: settings.count === 'sum(amount)' ? settings.currency : null,
    repage: settings.repage,
    thresholds: settings.thresholds,
  };
}

export type NewIncident = {
  readonly id: string;
  readonly time: number;
  readonly report: Report;
  readonly episode: ReportedEpisode;
  /** In force now: they decide what is told, and when. */
  readonly settings: DetectorSettings;
  /** In force at the newest breach: they decided what was counted. */
  readonly counted: DetectorSettings;
  readonly mutedUntil: number | null;
  readonly continues: string | null;
  readonly splitFrom: string | null;
};

export function newIncident(parts: NewIncident): Incident {
  const { id, time, report, episode, settings, counted } = parts;
  const { scope, entity, asOf } = report;
  return {
    id,
    kind: 'episode',
    status: 'open',
    mode: settings.mode,
    detector: report.detector,
    ...settingsFacts(counted),
    ...episodeFacts(episode),
    account: scope.account,
    livemode: scope.livemode,
    entity: { kind: entity.kind, value: entity.value, label: clip(entity.label, MAX_LABEL) },
    late: time - episode.lastBreachAt * 1000 > settings.alertMaxAgeMs,
    openedAt: time,
    updatedAt: time,
    waitingSince: time,
    speakAt: time + settings.settleMs,
    acknowledged: null,
    resolved: null,
    owner: null,
    notes: [],
    mutedUntil: parts.mutedUntil,
    mergedInto: null,
    continues: parts.continues,
    splitFrom: parts.splitFrom,
    storm: null,
    escalated: null,
    version: 1,
    openingBreachS: episode.firstBreachAt,
    asOf,
    receivedAt: report.receivedAt,
  };
}

/** True if no fact differs: then there is nothing to tell. */
export function sameFacts(incident: Incident, facts: EpisodeFacts): boolean {
  const { evidence, ...plain } = facts;
  const names = Object.keys(plain) as (keyof typeof plain)[];
  if (names.some((name) => incident[name] !== plain[name])) return false;
  return JSON.stringify(incident.evidence) === JSON.stringify(evidence);
}

const clip = (text: string, max: number): string => (text.length <= max ? text : `${text.slice(0, max - 1)}…`);
