// Keeps to a rate that Slack allows: about one message a second in a channel, with a short burst.
import type { Clock } from '../model/clock.ts';

export type TokenBucket = {
  /** Resolves with true once a token is free, in the order of asking; false if the signal is aborted before. */
  take(signal: AbortSignal): Promise<boolean>;
};

export function createTokenBucket({
  clock,
  everyMs,
  burst,
}: {
  readonly clock: Clock;
  readonly everyMs: number;
  readonly burst: number;
}): TokenBucket {
  /** When the bucket would be full again: each token taken moves it by `everyMs`. */
  let fullAt = 0;
  return {
    take: async (signal) => {
      const now = clock.now();
      fullAt = Math.max(fullAt, now) + everyMs;
      const waitMs = fullAt - now - burst * everyMs;
      if (waitMs > 0) await clock.sleep(waitMs, signal);
      return !signal.aborted;
    },
  };
}
