// How fast Stripe is asked: one pace for everything this process reads, so that a backfill, reconciliation and look-ups
// together stay below the rate. A 429 halves it; it comes back by and by.
import type { Clock } from '../model/clock.ts';

export type Pace = {
  /** Resolves when it is this caller's turn, in the order of asking; at once when the signal is aborted. */
  turn(signal?: AbortSignal): Promise<void>;
  /** Stripe said 429. */
  slowDown(): void;
  /** Stripe answered. */
  answered(): void;
  /** Requests a second, as it is now. */
  perSecond(): number;
};

/** Slowest: one request in ten seconds. */
const LONGEST_INTERVAL_MS = 10_000;
/** So many answers in a row make it twice as fast again, up to the pace it began with. */
const ANSWERS_TO_RECOVER = 20;

export function createPace({ clock, perSecond }: { readonly clock: Clock; readonly perSecond: number }): Pace {
  const fastestMs = 1_000 / perSecond;
  let intervalMs = fastestMs;
  let nextAt = 0;
  let answers = 0;
  return {
    turn: async (signal) => {
      const now = clock.now();
      const at = Math.max(now, nextAt);
      nextAt = at + intervalMs;
      if (at > now) await clock.sleep(at - now, signal);
    },
    slowDown: () => {
      answers = 0;
      intervalMs = Math.min(intervalMs * 2, LONGEST_INTERVAL_MS);
      nextAt = Math.max(nextAt, clock.now() + intervalMs);
    },
    answered: () => {
      answers += 1;
      if (answers < ANSWERS_TO_RECOVER || intervalMs <= fastestMs) return;
      answers = 0;
      intervalMs = Math.max(intervalMs / 2, fastestMs);
    },
    perSecond: () => 1_000 / intervalMs,
  };
}
