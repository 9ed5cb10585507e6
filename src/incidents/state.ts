// What the reducer knows: a function of the changes in `incidents` and of `detector-settings`, and of nothing else.
import type { AcceptedSettings, ReportMark } from '../model/commands.ts';
import type { DetectorSettings, GeneralSettings, Severity } from '../model/detector.ts';
import { type Key, keyId } from '../model/entity.ts';
import type { AsOf } from '../model/episode.ts';
import type { Erasure } from '../model/erasure.ts';
import type { Incident } from '../model/incident.ts';
import { isOpenProposal } from '../model/proposal.ts';
import { expiresAt, type KeptProposals } from '../model/proposals-kept.ts';
import { scopeId } from '../model/scope.ts';

/** Taken over by `evolve`, which changes it in place: the state given to it must not be used again. */
export type State = {
  /** Milliseconds: the greatest command time so far. */
  time: number;
  /** Offset of the last command that is folded; -1: none. */
  offset: number;
  /** Incidents opened so far: the last one's number. */
  numbered: number;
  readonly incidents: Map<string, Incident>;
  /** By keyId. */
  readonly keys: Map<string, KeyState>;
  /** Ids of the newest commands of people, oldest first. */
  readonly commands: Set<string>;
  readonly detectors: Map<string, DetectorState>;
  general: GeneralSettings | null;
  readonly proposals: KeptProposals;
  /** Mutes by keyId. */
  readonly mutes: Map<string, MuteState>;
  /** By detector and scope. */
  readonly storms: Map<string, StormState>;
  /** Milliseconds, by incident. */
  readonly deadlines: Map<string, number>;
  /** By lane, topic and partition. */
  readonly sources: Map<string, SourceState>;
  /** Seconds: where the ranges began when closed incidents were last let go. */
  releasedS: number;
  /** The newest, oldest first: reports that do not know of them yet are taken as if they did. */
  erasures: readonly Erasure[];
};

/** `after`: the last incident number before it was set. `severity`: the highest that was known then. */
type MuteState = { readonly after: number; readonly until: number; readonly severity: Severity };

export type KeyState = {
  readonly incidents: Set<string>;
  /** Per lane: how far the key has been told. */
  readonly marks: Map<AsOf['lane'], ReportMark>;
};

type SourceState = {
  /** Seconds: the greatest beginning of a live report's range. */
  liveFromS: number;
  /** The greatest offset of a mark that has been let go: an unknown key's report that is not newer is an old one. */
  forgottenOffset: number;
};

type StormState = {
  /** Openings of the last minute, oldest first: incidents that are told one by one. */
  readonly recent: readonly { readonly id: string; readonly at: number }[];
  /** The storm that goes on; null: none. */
  readonly storm: string | null;
};

export type DetectorState = {
  /** The version accepted last; its settings are null once the detector is removed. */
  readonly current: AcceptedSettings;
  /** The settings accepted last that are not a removal. */
  readonly settings: DetectorSettings | null;
  /** The newest versions, oldest first, for episodes that end under an earlier one. */
  readonly recent: readonly AcceptedSettings[];
};

/** More than `stormAfter` openings within it are a storm. */
export const STORM_WINDOW_MS = 60_000;
export const MAX_COMMAND_IDS = 10_000;
export const MAX_RECENT_VERSIONS = 8;
export const MAX_ERASURES = 200;

export function createState(): State {
  return {
    time: 0,
    offset: -1,
    numbered: 0,
    incidents: new Map(),
    keys: new Map(),
    commands: new Set(),
    detectors: new Map(),
    general: null,
    proposals: new Map(),
    mutes: new Map(),
    storms: new Map(),
    deadlines: new Map(),
    sources: new Map(),
    releasedS: 0,
    erasures: [],
  };
}

function keyOfIncident({ detector, account, livemode, entity }: Incident): Key {
  return { detector, scope: { account, livemode }, entity };
}

/** Storms are counted per detector and scope. */
export const stormId = ({ detector, account, livemode }: Pick<Incident, 'detector' | 'account' | 'livemode'>): string =>
  `${detector}/${scopeId({ account, livemode })}`;

export const incidentKeyId = (incident: Incident): string => keyId(keyOfIncident(incident));

/** Of the key's episodes: a storm, or what operators are told, follows no episode. */
export function incidentsOfKey(state: State, key: string): readonly Incident[] {
  const all = [...(state.keys.get(key)?.incidents ?? [])].flatMap((id) => state.incidents.get(id) ?? []);
  return all.filter(({ kind }) => kind === 'episode');
}

export const sourceId = ({ lane, topic, partition }: AsOf): string => `${lane}/${topic}/${partition}`;

/** Milliseconds: when a timer command is due; null: never. */
export function nextDeadline(state: State): number | null {
  let least = Number.POSITIVE_INFINITY;
  for (const at of state.deadlines.values()) if (at < least) least = at;
  for (const proposal of state.proposals.values())
    if (isOpenProposal(proposal)) least = Math.min(least, expiresAt(proposal));
  return Number.isFinite(least) ? least : null;
}
