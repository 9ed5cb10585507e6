// Proposals as they are folded from changes, by the incident manager and by every process that shows them: the same from the same
// log, and never more than so many.
import type { Erasure } from './erasure.ts';
import { eraseProposal } from './mask-proposal.ts';
import { isOpenProposal, type StoredProposal } from './proposal.ts';

/** By id, in the order in which they were made. */
export type KeptProposals = Map<string, StoredProposal>;

export const MAX_PROPOSALS = 200;

/** What it would have done was read from the past: after so long it is another past. */
const DECIDED_WITHIN_MS = 14 * 86_400_000;

/** Milliseconds: when nobody can apply it any more. */
export const expiresAt = ({ at }: StoredProposal): number => at + DECIDED_WITHIN_MS;

/** The newest state of one. If there are too many by now, the eldest that is decided is forgotten, else the eldest. */
export function keepProposal(kept: KeptProposals, proposal: StoredProposal): void {
  kept.set(proposal.id, proposal);
  while (kept.size > MAX_PROPOSALS) {
    const all = [...kept.values()];
    const forgotten = all.find((one) => !isOpenProposal(one)) ?? all[0];
    if (forgotten === undefined) return;
    kept.delete(forgotten.id);
  }
}

/** From an erase on nothing that is kept tells of them. */
export function eraseKept(kept: KeptProposals, erasure: Erasure): void {
  for (const proposal of kept.values()) kept.set(proposal.id, eraseProposal(proposal, [erasure]));
}
