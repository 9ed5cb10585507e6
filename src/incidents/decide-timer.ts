// A timer command: what has become due by now. Mutes end, and incidents that nobody acknowledges escalate.
import type { Incident } from '../model/incident.ts';
import { fitIncident } from './bounds.ts';
import { deadlineOf, nextStep, waitingSince } from './deadlines.ts';
import { type Draft, seen } from './draft.ts';
import { numberOf } from './reconcile.ts';
import { incidentKeyId, incidentsOfKey, type State } from './state.ts';

/** In one command; the rest stays due, and the next timer takes it. */
const MAX_AT_ONCE = 100;

export function decideTimer(state: State, time: number): readonly Draft[] {
  const due = [...state.deadlines]
    .flatMap(([id, at]) => (at <= time ? (state.incidents.get(id) ?? []) : []))
    .sort((a, b) => numberOf(a) - numberOf(b))
    .slice(0, MAX_AT_ONCE);
  const drafts = due.map((incident) => draftOf(state, incident, time));
  return drafts.length === 0 ? [seen({ reason: 'nothing_due' })] : drafts;
}

function draftOf(state: State, incident: Incident, time: number): Draft {
  const settings = state.detectors.get(incident.detector)?.current.rule.settings ?? null;
  const after = (changed: Partial<Incident>) => {
    const next = fitIncident({ ...incident, ...changed, updatedAt: time, version: incident.version + 1 });
    return { incident: next, nextDeadline: deadlineOf(next, settings) };
  };
  const { mutedUntil } = incident;
  if (mutedUntil !== null && mutedUntil <= time)
    return { type: 'unmuted', data: { ended: true, ...hiddenBy(state, incident) }, ...after({ mutedUntil: null }) };
  const step = nextStep(incident, settings);
  if (mutedUntil === null && step !== null && waitingSince(incident) + step.afterMs <= time) {
    const escalated = { step: (incident.escalated?.step ?? 0) + 1, to: step.to, at: time };
    return { type: 'escalated', data: escalated, ...after({ escalated }) };
  }
  // The settings have changed since the deadline was set: it is set anew.
  return { type: 'updated', data: { reason: 'deadline' }, ...after({}) };
}

/** What a mute hid: incidents of the key that were opened under it. */
function hiddenBy(state: State, incident: Incident): { readonly hidden: number } {
  const key = incidentKeyId(incident);
  const mute = state.mutes.get(key);
  const hidden = incidentsOfKey(state, key).filter(({ openedAt }) => mute !== undefined && openedAt >= mute.since);
  return { hidden: hidden.length };
}
