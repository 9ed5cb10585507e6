// What proposals would have done, without who was erased. What people wrote, a reason or a filter, stays as they wrote it. Each
// gives the very object back if it tells nothing of them.
import type { ProposalReadCommand } from './commands.ts';
import type { Erasure } from './erasure.ts';
import { erasedEntity } from './mask-erased.ts';
import type { StoredProposal } from './proposal.ts';
import type { WhatIf, WhatIfIncident } from './what-if.ts';

export function eraseProposal(proposal: StoredProposal, erasures: readonly Erasure[]): StoredProposal {
  const { result } = proposal;
  const erased = result === null ? null : eraseWhatIf(result, erasures);
  return erased === result ? proposal : { ...proposal, result: erased };
}

/** What was read without knowing of an erase, as if it had been known. */
export function eraseProposalRead(read: ProposalReadCommand, erasures: readonly Erasure[]): ProposalReadCommand {
  const pending = erasures.filter(({ number }) => number > read.erased);
  const result = read.result === null ? null : eraseWhatIf(read.result, pending);
  return result === read.result ? read : { ...read, result };
}

function eraseWhatIf(result: WhatIf, erasures: readonly Erasure[]): WhatIf {
  if (erasures.length === 0) return result;
  const [added, removed] = [eraseList(result.added, erasures), eraseList(result.removed, erasures)];
  return added === result.added && removed === result.removed ? result : { ...result, added, removed };
}

function eraseList(list: readonly WhatIfIncident[], erasures: readonly Erasure[]): readonly WhatIfIncident[] {
  const after = list.map((one) => {
    const entity = erasedEntity(one.entity, erasures);
    return entity === null ? one : { ...one, entity };
  });
  return after.every((one, i) => one === list[i]) ? list : after;
}
