// What was told to whom, recorded so that it is told once (design §4.5).
import type { Severity } from './detector.ts';
import type { Status } from './incident.ts';

export type DeliveryOutput = 'slack' | 'sheets' | 'preview-slack' | 'preview-sheets';

export const DELIVERY_STATES = ['posting', 'posted', 'failed'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** Where it is now: of Slack channel and ts, of a sheet the tab and row as last seen. */
export type DeliveryPlace = {
  readonly channel?: string;
  readonly ts?: string;
  readonly url?: string;
  readonly tab?: string;
  readonly row?: number;
  /** Of a row: its spreadsheet and its tab's id, which outlive a renamed tab. */
  readonly spreadsheet?: string;
  readonly gid?: number;
  /** Milliseconds: somebody deleted the row; it stays deleted. */
  readonly deletedAt?: number;
  /** Of a Slack message: what was said aloud last (posts notify, edits do not), so that only a worsening speaks again. */
  readonly told?: {
    readonly version: number;
    readonly severity: Severity;
    readonly peak: number;
    readonly status: Status;
    /** The escalation step told last; absent: none. */
    readonly escalated?: number;
    /** Of the rest what was told last, times in milliseconds; absent: written before it was told of. */
    readonly noted?: number;
    readonly owner?: string | null;
    readonly mutedUntil?: number | null;
    readonly unmuted?: number;
    readonly reminded?: number;
    readonly openedAgain?: number;
    readonly over?: boolean;
  };
};

export type Delivery = {
  readonly output: DeliveryOutput;
  /** Incident id; of a notice what it is about: `handover`, `settings:812`. */
  readonly subject: string;
  /** `message`, `thread:` + change id, `row`; of a notice `card`. */
  readonly slot: string;
  readonly state: DeliveryState;
  /** Version of the incident, or of the notice, that was rendered. */
  readonly version: number;
  /** Milliseconds. */
  readonly at: number;
  readonly place: DeliveryPlace | null;
  readonly error: string | null;
  readonly tries: number;
};

export function deliveryId(delivery: Pick<Delivery, 'output' | 'subject' | 'slot'>): string {
  return `${delivery.output}/${delivery.subject}/${delivery.slot}`;
}
