// Keeps to what Google allows: 60 reads and 60 writes a minute for the service account. Half of the writes are left to
// others that use the same account.
import type { Clock } from '../model/clock.ts';

export type Pace = {
  /** Resolves with true when the next call may go out, in the order of asking; false if the signal is aborted before. */
  take(signal: AbortSignal): Promise<boolean>;
};

const MINUTE_MS = 60_000;

export const WRITES_PER_MINUTE = 30;
export const READS_PER_MINUTE = 50;

/** At most `perMinute` calls in any 60 seconds. */
export function createPace({ clock, perMinute }: { readonly clock: Clock; readonly perMinute: number }): Pace {
  /** When the last calls went out, or will. */
  const times: number[] = [];
  return {
    take: async (signal) => {
      const now = clock.now();
      const oldest = times.length < perMinute ? undefined : times[times.length - perMinute];
      const at = oldest === undefined ? now : Math.max(now, oldest + MINUTE_MS);
      times.push(at);
      if (times.length > perMinute * 2) times.splice(0, times.length - perMinute);
      if (at > now) await clock.sleep(at - now, signal);
      return !signal.aborted;
    },
  };
}
