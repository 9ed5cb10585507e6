// A change of a detector before it is in force: what it would have done is said first, then a person applies or discards it.
// Its truth is in the log, decided by the incident manager. The port by which the sheet, Slack and the API ask;
// src/tuning/proposals.ts answers.
import type { DetectorSettings } from './detector.ts';
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

/** As the log has it: whole in every change that concerns it. */
export type StoredProposal = Asked & {
  /** 16 hex digits. What is asked again while it is open is the same proposal; afterwards it is another one. */
  readonly id: string;
  /** As the detector would be, in full. */
  readonly settings: DetectorSettings;
  /** Milliseconds. */
  readonly at: number;
  readonly state: ProposalState;
  /** `warning 3 → 5`, each field that changes; empty if it is refused from the beginning. */
  readonly changes: readonly string[];
  /** `41 → 96 incidents in 30 days, +55, 6 of them fraud, …`; '' until it is read. */
  readonly words: string;
  /** With the newest 20 incidents of each list. */
  readonly result: WhatIf | null;
  /** Milliseconds: since when what it would have done stands there; null: it is not read. */
  readonly readAt: number | null;
  readonly problem: string;
  /** Why somebody else than who proposed it must apply it, a sentence; absent: whoever proposed it may. */
  readonly secondPerson?: string;
  /** Who applied or discarded it; null: nobody has. */
  readonly decidedBy: Actor | null;
};

export type Proposal = Omit<StoredProposal, 'settings'> & {
  /** While reading: from 0 to 1, as far as this process is. */
  readonly progress: number;
  /** Of a change that cannot be as it is asked: each field of detectors.yaml with what is wrong. Absent: `problem` says it all. */
  readonly problems?: readonly ErrorDetail[];
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
  /**
   * Resolves once it is in the log; reading goes on behind. What is asked again while it is open is answered as it stands. What
   * cannot be is `refused`, and kept nowhere. Rejects with the log's errors.
   */
  propose(asked: Asked): Promise<Proposal>;
  get(id: string): Proposal | null;
  /** Newest first, at most 200. */
  list(): readonly Proposal[];
  /**
   * In force 10 s later, if it is proposed, still made from the version in force, and this person may (docs/tuning.md). The first
   * decision in the log counts, wherever it was made. `click`: the same click, delivered twice, is one decision.
   */
  apply(id: string, by: Actor, click?: string): Promise<Decision>;
  discard(id: string, by: Actor, click?: string): Promise<Decision>;
  /** Back to what was in force before the newest version, as a new version; proposed instead if that needs a second person. */
  revert(detector: string, by: Actor): Promise<Decision>;
  /** Called after each change of a proposal, whoever made it. */
  subscribe(listener: (proposal: Proposal) => void): () => void;
  /** Reading stops. */
  close(): Promise<void>;
}

export const isOpenProposal = ({ state }: Pick<Proposal, 'state'>): boolean =>
  state === 'reading' || state === 'proposed';
