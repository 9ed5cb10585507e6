// An erase (docs/erase.md): who is not to be recognised any more is remembered by tokens, and each incident that tells of them
// is told anew without them. Nothing is closed, counted or opened by it.
import {
  type EraseCommand,
  type Erasure,
  MAX_ERASED_ATTEMPTS,
  MAX_ERASED_CLOSED,
  MAX_ERASED_INCIDENTS,
  MAX_SUBJECTS,
} from '../model/erasure.ts';
import type { Incident } from '../model/incident.ts';
import { eraseIncident } from '../model/mask-told.ts';
import { fitIncident } from './bounds.ts';
import { type Draft, refused } from './draft.ts';
import { numberOf } from './reconcile.ts';
import type { State } from './state.ts';
import { stormDeadline } from './storm.ts';

type Asked = { readonly body: EraseCommand; readonly offset: number; readonly time: number };

export function decideErase(state: State, { body, offset, time }: Asked): readonly Draft[] {
  const { subjects, attempts, incidents, closed } = body;
  const isTooLarge =
    subjects.length > MAX_SUBJECTS ||
    attempts.length > MAX_ERASED_ATTEMPTS ||
    incidents.length > MAX_ERASED_INCIDENTS ||
    closed.length > MAX_ERASED_CLOSED;
  if (subjects.length === 0 || isTooLarge)
    return [refused({ code: 'invalid_request', message: `An erase is of 1 to ${MAX_SUBJECTS} subjects.` }, null)];
  const erasure = { number: (state.erasures.at(-1)?.number ?? 0) + 1, offset, at: time, subjects, attempts };
  const named = new Set(incidents);
  const told = [...state.incidents.values()]
    .map((before) => ({ before, after: eraseIncident(before, [erasure]) }))
    .filter(({ before, after }) => after !== before || named.has(before.id))
    .map(({ after }) => after);
  // What has been let go of is told once more, as whoever asked still knew it.
  const released = closed.filter(({ id }) => !state.incidents.has(id) && numberOf({ id }) <= state.numbered);
  const all = [...told, ...released].sort((a, b) => numberOf(a) - numberOf(b));
  const first: Draft = { type: 'erased', data: { subjects: subjects.length, incidents: all.length }, erasure };
  return [first, ...all.map((incident) => draftOf(state, incident, erasure))];
}

function draftOf(state: State, incident: Incident, { at, number }: Erasure): Draft {
  const version = incident.version + 1;
  const after = fitIncident({ ...incident, erased: { at, number, version }, updatedAt: at, version });
  const settings = state.detectors.get(incident.detector)?.current.rule.settings ?? null;
  return { type: 'erased', data: {}, incident: after, nextDeadline: stormDeadline(state, after, settings) };
}
