// Attempts as bytes: whatever goes in comes out, whatever happens around it.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attemptOf, type MergedAttempt, mergeView } from '../../../src/attempts/merge.ts';
import {
  addAttempt,
  attemptAt,
  createAttemptTable,
  footprintOf,
  handleOf,
  handlesOf,
  outcomesOf,
  removeAttempt,
  replaceAttempt,
  scopeNumber,
  sizeOf,
} from '../../../src/detectors/attempt-table.ts';
import { OUTCOMES, type View } from '../../../src/model/attempt.ts';
import { fieldsArbOf } from '../../support/attempt-fields.ts';
import { START_S, view } from '../../support/detect.ts';

const textArb = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('', 'é', '\ud800', 'a'.repeat(254), 'a'.repeat(255), 'ж'.repeat(300)),
);

const fieldsArb = fieldsArbOf(textArb);

const viewArb = fc
  .record({
    id: fc.oneof(fc.constantFrom('ch_1', 'ch_2', 'ch_3'), textArb),
    account: fc.constantFrom(null, 'acct_1'),
    livemode: fc.boolean(),
    source: fc.constantFrom('charge', 'intent', 'setup'),
    kind: fc.constantFrom('payment', 'setup'),
    createdAfter: fc.nat(50),
    event: textArb,
    invoice: fc.boolean(),
    fields: fieldsArb,
  })
  .map(({ id, createdAfter, fields, ...facts }): View => {
    const base = view(id, START_S + createdAfter);
    return { ...base, ...facts, fields } as View;
  });

const keyOf = ({ account, livemode, id }: MergedAttempt): string => JSON.stringify([account, livemode, id]);

describe('the table of attempts', () => {
  it('takes attempts that are longer than what is left of a chunk', () => {
    const table = createAttemptTable();
    const held = Array.from({ length: 200 }, (_, i) => {
      const metadata = { note: `${i}`.repeat(((i * 7_919) % 30_000) + 1) };
      return mergeView(undefined, view(`ch_${i}`, START_S + i, { fields: { metadata } }));
    });
    const handles = held.map((merged) => addAttempt(table, scopeNumber(table, merged), merged));
    expect(handles.map((handle) => attemptAt(table, handle))).toEqual(held);
  });

  it('gives back what was put in, through changes and removals', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(viewArb, fc.nat(9)), { maxLength: 60 }), (steps) => {
        const table = createAttemptTable();
        const model = new Map<string, MergedAttempt>();
        for (const [next, dice] of steps) {
          const scope = scopeNumber(table, next);
          const handle = handleOf(table, scope, next.attempt);
          const merged = mergeView(handle < 0 ? undefined : attemptAt(table, handle), next);
          if (handle < 0) addAttempt(table, scope, merged);
          else if (dice < 2) removeAttempt(table, handle);
          else replaceAttempt(table, handle, merged);
          if (handle >= 0 && dice < 2) model.delete(keyOf(merged));
          else model.set(keyOf(merged), merged);
          expect(sizeOf(table)).toBe(model.size);
        }
        const held = [...handlesOf(table)].map((handle) => attemptAt(table, handle));
        expect(new Map(held.map((merged) => [keyOf(merged), merged]))).toEqual(model);
        const outcomes = held.flatMap((merged) => attemptOf(merged).fields.result?.outcome ?? []);
        const counted = new Map(
          OUTCOMES.map((outcome) => [outcome, outcomes.filter((other) => other === outcome).length]),
        );
        expect(outcomesOf(table)).toEqual(new Map([...counted].filter(([, count]) => count > 0)));
      }),
    );
  });

  it('finds thousands, frees what is dropped, and moves what stays', () => {
    const table = createAttemptTable();
    const live = scopeNumber(table, { account: null, livemode: true });
    const mergedOf = (i: number): MergedAttempt => mergeView(undefined, view(`ch_${i}`, START_S + i));
    for (let i = 0; i < 40_000; i++) addAttempt(table, live, mergedOf(i));
    const before = footprintOf(table);
    for (let i = 0; i < 40_000; i++) if (i % 5 !== 0) removeAttempt(table, handleOf(table, live, `ch_${i}`));
    for (let i = 0; i < 40_000; i++) if (i % 5 !== 0) addAttempt(table, live, mergedOf(i + 100_000));
    expect(sizeOf(table)).toBe(40_000);
    expect(new Set(handlesOf(table)).size).toBe(40_000);
    for (let i = 0; i < 40_000; i++) {
      const id = i % 5 === 0 ? `ch_${i}` : `ch_${i + 100_000}`;
      expect(attemptAt(table, handleOf(table, live, id)).id).toBe(id);
    }
    expect(handleOf(table, live, 'ch_1')).toBe(-1);
    expect(handleOf(table, live + 1, 'ch_0')).toBe(-1);
    // Four fifths were replaced: without moving, their bytes would be held twice.
    expect(footprintOf(table)).toBeLessThan(before * 1.6);
  });

  it('takes about two hundred bytes for an ordinary attempt', () => {
    const table = createAttemptTable();
    const id = (prefix: string, i: number): string => `${prefix}_3${i.toString(36).padStart(23, 'A')}`;
    for (let i = 0; i < 20_000; i++) {
      const one = view(id('ch', i), START_S + i, {
        event: id('evt', i),
        fields: { customer: id('cus', i).slice(0, 18), email: `person${i}@example.com`, intent: id('pi', i) },
      });
      addAttempt(table, scopeNumber(table, one), mergeView(undefined, one));
    }
    expect(footprintOf(table) / 20_000).toBeLessThan(260);
  });
});
