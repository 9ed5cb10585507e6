// Sums that do not depend on the order, and out of which a member can be taken again.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  amountsIn,
  changeTally,
  codesIn,
  createTally,
  distinctIn,
  type MemberFacts,
  namesIn,
  outcomesIn,
  type Tally,
} from '../../../src/detectors/tally.ts';
import { START_S } from '../../support/detect.ts';

const textArb = fc.constantFrom('a', 'b', 'c', 'd', '__proto__', '');
const memberArb: fc.Arbitrary<MemberFacts> = fc.record({
  id: fc.string(),
  at: fc.constant(START_S),
  outcome: fc.constantFrom('declined', 'blocked', 'succeeded'),
  code: textArb,
  fields: fc.record(
    {
      amount: fc.oneof(fc.nat(1_000), fc.maxSafeInteger()),
      currency: fc.constantFrom('usd', 'eur', 'gbp', 'jpy'),
      card: textArb,
      customer: textArb,
      email: textArb,
      ip: fc.ipV4(),
    },
    { requiredKeys: [] },
  ),
});

const toldOf = (tally: Tally) => ({
  members: tally.members,
  outcomes: Object.entries(outcomesIn(tally)),
  codes: codesIn(tally, 3),
  amounts: amountsIn(tally, 3),
  distinct: distinctIn(tally),
  names: namesIn(tally),
});

function tallyOf(members: readonly MemberFacts[]): Tally {
  const tally = createTally();
  for (const member of members) changeTally(tally, member, 1);
  return tally;
}

describe('a tally', () => {
  it('is the same in any order, and without what was taken out', () => {
    fc.assert(
      fc.property(fc.array(memberArb), fc.array(memberArb), fc.nat(), (members, others, seed) => {
        const expected = toldOf(tallyOf(members));
        expect(toldOf(tallyOf(members.toReversed()))).toEqual(expected);
        const mixed = [...members];
        for (const [i, other] of others.entries()) mixed.splice((seed + i * 7) % (mixed.length + 1), 0, other);
        const tally = tallyOf(mixed);
        for (const other of others) changeTally(tally, other, -1);
        expect(toldOf(tally)).toEqual(expected);
      }),
    );
  });

  it('counts each different value once, of tens of thousands', () => {
    const members = Array.from({ length: 40_000 }, (_, i) => ({
      ...{ id: `ch_${i}`, at: START_S, code: '' },
      fields: { card: `card_${i}`, customer: `u_${i % 7}`, email: `card_${i % 9_000}` },
    }));
    const tally = tallyOf(members);
    expect(distinctIn(tally)).toEqual({ cards: 40_000, customers: 7, emails: 9_000, ips: 0 });
    for (const member of members.slice(100)) changeTally(tally, member, -1);
    expect(distinctIn(tally)).toEqual({ cards: 100, customers: 7, emails: 100, ips: 0 });
    for (const member of members.slice(100)) changeTally(tally, member, 1);
    expect(distinctIn(tally)).toEqual({ cards: 40_000, customers: 7, emails: 9_000, ips: 0 });
  });

  it('gives the most frequent first, equals by name, and a sum at most the largest exact number', () => {
    const codes = ['b', 'c', 'a', 'c', 'b', 'd'];
    const money = { amount: Number.MAX_SAFE_INTEGER, currency: 'usd' };
    const tally = tallyOf(
      codes.map((code, i) => ({ id: `${i}`, at: START_S, outcome: 'declined', code, fields: money })),
    );
    expect(codesIn(tally, 3)).toEqual([
      { code: 'b', count: 2 },
      { code: 'c', count: 2 },
      { code: 'a', count: 1 },
    ]);
    expect(amountsIn(tally, 3)).toEqual([{ currency: 'usd', amount: Number.MAX_SAFE_INTEGER, count: 6 }]);
  });

  it('refuses to take out what is not in it', () => {
    const member: MemberFacts = { id: 'ch_1', at: START_S, code: '', fields: { card: 'c' } };
    expect(() => changeTally(createTally(), member, -1)).toThrow('taken back');
  });
});
