import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BackfillCursor, newCursor } from '../../../src/ingest/backfill.ts';
import { backfillStatus, type Run } from '../../../src/ingest/backfill-progress.ts';

const START_MS = 1_800_000_000_000;
const first = newCursor({ sinceS: 1_000, untilS: 2_000, accounts: [null, 'acct_1'] });

const runOf = (cursor: Partial<BackfillCursor>, over: Partial<Run> = {}): Run => ({
  state: 'running',
  cursor: { ...first, ...cursor },
  first,
  startedAt: START_MS,
  endedAt: null,
  requests: 50,
  requestsPerSecond: 5,
  waiting: null,
  error: null,
  ...over,
});

describe('what is told of a backfill', () => {
  it('is how far, how fast, and when it ends', () => {
    const status = backfillStatus(runOf({ reachedS: 1_500, events: 400, counted: 300 }), START_MS + 10_000);
    expect(status).toMatchObject({
      fraction: 0.25,
      events: 400,
      eventsPerSecond: 40,
      expectedEndAt: new Date(START_MS + 40_000).toISOString(),
      reachedAt: '1970-01-01T00:25:00.000Z',
      account: null,
      accounts: 2,
      readBudgetUsed: 0.005,
    });
  });

  it('judges speed by what was done since it went on', () => {
    const resumed = { ...first, reachedS: 1_800, events: 9_000 };
    const status = backfillStatus(runOf({ reachedS: 2_000, events: 9_100 }, { first: resumed }), START_MS + 1_000);
    expect(status.eventsPerSecond).toBe(100);
    expect(status.expectedEndAt).toBe(new Date(START_MS + 6_000).toISOString());
  });

  it('expects no end before anything was done, and none of what has ended', () => {
    expect(backfillStatus(runOf({}), START_MS).expectedEndAt).toBeNull();
    const done = backfillStatus(runOf({ index: 2 }, { state: 'done', endedAt: START_MS + 5_000 }), START_MS + 99_000);
    expect(done).toMatchObject({ fraction: 1, expectedEndAt: null });
  });

  it('stays between 0 and 1', () => {
    const whole = fc.integer({ min: 0, max: 4_000 });
    fc.assert(
      fc.property(whole, whole, whole, fc.nat(3), fc.nat(100_000), (sinceS, untilS, reachedS, index, elapsedMs) => {
        const cursor = { ...first, sinceS, untilS, reachedS, index };
        const status = backfillStatus(runOf(cursor, { first: cursor }), START_MS + elapsedMs);
        expect(status.fraction).toBeGreaterThanOrEqual(0);
        expect(status.fraction).toBeLessThanOrEqual(1);
        expect(Number.isFinite(status.eventsPerSecond)).toBe(true);
      }),
    );
  });
});
