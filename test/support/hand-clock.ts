// A clock that stands still until a test moves it.
import type { Clock } from '../../src/model/clock.ts';

export type HandClock = Clock & {
  /** Moves the time and wakes every sleeper that is due. */
  advance(ms: number): void;
};

export function handClock(startMs = 1_800_000_000_000): HandClock {
  let now = startMs;
  const sleepers = new Set<{ readonly at: number; readonly wake: () => void }>();
  return {
    now: () => now,
    sleep: async (ms, signal) =>
      await new Promise((resolve) => {
        if (signal?.aborted || ms <= 0) return resolve();
        const sleeper = { at: now + ms, wake: () => done() };
        const done = (): void => {
          sleepers.delete(sleeper);
          signal?.removeEventListener('abort', done);
          resolve();
        };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', done, { once: true });
      }),
    advance: (ms) => {
      now += ms;
      for (const sleeper of [...sleepers]) if (sleeper.at <= now) sleeper.wake();
    },
  };
}
