// The real clock, running faster: pauses that a person would wait for are over in a moment, and nothing else changes.
import { type Clock, systemClock } from '../../src/model/clock.ts';

/** Begins in the past, so that it stays behind the clocks of the servers it is told of. */
export function quickClock({ speed, behindMs }: { readonly speed: number; readonly behindMs: number }): Clock {
  const begin = Date.now();
  return {
    now: () => begin - behindMs + Math.floor((Date.now() - begin) * speed),
    sleep: async (ms, signal) => await systemClock.sleep(ms / speed, signal),
  };
}
