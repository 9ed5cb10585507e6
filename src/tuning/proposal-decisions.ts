// A proposal applied or discarded, or a version taken back: commands like any other. The incident manager decides; that a version
// cannot be taken back for want of a second person is seen before.
import { formOf } from '../detectors/detector-form.ts';
import type { IncidentFeed } from '../feed/feed.ts';
import { type ActOutcome, act } from '../feed/submit.ts';
import { approvalProblem } from '../model/approval.ts';
import type { AcceptedSettings, DecideProposalCommand, SettingsCommand } from '../model/commands.ts';
import type { DetectorSettings } from '../model/detector.ts';
import type { Actor } from '../model/incident.ts';
import type { Decision, Proposals } from '../model/proposal.ts';
import type { ProposalsOptions } from './proposal-entries.ts';

const GONE = 'There is no such proposal.';

const MAX_WHY = 500;

const refused = (message: string): Extract<Decision, { outcome: 'refused' }> => ({
  outcome: 'refused',
  message,
});

type Current = { readonly accepted: AcceptedSettings; readonly settings: DetectorSettings };

/** null: there is no such detector, or it was removed. */
export function currentOf(feed: Pick<IncidentFeed, 'settings'>, detector: string): Current | null {
  const accepted = feed.settings().find(({ rule }) => rule.detector === detector);
  const settings = accepted?.rule.settings ?? null;
  return accepted === undefined || settings === null ? null : { accepted, settings };
}

export type DecisionAsked = Pick<DecideProposalCommand, 'proposal' | 'decision'> & {
  readonly by: Actor;
  readonly click: string | undefined;
};

/** Known here or not: the incident manager knows, and says what hinders it. */
export async function decide(parts: ProposalsOptions, asked: DecisionAsked): Promise<Decision> {
  const { proposal, decision, by, click } = asked;
  if (!/^[0-9a-f]{16}$/.test(proposal)) return refused(GONE);
  const body = { type: 'decide_proposal', proposal, decision } as const;
  const done = await act(parts, { actor: by, body, ...(click === undefined ? {} : { id: click }) });
  if (done.outcome !== 'done') return notDone(done);
  const detector = done.change.proposal?.detector ?? done.change.accepted?.rule.detector ?? '';
  const version = done.change.accepted?.rule.version ?? currentOf(parts.feed, detector)?.accepted.rule.version ?? 0;
  return { outcome: 'done', version };
}

function notDone(done: Exclude<ActOutcome, { readonly outcome: 'done' }>): Decision {
  if (done.outcome === 'pending') return { outcome: 'pending' };
  const { code, message } = done.refusal;
  return { ...refused(message), ...(code === 'approval_needed' ? { code } : {}) };
}

export type RevertParts = ProposalsOptions & Pick<Proposals, 'propose'>;

export async function revertDetector(parts: RevertParts, detector: string, by: Actor): Promise<Decision> {
  const current = currentOf(parts.feed, detector);
  if (current === null) return refused(`There is no detector ${detector.slice(0, 100)}.`);
  const history = parts.feed.settingsHistory(detector);
  const before = history.at(-2)?.rule;
  if (before === undefined || before.settings === null)
    return refused(`${detector} has no earlier version to go back to.`);
  const { version: basedOn } = current.accepted.rule;
  const { settings } = before;
  const why = `back to version ${before.version}`;
  const alone = approvalProblem({ detector, before: current.settings, after: settings, by, proposedBy: null });
  if (alone === null) return await submit(parts, { by, asked: { detector, settings, basedOn, why } });
  const made = await parts.propose({ detector, change: changeTo(settings, current.settings), basedOn, by, why });
  if (made.state === 'refused') return refused(made.problem);
  const { secondPerson = '' } = made;
  const message = `${secondPerson} To go ${why} is proposed instead: somebody else applies it.`.trim();
  return { ...refused(message), code: 'approval_needed', proposal: made.id };
}

/** What must be asked for `now` to become `wanted`, in the form of detectors.yaml. */
function changeTo(wanted: DetectorSettings, now: DetectorSettings): Record<string, unknown> {
  const differing = (to: object, from: object): Record<string, unknown> => {
    const [is, was] = [new Map<string, unknown>(Object.entries(to)), new Map<string, unknown>(Object.entries(from))];
    const fields = [...new Set([...is.keys(), ...was.keys()])];
    const changed = fields.filter((field) => JSON.stringify(is.get(field)) !== JSON.stringify(was.get(field)));
    return Object.fromEntries(changed.map((field) => [field, is.get(field) ?? null]));
  };
  const { thresholds: _, ...change } = differing(formOf(wanted), formOf(now));
  const thresholds = differing(wanted.thresholds, now.thresholds);
  return Object.keys(thresholds).length === 0 ? change : { ...change, thresholds };
}

type Submitted = {
  readonly by: Actor;
  readonly asked: Omit<SettingsCommand, 'type' | 'general'>;
};

async function submit(parts: ProposalsOptions, { by, asked }: Submitted): Promise<Decision> {
  const general = parts.feed.general();
  if (general === null) return refused('No settings are in force yet.');
  const { detector, basedOn, why } = asked;
  const body = { type: 'settings', ...asked, why: why.slice(0, MAX_WHY), general } as const;
  const done = await act(parts, { actor: by, body });
  if (done.outcome !== 'done') return notDone(done);
  return { outcome: 'done', version: currentOf(parts.feed, detector)?.accepted.rule.version ?? basedOn + 1 };
}
