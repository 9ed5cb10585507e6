// What a person asks of one incident: the first click wins, a later one is refused with who and when (design §6).
import type { IncidentAction, Refusal } from '../model/commands.ts';
import { type Actor, type Incident, NOTE_MAX_CHARACTERS, VERDICTS } from '../model/incident.ts';
import { actorName, VERDICT_WORDS } from '../model/words.ts';
import { fitIncident } from './bounds.ts';
import { type Draft, formatTime, refused } from './draft.ts';
import { hiddenBy } from './mutes.ts';
import { amountOf, isUnresolved } from './reconcile.ts';
import { incidentKeyId, incidentsOfKey, type State } from './state.ts';
import { stormDeadline } from './storm.ts';

type Asked<A extends IncidentAction = IncidentAction> = {
  readonly body: A;
  readonly actor: Actor;
  readonly time: number;
};

type Doing = Omit<Asked, 'body'> & { readonly state: State; readonly incident: Incident };

/** What is done: the fields that change, and what the timeline says. A Refusal: nothing. */
type Done = { readonly type: Draft['type']; readonly changed: Partial<Incident>; readonly data: Draft['data'] };

const MAX_OWNER_CHARACTERS = 200;
/** A mute ends: an attack must not be forgotten behind it. */
const MAX_MUTE_MS = 90 * 86_400_000;

export function decideAction(state: State, asked: Asked): readonly Draft[] {
  const { body, time, actor } = asked;
  const incident = state.incidents.get(body.incident);
  if (incident === undefined) return [refused(notFound(state, body.incident), null)];
  const doing: Doing = { state, incident, time, actor };
  const outcome = outcomeOf(doing, body);
  if ('code' in outcome) return [refused(outcome, incident)];
  const { ifVersion } = body;
  if (ifVersion !== undefined && ifVersion !== incident.version)
    return [refused(staleVersion(incident, ifVersion), incident)];
  const others = body.type === 'mute' ? othersToMute(doing, body.until) : [];
  return [incident, ...others].map((each) => draftOf(doing, each, outcome));
}

function draftOf({ state, time }: Doing, incident: Incident, { type, changed, data }: Done): Draft {
  const after = fitIncident({ ...incident, ...changed, updatedAt: time, version: incident.version + 1 });
  const settings = state.detectors.get(incident.detector)?.current.rule.settings ?? null;
  return { type, data, incident: after, nextDeadline: stormDeadline(state, after, settings) };
}

function outcomeOf(doing: Doing, body: IncidentAction): Done | Refusal {
  switch (body.type) {
    case 'acknowledge':
      return acknowledge(doing);
    case 'unacknowledge':
      return unacknowledge(doing);
    case 'resolve':
      return resolve(doing, body);
    case 'reopen':
      return reopen(doing);
    case 'note':
      return note(doing, body.note);
    case 'assign':
      return assign(doing, body.owner);
    case 'mute':
      return mute(doing, body.until);
  }
}

function acknowledge({ incident, actor, time }: Doing): Done | Refusal {
  const { acknowledged, status, peak, severity } = incident;
  if (status === 'acknowledged' && acknowledged !== null) {
    const by = `${actorName(acknowledged.by)} at ${formatTime(acknowledged.at)}`;
    return { code: 'already_acknowledged', message: `${incident.id} was already acknowledged by ${by}.` };
  }
  if (status !== 'open') return cannot(incident, 'be acknowledged');
  return {
    type: 'acknowledged',
    changed: { status: 'acknowledged', acknowledged: { by: actor, at: time, peak, severity }, reminded: null },
    data: { peak, severity },
  };
}

function unacknowledge({ incident, actor, time }: Doing): Done | Refusal {
  if (incident.status === 'open')
    return { code: 'invalid_transition', message: `${incident.id} is not acknowledged: nothing to take back.` };
  if (incident.status !== 'acknowledged') return cannot(incident, 'be unacknowledged');
  const openedAgain = { from: 'acknowledged', by: actor, at: time } as const;
  const changed = { status: 'open', acknowledged: null, waitingSince: time, openedAgain } as const;
  return { type: 'unacknowledged', changed, data: {} };
}

function resolve({ incident, actor, time }: Doing, body: IncidentAction & { type: 'resolve' }): Done | Refusal {
  const { verdict, note: text } = body;
  if (!VERDICTS.includes(verdict))
    return { code: 'invalid_request', message: `A verdict is one of ${VERDICTS.join(', ')}.` };
  if (typeof text !== 'string' || characters(text) > NOTE_MAX_CHARACTERS) return noteTooLong();
  if (!isUnresolved(incident)) return cannot(incident, 'be resolved');
  const { peak, severity, attemptCount } = incident;
  const amount = amountOf(incident, incident.currency ?? null);
  const seen = { peak, severity, attemptCount, ...(amount === null ? {} : { amount }) };
  return {
    type: 'resolved',
    changed: { status: 'resolved', resolved: { verdict, by: actor, at: time, note: text, ...seen } },
    data: { verdict, note: text, ...seen },
  };
}

