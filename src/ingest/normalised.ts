// What comes of reading a Stripe event, and what its readers are given.
import type { SignalView, View } from '../model/attempt.ts';

export type NormaliseContext = {
  /** Which metadata an attempt keeps (design §5): the key that holds the address, and further keys. */
  readonly metadata: { readonly ip: string | null; readonly keys: readonly string[] };
};

/** A view or signal without what ingest stamps on it. */
export type UnstampedView = Omit<View, 'receivedAt' | 'lane'>;
export type UnstampedSignal = Omit<SignalView, 'receivedAt' | 'lane'>;

export type IgnoredReason = 'link' | 'other_type' | 'no_attempt';
export type BadReason = 'not_an_event' | 'thin_notification' | 'no_object' | 'no_id';

export type Normalised =
  | { readonly kind: 'view'; readonly view: UnstampedView }
  | { readonly kind: 'signal'; readonly signal: UnstampedSignal }
  | { readonly kind: 'ignored'; readonly reason: IgnoredReason }
  | { readonly kind: 'bad'; readonly reason: BadReason; readonly message: string };

/** What every view takes from its event. */
export type EventHead = {
  readonly event: string;
  readonly type: string;
  readonly created: number;
  readonly apiVersion: string;
  readonly account: string | null;
  readonly livemode: boolean;
};
