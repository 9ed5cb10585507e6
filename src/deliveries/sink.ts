// The port of an output (Slack, Sheets, a preview) as the one delivery loop sees it (design §4.5). A sink renders and
// calls; it decides nothing about repetition: what was delivered, and where, is the loop's to record.
import type { DeliveryPlace } from '../model/delivery.ts';
import type { Incident } from '../model/incident.ts';

/** One thing to deliver: the newest state of an incident in one slot. */
export type Item = {
  readonly incident: Incident;
  /** `message`, `row`, or one of `notes`. */
  readonly slot: string;
  /** Where this slot already stands: update it there. Null: it is new. */
  readonly place: DeliveryPlace | null;
  /** Of a note: where the main slot stands (the message whose thread it goes to). Else null. */
  readonly main: DeliveryPlace | null;
};

/** `now`; at a time in milliseconds; or `never`: not in this state, ask again when the incident has changed. */
export type Acceptance = 'now' | 'never' | { readonly at: number };

/** What became of one item. */
export type Result =
  | { readonly outcome: 'delivered'; readonly place: DeliveryPlace }
  /**
   * Try again. `scope` output: nothing of this output can be delivered now (away, throttled, token refused): the whole
   * output pauses; `item`: only this one waits. `sent`: `no` if it surely was not carried out, `maybe` if the answer was
   * lost: then a new item is looked up before it is sent again.
   */
  | {
      readonly outcome: 'retry';
      readonly scope: 'item' | 'output';
      readonly sent: 'no' | 'maybe';
      readonly error: string;
      /** Milliseconds the output asked for (Retry-After); at least so long nothing is sent. */
      readonly retryAfterMs?: number;
    }
  /** Refused for good, also as plain text: recorded as failed, a dead letter, tried again after `recheckMs`. */
  | { readonly outcome: 'refused'; readonly error: string };

/** The right to tell, while a call is made ready. */
export type Turn = {
  /** Aborted when it is given up. */
  readonly signal: AbortSignal;
  /** To be asked right before a call that nobody may make twice: false if another process may make it by now. */
  readonly isOurs: () => Promise<boolean>;
};

/** Every function may reject: then each item is tried again, as `{ scope: 'output', sent: 'maybe' }`. */
export type Sink = {
  /** The slot of the incident itself. */
  readonly slot: 'message' | 'row';
  /** Most items in one call of `deliver`, and the least time from one call's start to the next one's. */
  readonly batch: { readonly maxSize: number; readonly everyMs: number };
  /** Calls of `deliver` that may run side by side. An incident is in one of them at most. */
  readonly parallel: number;
  /** Whether it is to be told; it may be put off, also by the output's own pace. `place`: where its main slot stands, or null. */
  readonly accepts: (
    incident: Incident,
    context: { readonly now: number; readonly place: DeliveryPlace | null },
  ) => Acceptance;
  /** Pure: slots (`thread:…`) that are due beside the main one, each told once, before the main slot is updated. */
  readonly notes?: (incident: Incident, place: DeliveryPlace) => readonly string[];
  /** Pure: whether what was told in a slot of `notes` names the incident's entity: told anew, in place, once that was erased. */
  readonly names?: (slot: string) => boolean;
  /** Results in the order of the items. An item whose `place` is null is new; calling again with a place must be harmless. */
  readonly deliver: (items: readonly Item[], turn: Turn) => Promise<readonly Result[]>;
  /**
   * For new items of which it is unknown whether they were carried out: where each stands, null if it is surely not
   * there, `unknown` if that can never be found out (a missing permission): then it is sent again, and counted.
   * Rejects when it cannot be found out now: it is asked again later, and nothing is sent until then.
   */
  readonly lookUp: (
    items: readonly (Item & { readonly sinceMs: number })[],
    signal: AbortSignal,
  ) => Promise<readonly (DeliveryPlace | 'unknown' | null)[]>;
};
