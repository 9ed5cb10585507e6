// Proposals as the incident manager decided them, in every process the same.
import type { Change } from '../model/commands.ts';
import { eraseKept, type KeptProposals, keepProposal } from '../model/proposals-kept.ts';
import type { IncidentFeed } from './feed.ts';

export type ProposalIndex = {
  take(change: Pick<Change, 'proposal' | 'erasure'>): void;
  readonly queries: Pick<IncidentFeed, 'proposal' | 'proposals'>;
};

export function createProposalIndex(): ProposalIndex {
  const kept: KeptProposals = new Map();
  return {
    take: ({ proposal, erasure }) => {
      if (proposal !== undefined) keepProposal(kept, proposal);
      if (erasure !== undefined) eraseKept(kept, erasure);
    },
    queries: {
      proposal: (id) => kept.get(id) ?? null,
      proposals: () => [...kept.values()].reverse(),
    },
  };
}
