import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Claim, shareOut } from '../../../src/log/kafka-assigner.ts';

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const sharesOf = (claims: readonly Claim[], count: number): number[][] =>
  claims.map(({ memberId }) => shareOut(range(count), claims).get(memberId) ?? []);

const held = fc.uniqueArray(fc.integer({ min: 0, max: 14 }), { maxLength: 15 });
const claimsOf = fc
  .array(held, { minLength: 1, maxLength: 8 })
  .map((all) => all.map((partitions, i): Claim => ({ memberId: `member-${i}`, held: partitions })));

describe('who gets which partition', () => {
  it('gives every partition to exactly one member, in fair numbers, whatever members claim', () => {
    fc.assert(
      fc.property(claimsOf, fc.integer({ min: 0, max: 12 }), (claims, count) => {
        const shares = sharesOf(claims, count);
        expect(shares.flat().sort((a, b) => a - b)).toEqual(range(count));
        const sizes = shares.map((share) => share.length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('does not depend on the order in which members are listed', () => {
    fc.assert(
      fc.property(claimsOf, fc.integer({ min: 0, max: 12 }), (claims, count) => {
        expect(new Map(shareOut(range(count), claims.toReversed()))).toEqual(new Map(shareOut(range(count), claims)));
      }),
    );
  });

  it('changes nothing where it is fair already', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 0, max: 12 }), (members, count) => {
        const fresh = range(members).map((i): Claim => ({ memberId: `m${i}`, held: [] }));
        const first = shareOut(range(count), fresh);
        const again = fresh.map(({ memberId }) => ({ memberId, held: first.get(memberId) ?? [] }));
        expect(shareOut(range(count), again)).toEqual(first);
      }),
    );
  });

  it('moves to a new member its share only', () => {
    const before = shareOut(range(6), [
      { memberId: 'b', held: [] },
      { memberId: 'c', held: [] },
    ]);
    const claims = [...before].map(([memberId, partitions]) => ({ memberId, held: partitions }));
    const after = shareOut(range(6), [{ memberId: 'a', held: [] }, ...claims]);
    for (const [memberId, partitions] of before)
      expect(partitions).toEqual(expect.arrayContaining(after.get(memberId) ?? []));
    expect(after.get('a')).toHaveLength(2);
  });

  it('leaves the only partition with the member that has it, whatever the newcomer is called', () => {
    for (const newcomer of ['a', 'z']) {
      const claims = [
        { memberId: newcomer, held: [] },
        { memberId: 'm', held: [0] },
      ];
      expect(shareOut([0], claims).get('m')).toEqual([0]);
    }
  });
});
