// Window totals that are kept right at each change, against counting anew.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Cells,
  type Contribution,
  cellsFrom,
  changeCells,
  createCells,
  HERE,
  type Layout,
  layoutOf,
  MORE_WINDOW,
  seek,
  valueAt,
  WINDOW,
} from '../../../src/detectors/cells.ts';
import type { CountKind } from '../../../src/model/detector.ts';

const W = 10;
const KINDS: readonly CountKind[] = ['attempts', 'sum(amount)', 'ratio', 'distinct(card)'];

const hitArb: fc.Arbitrary<Contribution> = fc
  .record({
    time: fc.nat(60),
    matching: fc.constantFrom(0, 1, 1, 1),
    counted: fc.constant(1),
    eligible: fc.constantFrom(0, 1),
    amount: fc.nat(500),
    value: fc.constantFrom(null, 'a', 'b', 'c'),
  })
  // Only what matches has an amount or a value to add.
  .map((hit) => (hit.matching > 0 ? hit : { ...hit, amount: 0, value: null }));

const stepArb = fc.record({ hit: hitArb, retracts: fc.nat(3) });

function expectRight(cells: Cells, layout: Layout, held: readonly Contribution[], fromS = 0): void {
  const { count, stride } = layout;
  const relevant = held.filter((hit) => hit.matching > 0 || count === 'ratio' || (layout.hasAt && hit.eligible > 0));
  const times = [...new Set(relevant.map(({ time }) => time))].sort((a, b) => a - b).filter((time) => time >= fromS);
  const found = [];
  for (let at = seek(cells.list, stride, fromS); at < cells.list.length; at += stride) found.push(cells.list[at]);
  expect(found).toEqual(times);
  for (const time of times) {
    const at = seek(cells.list, stride, time);
    const window = held.filter((hit) => hit.time > time - W && hit.time <= time);
    const matching = window.filter((hit) => hit.matching > 0);
    expect(cells.list[at + WINDOW]).toBe(matching.length);
    expect(cells.list[at + HERE]).toBe(matching.filter((hit) => hit.time === time).length);
    const values = new Set(matching.flatMap(({ value }) => value ?? []));
    const expected = {
      attempts: matching.length,
      'sum(amount)': matching.reduce((sum, { amount }) => sum + amount, 0),
      ratio: window.length === 0 ? 0 : matching.length / window.length,
      'distinct(card)': values.size,
    }[count as 'attempts'];
    expect(valueAt(cells.list, at, count)).toBe(expected);
    if (count === 'ratio') expect(cells.list[at + MORE_WINDOW]).toBe(window.length);
    if (layout.hasAt) {
      const eligible = held.filter((hit) => hit.time === time && hit.eligible > 0).length;
      expect(cells.list[at + layout.eligible]).toBe(eligible);
    }
  }
}

describe('cells', () => {
  it.each(KINDS.flatMap((count) => [null, 'x'].map((at) => [count, at] as const)))(
    'of %s (at: %s) are those of counting anew, in any order, with retractions and after a cut',
    (count, atFilter) => {
      fc.assert(
        fc.property(fc.array(stepArb, { maxLength: 40 }), fc.nat(60), (steps, cutS) => {
          const layout = layoutOf({ count, windowS: W, at: atFilter });
          const cells = createCells(layout);
          const held: Contribution[] = [];
          for (const { hit, retracts } of steps) {
            const relevant = hit.matching > 0 || count === 'ratio' || (layout.hasAt && hit.eligible > 0);
            if (relevant) {
              held.push(hit);
              changeCells(cells, layout, hit, 1);
            }
            if (retracts === 0) {
              const gone = held.shift();
              if (gone !== undefined) changeCells(cells, layout, gone, -1);
            }
          }
          expectRight(cells, layout, held);
          const kept = cellsFrom(cells, layout, cutS - W);
          expect(kept.list[0] ?? cutS).toBeGreaterThanOrEqual(cutS - W);
          expectRight(
            kept,
            layout,
            held.filter(({ time }) => time >= cutS - W),
            cutS,
          );
        }),
        { numRuns: 200 },
      );
    },
  );

  it('stay right in a long list, where early seconds are many cells away', () => {
    const layout = layoutOf({ count: 'attempts', windowS: 1_000, at: null });
    const cells = createCells(layout);
    const hit = { matching: 1, counted: 0, eligible: 1, amount: 0, value: null };
    for (let time = 0; time < 5_000; time += 2) changeCells(cells, layout, { ...hit, time }, 1);
    changeCells(cells, layout, { ...hit, time: 1_001 }, 1);
    const windowAt = (time: number): number | undefined => cells.list[seek(cells.list, layout.stride, time) + WINDOW];
    expect([windowAt(1_000), windowAt(1_001), windowAt(1_002), windowAt(2_000), windowAt(2_002)]).toEqual([
      500, 501, 501, 501, 500,
    ]);
  });

  it('leave nothing of a second whose last hit is retracted', () => {
    const layout = layoutOf({ count: 'sum(amount)', windowS: W, at: null });
    const cells = createCells(layout);
    const hit = { time: 5, matching: 1, counted: 0, eligible: 1, amount: 0, value: null };
    changeCells(cells, layout, hit, 1);
    changeCells(cells, layout, hit, -1);
    expect(cells.list).toEqual([]);
  });
});
