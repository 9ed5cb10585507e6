// What could not be handled: kept with the reason, listed, retried or dropped by a person (design §4.7).
import type { Actor } from './incident.ts';

export type DeadLetter = {
  /** A topic's name, or an output's: where its record is, or what refused it. */
  readonly source: string;
  readonly partition: number;
  /** Of the record; of an output the version of the incident that was refused. */
  readonly offset: number;
  /** From a closed list: the metric's label and the log's field. */
  readonly reason: string;
  readonly message: string;
  readonly tries: number;
  /** Milliseconds. */
  readonly at: number;
  /** Event id, incident id, …; never personal data. */
  readonly subject: string | null;
  /** Absent while it waits for a person. Final: the same record that is buried again stays settled. */
  readonly settled?: Settled;
};

export type Settled = {
  readonly how: 'retried' | 'dropped';
  /** Milliseconds. */
  readonly at: number;
  readonly by: Actor;
  /** What it became: `view`, `ignored: not_handled`, …; '' if nothing is to be said. */
  readonly result: string;
};

/** `stripe-events/2/1041`, `slack/INC-7/14`: the same for the same thing, however often it is buried. */
export function deadLetterId({ source, partition, offset, subject }: DeadLetter): string {
  return OUTPUT.test(source) ? `${source}/${subject ?? ''}/${offset}` : `${source}/${partition}/${offset}`;
}

/** Whether an output refused it: such a one has no record of its own. */
export const isOfOutput = ({ source }: DeadLetter): boolean => OUTPUT.test(source);

const OUTPUT = /^(preview-)?(slack|sheets)$/;

/** What was done about one. `waits`: it stays as it is, for the reason given. */
export type LetterResult = {
  readonly id: string;
  readonly outcome: 'retried' | 'dropped' | 'still_dead' | 'waits';
  /** What it became, or why it did not. */
  readonly message: string;
};

/** What can be shown of its record without showing a person's data. */
export type RecordFacts = {
  readonly receivedAt: string;
  readonly bytes: number;
  /** Of a Stripe event; null: none is known. */
  readonly type: string | null;
  /** Its content with every value left out that could tell of a person; null: it is no JSON. */
  readonly outline: string | null;
};
