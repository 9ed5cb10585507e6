// What the window store keeps of attempts and signals is what comes back, whatever they hold.
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attemptAt, handlesOf } from '../../../src/detectors/attempt-table.ts';
import { type FoldRecord, fold } from '../../../src/detectors/fold.ts';
import { finishRestore, restoreRows } from '../../../src/detectors/restore.ts';
import { createState, type FoldState } from '../../../src/detectors/state.ts';
import { partsOf, rowOf } from '../../../src/detectors/stores/rows.ts';
import type { Row } from '../../../src/detectors/window-store.ts';
import type { SignalView, View } from '../../../src/model/attempt.ts';
import { rule, START_S, view } from '../../support/detect.ts';

const textArb = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('usd', 'é', '\ud800', 'a'.repeat(64), 'a'.repeat(65), 'ж'.repeat(300)),
);
const idArb = fc.oneof(fc.constantFrom('ch_1', 'ch_2', 'ж'.repeat(260)), textArb);
const scopeArb = fc.record({ account: fc.constantFrom(null, 'acct_1', '\udc00'), livemode: fc.boolean() });

const viewArb = fc
  .record({ id: idArb, scope: scopeArb, after: fc.nat(900), event: textArb, code: textArb, card: textArb })
  .map(({ id, scope, after, event, code, card }): View => {
    const fields = { card, currency: code, result: { outcome: 'declined', code, class: 'G' } } as const;
    return { ...view(id, START_S + after, { event, fields }), ...scope };
  });
const signalArb = fc
  .record({ id: idArb, scope: scopeArb, charge: fc.option(idArb), reason: textArb })
  .map(({ id, scope, charge, reason }): SignalView => {
    const about = { signal: 'dispute', id, charge, reason, event: `evt_${id}` } as const;
    const times = { created: START_S, time: START_S, receivedAt: START_S * 1_000 };
    return { record: 'signal', ...scope, ...about, ...times, lane: 'live' };
  });

/** As a store gives them back: by id first, as text in UTF-8, then attempts, those of several appends together. */
function throughStore(appends: readonly (readonly Row[])[]): Row[] {
  const { attempts, kept } = partsOf(appends.flat());
  const texts = [...kept].map(([key, value]) => rowOf(key, Buffer.from(value ?? '').toString()));
  return [...texts, { kind: 'attempts', bytes: attempts }];
}

function restored(rows: readonly Row[]): FoldState {
  const state = createState({ lane: 'live' });
  restoreRows(state, rows);
  finishRestore(state);
  return state;
}

const heldIn = ({ attempts, signals }: FoldState) => ({
  attempts: [...handlesOf(attempts)].map((handle) => JSON.stringify(attemptAt(attempts, handle))).sort(),
  signals: [...signals].map(([id, { merged }]) => JSON.stringify([id, merged])).sort(),
});

describe('rows of attempts', () => {
  it('come back as the attempts and signals they were, the last of each', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(viewArb, viewArb, signalArb) as fc.Arbitrary<FoldRecord>, { maxLength: 40 }),
        fc.integer({ min: 1, max: 10 }),
        (records, size) => {
          const state = createState({ lane: 'live' });
          const appends = [fold(state, [rule()]).rows];
          for (let at = 0; at < records.length; at += size)
            appends.push(fold(state, records.slice(at, at + size)).rows);
          const again = restored(throughStore(appends));
          expect(heldIn(again)).toEqual(heldIn(state));
          // What it stores from now on names the same words.
          const later = [viewArb, viewArb].map((arb, i) => fc.sample(arb, { seed: i, numRuns: 1 })[0] as View);
          const more = fold(again, later).rows;
          fold(state, later);
          expect(heldIn(restored(throughStore([...appends, more])))).toEqual(heldIn(state));
        },
      ),
    );
  });

  it('take about 150 bytes each, ids at random included', () => {
    const random = (length: number): string => randomBytes(length).toString('base64url').slice(0, length);
    const views = Array.from({ length: 1_000 }, (_, i): View => {
      const id = `3${random(23)}`;
      const card = { card: random(16), brand: 'visa', last4: '4242', funding: 'credit', country: 'US' };
      const person = { customer: `cus_${random(14)}`, email: `${random(6)}@example.com` };
      const fields = { ...card, ...person, amount: 5_321, currency: 'usd', method: 'card' };
      return view(`ch_${id}`, START_S + i, { event: `evt_${id}`, apiVersion: '2026-10-28.endive', fields });
    });
    const { attempts } = partsOf(fold(createState({ lane: 'live' }), views).rows);
    expect(attempts.length / views.length).toBeLessThan(160);
  });

  it('that were cut or spoilt are not read, and the cure is said', () => {
    const { attempts } = partsOf(fold(createState({ lane: 'live' }), [view('ch_1', START_S)]).rows);
    const refused = expect.objectContaining({ code: 'store_unavailable', help: expect.stringContaining('rebuilt') });
    for (const bytes of [attempts.slice(0, -5), Buffer.from('nothing of ours'), Buffer.from([2, 255, 9, 9, 9, 9])])
      expect(() => restored([{ kind: 'attempts', bytes }])).toThrow(refused);
  });
});
