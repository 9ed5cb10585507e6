// Folds a change, or an accepted settings version, into the reducer's state. What a second manager wrote again is skipped.
import type { AcceptedSettings, Change, ReportMark } from '../model/commands.ts';
import { compareSeverity } from '../model/detector.ts';
import { keyId } from '../model/entity.ts';
import type { Incident } from '../model/incident.ts';
import { eraseKept, keepProposal } from '../model/proposals-kept.ts';
import { releaseOld } from './release.ts';
import {
  incidentKeyId,
  type KeyState,
  MAX_COMMAND_IDS,
  MAX_ERASURES,
  MAX_RECENT_VERSIONS,
  STORM_WINDOW_MS,
  type State,
  sourceId,
  stormId,
} from './state.ts';
import { isTold } from './storm.ts';

/** Changes of one command come together and in order; a command whose offset has been folded before is skipped whole. */
export function evolve(state: State, changes: readonly Change[]): State {
  const [first] = changes;
  if (first === undefined || first.position.offset <= state.offset) return state;
  for (const change of changes) foldChange(state, change);
  state.offset = first.position.offset;
  releaseOld(state);
  return state;
}

/** Idempotent: a version that is known already changes nothing. */
export function evolveSettings(state: State, accepted: AcceptedSettings): State {
  const { detector, version, settings } = accepted.rule;
  const known = state.detectors.get(detector);
  if (known !== undefined && known.current.rule.version >= version) return state;
  state.detectors.set(detector, {
    current: accepted,
    settings: settings ?? known?.settings ?? null,
    recent: [...(known?.recent ?? []), accepted].slice(-MAX_RECENT_VERSIONS),
  });
  state.general = accepted.general;
  return state;
}

function foldChange(state: State, change: Change): void {
  state.time = Math.max(state.time, change.at);
  state.numbered = Math.max(state.numbered, change.numbered ?? 0);
  if (change.position.index === 0 && isFromPerson(change)) remember(state, change.command);
  if (change.report !== undefined) markReport(state, change.report);
  if (change.accepted !== undefined) evolveSettings(state, change.accepted);
  if (change.proposal !== undefined) keepProposal(state.proposals, change.proposal);
  if (change.erasure !== undefined) {
    state.erasures = [...state.erasures, change.erasure].slice(-MAX_ERASURES);
    eraseKept(state.proposals, change.erasure);
  }
  if (change.incident !== null && change.type !== 'refused') foldIncident(state, change, change.incident);
}

/** Reports, conditions and timers need no memory of ids: applied again they change nothing. */
function isFromPerson({ asked = '' }: Change): boolean {
  return asked !== '' && asked !== 'report' && asked !== 'operator' && asked !== 'timer';
}

function remember(state: State, command: string): void {
  state.commands.add(command);
  for (const oldest of state.commands) {
    if (state.commands.size <= MAX_COMMAND_IDS) break;
    state.commands.delete(oldest);
  }
}

function markReport(state: State, mark: ReportMark): void {
  keyState(state, keyId(mark)).marks.set(mark.asOf.lane, mark);
  const id = sourceId(mark.asOf);
  const source = state.sources.get(id) ?? { liveFromS: 0, forgottenOffset: -1 };
  state.sources.set(id, source);
  if (mark.asOf.lane === 'live') source.liveFromS = Math.max(source.liveFromS, mark.range.fromS);
}

function foldIncident(state: State, change: Change, incident: Incident): void {
  const key = incidentKeyId(incident);
  if (change.type === 'erased') moveKey(state, incident, key);
  state.incidents.set(incident.id, incident);
  keyState(state, key).incidents.add(incident.id);
  if (change.nextDeadline === null) state.deadlines.delete(incident.id);
  else state.deadlines.set(incident.id, change.nextDeadline);
  foldStorm(state, change, incident);
  // The end of one incident's mute is not the end of a longer one set since.
  if (change.type === 'unmuted' && (change.data.ended !== true || (state.mutes.get(key)?.until ?? 0) <= change.at))
    state.mutes.delete(key);
  if (change.type === 'muted' && incident.mutedUntil !== null) {
    const before = state.mutes.get(key);
    const isSame = before !== undefined && before.until > change.at;
    const known =
      isSame && compareSeverity(before.severity, incident.severity) > 0 ? before.severity : incident.severity;
    const after = isSame ? before.after : state.numbered;
    state.mutes.set(key, { after, until: incident.mutedUntil, severity: known });
  }
}

/** Under another name from now on: who comes again under the old one is somebody new, and nothing is muted of them. */
function moveKey(state: State, incident: Incident, key: string): void {
  const known = state.incidents.get(incident.id);
  const before = known === undefined ? key : incidentKeyId(known);
  if (before === key) return;
  state.keys.get(before)?.incidents.delete(incident.id);
  const mute = state.mutes.get(before);
  if (mute !== undefined) state.mutes.set(key, mute);
  const { marks } = state.keys.get(before) ?? {};
  for (const [lane, mark] of marks ?? []) {
    const { kind, value } = incident.entity;
    keyState(state, key).marks.set(lane, { ...mark, entity: { kind, value } });
  }
  if (state.keys.get(before)?.incidents.size === 0) {
    state.keys.delete(before);
    state.mutes.delete(before);
  }
}

/** What is told one by one counts towards a storm; one that is over or resolved takes nothing more in. */
function foldStorm(state: State, { type, at }: Change, incident: Incident): void {
  const { kind, id } = incident;
  const group = stormId(incident);
  if (kind === 'storm' && type === 'opened') state.storms.set(group, { recent: [], storm: id });
  if (kind === 'storm' && (type === 'ended' || type === 'resolved') && state.storms.get(group)?.storm === id)
    state.storms.delete(group);
  if (kind !== 'episode' || type !== 'opened' || !isTold(incident)) return;
  const { recent, storm } = state.storms.get(group) ?? { recent: [], storm: null };
  if (storm !== null) return;
  const kept = recent.filter((one) => one.at > at - STORM_WINDOW_MS);
  state.storms.set(group, { recent: [...kept, { id, at }], storm });
}

function keyState(state: State, key: string): KeyState {
  const known = state.keys.get(key) ?? { incidents: new Set<string>(), marks: new Map() };
  state.keys.set(key, known);
  return known;
}
