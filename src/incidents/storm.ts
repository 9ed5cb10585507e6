// Storms (design §6): more than `stormAfter` incidents of one detector within a minute become one incident that is told in
// one living message. Its children refer to it and take its acknowledgement and verdict.
import { compareSeverity, type DetectorSettings } from '../model/detector.ts';
import type { Evidence } from '../model/episode.ts';
import type { Incident } from '../model/incident.ts';
import { fitIncident } from './bounds.ts';
import { deadlineOf } from './deadlines.ts';
import type { Draft } from './draft.ts';
import { isUnresolved } from './reconcile.ts';
import { STORM_WINDOW_MS, type State, stormId } from './state.ts';
import { addEvidence, stormLabel } from './storm-evidence.ts';

/** A storm is over when so long nothing has joined it. */
export const QUIET_MS = 300_000;

export type StormContext = {
  readonly state: State;
  readonly settings: DetectorSettings;
  readonly time: number;
  /** Incidents opened so far, those of the drafts included. */
  readonly numbered: number;
};

/** The drafts of a report, with what opened in them gathered into the storm that goes on, or into one that begins. */
export function gatherStorm(drafts: readonly Draft[], context: StormContext): readonly Draft[] {
  const openings = drafts.flatMap(({ type, incident }) =>
    type === 'opened' && incident && isTold(incident) ? [incident] : [],
  );
  const [first] = openings;
  if (first === undefined) return drafts;
  const { state, time, settings, numbered } = context;
  const group = state.storms.get(stormId(first));
  const storm = state.incidents.get(group?.storm ?? '');
  if (storm !== undefined) {
    const after = joined(storm, openings, time);
    const { peak, attemptCount, severity } = after;
    const grew: Draft = { type: 'grew', data: { peak, attemptCount, severity }, incident: after };
    return [...refer(drafts, openings, storm.id), withDeadline(grew, after, settings)];
  }
  const drafted = new Map(drafts.flatMap(({ incident }) => (incident ? [[incident.id, incident]] : [])));
  const before = (group?.recent ?? [])
    .filter(({ at }) => at > time - STORM_WINDOW_MS)
    .flatMap(({ id }) => drafted.get(id) ?? state.incidents.get(id) ?? [])
    .filter(isCounted);
  if (before.length + openings.length <= settings.stormAfter) return drafts;
  const id = `INC-${numbered + 1}`;
  const begun = joined(newStorm(id, first, context), [...before, ...openings], time);
  const { peak, attemptCount, severity } = begun;
  const opened: Draft = { type: 'opened', data: { peak, attemptCount, severity }, incident: begun };
  const told = new Set(drafts.map(({ incident }) => incident?.id));
  const others = before.filter((child) => !told.has(child.id)).map((child) => referDraft(child, id, context));
  return [...refer(drafts, [...before, ...openings], id), withDeadline(opened, begun, settings), ...others];
}

/** What is told one by one: only that can be too much. */
export function isTold({ mode, late, mutedUntil }: Incident): boolean {
  return mode === 'alert' && !late && mutedUntil === null;
}

/** What is withdrawn, or is another one now, counts no more; what comes back does again. */
export const isCounted = ({ status }: Incident): boolean => status !== 'withdrawn' && status !== 'merged';

/** Children in the state that have not yet taken what became of their storm. */
export function childrenToFollow(state: State, storm: Incident): readonly Incident[] {
  if (storm.kind !== 'storm' || (storm.status !== 'acknowledged' && storm.status !== 'resolved')) return [];
  return [...state.incidents.values()].filter(
    (child) =>
      child.storm === storm.id && (child.status === 'open' || (storm.status === 'resolved' && isUnresolved(child))),
  );
}

