// Proposals as the manager decides them (docs/tuning.md): made, read, applied or discarded by a person, overtaken by another version,
// expired. The first decision in the log counts; who proposed is what the log says, never what the asker claims.
import { secondPersonNeeded } from '../model/approval.ts';
import type { Command, DecideProposalCommand, ProposalReadCommand, ProposeCommand } from '../model/commands.ts';
import type { Actor } from '../model/incident.ts';
import { eraseProposalRead } from '../model/mask-proposal.ts';
import { isOpenProposal, type StoredProposal } from '../model/proposal.ts';
import { expiresAt } from '../model/proposals-kept.ts';
import { changeInWords, overtakenInWords } from '../model/settings-words.ts';
import { actorName } from '../model/words.ts';
import { decideSettings, problemOf } from './decide-settings.ts';
import { type Draft, refused, seen } from './draft.ts';
import { canonical } from './field-owners.ts';
import type { State } from './state.ts';

type Asked<Body> = Pick<Command, 'actor'> & { readonly body: Body };

/** Of a proposal before it is read, as JSON: settings, change and reason together. */
const MAX_LENGTH = 32_768;
const MAX_WHY = 500;
const MAX_WORDS = 1_500;
const EXPIRED = 'Nobody decided on it within 14 days: propose it again, to see what it would have done by now.';
const GONE = 'This proposal is not known any more: only the newest 200 are kept. Make the change again.';
const NOT_READ = 'What it would have done is not read yet: apply it when it stands there.';

export function decidePropose(state: State, { body, actor }: Asked<ProposeCommand>, time: number): Draft {
  const { detector, basedOn, settings, change, proposal: id } = body;
  const current = state.detectors.get(detector)?.current;
  const before = current?.rule.settings ?? null;
  if (current === undefined || before === null)
    return refused({ code: 'not_found', message: `There is no detector ${detector.slice(0, 100)}.` }, null);
  if (current.rule.version !== basedOn)
    return refused({ code: 'stale_version', message: overtakenInWords(current, basedOn) }, null);
  const problem = problemOf(state, { detector, settings });
  if (problem !== null) return refused({ code: 'invalid_request', message: problem }, null);
  const same = openOf(state, detector).find((one) => isSame(one, body, actor));
  if (same !== undefined) return { ...seen({ reason: 'proposed_already', proposal: same.id }), proposal: same };
  const secondPerson = secondPersonNeeded({ detector, before, after: settings });
  const proposal: StoredProposal = {
    id,
    detector,
    change,
    settings,
    basedOn,
    by: actor,
    why: body.why.slice(0, MAX_WHY),
    at: time,
    state: 'reading',
    changes: changeInWords(before, settings),
    words: '',
    result: null,
    readAt: null,
    problem: '',
    ...(secondPerson === null ? {} : { secondPerson }),
    decidedBy: null,
  };
  if (state.proposals.has(id) || JSON.stringify(proposal).length > MAX_LENGTH)
    return refused({ code: 'invalid_request', message: 'This proposal is too long, or its id is taken.' }, null);
  return { type: 'proposed', data: { proposal: id, detector, basedOn }, proposal };
}

/** The first reading counts: of several processes each reads. */
export function decideProposalRead(state: State, { body }: Asked<ProposalReadCommand>, time: number): Draft {
  const known = state.proposals.get(body.proposal);
  if (known?.state !== 'reading') return seen({ reason: 'not_reading', proposal: body.proposal });
  const { words, problem, result } = eraseProposalRead(body, state.erasures);
  const read: Partial<StoredProposal> =
    problem === ''
      ? { state: 'proposed', words: words.slice(0, MAX_WORDS), result, readAt: time }
      : { state: 'refused', problem: problem.slice(0, MAX_WHY) };
  return { type: 'proposal_read', data: { proposal: known.id }, proposal: { ...known, ...read } };
}

