// A storm's count goes on with its children: what one has gained since it joined is added, so that the living message
// says how many attempts the whole attack has made, not how many there were when each card was first seen.
import { compareSeverity } from '../model/detector.ts';
import type { Incident } from '../model/incident.ts';
import { fitIncident } from './bounds.ts';
import { deadlineOf } from './deadlines.ts';
import type { Draft } from './draft.ts';
import type { State } from './state.ts';
import { isCounted } from './storm.ts';
import { gainedEvidence, stormLabel, withChild, withoutChild } from './storm-evidence.ts';

/** The drafts of a report, and one for each storm whose children have changed in it. */
export function growStorms(drafts: readonly Draft[], state: State, time: number): readonly Draft[] {
  const storms = new Map<string, Incident>();
  for (const { incident: after } of drafts) {
    const before = state.incidents.get(after?.id ?? '');
    // What joins in this very report has been added whole.
    if (after == null || before?.storm == null || before.storm !== after.storm) continue;
    const storm = storms.get(before.storm) ?? stormOf(drafts, state, before.storm);
    if (storm !== null) storms.set(storm.id, grown(storm, { before, after }));
  }
  if (storms.size === 0) return drafts;
  const known = new Set(drafts.flatMap(({ incident }) => incident?.id ?? []));
  const updated = drafts.map((draft) => {
    const storm = storms.get(draft.incident?.id ?? '');
    return storm === undefined ? draft : { ...draft, incident: fitIncident(storm) };
  });
  const added = [...storms.values()]
    .filter((storm) => !known.has(storm.id) && isOtherThan(state.incidents.get(storm.id), storm))
    .map((storm) => growthDraft(storm, state, time));
  return [...updated, ...added];
}

/** A resolved storm stays as it was judged. */
function stormOf(drafts: readonly Draft[], state: State, id: string): Incident | null {
  const drafted = drafts.find(({ incident }) => incident?.id === id)?.incident;
  const storm = drafted ?? state.incidents.get(id) ?? null;
  return storm !== null && storm.status !== 'resolved' ? storm : null;
}

function grown(storm: Incident, { before, after }: { readonly before: Incident; readonly after: Incident }): Incident {
  if (!isCounted(before) && !isCounted(after)) return storm;
  if (!isCounted(after)) return counted(storm, before, -1);
  if (!isCounted(before)) return counted(storm, after, 1);
  return {
    ...storm,
    severity: compareSeverity(after.severity, storm.severity) > 0 ? after.severity : storm.severity,
    firstAttemptAt: Math.min(storm.firstAttemptAt, after.firstAttemptAt),
    lastAttemptAt: Math.max(storm.lastAttemptAt, after.lastAttemptAt),
    lastBreachAt: Math.max(storm.lastBreachAt, after.lastBreachAt),
    attemptCount: Math.max(0, storm.attemptCount + after.attemptCount - before.attemptCount),
    evidence: gainedEvidence(storm.evidence, before.evidence, after.evidence),
  };
}

function counted(storm: Incident, child: Incident, by: 1 | -1): Incident {
  const peak = Math.max(0, storm.peak + by);
  const label = stormLabel(peak, child.entity.kind);
  return {
    ...storm,
    peak,
    attemptCount: Math.max(0, storm.attemptCount + by * child.attemptCount),
    entity: { ...storm.entity, label },
    evidence: by === 1 ? withChild(storm.evidence, child) : withoutChild(storm.evidence, child),
  };
}

function isOtherThan(before: Incident | undefined, after: Incident): boolean {
  return JSON.stringify(before) !== JSON.stringify(after);
}

function growthDraft(storm: Incident, state: State, time: number): Draft {
  const incident = fitIncident({ ...storm, updatedAt: time, version: storm.version + 1 });
  const settings = state.detectors.get(storm.detector)?.current.rule.settings ?? null;
  const { peak, attemptCount, severity } = incident;
  // Children that wait to follow it keep their deadline: it is due already.
  const due = state.deadlines.get(storm.id) ?? null;
  const nextDeadline = due !== null && due <= time ? due : deadlineOf(incident, settings);
  return { type: 'grew', data: { peak, attemptCount, severity }, incident, nextDeadline };
}
