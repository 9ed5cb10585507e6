// Commands ask for something; changes say what a command did (design §2, §3). Both travel in the log.
import type { DetectorSettings, EntityKind, GeneralSettings, Rule, Severity } from './detector.ts';
import type { Report } from './episode.ts';
import type { EraseCommand, Erasure } from './erasure.ts';
import type { Actor, Incident, Verdict } from './incident.ts';
import type { StoredProposal } from './proposal.ts';
import type { Scope } from './scope.ts';
import type { WhatIf } from './what-if.ts';

/** What a person asks of one incident. `ifVersion`: refuse with stale_version unless the incident has that version. */
export type IncidentAction =
  | { readonly type: 'acknowledge'; readonly incident: string; readonly ifVersion?: number }
  | { readonly type: 'unacknowledge'; readonly incident: string; readonly ifVersion?: number }
  | {
      readonly type: 'resolve';
      readonly incident: string;
      readonly verdict: Verdict;
      readonly note: string;
      readonly ifVersion?: number;
    }
  | { readonly type: 'reopen'; readonly incident: string; readonly ifVersion?: number }
  | { readonly type: 'note'; readonly incident: string; readonly note: string; readonly ifVersion?: number }
  | { readonly type: 'assign'; readonly incident: string; readonly owner: string | null; readonly ifVersion?: number }
  /** Hides the posts of (detector, entity) until a time in milliseconds; null: speak again. */
  | { readonly type: 'mute'; readonly incident: string; readonly until: number | null; readonly ifVersion?: number };

/** A new settings version of one detector. `settings` null removes it. `basedOn`: the version it was made from, 0 for none. */
export type SettingsCommand = {
  readonly type: 'settings';
  readonly detector: string;
  readonly settings: DetectorSettings | null;
  readonly basedOn: number;
  readonly why: string;
  readonly general: GeneralSettings;
};

/** A change of a detector for a person to decide on. */
export type ProposeCommand = {
  readonly type: 'propose';
  /** 16 hex digits, given by who asks: what it is called if it is not proposed already. */
  readonly proposal: string;
  readonly detector: string;
  /** As asked, and the settings in full that come of it: validated, tests included, by who asks. */
  readonly change: Readonly<Record<string, unknown>>;
  readonly settings: DetectorSettings;
  readonly basedOn: number;
  readonly why: string;
};

/** What a proposal would have done, read from the log by any process that responds; the first one counts. */
export type ProposalReadCommand = {
  readonly type: 'proposal_read';
  readonly proposal: string;
  readonly words: string;
  readonly result: WhatIf | null;
  /** Why it could not be read; '' if it was. */
  readonly problem: string;
  /** Number of the newest erase that was known when it was read. */
  readonly erased: number;
};

export type DecideProposalCommand = {
  readonly type: 'decide_proposal';
  readonly proposal: string;
  readonly decision: 'apply' | 'discard';
};

type AboutProposals = ProposeCommand | ProposalReadCommand | DecideProposalCommand;

/** Something an operator must know: no events, a limit that is near. One incident per scope and subject while it lasts. */
export type OperatorCommand = {
  readonly type: 'operator';
  readonly scope: Scope;
  /** Which condition: `silence`, `state_limit`, …; with the scope it identifies the incident. */
  readonly subject: string;
  /** False: the condition is gone. */
  readonly isOn: boolean;
  /** One sentence: `No events since 14:02 UTC.` */
  readonly title: string;
  /** What to do about it. */
  readonly why: string;
  readonly severity: Severity;
  /** Seconds: since when it is so. */
  readonly sinceS: number;
};

export type TimerCommand = { readonly type: 'timer' };

export type CommandBody =
  | Report
  | IncidentAction
  | SettingsCommand
  | AboutProposals
  | OperatorCommand
  | EraseCommand
  | TimerCommand;