export function decideProposal(
  state: State,
  { body, actor }: Asked<DecideProposalCommand>,
  time: number,
): readonly Draft[] {
  const known = state.proposals.get(body.proposal);
  if (known === undefined) return [refused({ code: 'not_found', message: GONE }, null)];
  if (!isOpenProposal(known)) return [notPossible(decidedAlready(known))];
  if (expiresAt(known) <= time) return [notPossible(EXPIRED), expired(known)];
  if (body.decision === 'discard') return [decided(known, { state: 'discarded', decidedBy: actor })];
  if (known.state === 'reading') return [notPossible(NOT_READ)];
  return apply(state, { proposal: known, actor }, time);
}

type Applied = { readonly proposal: StoredProposal; readonly actor: Actor };

/** A settings command like any other, with what it would have done as its reason. */
function apply(state: State, { proposal, actor }: Applied, time: number): readonly Draft[] {
  const { detector, settings, basedOn, by: proposedBy } = proposal;
  const { general } = state;
  if (general === null) return [notPossible('No settings are in force yet.')];
  const why = whyOf(proposal, actor);
  const body = { type: 'settings', detector, settings, basedOn, why, general } as const;
  const draft = decideSettings(state, { actor, body, proposedBy }, time);
  const { refusal = null } = draft;
  if (refusal?.code === 'approval_needed') return [draft];
  if (refusal !== null) return [draft, decided(proposal, { state: 'refused', problem: refusal.message })];
  const done = decided(proposal, { state: 'applied', decidedBy: actor });
  return [draft, done, ...overtaken(state, draft, proposal.id)];
}

function whyOf({ why = '', words, by }: StoredProposal, actor: Actor): string {
  const from = by.kind === actor.kind && by.id === actor.id ? '' : `, proposed by ${actorName(by)}`;
  return `${why === '' ? '' : `${why}: `}${words}${from}`;
}

/** A new version overtakes what was made from one before; if it is the very same, by another door, that is applied. */
export function overtaken(state: State, { accepted }: Draft, applied = ''): readonly Draft[] {
  if (accepted === undefined) return [];
  const { rule, actor } = accepted;
  const wanted = canonical(rule.settings);
  return openOf(state, rule.detector)
    .filter(({ id, basedOn }) => id !== applied && basedOn < rule.version)
    .map((one) =>
      canonical(one.settings) === wanted
        ? decided(one, { state: 'applied', decidedBy: actor })
        : decided(one, { state: 'refused', problem: overtakenInWords(accepted, one.basedOn) }),
    );
}

export const expiredProposals = ({ proposals }: State, time: number): readonly Draft[] =>
  [...proposals.values()].filter((one) => isOpenProposal(one) && expiresAt(one) <= time).map(expired);

const expired = (proposal: StoredProposal): Draft => decided(proposal, { state: 'refused', problem: EXPIRED });

function decided(
  proposal: StoredProposal,
  changed: Pick<StoredProposal, 'state'> & Partial<Pick<StoredProposal, 'problem' | 'decidedBy'>>,
): Draft {
  const data = { proposal: proposal.id, state: changed.state };
  return { type: 'proposal_decided', data, proposal: { ...proposal, ...changed } };
}

const openOf = ({ proposals }: State, detector: string): readonly StoredProposal[] =>
  [...proposals.values()].filter((one) => one.detector === detector && isOpenProposal(one));

/** Asked again, by the same kind of author. */
function isSame({ basedOn, change, by }: StoredProposal, asked: ProposeCommand, actor: Actor): boolean {
  return basedOn === asked.basedOn && by.kind === actor.kind && canonical(change) === canonical(asked.change);
}

const notPossible = (message: string): Draft => refused({ code: 'invalid_transition', message }, null);

function decidedAlready({ state, decidedBy, problem }: StoredProposal): string {
  if (state === 'refused') return problem;
  return `It was ${state} already${decidedBy === null ? '' : ` by ${actorName(decidedBy)}`}. Nothing was changed.`;
}