function reopen({ state, incident, actor, time }: Doing): Done | Refusal {
  if (incident.status !== 'resolved') return cannot(incident, 'be reopened');
  const holder = incidentsOfKey(state, incidentKeyId(incident)).find(
    (other) => isUnresolved(other) && sharesTime(incident, other),
  );
  if (holder !== undefined) {
    const message = `${holder.id} goes on with this episode and is ${holder.status}: handle it there.`;
    return { code: 'invalid_transition', message };
  }
  const { resolved } = incident;
  const openedAgain = { from: 'resolved', by: actor, at: time } as const;
  const changed = { status: 'open', resolved: null, acknowledged: null, waitingSince: time, openedAgain } as const;
  return { type: 'reopened', changed, data: resolved === null ? {} : { verdict: resolved.verdict } };
}

function note({ incident, actor, time }: Doing, text: string): Done | Refusal {
  if (typeof text !== 'string' || text.trim() === '')
    return { code: 'invalid_request', message: 'A note needs some text.' };
  if (characters(text) > NOTE_MAX_CHARACTERS) return noteTooLong();
  const notes = [...incident.notes, { at: time, by: actor, text }];
  return { type: 'noted', changed: { notes }, data: { note: text } };
}

function assign({ incident }: Doing, owner: string | null): Done | Refusal {
  if (owner !== null && (typeof owner !== 'string' || owner.trim() === '' || characters(owner) > MAX_OWNER_CHARACTERS))
    return { code: 'invalid_request', message: `An owner has 1 to ${MAX_OWNER_CHARACTERS} characters.` };
  return { type: 'assigned', changed: { owner }, data: { owner, was: incident.owner } };
}

function mute({ state, incident, time }: Doing, until: number | null): Done | Refusal {
  const { detector, entity } = incident;
  if (until === null) {
    if (incident.mutedUntil === null || incident.mutedUntil <= time)
      return { code: 'invalid_transition', message: `${detector} on ${entity.label} is not muted.` };
    const hidden = hiddenBy(state, incident);
    const unmuted = { at: time, hidden, isEarly: false };
    return { type: 'unmuted', changed: { mutedUntil: null, unmuted }, data: { was: incident.mutedUntil, hidden } };
  }
  if (!Number.isSafeInteger(until) || until <= time || until > time + MAX_MUTE_MS)
    return { code: 'invalid_request', message: 'A mute ends in the future, at most 90 days from now.' };
  return { type: 'muted', changed: { mutedUntil: until, unmuted: null }, data: { until } };
}

/** A mute is on (detector, entity): whatever else of it is open falls silent too, and all of it speaks again. */
function othersToMute({ state, incident, time }: Doing, until: number | null): readonly Incident[] {
  return incidentsOfKey(state, incidentKeyId(incident)).filter(
    (other) => other !== incident && (until === null ? (other.mutedUntil ?? 0) > time : isUnresolved(other)),
  );
}

const sharesTime = (a: Incident, b: Incident): boolean =>
  a.firstBreachAt <= b.lastBreachAt && b.firstBreachAt <= a.lastBreachAt;

const characters = (text: string): number => [...text].length;

const noteTooLong = (): Refusal => ({
  code: 'invalid_request',
  message: `A note has at most ${NOTE_MAX_CHARACTERS} characters.`,
});

function notFound({ numbered }: State, id: string): Refusal {
  const number = /^INC-([1-9]\d{0,14})$/.exec(id)?.[1];
  const wasThere = number !== undefined && Number(number) <= numbered;
  const message = wasThere ? `${id} was closed too long ago to be changed.` : 'There is no such incident.';
  return { code: 'not_found', message };
}

function staleVersion({ id, version, updatedAt }: Incident, ifVersion: number): Refusal {
  const message = `${id} has changed since: it is at version ${version} (${formatTime(updatedAt)}), not ${ifVersion}.`;
  return { code: 'stale_version', message };
}

/** Says what it is instead, by whom and since when. */
function cannot({ id, status, resolved, mergedInto, updatedAt }: Incident, what: string): Refusal {
  const state = {
    open: 'is open',
    acknowledged: 'is acknowledged',
    resolved:
      resolved === null
        ? 'is resolved'
        : `was resolved as ${VERDICT_WORDS[resolved.verdict]} by ${actorName(resolved.by)} at ${formatTime(resolved.at)}`,
    merged: `was merged into ${mergedInto} at ${formatTime(updatedAt)}`,
    withdrawn: `was withdrawn at ${formatTime(updatedAt)}`,
  }[status];
  return { code: 'invalid_transition', message: `${id} ${state}: it cannot ${what}.` };
}
