// The incident: what a person handles (design §6), its state as it travels in `incidents`, and its form in the API (§7).
import type { CountKind, Mode, Severity, Thresholds } from './detector.ts';
import type { LabelledEntity } from './entity.ts';
import type { AsOf, Evidence } from './episode.ts';

export const STATUSES = ['open', 'acknowledged', 'resolved', 'merged', 'withdrawn'] as const;
export type Status = (typeof STATUSES)[number];

export const VERDICTS = ['fraud', 'customer_trouble', 'dunning', 'own_test_or_bug', 'unsure'] as const;
export type Verdict = (typeof VERDICTS)[number];

export const NOTE_MAX_CHARACTERS = 1000;

export type Actor = {
  readonly kind: 'slack' | 'sheet' | 'cli' | 'console' | 'api' | 'file' | 'engine';
  readonly id: string;
  readonly name: string;
};

/** Times in milliseconds here; ISO 8601 in `IncidentJson`. At most 4 KB as JSON. */
export type Incident = {
  readonly id: string;
  readonly kind: 'episode' | 'storm' | 'operator';
  readonly status: Status;
  readonly mode: Mode;
  readonly detector: string;
  readonly settingsVersion: number;
  readonly title: string;
  /** The detector's `why`, for the alert's sentence. */
  readonly why: string;
  readonly windowS: number;
  /** What `peak` and `thresholds` count, for words (`ratio`: a fraction; `sum(amount)`: minor units of `currency`). */
  readonly count?: CountKind;
  readonly currency?: string | null;
  /** Factor of the acknowledged peak that speaks again. Absent: 2. */
  readonly repage?: number;
  readonly thresholds: Thresholds;
  readonly severity: Severity;
  readonly account: string | null;
  readonly livemode: boolean;
  readonly entity: LabelledEntity;
  readonly firstAttemptAt: number;
  readonly lastAttemptAt: number;
  readonly firstBreachAt: number;
  readonly lastBreachAt: number;
  readonly peak: number;
  readonly threshold: number;
  readonly attemptCount: number;
  readonly exact: boolean;
  /** Its last breach was older than alertMaxAge when it opened: sheet only. */
  readonly late: boolean;
  /** The episode is over: no more breach instants can join it. */
  readonly over: boolean;
  readonly evidence: Evidence;
  readonly openedAt: number;
  readonly updatedAt: number;
  /** Slack speaks from then on (openedAt + settle). */
  readonly speakAt: number;
  readonly acknowledged: {
    readonly by: Actor;
    readonly at: number;
    readonly peak: number;
    readonly severity: Severity;
  } | null;
  readonly resolved: {
    readonly verdict: Verdict;
    readonly by: Actor;
    readonly at: number;
    readonly note: string;
    readonly peak: number;
    readonly severity: Severity;
    readonly attemptCount: number;
    /** Of a sum: minor units of its currency; else absent. */
    readonly amount?: number;
  } | null;
  readonly owner: string | null;
  readonly notes: readonly { readonly at: number; readonly by: Actor; readonly text: string }[];
  readonly mutedUntil: number | null;
  /** How its newest mute ended, and how many incidents it hid; absent or null: it was never muted, or is muted now. */
  readonly unmuted?: { readonly at: number; readonly hidden: number; readonly isEarly: boolean } | null;
  readonly mergedInto: string | null;
  readonly continues: string | null;
  readonly splitFrom: string | null;
  readonly storm: string | null;
  /** Of a storm, milliseconds: it is over then, unless another incident joins it. */
  readonly endsAt?: number;
  /** Milliseconds: since when it has been waiting for somebody to acknowledge it; absent: since it opened. */
  readonly waitingSince?: number;
  /** The escalation step that was reached last, counted from 1; absent or null: none. */
  readonly escalated?: { readonly step: number; readonly to: string; readonly at: number } | null;
  /** How often it was said that it is acknowledged and not resolved; absent or null: never. */
  readonly reminded?: { readonly count: number; readonly at: number } | null;
  /** Who put it back to open last; absent or null: nobody. */
  readonly openedAgain?: { readonly from: 'acknowledged' | 'resolved'; readonly by: Actor; readonly at: number } | null;
  /** When somebody whom it told of was erased last, its version since, and by which erase; absent: nobody was. */
  readonly erased?: { readonly at: number; readonly number?: number; readonly version: number };
  readonly version: number;
  /** The breach instant that opened it, seconds: how it claims its episode. */
  readonly openingBreachS: number;
  readonly asOf: AsOf;
  /** Milliseconds: when the newest member known at opening was received, for latency. */
  readonly receivedAt: number | null;
};

const iso = (ms: number): string => new Date(ms).toISOString();
const isoOrNull = (ms: number | null): string | null => (ms === null ? null : iso(ms));

export type IncidentJson = ReturnType<typeof incidentJson>;

/** The incident of design §7. `consoleUrl` is the console's root, e.g. `http://127.0.0.1:4243`. */
export function incidentJson(incident: Incident, consoleUrl: string) {
  const { acknowledged, resolved } = incident;
  return {
    id: incident.id,
    kind: incident.kind,
    status: incident.status,
    mode: incident.mode,
    detector: incident.detector,
    settingsVersion: incident.settingsVersion,
    title: incident.title,
    severity: incident.severity,
    account: incident.account,
    livemode: incident.livemode,
    entity: incident.entity,
    firstAttemptAt: iso(incident.firstAttemptAt),
    lastAttemptAt: iso(incident.lastAttemptAt),
    firstBreachAt: iso(incident.firstBreachAt),
    lastBreachAt: iso(incident.lastBreachAt),
    peak: incident.peak,
    threshold: incident.threshold,
    attemptCount: incident.attemptCount,
    exact: incident.exact,
    late: incident.late,
    evidence: incident.evidence,
    openedAt: iso(incident.openedAt),
    updatedAt: iso(incident.updatedAt),
    url: `${consoleUrl}/incidents/${incident.id}`,
    acknowledged: acknowledged && { by: acknowledged.by, at: iso(acknowledged.at), peak: acknowledged.peak },
    resolved: resolved && { verdict: resolved.verdict, by: resolved.by, at: iso(resolved.at), note: resolved.note },
    owner: incident.owner,
    mutedUntil: isoOrNull(incident.mutedUntil),
    mergedInto: incident.mergedInto,
    continues: incident.continues,
    splitFrom: incident.splitFrom,
    storm: incident.storm,
    ...(incident.erased === undefined ? {} : { erased: iso(incident.erased.at) }),
    version: incident.version,
  };
}

/** What lists of incidents can be asked for, and how their pages are cut: of the API, the console and the CLI. */
export const INCIDENT_FILTERS = [
  'status',
  'severity',
  'detector',
  'entity',
  'account',
  'livemode',
  'since',
  'until',
  'limit',
  'after',
] as const;
