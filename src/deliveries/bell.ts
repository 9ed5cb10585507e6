// Wakes one waiting loop: by a ring, after a time, or when it is to stop. A ring that nobody waited for is kept.
import type { Clock } from '../model/clock.ts';

export type Bell = {
  ring(): void;
  /** Resolves at the next ring, after `ms` (null: only a ring), or when the signal is aborted. */
  wait(ms: number | null, clock: Clock, signal: AbortSignal): Promise<void>;
};

export function createBell(): Bell {
  let isRung = false;
  let wake: (() => void) | null = null;
  return {
    ring: () => {
      isRung = true;
      wake?.();
    },
    wait: async (ms, clock, signal) => {
      const done = new AbortController();
      const rung = new Promise<void>((resolve) => {
        wake = resolve;
        if (isRung || signal.aborted) resolve();
        signal.addEventListener('abort', () => resolve(), { once: true, signal: done.signal });
      });
      await (ms === null ? rung : Promise.race([rung, clock.sleep(ms, AbortSignal.any([signal, done.signal]))]));
      wake = null;
      isRung = false;
      done.abort();
    },
  };
}
