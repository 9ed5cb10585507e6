// Entities and what lies on them, against a plain map.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addHit,
  bytesOfHits,
  capacityOf,
  countOf,
  createHitTable,
  entityAt,
  hitsOn,
  isListed,
  keepHits,
  newestHit,
  noteOf,
  removeHit,
  setNote,
} from '../../../src/detectors/hit-table.ts';

type Place = { readonly scope: number; readonly value: string };

const placeArb = fc.record({ scope: fc.nat(2), value: fc.constantFrom('', 'a', 'b', 'c', 'ж', 'a'.repeat(300)) });
const stepArb = fc.record({ handle: fc.nat(200), place: placeArb, dice: fc.nat(9) });

describe('the table of hits', () => {
  it('lists what was listed, through removals and dropping', () => {
    fc.assert(
      fc.property(fc.array(stepArb, { maxLength: 150 }), (steps) => {
        const places = new Map<number, Place>();
        const model = new Map<string, number[]>();
        const nameOf = ({ scope, value }: Place): string => `${scope}/${value}`;
        const table = createHitTable();
        for (const { handle, place, dice } of steps) {
          const known = places.get(handle);
          if (known === undefined) {
            places.set(handle, place);
            const entity = addHit(table, handle, place.scope, place.value);
            expect(addHit(table, handle, place.scope, place.value)).toBe(entity);
            model.set(nameOf(place), [handle, ...(model.get(nameOf(place)) ?? [])]);
          } else {
            const entity = entityAt(table, known.scope, known.value);
            const before = model.get(nameOf(known)) ?? [];
            const isKept = (other: number): boolean => (dice < 2 ? other % 2 === 0 : other !== handle);
            const after = before.filter(isKept);
            const isEmpty = dice < 2 ? keepHits(table, entity, isKept) : removeHit(table, entity, handle);
            expect(isEmpty).toBe(after.length === 0);
            if (isEmpty) model.delete(nameOf(known));
            else model.set(nameOf(known), after);
            for (const other of before) if (!isKept(other)) places.delete(other);
          }
          expect(table.size).toBe(model.size);
        }
        for (const hits of model.values()) {
          const { scope, value } = places.get(hits[0] as number) as Place;
          const entity = entityAt(table, scope, value);
          expect(hitsOn(table, entity)).toEqual(hits);
          expect([countOf(table, entity), newestHit(table, entity)]).toEqual([hits.length, hits[0]]);
        }
        const numbers = Array.from({ length: capacityOf(table) }, (_, number) => number);
        expect(numbers.filter((number) => countOf(table, number) > 0)).toHaveLength(model.size);
        for (let handle = 0; handle <= 200; handle++) expect(isListed(table, handle)).toBe(places.has(handle));
      }),
    );
  });

  it('holds many, gives numbers again, and forgets the notes of those that are gone', () => {
    const table = createHitTable();
    for (let handle = 0; handle < 20_000; handle++) setNote(table, addHit(table, handle, 0, `v${handle}`), 7);
    const before = bytesOfHits(table);
    for (let handle = 0; handle < 20_000; handle++) {
      if (handle % 4 === 0) continue;
      expect(removeHit(table, entityAt(table, 0, `v${handle}`), handle)).toBe(true);
    }
    for (let handle = 20_000; handle < 35_000; handle++)
      expect(noteOf(table, addHit(table, handle, 0, `v${handle}`))).toBe(0);
    expect(table.size).toBe(20_000);
    expect(noteOf(table, entityAt(table, 0, 'v4'))).toBe(7);
    expect(entityAt(table, 0, 'v5')).toBe(-1);
    expect(bytesOfHits(table)).toBeLessThan(before * 1.6);
  });
});
