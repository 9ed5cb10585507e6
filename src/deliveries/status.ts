// What a delivery loop says about itself: for health, the API and the metrics.
import type { Delivery, DeliveryOutput } from '../model/delivery.ts';

export type DeliveryStatus = {
  readonly output: DeliveryOutput;
  /** This process holds the right to deliver; false: another replica does, or the loop has not started yet. */
  readonly active: boolean;
  /** Incidents whose newest state is not delivered yet; the failed ones are not counted. */
  readonly pending: number;
  /** Milliseconds: since when the oldest of them waits. */
  readonly oldestPendingAt: number | null;
  readonly lastDeliveredAt: number | null;
  /** The newest error; null again once a delivery has gone through. */
  readonly lastError: { readonly at: number; readonly message: string } | null;
  /** Milliseconds: the output is left alone until then. */
  readonly pausedUntil: number | null;
  /** At most 200, newest first. */
  readonly failed: readonly Delivery[];
  readonly failedCount: number;
};

/** The closed list of the metric's label. */
export type DeliveryOutcome = 'posted' | 'updated' | 'adopted' | 'retried' | 'failed' | 'possibly_duplicate';

export type DeliveryMetrics = {
  /** One outcome of one item. */
  count(output: DeliveryOutput, outcome: DeliveryOutcome): void;
};
