// A mute hides posts of one (detector, entity), never incidents. It ends at its time, by hand, or as soon as what it hides
// is worse than what was known when it was set: nobody meant to be silent about that.
import { compareSeverity } from '../model/detector.ts';
import type { Incident } from '../model/incident.ts';
import { fitIncident } from './bounds.ts';
import { deadlineOf } from './deadlines.ts';
import type { Draft } from './draft.ts';
import { numberOf } from './reconcile.ts';
import { incidentKeyId, incidentsOfKey, type State } from './state.ts';

/** What a mute hid: incidents of the key that were opened under it. `drafts`: what this very command opens. */
export function hiddenBy(state: State, incident: Incident, drafts: readonly Draft[] = []): number {
  const key = incidentKeyId(incident);
  const mute = state.mutes.get(key);
  if (mute === undefined) return 0;
  const opening = drafts.filter((draft) => draft.type === 'opened' && draft.incident?.kind === 'episode').length;
  return incidentsOfKey(state, key).filter((known) => numberOf(known) > mute.after).length + opening;
}

/** The drafts of a report, and, if one of them is worse than what the key's mute was set for, its end. */
export function endMutesEarly(drafts: readonly Draft[], state: State, time: number): readonly Draft[] {
  const worse = drafts.find(({ incident }) => incident != null && isWorseThanMuted(state, incident, time))?.incident;
  if (worse == null) return drafts;
  const newest = new Map(incidentsOfKey(state, incidentKeyId(worse)).map((incident) => [incident.id, incident]));
  for (const { incident } of drafts) if (incident != null) newest.set(incident.id, incident);
  const hidden = hiddenBy(state, worse, drafts);
  const settings = state.detectors.get(worse.detector)?.current.rule.settings ?? null;
  const muted = [...newest.values()].filter(
    ({ kind, mutedUntil }) => kind === 'episode' && mutedUntil !== null && mutedUntil > time,
  );
  const ends = muted.map((incident): Draft => {
    const unmuted = { at: time, hidden, isEarly: true };
    const after = fitIncident({
      ...incident,
      mutedUntil: null,
      unmuted,
      updatedAt: time,
      version: incident.version + 1,
    });
    const data = { early: true, hidden, severity: worse.severity };
    return { type: 'unmuted', data, incident: after, nextDeadline: deadlineOf(after, settings) };
  });
  return [...drafts, ...ends];
}

function isWorseThanMuted(state: State, incident: Incident, time: number): boolean {
  const { kind, mutedUntil, severity } = incident;
  if (kind !== 'episode' || mutedUntil === null || mutedUntil <= time) return false;
  const mute = state.mutes.get(incidentKeyId(incident));
  return mute !== undefined && compareSeverity(severity, mute.severity) > 0;
}
