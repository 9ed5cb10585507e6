import { describe, expect, it } from 'vitest';
import { persist } from '../../../src/ingest/stripe-persist.ts';
import { AppError } from '../../../src/model/errors.ts';
import { eagerClock } from '../../support/local-stripe.ts';

const away = new AppError('stripe_unavailable', 'away', { retriable: true });

function failing(times: number, error: unknown = away) {
  let calls = 0;
  return {
    calls: () => calls,
    attempt: async () => {
      calls += 1;
      if (calls <= times) throw error;
      return 'done';
    },
  };
}

const run = async (attempt: () => Promise<string>, signal = new AbortController().signal) => {
  const clock = eagerClock();
  const result = await persist(attempt, { clock, signal }).catch((error: AppError) => error.code);
  return { result, slept: clock.slept };
};

describe('trying again', () => {
  it('waits longer each time, at most a minute', async () => {
    const { result, slept } = await run(failing(9).attempt);
    expect(result).toBe('done');
    slept.forEach((ms, index) => {
      const longest = Math.min(1_000 * 2 ** index, 60_000);
      expect(ms).toBeGreaterThanOrEqual(longest / 2);
      expect(ms).toBeLessThanOrEqual(longest);
    });
    expect(slept).toHaveLength(9);
  });

  it('gives up after twelve tries', async () => {
    const stubborn = failing(100);
    expect((await run(stubborn.attempt)).result).toBe('stripe_unavailable');
    expect(stubborn.calls()).toBe(12);
  });

  it('does not try again what cannot succeed', async () => {
    const refused = failing(100, new AppError('stripe_forbidden', 'no'));
    expect((await run(refused.attempt)).result).toBe('stripe_forbidden');
    expect(refused.calls()).toBe(1);
  });

  it('lets go of what is under way when it is stopped', async () => {
    const stop = new AbortController();
    const never = run(async () => await new Promise<string>(() => stop.abort()), stop.signal);
    expect((await never).result).toBe('stopped');
    const late = failing(0);
    expect((await run(late.attempt, stop.signal)).result).toBe('stopped');
    expect(late.calls()).toBe(0);
  });
});
