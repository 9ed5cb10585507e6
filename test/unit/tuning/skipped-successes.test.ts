// Successes are left unread only where no detector can ask for them, and an attempt is never torn.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeAttemptsRecord, encodeAttemptsRecord } from '../../../src/attempts/wire.ts';
import { episodesOf, fold, keysOf } from '../../../src/detectors/fold.ts';
import { createState } from '../../../src/detectors/state.ts';
import { keyId } from '../../../src/model/entity.ts';
import { askForFailuresOnly, createSkippedSuccesses, skipsAllBut } from '../../../src/tuning/skipped-successes.ts';
import { detectorSettings } from '../../support/decider.ts';
import { rule, START_S, view } from '../../support/detect.ts';

describe('filters that ask for failures only', () => {
  const asks = (where: string, more = {}) => askForFailuresOnly([detectorSettings({ where, ...more })]);

  it.each([
    'outcome == "declined"',
    'outcome in ["declined", "blocked"] && !benign && !dunning',
    'amount < 200 && outcome == "blocked"',
  ])('are known: %s', (where) => {
    expect(asks(where)).toBe(true);
  });

  it.each([
    'outcome in ["declined", "succeeded"]',
    'outcome == "succeeded"',
    'outcome == "declined" || amount > 5',
    'outcome != "declined"',
    '!(outcome == "declined")',
    'code == "x\\" && outcome == \\"declined" && true',
    'benign ? outcome == "declined" : true',
    '!dunning',
  ])('are not guessed: %s', (where) => {
    expect(asks(where)).toBe(false);
  });

  it('nor are those with a denominator, a trigger, or on signals', () => {
    const where = 'outcome == "declined"';
    expect(asks(where, { count: 'ratio', of: 'outcome == "succeeded"' })).toBe(false);
    expect(asks(where, { at: 'outcome == "succeeded"' })).toBe(false);
    expect(asks(where, { on: 'signal' })).toBe(false);
    expect(askForFailuresOnly([detectorSettings(), detectorSettings({ where: '!dunning' })])).toBe(false);
  });
});

const viewArb = fc.record({
  attempt: fc.integer({ min: 0, max: 12 }),
  source: fc.constantFrom('charge' as const, 'intent' as const),
  created: fc.integer({ min: 0, max: 300 }),
  card: fc.constantFrom('a', 'b'),
  outcome: fc.constantFrom('declined' as const, 'succeeded' as const),
  account: fc.constantFrom(null, 'acct_1', 'acct"2'),
  plan: fc.constantFrom('succeeded', 'x"],"succeeded",'),
});

describe('a stretch without its successes', () => {
  it('has the same episodes, whatever views an attempt has and in whatever order', () => {
    fc.assert(
      fc.property(fc.array(viewArb, { maxLength: 40 }), (drawn) => {
        const values = drawn.map(({ attempt, source, created, card, outcome, account, plan }, i) =>
          encodeAttemptsRecord(
            view(`ch_${attempt}`, START_S + created, {
              ...{ source, account, event: `evt_${i}` },
              fields: { card, metadata: { plan }, result: { outcome, code: '', class: '' } },
            }),
          ),
        );
        const told = (read: readonly string[][]): unknown => {
          const state = createState({ lane: 'all' });
          fold(state, [rule({ thresholds: { notice: 1 }, windowS: 60, quietForS: 60 })]);
          for (const part of read) fold(state, part.map(decodeAttemptsRecord));
          return [...keysOf(state)]
            .map((key) => [keyId(key), episodesOf(state, key)] as const)
            .filter(([, episodes]) => episodes.length > 0)
            .sort(([a], [b]) => (a < b ? -1 : 1));
        };
        const skipped = createSkippedSuccesses();
        const first = values.filter((value) => {
          if (skipped.skips(value)) return false;
          skipped.see(decodeAttemptsRecord(value));
          return true;
        });
        const second = values.filter((value) => !skipsAllBut(skipped.torn())(value));
        expect(told([first, second])).toEqual(told([[...values]]));
      }),
    );
  });

  it('leaves them out', () => {
    const success = encodeAttemptsRecord(
      view('ch_1', START_S, { fields: { result: { outcome: 'succeeded', code: '', class: '' } } }),
    );
    const { skips, torn } = createSkippedSuccesses();
    expect([skips(success), skips(encodeAttemptsRecord(view('ch_2', START_S)))]).toEqual([true, false]);
    expect(torn().size).toBe(0);
    expect(skipsAllBut(new Set(['ch_1']))(success)).toBe(false);
  });
});
