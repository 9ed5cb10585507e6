// A detector as the API gives it: its settings in the form of detectors.yaml, where they come from, what they led to. Pure.
import type { IncidentFeed } from '../feed/feed.ts';
import type { AcceptedSettings } from '../model/commands.ts';
import type { DetectorSettings } from '../model/detector.ts';
import { type Actor, type Incident, STATUSES, type Status, VERDICTS, type Verdict } from '../model/incident.ts';
import { durationText } from './times.ts';

/** As in detectors.yaml, every default written out; what is unset is left out. */
export type FileForm = Readonly<Record<string, unknown>>;

export function fileForm(settings: DetectorSettings): FileForm {
  const { name, title, why, on, count, where, of, at, minimum, currency, per, thresholds, mode } = settings;
  return withoutNulls({
    name,
    title,
    why,
    on: on === 'signal' ? 'signal' : null,
    count,
    where,
    of,
    at,
    minimum,
    currency,
    per,
    window: durationText(settings.windowS * 1000),
    quietFor: durationText(settings.quietForS * 1000),
    thresholds,
    mode,
    settle: durationText(settings.settleMs),
    alertMaxAge: durationText(settings.alertMaxAgeMs),
    continueAfter: settings.continueAfter,
    repage: settings.repage,
    escalation: settings.escalation.map(({ afterMs, to }) => ({ after: durationText(afterMs), to })),
    stormAfter: settings.stormAfter,
    approval: settings.approval ?? null,
  });
}

const withoutNulls = (fields: Readonly<Record<string, unknown>>): FileForm =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));

export type DetectorCounts = { readonly incidents: number } & Readonly<Record<Status, number>> & {
    readonly verdicts: Readonly<Record<Verdict, number>>;
  };

export type DetectorSummaryJson = {
  readonly detector: string;
  readonly version: number;
  /** null: removed. */
  readonly settings: FileForm | null;
  /** In force since; null: since the beginning. */
  readonly since: string | null;
  readonly counts: DetectorCounts;
};

export type DetectorJson = DetectorSummaryJson & {
  /** Newest first. */
  readonly history: readonly {
    readonly version: number;
    readonly at: string;
    readonly by: Actor;
    readonly why: string;
    /** Absent: it was not proposed. */
    readonly proposedBy?: Actor;
    readonly settings: FileForm | null;
  }[];
};

export function detectorSummary(accepted: AcceptedSettings, counts: DetectorCounts): DetectorSummaryJson {
  const { detector, version, settings, sinceS } = accepted.rule;
  return {
    detector,
    version,
    settings: settings && fileForm(settings),
    since: sinceS === 0 ? null : new Date(sinceS * 1000).toISOString(),
    counts,
  };
}

/** null: no such detector. */
export function detectorJson(feed: Pick<IncidentFeed, 'settingsHistory' | 'all'>, name: string): DetectorJson | null {
  const history = feed.settingsHistory(name);
  const current = history.at(-1);
  if (current === undefined) return null;
  const counts = countsByDetector(feed.all()).get(name) ?? noCounts();
  return {
    ...detectorSummary(current, counts),
    history: history.toReversed().map(({ rule, at, actor, why, proposedBy }) => ({
      version: rule.version,
      at: new Date(at).toISOString(),
      by: actor,
      why,
      ...(proposedBy === undefined ? {} : { proposedBy }),
      settings: rule.settings && fileForm(rule.settings),
    })),
  };
}

/** Over the incidents that are held: see src/feed/README.md. */
export function countsByDetector(incidents: Iterable<Incident>): ReadonlyMap<string, DetectorCounts> {
  const all = new Map<string, Tally>();
  for (const { detector, status, resolved } of incidents) {
    const tally = all.get(detector) ?? noCounts();
    tally.incidents += 1;
    tally[status] += 1;
    if (resolved !== null) tally.verdicts[resolved.verdict] += 1;
    all.set(detector, tally);
  }
  return all;
}

type Tally = { incidents: number; verdicts: Record<Verdict, number> } & Record<Status, number>;

export function noCounts(): Tally {
  const zeros = <K extends string>(names: readonly K[]): Record<K, number> =>
    Object.fromEntries(names.map((name) => [name, 0])) as Record<K, number>;
  return { incidents: 0, ...zeros(STATUSES), verdicts: zeros(VERDICTS) };
}
