import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPace } from '../../../src/sinks/sheets-pace.ts';
import { handClock } from '../../support/hand-clock.ts';

const { signal } = new AbortController();

async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

describe('pace', () => {
  it('lets no more than its number through in any minute', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(20_000), { minLength: 1, maxLength: 60 }), async (gaps) => {
        const clock = handClock(1_000_000);
        const pace = createPace({ clock, perMinute: 5 });
        const times: number[] = [];
        const calls: Promise<unknown>[] = [];
        for (const gap of gaps) {
          clock.advance(gap);
          calls.push(pace.take(signal).then(() => times.push(clock.now())));
          await turns();
        }
        // Each step wakes one of them; a few turns of the loop let it go out and the next one fall asleep.
        for (let n = 0; n < 40 * gaps.length && times.length < gaps.length; n += 1) {
          clock.advance(7_000);
          await turns();
        }
        await Promise.all(calls);
        for (const from of times)
          expect(times.filter((at) => at >= from && at < from + 60_000).length).toBeLessThanOrEqual(5);
      }),
      { numRuns: 30 },
    );
  });

  it('stops waiting when it is told to', async () => {
    const clock = handClock();
    const pace = createPace({ clock, perMinute: 1 });
    expect(await pace.take(signal)).toBe(true);
    const stop = new AbortController();
    const waiting = pace.take(stop.signal);
    stop.abort();
    expect(await waiting).toBe(false);
  });
});
