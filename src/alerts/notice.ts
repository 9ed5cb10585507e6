// A notice: what Slack tells that belongs to no single incident (the handover card, a change of settings, …). Who has
// something to tell is a source: asked again and again, it names what is due now, and notices.ts tells each once.
import type { KnownBlock } from '@slack/types';
import type { Delivery } from '../model/delivery.ts';

export type Card = { readonly text: string; readonly blocks: readonly KnownBlock[] };

export type Notice = {
  /** What it is about, the same after a restart and in every replica: `handover`, `settings:812`. At most 200 characters. */
  readonly subject: string;
  /** What is told of a subject is told up to a version; a later one is told anew. */
  readonly version: number;
  /** A later version edits the message of the elder one instead. */
  readonly isLiving?: boolean;
  readonly channel: string;
  /** Made at the moment of telling. */
  readonly card: () => Card;
  /** Milliseconds: later it is no news any more. */
  readonly untilMs: number;
};

/** What was told, or is being told, by subject. */
export type NoticesTold = {
  of(subject: string): Delivery | null;
  all(): Iterable<Delivery>;
};

/** What is due now, oldest first, whether it was told or not. Answers at once; it is asked again within seconds. */
export type NoticeSource = (told: NoticesTold) => readonly Notice[];

/** The slot of their receipts. */
export const NOTICE_SLOT = 'card';
export const NOTICE_EVENT_TYPE = 'declinewatch_notice';

/** It stands in the channel, or was given up. */
export const isTold = (notice: Notice, receipt: Delivery | null): boolean =>
  receipt !== null &&
  (receipt.version > notice.version || (receipt.version === notice.version && receipt.state !== 'posting'));
