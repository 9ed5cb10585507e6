// Rows as the stores hold them: what goes in comes out, whether compressed, plain, or written by schema 1.
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packForStore, packRows, unpackFromStore } from '../../../src/detectors/stores/rows.ts';
import type { Row } from '../../../src/detectors/window-store.ts';

const rowArb: fc.Arbitrary<Row> = fc.record({
  kind: fc.constantFrom('attempt', 'rule', 'mark'),
  id: fc.string({ unit: 'grapheme', maxLength: 30 }),
  value: fc.option(fc.string({ unit: 'grapheme', maxLength: 300 })),
});

describe('rows in a store', () => {
  it('come out as they went in, few or many', () => {
    fc.assert(
      fc.property(fc.array(rowArb, { maxLength: 200 }), (rows) => {
        expect(unpackFromStore(packForStore(rows))).toEqual(rows);
        // As schema 1 wrote them, and as Redis gives back any.
        expect(unpackFromStore(packRows(rows))).toEqual(rows);
        expect(unpackFromStore(Buffer.from(packRows(rows)))).toEqual(rows);
      }),
    );
  });

  it('take a third or less of their length when there are a thousand, ids at random included', () => {
    const random = (length: number): string => randomBytes(length).toString('base64url').slice(0, length);
    const rows = Array.from({ length: 1_000 }, (_, i): Row => {
      const id = `ch_3${random(23)}`;
      const tuple = [1, 0, 1_800_000_000_000 + i * 37, 0, 1, 0, 0, null, id, 0, 1_800_000_000 + i, '2026-10-28.endive'];
      const event = [`evt_3${random(23)}`, 0, 'declined', 'insufficient_funds', 'G', 5_321, 'usd', random(16), 'visa'];
      const person = ['4242', 'credit', 'US', `cus_${random(14)}`, `${random(6)}@example.com`, null, 'card'];
      return { kind: 'attempt', id: `self/live/${id}`, value: JSON.stringify([...tuple, ...event, ...person]) };
    });
    const stored = packForStore(rows);
    expect(stored.length * 3).toBeLessThan(packRows(rows).length);
    expect(unpackFromStore(stored)).toEqual(rows);
  });

  it('that were cut or spoilt are no rows, and the cure is said', () => {
    const rows = Array.from(
      { length: 100 },
      (_, i): Row => ({ kind: 'attempt', id: `ch_${i}`, value: 'x'.repeat(100) }),
    );
    const stored = packForStore(rows) as Uint8Array;
    const refused = expect.objectContaining({ code: 'store_unavailable', help: expect.stringContaining('rebuilt') });
    expect(() => unpackFromStore(stored.slice(0, -5))).toThrow(refused);
    expect(() => unpackFromStore(packRows(rows).slice(0, -5))).toThrow(refused);
    expect(() => unpackFromStore(Buffer.from('nothing of ours'))).toThrow(refused);
  });
});