export type Command = {
  /** Given by who asks: applied once, so a repeated click or a retried append changes nothing. */
  readonly id: string;
  /** Milliseconds. */
  readonly at: number;
  readonly actor: Actor;
  readonly body: CommandBody;
};

export const CHANGE_TYPES = [
  'opened',
  'grew',
  'shrank',
  'severity_raised',
  'updated',
  'ended',
  'acknowledged',
  'unacknowledged',
  'resolved',
  'reopened',
  'noted',
  'assigned',
  'muted',
  'unmuted',
  'escalated',
  'reminded',
  'merged',
  'withdrawn',
  'returned',
  'settings_accepted',
  'proposed',
  'proposal_read',
  /** Applied, discarded, overtaken by another version, or too old. */
  'proposal_decided',
  'erased',
  'seen',
  'refused',
] as const;
export type ChangeType = (typeof CHANGE_TYPES)[number];

/** Why a command changed nothing, told to who asked and to nobody else. */
export type Refusal = {
  readonly code:
    | 'already_acknowledged'
    | 'invalid_transition'
    | 'stale_version'
    /** Settings that a second person must apply. */
    | 'approval_needed'
    | 'not_found'
    | 'invalid_request'
    | 'repeated';
  readonly message: string;
};

/**
 * One thing that a command did. `position` is (offset of the command, index): a reader skips what is not greater than
 * the last position that it has seen. Every command writes at least one change, if only `seen` or `refused`.
 */
export type Change = {
  readonly position: { readonly offset: number; readonly index: number };
  readonly command: string;
  /** Milliseconds: the reducer's time, i.e. the greatest command time so far. */
  readonly at: number;
  readonly type: ChangeType;
  readonly actor: Actor;
  /** What changed, for the timeline: small, no personal data. */
  readonly data: Readonly<Record<string, unknown>>;
  /** The incident after it; null for `seen`, `refused` of an unknown incident, and settings. */
  readonly incident: Incident | null;
  readonly refusal: Refusal | null;
  /** Milliseconds: when a timer command is due for this incident; null: none. */
  readonly nextDeadline: number | null;
  /** What the command asked for; '' if it could not be read. The reducer always writes it. */
  readonly asked?: CommandBody['type'] | '';
  /** Incidents opened so far, this one included: numbers go on even after the log has let go of old changes. */
  readonly numbered?: number;
  /** On the first change of a report: how far the key has been told, so that an older report is recognised. */
  readonly report?: ReportMark;
  /** Of `settings_accepted`: what was accepted. */
  readonly accepted?: AcceptedSettings;
  /** Of what concerns a proposal: as it is after it. */
  readonly proposal?: StoredProposal;
  /** On the first change of an erase: who is not to be recognised any more. */
  readonly erasure?: Erasure;
};

export type ReportMark = Pick<Report, 'detector' | 'scope' | 'asOf' | 'range'> & {
  readonly entity: { readonly kind: EntityKind; readonly value: string };
};

/** Record of `detector-settings`: the rule, and who asked for it and why. */
export type AcceptedSettings = {
  readonly rule: Rule;
  readonly general: GeneralSettings;
  readonly position: { readonly offset: number; readonly index: number };
  /** Milliseconds. */
  readonly at: number;
  readonly actor: Actor;
  readonly why: string;
  /** Absent: it was not proposed. */
  readonly proposedBy?: Actor;
};

const NO_INCIDENT_ACTIONS: ReadonlySet<CommandBody['type']> = new Set<CommandBody['type']>([
  'report',
  'settings',
  'propose',
  'proposal_read',
  'decide_proposal',
  'operator',
  'erase',
  'timer',
]);

export function isIncidentAction(body: CommandBody): body is IncidentAction {
  return !NO_INCIDENT_ACTIONS.has(body.type);
}

/** -1, 0, 1: changes are ordered by their command's offset, then their index. */
export function comparePositions(a: Change['position'], b: Change['position']): number {
  return Math.sign(a.offset - b.offset || a.index - b.index);
}
