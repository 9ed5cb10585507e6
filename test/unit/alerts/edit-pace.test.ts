import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEditPace } from '../../../src/alerts/edit-pace.ts';
import { handClock } from '../../support/hand-clock.ts';

const never = new AbortController().signal;
const grown = (message: string) => ({ message, isUrgent: false });
const urgent = (message: string) => ({ message, isUrgent: true });

describe('the pace of edits', () => {
  it('leaves two seconds at least between two edits of one message that only grows', async () => {
    const clock = handClock();
    const pace = createEditPace({ clock });
    expect(await pace.take(grown('storm'), never)).toBe(true);
    expect(pace.nextAt(grown('storm')) - clock.now()).toBeGreaterThanOrEqual(2_000);
    expect(pace.nextAt(grown('another')) - clock.now()).toBeLessThan(2_000);
    expect(pace.nextAt(urgent('another')) - clock.now()).toBeLessThanOrEqual(0);
  });

  it('never lets more than 40 through in any minute, and always leaves room for what people do', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ waitMs: fc.nat(2_000), message: fc.nat(8), isUrgent: fc.boolean() }), { maxLength: 200 }),
        async (edits) => {
          const clock = handClock();
          const pace = createEditPace({ clock });
          const done: { at: number; isUrgent: boolean }[] = [];
          for (const { waitMs, message, isUrgent } of edits) {
            clock.advance(waitMs);
            const edit = { message: String(message), isUrgent };
            const at = Math.max(clock.now(), pace.nextAt(edit));
            clock.advance(at - clock.now());
            expect(await pace.take(edit, never)).toBe(true);
            done.push({ at, isUrgent });
          }
          for (const { at } of done) {
            const inMinute = done.filter((one) => one.at > at - 60_000 && one.at <= at);
            expect(inMinute.length).toBeLessThanOrEqual(40);
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  it('while a storm grows without end, an edit of another message waits at most three seconds', async () => {
    const clock = handClock();
    const pace = createEditPace({ clock });
    for (let second = 0; second < 300; second += 1) {
      if (pace.nextAt(grown('storm')) <= clock.now()) await pace.take(grown('storm'), never);
      expect(pace.nextAt(grown(`other-${second}`)) - clock.now()).toBeLessThanOrEqual(3_000);
      expect(pace.nextAt(urgent(`other-${second}`)) - clock.now()).toBeLessThanOrEqual(0);
      clock.advance(1_000);
    }
  });

  it('waits for its turn, and not at all once it is stopped', async () => {
    const clock = handClock();
    const pace = createEditPace({ clock });
    const stop = new AbortController();
    await pace.take(grown('a'), stop.signal);
    const waiting = pace.take(grown('a'), stop.signal);
    clock.advance(3_000);
    expect(await waiting).toBe(true);
    const refused = pace.take(grown('a'), stop.signal);
    stop.abort();
    expect(await refused).toBe(false);
  });
});
