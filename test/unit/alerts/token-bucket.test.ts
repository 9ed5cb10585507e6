import { describe, expect, it } from 'vitest';
import { createTokenBucket } from '../../../src/alerts/token-bucket.ts';
import { handClock } from '../../support/hand-clock.ts';

describe('createTokenBucket', () => {
  it('lets a short burst through, then one in the stated time, in order', async () => {
    const clock = handClock();
    const bucket = createTokenBucket({ clock, everyMs: 1_000, burst: 3 });
    const stop = new AbortController();
    const taken: number[] = [];
    const all = Array.from({ length: 6 }, async (_, n) => {
      await bucket.take(stop.signal);
      taken.push(n);
    });
    const settle = async () => await new Promise((resolve) => setImmediate(resolve));
    await settle();
    expect(taken).toEqual([0, 1, 2]);
    clock.advance(999);
    await settle();
    expect(taken).toHaveLength(3);
    clock.advance(1);
    await settle();
    expect(taken).toEqual([0, 1, 2, 3]);
    clock.advance(2_000);
    await Promise.all(all);
    expect(taken).toEqual([0, 1, 2, 3, 4, 5]);
    clock.advance(60_000);
    expect(await bucket.take(stop.signal)).toBe(true);
  });

  it('gives up when it is to stop', async () => {
    const clock = handClock();
    const bucket = createTokenBucket({ clock, everyMs: 1_000, burst: 1 });
    const stop = new AbortController();
    expect(await bucket.take(stop.signal)).toBe(true);
    const waiting = bucket.take(stop.signal);
    stop.abort();
    expect(await waiting).toBe(false);
  });

  it('lets whoever may wait go last, but not wait for ever', async () => {
    const clock = handClock();
    const bucket = createTokenBucket({ clock, everyMs: 1_000, burst: 1 });
    const { signal } = new AbortController();
    const settle = async () => await new Promise((resolve) => setImmediate(resolve));
    const taken: string[] = [];
    const take = async (name: string): Promise<void> => {
      if (await bucket.take(signal)) taken.push(name);
    };
    await take('a');
    const last = bucket.takeLast(60_000, signal).then(() => taken.push('last'));
    const soon = Promise.all([take('b'), take('c')]);
    for (let second = 0; second < 4; second += 1) {
      clock.advance(1_000);
      await settle();
    }
    await Promise.all([last, soon]);
    expect(taken).toEqual(['a', 'b', 'c', 'last']);
    // As many as may go keep asking: after its patience it stands in line as they do.
    let isLast = false;
    const patient = bucket.takeLast(3_000, signal).then(() => {
      isLast = true;
    });
    for (let second = 0; second < 10 && !isLast; second += 1) {
      void bucket.take(signal);
      clock.advance(1_000);
      await settle();
    }
    await patient;
    expect(isLast).toBe(true);
  });

  it('gives up waiting last when it is to stop', async () => {
    const clock = handClock();
    const bucket = createTokenBucket({ clock, everyMs: 1_000, burst: 1 });
    const stop = new AbortController();
    await bucket.take(stop.signal);
    const waiting = bucket.takeLast(60_000, stop.signal);
    stop.abort();
    expect(await waiting).toBe(false);
  });
});