/** What the storm's acknowledgement, or its verdict, is to a child. */
export function followDraft(child: Incident, storm: Incident, time: number): Draft {
  const { peak, severity, attemptCount, version } = child;
  const base = { ...child, updatedAt: time, version: version + 1 };
  const { acknowledged, resolved } = storm;
  if (storm.status === 'resolved' && resolved !== null) {
    const { verdict, by, at } = resolved;
    const incident: Incident = {
      ...base,
      status: 'resolved',
      resolved: { verdict, by, at, note: `With storm ${storm.id}.`, peak, severity, attemptCount },
    };
    return { type: 'resolved', data: { verdict, storm: storm.id }, incident: fitIncident(incident), actor: by };
  }
  const by = acknowledged?.by ?? null;
  const incident: Incident = {
    ...base,
    status: 'acknowledged',
    acknowledged: by === null ? null : { by, at: acknowledged?.at ?? time, peak, severity },
  };
  const actor = by === null ? {} : { actor: by };
  return { type: 'acknowledged', data: { storm: storm.id }, incident: fitIncident(incident), ...actor };
}

/** Milliseconds: at once while children have to follow. */
export function stormDeadline(state: State, storm: Incident, settings: DetectorSettings | null): number | null {
  return childrenToFollow(state, storm).length > 0 ? storm.updatedAt : deadlineOf(storm, settings);
}

function withDeadline(draft: Draft, storm: Incident, settings: DetectorSettings): Draft {
  // What has just joined one that is acknowledged follows it at once.
  const nextDeadline = storm.status === 'acknowledged' ? storm.updatedAt : deadlineOf(storm, settings);
  return { ...draft, nextDeadline };
}

/** The drafts of children name their storm: nothing is due for them alone any more. */
function refer(drafts: readonly Draft[], children: readonly Incident[], storm: string): readonly Draft[] {
  const ids = new Set(children.map(({ id }) => id));
  return drafts.map((draft) =>
    draft.incident && ids.has(draft.incident.id)
      ? { ...draft, incident: { ...draft.incident, storm }, nextDeadline: draft.incident.mutedUntil }
      : draft,
  );
}

function referDraft(child: Incident, storm: string, { time }: StormContext): Draft {
  const incident = fitIncident({ ...child, storm, updatedAt: time, version: child.version + 1 });
  return { type: 'updated', data: { storm }, incident, nextDeadline: deadlineOf(incident, null) };
}

const NO_EVIDENCE: Evidence = {
  outcomes: {},
  codes: [],
  amounts: [],
  distinct: { cards: 0, customers: 0, emails: 0, ips: 0 },
  newest: [],
  series: { fromS: 0, stepS: 10, values: [] },
  trigger: null,
};

function newStorm(id: string, like: Incident, { settings, time }: StormContext): Incident {
  return {
    ...like,
    id,
    kind: 'storm',
    entity: { kind: 'account', value: 'account', label: '' },
    count: 'attempts',
    currency: null,
    peak: 0,
    threshold: settings.stormAfter,
    attemptCount: 0,
    over: false,
    evidence: { ...NO_EVIDENCE, series: { ...NO_EVIDENCE.series, fromS: Math.floor(time / 1000) } },
    openedAt: time,
    updatedAt: time,
    waitingSince: time,
    speakAt: time,
    mutedUntil: null,
    continues: null,
    splitFrom: null,
    storm: null,
    escalated: null,
    version: 0,
  };
}

/** `peak` counts the incidents; the rest is what the children said when they joined. */
function joined(storm: Incident, children: readonly Incident[], time: number): Incident {
  let next = storm;
  for (const child of children) {
    next = {
      ...next,
      severity: compareSeverity(child.severity, next.severity) > 0 ? child.severity : next.severity,
      firstAttemptAt: Math.min(next.firstAttemptAt, child.firstAttemptAt),
      lastAttemptAt: Math.max(next.lastAttemptAt, child.lastAttemptAt),
      firstBreachAt: Math.min(next.firstBreachAt, child.firstBreachAt),
      lastBreachAt: Math.max(next.lastBreachAt, child.lastBreachAt),
      attemptCount: next.attemptCount + child.attemptCount,
      peak: next.peak + 1,
      evidence: addEvidence(next.evidence, child, time),
    };
  }
  const label = stormLabel(next.peak, children[0]?.entity.kind);
  const entity = { ...next.entity, label };
  return fitIncident({ ...next, entity, endsAt: time + QUIET_MS, updatedAt: time, version: storm.version + 1 });
}
