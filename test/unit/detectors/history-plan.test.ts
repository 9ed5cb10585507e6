// Pieces: every hour that waits is within the range of one, and what a piece loads is enough for its range.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  HOUR_S,
  loadOf,
  planPieces,
  rangeOf,
  reachBack,
  reachOn,
  SLACK_S,
} from '../../../src/detectors/history-plan.ts';

const reachArb = fc.record({
  windowS: fc.integer({ min: 1, max: 7 * 86_400 }),
  quietForS: fc.integer({ min: 1, max: 14 * 86_400 }),
});
const hoursArb = fc.uniqueArray(fc.integer({ min: 400_000, max: 401_000 }), { maxLength: 60 });

describe('pieces of history', () => {
  it('cover every hour that waits with the windows after it, each as large as it may be', () => {
    fc.assert(
      fc.property(hoursArb, reachArb, fc.integer({ min: 0, max: 3_000 }), (hours, reach, maxViews) => {
        const count = ({ fromS, toS }: { fromS: number; toS: number }): number => (toS - fromS) / HOUR_S;
        const pieces = planPieces({ hours, reach, count, maxViews });
        for (const hour of hours) {
          const ranges = pieces.map((piece) => rangeOf(piece, reach));
          const last = (hour + 1) * HOUR_S + reach.windowS + reach.quietForS;
          expect(ranges.some(({ fromS, toS }) => fromS <= hour * HOUR_S - SLACK_S && toS > last)).toBe(true);
        }
        for (const [i, piece] of pieces.entries()) {
          expect(piece.seed.fromS).toBeGreaterThan(pieces[i - 1]?.seed.fromS ?? 0);
          const isSingle = piece.seed.toS - piece.seed.fromS === HOUR_S + 2 * SLACK_S;
          if (!isSingle) expect(count(loadOf(piece, reach))).toBeLessThanOrEqual(maxViews);
        }
      }),
    );
  });

  it('know a window and a quiet gap before their range, and a quiet gap after it', () => {
    fc.assert(
      fc.property(reachArb, fc.integer({ min: 0, max: 9_999_999 }), (reach, firstBreachAt) => {
        const piece = { seed: { fromS: 10_000_000, toS: 10_003_600 }, tailS: 0 };
        for (const one of [piece, reachBack(piece, firstBreachAt), reachOn(piece)]) {
          const range = rangeOf(one, reach);
          const load = loadOf(one, reach);
          expect(range.fromS - load.fromS).toBe(reach.windowS + reach.quietForS + SLACK_S);
          expect(load.toS - range.toS).toBeGreaterThanOrEqual(reach.quietForS + SLACK_S);
        }
        expect(rangeOf(reachBack(piece, firstBreachAt), reach).fromS).toBeLessThanOrEqual(firstBreachAt);
        expect(rangeOf(reachBack(piece, firstBreachAt), reach).toS).toBe(rangeOf(piece, reach).toS);
        expect(loadOf(reachOn(piece), reach).toS).toBeGreaterThan(loadOf(piece, reach).toS);
      }),
    );
  });
});
