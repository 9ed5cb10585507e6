// Where views of an hour stand: never too little, and the same after a restart.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHUNK, createHistoryIndex } from '../../../src/detectors/history-index.ts';

const HOUR_S = 3_600;
/** Few hours and a few chunks, so that they meet. */
const viewsArb = fc
  .array(fc.record({ step: fc.integer({ min: 1, max: CHUNK }), timeS: fc.integer({ min: 0, max: 20 * HOUR_S }) }), {
    maxLength: 30,
  })
  .map((views) => {
    let offset = 0;
    return views.map(({ step, timeS }) => {
      offset += step;
      return { offset, timeS };
    });
  });
const spanArb = fc
  .tuple(fc.integer({ min: -HOUR_S, max: 21 * HOUR_S }), fc.integer({ min: 1, max: 5 * HOUR_S }))
  .map(([fromS, length]) => ({ fromS, toS: fromS + length }));

describe('the index of hours', () => {
  it('finds every view of a span, within what is kept, in ascending stretches', () => {
    fc.assert(
      fc.property(viewsArb, spanArb, fc.nat(20 * CHUNK), (views, span, first) => {
        const index = createHistoryIndex();
        for (const { offset, timeS } of views) index.add(offset, timeS);
        const kept = { from: first, to: (views.at(-1)?.offset ?? 0) + 1 };
        const ranges = index.ranges(span, kept);
        for (const { offset, timeS } of views) {
          if (timeS < span.fromS || timeS >= span.toS || offset < first) continue;
          expect(ranges.some(({ from, to }) => offset >= from && offset < to)).toBe(true);
        }
        for (const [i, { from, to }] of ranges.entries()) {
          expect(from).toBeLessThan(to);
          expect(from).toBeGreaterThanOrEqual(Math.max(first, ranges[i - 1]?.to ?? 0));
          expect(to).toBeLessThanOrEqual(kept.to);
        }
        const within = views.filter(({ timeS }) => timeS >= span.fromS && timeS < span.toS).length;
        expect(index.count(span)).toBeGreaterThanOrEqual(within);
        expect(index.newestS()).toBeGreaterThan(Math.max(-1, ...views.map(({ timeS }) => timeS)));
      }),
    );
  });

  it('is the same from its rows, whenever they were taken', () => {
    fc.assert(
      fc.property(viewsArb, fc.nat(30), spanArb, fc.nat(20 * CHUNK), (views, cut, span, gone) => {
        const index = createHistoryIndex();
        const rows = new Map<string, ReturnType<typeof index.takeRows>[number]>();
        const keep = (more: ReturnType<typeof index.takeRows>): void => {
          for (const row of more) if (row.kind === 'mark') rows.set(row.id, row);
        };
        for (const [i, { offset, timeS }] of views.entries()) {
          index.add(offset, timeS);
          if (i % 3 === 0) index.addSignal(offset, `self/live/ch_${i % 4}`, timeS);
          if (i === cut) keep(index.takeRows());
        }
        keep(index.takeRows());
        keep(index.dropBelow(gone));
        const again = createHistoryIndex();
        for (const row of [...rows.values()].reverse()) again.restore(row);
        const kept = { from: 0, to: 40 * CHUNK };
        expect(again.ranges(span, kept)).toEqual(index.ranges(span, kept));
        expect(again.count(span)).toBe(index.count(span));
        expect(again.newestS()).toBe(index.newestS());
        for (const charge of [0, 1, 2, 3].map((n) => `self/live/ch_${n}`))
          expect(again.signalHour(charge)).toBe(index.signalHour(charge));
        expect(index.takeRows()).toEqual([]);
      }),
    );
  });
});
