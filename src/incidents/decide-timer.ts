// A timer command: what has become due by now. Mutes end, incidents that nobody acknowledges escalate, and proposals that nobody
// decided on expire.
import type { DetectorSettings } from '../model/detector.ts';
import type { Incident } from '../model/incident.ts';
import { fitIncident } from './bounds.ts';
import { deadlineOf, nextStep, remindAt, waitingSince } from './deadlines.ts';
import { expiredProposals } from './decide-proposal.ts';
import { type Draft, seen } from './draft.ts';
import { hiddenBy } from './mutes.ts';
import { numberOf } from './reconcile.ts';
import type { State } from './state.ts';
import { childrenToFollow, followDraft, QUIET_MS } from './storm.ts';

/** In one command, and of one storm's children; the rest stays due, and the next timer takes it. */
const MAX_AT_ONCE = 100;

export function decideTimer(state: State, time: number): readonly Draft[] {
  const due = [...state.deadlines]
    .flatMap(([id, at]) => (at <= time ? (state.incidents.get(id) ?? []) : []))
    .sort((a, b) => numberOf(a) - numberOf(b))
    .slice(0, MAX_AT_ONCE);
  const drafts: Draft[] = [...expiredProposals(state, time)];
  const handled = new Set<string>();
  for (const incident of due) {
    if (handled.has(incident.id)) continue;
    handled.add(incident.id);
    const waiting = childrenToFollow(state, incident);
    const children = waiting.filter(({ id }) => !handled.has(id)).slice(0, MAX_AT_ONCE);
    if (waiting.length === 0) drafts.push(draftOf(state, incident, time));
    else {
      for (const { id } of children) handled.add(id);
      drafts.push(...followDrafts(state, { storm: incident, children, time }));
    }
  }
  return drafts.length === 0 ? [seen({ reason: 'nothing_due' })] : drafts;
}

type Following = { readonly storm: Incident; readonly children: readonly Incident[]; readonly time: number };

/** A batch of children, and the storm's deadline set anew: at once while more of them wait. */
function followDrafts(state: State, { storm, children, time }: Following): readonly Draft[] {
  const settings = settingsOf(state, storm);
  const isDone = childrenToFollow(state, storm).length === children.length;
  const nextDeadline = isDone ? deadlineOf(storm, settings) : storm.updatedAt;
  const data = { reason: 'children', children: children.length };
  return [
    ...children.map((child) => followDraft(child, storm, time)),
    { ...seen(data), incident: storm, nextDeadline },
  ];
}

function settingsOf(state: State, { detector }: Incident): DetectorSettings | null {
  return state.detectors.get(detector)?.current.rule.settings ?? null;
}

function draftOf(state: State, incident: Incident, time: number): Draft {
  const settings = settingsOf(state, incident);
  const after = (changed: Partial<Incident>) => {
    const next = fitIncident({ ...incident, ...changed, updatedAt: time, version: incident.version + 1 });
    return { incident: next, nextDeadline: deadlineOf(next, settings) };
  };
  const { mutedUntil, kind, over, endsAt, peak, openedAt } = incident;
  if (kind === 'storm' && !over && endsAt !== undefined && endsAt <= time) {
    const lastedMs = endsAt - QUIET_MS - openedAt;
    return { type: 'ended', data: { incidents: peak, lastedMs }, ...after({ over: true }) };
  }
  if (mutedUntil !== null && mutedUntil <= time) return unmuted(hiddenBy(state, incident), time, after);
  const step = nextStep(incident, settings);
  if (mutedUntil === null && step !== null && waitingSince(incident) + step.afterMs <= time) {
    const escalated = { step: (incident.escalated?.step ?? 0) + 1, to: step.to, at: time };
    return { type: 'escalated', data: escalated, ...after({ escalated }) };
  }
  const reminder = mutedUntil === null ? remindAt(incident) : null;
  if (reminder !== null && reminder <= time) {
    const reminded = { count: (incident.reminded?.count ?? 0) + 1, at: time };
    return { type: 'reminded', data: reminded, ...after({ reminded }) };
  }
  // The settings have changed since the deadline was set: it is set anew.
  return { type: 'updated', data: { reason: 'deadline' }, ...after({}) };
}

function unmuted(
  hidden: number,
  at: number,
  after: (changed: Partial<Incident>) => Omit<Draft, 'type' | 'data'>,
): Draft {
  const ended = { mutedUntil: null, unmuted: { at, hidden, isEarly: false } };
  return { type: 'unmuted', data: { ended: true, hidden }, ...after(ended) };
}
