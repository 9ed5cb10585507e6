// A proposal applied, or a version taken back: a settings command like any other, with what it would have done as its reason
// and who proposed it. The incident manager decides; what it would refuse for want of a second person is said before.
import { randomUUID } from 'node:crypto';
import { formOf } from '../detectors/detector-form.ts';
import type { IncidentFeed } from '../feed/feed.ts';
import { act } from '../feed/submit.ts';
import { approvalProblem } from '../model/approval.ts';
import type { AcceptedSettings, Refusal, SettingsCommand } from '../model/commands.ts';
import type { DetectorSettings } from '../model/detector.ts';
import type { Actor } from '../model/incident.ts';
import type { Decision } from '../model/proposal.ts';
import { actorName } from '../model/words.ts';
import type { Entry, ProposalParts } from './proposal-entries.ts';

export const GONE = 'The proposal is not known any more: make the change again.';

const MAX_WHY = 500;

export const refused = (message: string): Extract<Decision, { outcome: 'refused' }> => ({
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

export async function applyProposal(parts: ProposalParts, id: string, by: Actor): Promise<Decision> {
  const entry = parts.entries.get(id);
  if (entry === undefined) return refused(GONE);
  const { proposal, settings } = entry;
  const { state, detector, basedOn, words, by: proposedBy } = proposal;
  if (state === 'reading') return refused('What it would have done is not read yet: apply it when it stands there.');
  if (state === 'refused' || settings === null) return refused(proposal.problem);
  if (state !== 'proposed') return refused(`It is ${state} already.`);
  if (entry.applying !== null) return refused('Somebody is applying it at this moment.');
  const before = currentOf(parts.feed, detector)?.settings ?? null;
  const alone = approvalProblem({ detector, before, after: settings, by, proposedBy });
  if (alone !== null) return { ...refused(alone), code: 'approval_needed' };
  const from = proposedBy.id === by.id ? '' : `, proposed by ${actorName(proposedBy)}`;
  const own = proposal.why === undefined || proposal.why === '' ? '' : `${proposal.why}: `;
  const command = randomUUID();
  entry.applying = { command, by };
  const asked = { detector, settings, basedOn, why: `${own}${words}${from}`, proposedBy };
  try {
    return await submit(parts, { command, by, asked });
  } catch (error) {
    // It is not in the log.
    entry.applying = null;
    throw error;
  }
}

/** What the manager decided of the command that applies it. */
export function settle({ change }: ProposalParts, entry: Entry, refusal: Refusal | null): void {
  const by = entry.applying?.by ?? null;
  entry.applying = null;
  if (refusal === null) change(entry, { state: 'applied', decidedBy: by });
  else if (refusal.code !== 'approval_needed') change(entry, { state: 'refused', problem: refusal.message });
}

export async function revertDetector(parts: ProposalParts, detector: string, by: Actor): Promise<Decision> {
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
  if (alone === null)
    return await submit(parts, { command: randomUUID(), by, asked: { detector, settings, basedOn, why } });
  const made = parts.propose({ detector, change: changeTo(settings, current.settings), basedOn, by, why });
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
  readonly command: string;
  readonly by: Actor;
  readonly asked: Omit<SettingsCommand, 'type' | 'general'>;
};

async function submit(parts: ProposalParts, { command, by, asked }: Submitted): Promise<Decision> {
  const general = parts.feed.general();
  if (general === null) return refused('No settings are in force yet.');
  const { detector, basedOn, why } = asked;
  const body = { type: 'settings', ...asked, why: why.slice(0, MAX_WHY), general } as const;
  const done = await act(parts, { id: command, actor: by, body });
  if (done.outcome === 'pending') return { outcome: 'pending' };
  if (done.outcome === 'refused') {
    const { code, message } = done.refusal;
    return { ...refused(message), ...(code === 'approval_needed' ? { code } : {}) };
  }
  return { outcome: 'done', version: currentOf(parts.feed, detector)?.accepted.rule.version ?? basedOn + 1 };
}
