// Keeps to a rate that Slack allows: about one message a second in a channel, with a short burst.
import type { Clock } from '../model/clock.ts';

export type TokenBucket = {
  /** Resolves with true once a token is free, in the order of asking; false if the signal is aborted before. */
  take(signal: AbortSignal): Promise<boolean>;
  /** The same for what may wait: whoever asks meanwhile goes first, for `patienceMs` at most. */
  takeLast(patienceMs: number, signal: AbortSignal): Promise<boolean>;
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
  /** How long who asks now would wait. */
  const waitOf = (now: number): number => Math.max(fullAt, now) + everyMs - now - burst * everyMs;
  const take = async (signal: AbortSignal): Promise<boolean> => {
    const now = clock.now();
    const waitMs = waitOf(now);
    fullAt = Math.max(fullAt, now) + everyMs;
    if (waitMs > 0) await clock.sleep(waitMs, signal);
    return !signal.aborted;
  };
  return {
    take,
    takeLast: async (patienceMs, signal) => {
      const patientUntil = clock.now() + patienceMs;
      for (let now = clock.now(); now < patientUntil && waitOf(now) > 0; now = clock.now()) {
        await clock.sleep(Math.min(waitOf(now), patientUntil - now), signal);
        if (signal.aborted) return false;
      }
      return await take(signal);
    },
  };
}
