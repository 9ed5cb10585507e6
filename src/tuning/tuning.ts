// Tuning while the service runs: proposals, and what the past suggests. What the sheet, Slack and the API are given.
import type { Proposals } from '../model/proposal.ts';
import type { Suggestions } from '../model/suggestions.ts';
import { createProposals, type ProposalsOptions } from './proposals.ts';
import { startSuggestions } from './suggestions.ts';

export type Tuning = {
  readonly proposals: Proposals;
  readonly suggestions: Suggestions;
  close(): Promise<void>;
};

export function startTuning(options: ProposalsOptions): Tuning {
  const proposals = createProposals(options);
  const suggestions = startSuggestions(options);
  return {
    proposals,
    suggestions,
    close: async () => {
      await suggestions.close();
      await proposals.close();
    },
  };
}
