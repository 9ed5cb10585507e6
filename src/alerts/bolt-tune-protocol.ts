// What the thread of Bolt asks about tuning, and what it is answered. Plain data: it is copied, never shared.

import type { Proposal } from '../model/proposal.ts';
import type { TypedField } from '../model/typed-settings.ts';

/** A field of the form; the names of its blocks too. */
export const TUNE_FIELDS = ['mode', 'notice', 'warning', 'critical', 'window', 'why'] as const;
export type TuneField = TypedField | 'why';
/** As typed. */
export type TuneValues = Readonly<Record<TuneField, string>>;

type Person = { readonly id: string; readonly name: string };

export type TuneAsk =
  /** What the form of this incident's detector begins with. */
  | { readonly kind: 'form'; readonly incident: string }
  | {
      readonly kind: 'propose';
      readonly detector: string;
      readonly basedOn: number;
      readonly values: TuneValues;
      readonly user: Person;
    }
  /** Answered once it is no longer being read, or after `waitMs`. */
  | { readonly kind: 'look'; readonly proposal: string; readonly waitMs: number }
  | {
      readonly kind: 'decide';
      readonly proposal: string;
      readonly decision: 'apply' | 'discard';
      readonly user: Person;
      /** The same for the same click, whichever replica it is delivered to. */
      readonly click: string;
    };

export type TuneForm = {
  readonly detector: string;
  readonly title: string;
  readonly version: number;
  /** `warning 3, critical 8 in 10 min, alert; version 4 by ana`. */
  readonly inForce: string;
  /** How a threshold is written: of a share, a sum or a count. */
  readonly unit: string;
  readonly values: Omit<TuneValues, 'why'>;
};

/** A proposal as Slack shows it. */
export type ShownProposal = Pick<
  Proposal,
  | 'id'
  | 'detector'
  | 'by'
  | 'at'
  | 'state'
  | 'changes'
  | 'progress'
  | 'words'
  | 'problem'
  | 'secondPerson'
  | 'decidedBy'
> & { readonly why: string };

export type TuneProblem = { readonly field: TuneField; readonly message: string };

export type TuneAnswer =
  /** null: there is nothing to tune. */
  | { readonly kind: 'form'; readonly form: TuneForm | null }
  | { readonly kind: 'problems'; readonly problems: readonly TuneProblem[] }
  /** null: it is not known any more. */
  | { readonly kind: 'proposal'; readonly proposal: ShownProposal | null }
  /** `message`: for who decided, alone; '' if what is shown to all says it. */
  | { readonly kind: 'decided'; readonly message: string; readonly proposal: ShownProposal | null };
