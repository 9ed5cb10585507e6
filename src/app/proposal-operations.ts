// Proposals over the API: made, listed, applied, discarded, and the newest version of a detector taken back.
import type { Operation } from '../console/options.ts';
import type { IncidentFeed } from '../feed/feed.ts';
import { AppError } from '../model/errors.ts';
import type { Decision, Proposal, Proposals } from '../model/proposal.ts';
import type { Suggestions } from '../model/suggestions.ts';
import { readProposal, readProposalId, readRevert } from '../tuning/proposal-questions.ts';

export type ProposalParts = {
  readonly suggestions: Suggestions;
  readonly proposals: Proposals;
  readonly feed: Pick<IncidentFeed, 'settings' | 'caughtUp'>;
};

/** `{"proposal":{"id","detector","basedOn","change","by","at","state","progress","words","result","problem"}}`. */
export function proposalOperations({ proposals, suggestions, feed }: ProposalParts): readonly Operation[] {
  // Another process may have taken it.
  const known = async (id: string): Promise<Proposal> => {
    await feed.caughtUp();
    return knownOf(proposals, id);
  };
  return [
    {
      method: 'GET',
      path: '/suggestions',
      run: async () => {
        const read = suggestions.surfaces().map(({ points: _, windows: _w, thresholds: _t, ...rest }) => rest);
        return { status: 200, body: { suggestions: read, promotions: suggestions.promotions() } };
      },
    },
    {
      method: 'GET',
      path: '/proposals',
      run: async ({ query }) => {
        const id = query.get('id');
        if (id !== null) return { status: 200, body: { proposal: proposalJson(await known(id)) } };
        await feed.caughtUp();
        const listed = proposals.list().map((one) => ({ ...proposalJson(one), result: undefined }));
        return { status: 200, body: { proposals: listed } };
      },
    },
    {
      method: 'POST',
      path: '/proposals',
      run: async ({ body, actor }) => {
        const proposal = await proposals.propose({ ...readProposal(body, feed), by: actor });
        return { status: 202, body: { proposal: proposalJson(proposal) } };
      },
    },
    {
      method: 'POST',
      path: '/proposals/apply',
      run: async ({ body, actor }) => {
        const { id } = await known(readProposalId(body));
        return decided(await proposals.apply(id, actor));
      },
    },
    {
      method: 'POST',
      path: '/proposals/discard',
      run: async ({ body, actor }) => {
        const { id } = await known(readProposalId(body));
        return decided(await proposals.discard(id, actor));
      },
    },
    {
      method: 'POST',
      path: '/proposals/revert',
      run: async ({ body, actor }) => {
        const decision = await proposals.revert(readRevert(body), actor);
        const { proposal: id = '' } = decision.outcome === 'refused' ? decision : {};
        const made = proposals.get(id);
        return made === null ? decided(decision) : { status: 202, body: { proposal: proposalJson(made) } };
      },
    },
  ];
}

function knownOf(proposals: Proposals, id: string): Proposal {
  const proposal = proposals.get(id);
  if (proposal !== null) return proposal;
  throw new AppError('not_found', `There is no proposal ${id.slice(0, 40)}.`, {
    help: 'The newest 200 proposals are kept: make it again.',
  });
}

const proposalJson = (proposal: Proposal) => ({
  ...proposal,
  at: new Date(proposal.at).toISOString(),
  readAt: proposal.readAt === null ? null : new Date(proposal.readAt).toISOString(),
});

function decided(decision: Decision): { readonly status: 200 | 202; readonly body: object } {
  if (decision.outcome === 'pending') return { status: 202, body: { pending: true } };
  if (decision.outcome === 'done') return { status: 200, body: { version: decision.version } };
  const isAlone = decision.code === 'approval_needed';
  throw new AppError(isAlone ? 'approval_needed' : 'invalid_transition', decision.message, {
    help: isAlone
      ? 'Somebody else applies it: with a token of their own (DECLINEWATCH_TOKENS), in Slack or in the sheet.'
      : 'Look at what is in force, with GET /api/detectors, and at the proposal, with GET /api/proposals.',
  });
}
