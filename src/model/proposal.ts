// A change of a detector before it is in force: what it would have done is said first, then a person applies or discards it.
// The port by which the sheet, Slack and the API ask; src/tuning/proposals.ts answers.
import type { ErrorDetail } from './errors.ts';
import type { Actor } from './incident.ts';
import type { WhatIf } from './what-if.ts';

export type ProposalState =
  /** What it would have done is being read from the log. */
  | 'reading'
  | 'proposed'
  /** Not possible as it is asked, or no longer, since another version is in force; `problem` says why. */
  | 'refused'
  | 'applied'
  | 'discarded';

export type Asked = {
  readonly detector: string;
  /** In the form of detectors.yaml, only what changes: `{ thresholds: { warning: 4 } }`; null takes a threshold away. */
  readonly change: Readonly<Record<string, unknown>>;
  /** The version that it was made from. */
  readonly basedOn: number;
  readonly by: Actor;
  readonly why?: string;
};

export type Proposal = Asked & {
  /** The same for the same change of the same version by the same kind of author. */
  readonly id: string;
  /** Milliseconds. */
  readonly at: number;
  readonly state: ProposalState;
  /** `warning 3 → 5`, each field that changes; empty if it is refused from the beginning. */
  readonly changes: readonly string[];
  /** While reading: from 0 to 1. */
  readonly progress: number;
  /** `41 → 96 incidents in 30 days, +55, 6 of them fraud, …`; '' until it is read. */
  readonly words: string;
  readonly result: WhatIf | null;
  readonly problem: string;
  /** Of a change that cannot be as it is asked: each field of detectors.yaml with what is wrong. Absent: `problem` says it all. */
  readonly problems?: readonly ErrorDetail[];
  /** Why somebody else than who proposed it must apply it, a sentence; absent: whoever proposed it may. */
  readonly secondPerson?: string;
  /** Who applied or discarded it; null: nobody has. */
  readonly decidedBy: Actor | null;
};

export type Decision =
  /** `version`: in force from now on (settings), or as before (a proposal that was discarded). */
  | { readonly outcome: 'done'; readonly version: number }
  | {
      readonly outcome: 'refused';
      readonly message: string;
      /** Somebody else may. */
      readonly code?: 'approval_needed';
      /** The id of what was proposed instead. */
      readonly proposal?: string;
    }
  /** Recorded, not yet decided. */
  | { readonly outcome: 'pending' };

export interface Proposals {
  /** Answers at once; reading goes on behind. What is asked again is answered as it stands. */
  propose(asked: Asked): Proposal;
  get(id: string): Proposal | null;
  /** Newest first, at most 200. */
  list(): readonly Proposal[];
  /** In force 10 s later, if it is proposed, still made from the version in force, and this person may (docs/tuning.md). */
  apply(id: string, by: Actor): Promise<Decision>;
  discard(id: string, by: Actor): Decision;
  /** Back to what was in force before the newest version, as a new version; proposed instead if that needs a second person. */
  revert(detector: string, by: Actor): Promise<Decision>;
  /** Called after each change of a proposal. A listener must not throw. */
  subscribe(listener: (proposal: Proposal) => void): () => void;
  /** Reading stops. */
  close(): Promise<void>;
}

export const isOpenProposal = ({ state }: Pick<Proposal, 'state'>): boolean =>
  state === 'reading' || state === 'proposed';
