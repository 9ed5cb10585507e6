// Tuning while the service runs: proposals, curves, and what the past suggests. What the sheet, Slack, the console and the
// API are given.
import type { Curves } from '../model/curve.ts';
import type { Proposals } from '../model/proposal.ts';
import type { Suggestions } from '../model/suggestions.ts';
import { createCurves } from './curves.ts';
import type { ProposalsOptions } from './proposal-entries.ts';
import { createProposals } from './proposals.ts';
import { startSuggestions } from './suggestions.ts';

export type Tuning = {
  readonly proposals: Proposals;
  readonly curves: Curves;
  readonly suggestions: Suggestions;
  close(): Promise<void>;
};

export function startTuning(options: ProposalsOptions): Tuning {
  const proposals = createProposals(options);
  const curves = createCurves(options);
  const suggestions = startSuggestions(options);
  return {
    proposals,
    curves,
    suggestions,
    close: async () => {
      await suggestions.close();
      await curves.close();
      await proposals.close();
    },
  };
}
