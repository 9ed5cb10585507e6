// Which changes of a detector need a second person, and who is one (docs/tuning.md). Pure: the incident manager decides by
// it, and whoever asks may look first.
import { APPROVALS, type Approval, type DetectorSettings, MODES, SEVERITIES } from './detector.ts';
import type { Actor } from './incident.ts';
import { actorName } from './words.ts';

export type SettingsChange = {
  readonly detector: string;
  /** In force now; null: nothing, or it was removed. */
  readonly before: DetectorSettings | null;
  /** null: it is removed. */
  readonly after: DetectorSettings | null;
};

/** Why nobody may make this change alone, a sentence; null: anybody who may change settings may. */
export function secondPersonNeeded({ detector, before, after }: SettingsChange): string | null {
  const approval = approvalOf(before);
  if (before === null || approval === 'none') return null;
  if (approval === 'all') return `Each change of ${detector} needs a second person (approval: all).`;
  const fields = looserFields(before, after);
  if (fields.length === 0) return null;
  return `This makes ${detector} quieter (${fields.join(', ')}), which needs a second person (approval: loosening).`;
}

export type AskedChange = SettingsChange & {
  /** Who puts it in force. */
  readonly by: Actor;
  /** Who proposed it; null: it was not proposed. */
  readonly proposedBy: Actor | null;
};

/** What to tell who asks, with the cure; null: it may be done. The file is no person: who may change it is decided where it is kept. */
export function approvalProblem({ by, proposedBy, ...change }: AskedChange): string | null {
  const needed = by.kind === 'file' ? null : secondPersonNeeded(change);
  if (needed === null) return null;
  if (proposedBy === null)
    return `${needed} Propose it (the sheet, Tune in Slack, POST /api/proposals); somebody else applies it.`;
  if (!isSamePerson(by, proposedBy)) return null;
  return `${needed} ${capital(actorName(proposedBy))} proposed it, so somebody else must apply it.`;
}

const capital = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;

const approvalOf = (settings: DetectorSettings | null): Approval => settings?.approval ?? 'none';

/** Console, API and command line know people by the same tokens; without tokens everybody there is `local`. */
const HOUSE: ReadonlySet<Actor['kind']> = new Set(['console', 'api', 'cli']);

/**
 * As well as it can be told: by id within Slack and within the house, between them by name. The sheet is one person, since
 * Google does not say who edits.
 */
export function isSamePerson(a: Actor, b: Actor): boolean {
  const isOneDirectory = a.kind === b.kind || (HOUSE.has(a.kind) && HOUSE.has(b.kind));
  if (isOneDirectory) return a.id === b.id;
  if (a.kind === 'sheet' || b.kind === 'sheet') return false;
  return plainName(a) !== '' && plainName(a) === plainName(b);
}

const plainName = ({ name }: Actor): string => name.normalize('NFKC').trim().toLowerCase();

/** Of these a change cannot be told to be louder or quieter: whatever they hide would be hidden. */
const INCOMPARABLE = ['on', 'where', 'of', 'at', 'per', 'count', 'currency'] as const;

/** The fields by which `after` tells less, or later, than `before`; empty: it does not. `detector`: it is removed. */
export function looserFields(before: DetectorSettings, after: DetectorSettings | null): readonly string[] {
  if (after === null) return ['detector'];
  const is = (field: string, isLooser: boolean): readonly string[] => (isLooser ? [field] : []);
  return [
    ...is('mode', MODES.indexOf(after.mode) < MODES.indexOf(before.mode)),
    ...looserThresholds(before, after).map((severity) => `thresholds.${severity}`),
    ...is('window', isWindowLooser(before, after)),
    ...is('quietFor', after.quietForS > before.quietForS),
    ...is('minimum', (after.minimum ?? 0) > (before.minimum ?? 0)),
    ...INCOMPARABLE.filter((field) => before[field] !== after[field]),
    ...is('settle', after.settleMs > before.settleMs),
    ...is('alertMaxAge', after.alertMaxAgeMs < before.alertMaxAgeMs),
    ...is('continueAfter', isContinuedLater(before, after)),
    ...is('repage', after.repage > before.repage),
    ...is('escalation', isEscalationLooser(before, after)),
    ...is('stormAfter', after.stormAfter < before.stormAfter),
    ...is('approval', APPROVALS.indexOf(approvalOf(after)) < APPROVALS.indexOf(approvalOf(before))),
  ];
}

type Thresholds = Pick<DetectorSettings, 'thresholds'>;

/** The severities that are reached later than before, or no more. Another severity's threshold may do as well. */
function looserThresholds(before: Thresholds, after: Thresholds): readonly string[] {
  return SEVERITIES.filter((severity, index) => {
    const was = before.thresholds[severity];
    if (was === undefined) return false;
    const now = SEVERITIES.slice(index).map((one) => after.thresholds[one] ?? Number.POSITIVE_INFINITY);
    return Math.min(...now) > was;
  });
}

/** What is counted grows with the window. A share may do either. */
function isWindowLooser(before: DetectorSettings, after: DetectorSettings): boolean {
  return after.count === 'ratio' ? after.windowS !== before.windowS : after.windowS < before.windowS;
}

/** Where neither says, it follows the lowest threshold, which is named by itself. */
function isContinuedLater(before: DetectorSettings, after: DetectorSettings): boolean {
  const isSaid = before.continueAfter !== null || after.continueAfter !== null;
  return isSaid && continuesAfter(after) > continuesAfter(before);
}

function continuesAfter({ continueAfter, thresholds }: DetectorSettings): number {
  return continueAfter ?? Math.min(...SEVERITIES.map((severity) => thresholds[severity] ?? Number.POSITIVE_INFINITY));
}

/** Somebody is mentioned later than before, or no more. */
function isEscalationLooser(before: DetectorSettings, after: DetectorSettings): boolean {
  return before.escalation.some(
    ({ to, afterMs }) => !after.escalation.some((step) => step.to === to && step.afterMs <= afterMs),
  );
}
