import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  EVIDENCE_MAX_BYTES,
  evidenceOf,
  NEWEST_MAX,
  SERIES_MAX_POINTS,
  type Values,
} from '../../../src/detectors/evidence.ts';
import type { MemberFacts } from '../../../src/detectors/tally.ts';
import { OUTCOMES } from '../../../src/model/attempt.ts';
import { START_S } from '../../support/detect.ts';

const member = (i: number, changes: Partial<MemberFacts> = {}): MemberFacts => ({
  id: `ch_${String(i).padStart(3, '0')}`,
  at: START_S + i,
  outcome: 'declined',
  code: 'stolen_card',
  fields: {
    amount: 100,
    currency: 'usd',
    card: `c${i % 4}`,
    customer: 'u',
    brand: 'visa',
    last4: '4242',
    intent: `pi_${i}`,
  },
  ...changes,
});

const valuesOf = (list: readonly { readonly time: number; readonly value: number }[]): Values => ({
  times: list.map(({ time }) => time),
  values: list.map(({ value }) => value),
});

const size = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

describe('evidence', () => {
  it('counts outcomes, codes, money and who took part', () => {
    const members = [
      member(0),
      member(1, { code: 'lost_card', fields: { amount: 5, currency: 'eur', email: 'a@example.com', ip: '192.0.2.1' } }),
      member(2, { outcome: 'blocked' }),
      member(3, { code: '', fields: {} }),
    ];
    const evidence = evidenceOf({ members, values: valuesOf([{ time: START_S, value: 3 }]), trigger: null });
    expect(evidence).toMatchObject({
      outcomes: { declined: 3, blocked: 1 },
      codes: [
        { code: 'stolen_card', count: 2 },
        { code: 'lost_card', count: 1 },
      ],
      amounts: [
        { currency: 'usd', amount: 200, count: 2 },
        { currency: 'eur', amount: 5, count: 1 },
      ],
      distinct: { cards: 2, customers: 1, emails: 1, ips: 1 },
      series: { fromS: START_S, stepS: 1, values: [3] },
      trigger: null,
    });
    expect(evidence.newest.map(({ id }) => id)).toEqual(['ch_003', 'ch_002', 'ch_001', 'ch_000']);
  });

  it('shows the newest, and is the same in any order', () => {
    const members = Array.from({ length: 40 }, (_, i) => member(Math.floor(i / 2), { id: `ch_${i}`, fields: {} }));
    const input = { values: valuesOf([]), trigger: null };
    const evidence = evidenceOf({ ...input, members });
    expect(evidence.newest).toHaveLength(NEWEST_MAX);
    expect(evidence.newest[0]).toMatchObject({ id: 'ch_39', at: START_S + 19 });
    fc.assert(
      fc.property(fc.shuffledSubarray(members, { minLength: 40 }), (order) => {
        expect(evidenceOf({ ...input, members: order })).toEqual(evidence);
      }),
    );
  });

  it('draws at most sixty points, each the largest value of its step', () => {
    const values = Array.from({ length: 1_000 }, (_, i) => ({
      time: START_S + i * 3,
      value: i % 100 === 50 ? 900 : i % 7,
    }));
    const { series } = evidenceOf({ members: [], values: valuesOf(values), trigger: null });
    expect(series.values.length).toBeLessThanOrEqual(SERIES_MAX_POINTS);
    expect(series).toMatchObject({ fromS: START_S, stepS: 50 });
    expect(series.values.filter((value) => value === 900)).toHaveLength(10);
  });

  it('names no person, and nothing of a card but its last digits', () => {
    const fields = {
      email: 'jane@example.com',
      ip: '192.0.2.7',
      customer: 'cus_1',
      card: 'fingerprint',
      brand: 'visa',
      last4: '4242',
    };
    const text = JSON.stringify(
      evidenceOf({ members: [member(1, { fields })], values: valuesOf([]), trigger: member(2, { fields }) }),
    );
    expect(text).not.toMatch(/jane|example\.com|192\.0\.2|fingerprint/);
    expect(text).toContain('visa •••• 4242');
  });

  it('stays within its bound whatever comes in', () => {
    const textArb = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.constantFrom('\ud800', '"\\'.repeat(100), '€'.repeat(200)),
    );
    const memberArb = fc.record({
      id: textArb,
      at: fc.integer({ min: 0, max: 2 ** 40 }),
      outcome: fc.constantFrom(...OUTCOMES),
      code: textArb,
      fields: fc.record(
        {
          amount: fc.maxSafeInteger(),
          currency: textArb,
          card: textArb,
          brand: textArb,
          last4: textArb,
          intent: textArb,
          email: textArb,
        },
        { requiredKeys: [] },
      ),
    });
    const valuesArb = fc.array(
      fc.record({ time: fc.nat(1_000_000), value: fc.double({ noNaN: true, min: 0, max: 1e15 }) }),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(
        fc.array(memberArb, { maxLength: 60 }),
        valuesArb,
        fc.option(memberArb),
        (members, values, trigger) => {
          const inTime = values.toSorted((a, b) => a.time - b.time);
          const evidence = evidenceOf({ members, values: valuesOf(inTime), trigger });
          expect(size(evidence)).toBeLessThanOrEqual(EVIDENCE_MAX_BYTES);
          expect(evidence.newest.length).toBeLessThanOrEqual(NEWEST_MAX);
          expect(evidence.distinct.cards).toBe(new Set(members.flatMap(({ fields }) => fields.card ?? [])).size);
        },
      ),
    );
  });

  it('keeps all of an ordinary attack within the bound', () => {
    const members = Array.from({ length: 5_000 }, (_, i) => member(i));
    const values = members.map(({ at }, i) => ({ time: at, value: Math.min(i, 600) }));
    const evidence = evidenceOf({ members, values: valuesOf(values), trigger: null });
    expect(size(evidence)).toBeLessThanOrEqual(EVIDENCE_MAX_BYTES);
    expect(evidence.newest.length).toBeGreaterThan(3);
    expect(evidence.series.values.length).toBeGreaterThan(10);
    expect(evidence.outcomes).toEqual({ declined: 5_000 });
  });
});
