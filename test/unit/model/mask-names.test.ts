import { describe, expect, it } from 'vitest';
import type { Entity } from '../../../src/model/entity.ts';
import type { Erasure } from '../../../src/model/erasure.ts';
import { maskEntity } from '../../../src/model/mask.ts';
import { erasedEntity, namingOf, tokenOf } from '../../../src/model/mask-erased.ts';
import { erasedIdentity, erasedLabel, erasedName, identityOfName } from '../../../src/model/mask-names.ts';

const KEY = '33'.repeat(32);
const EMAIL: Entity = { kind: 'email', value: 'ana@mail.example' };
const name = (entity: Entity, nonce = 'one', domain: string | null = null): string =>
  erasedName(entity, { piiKey: KEY, nonce, domain });

describe('a name in the place of who was erased', () => {
  it('is the same for the same, another with another nonce, kind, value or key, and says nothing of them', () => {
    expect(name(EMAIL)).toBe(name({ ...EMAIL }));
    const others = [
      name(EMAIL, 'two'),
      name({ kind: 'customer', value: EMAIL.value }),
      name({ ...EMAIL, value: 'bo@mail.example' }),
      erasedName(EMAIL, { piiKey: '44'.repeat(32), nonce: 'one' }),
    ];
    expect(new Set([name(EMAIL), ...others]).size).toBe(5);
    expect(name(EMAIL)).toMatch(/^erased-[0-9a-f]{24}$/);
  });

  it('has the domain for filters, which what is told leaves out', () => {
    const named = name(EMAIL, 'one', 'mail.example');
    expect(named).toBe(`${name(EMAIL)}@mail.example`);
    expect(maskEntity({ kind: 'email', value: named }, null, KEY)).toEqual({
      kind: 'email',
      value: name(EMAIL),
      label: erasedLabel(named),
    });
    expect(identityOfName(named)).toBe(name(EMAIL));
    expect(erasedLabel(named)).toMatch(/^erased-[0-9a-f]{6}$/);
  });

  it.each(['card', 'customer', 'ip', 'metadata.user'] as const)('of a %s is told as it is', (kind) => {
    const named = name({ kind, value: 'x' });
    const told = maskEntity({ kind, value: named }, { brand: 'visa', last4: '4242' }, KEY);
    expect(told).toEqual({ kind, value: named, label: erasedLabel(named) });
  });

  it('cannot be made by anybody else: what only looks like one is somebody', () => {
    for (const forged of ['erased-1', `erased-${'a'.repeat(24)}`, `${name(EMAIL).slice(0, -1)}x`, `x${name(EMAIL)}`]) {
      expect(erasedIdentity(forged, KEY)).toBeNull();
      expect(maskEntity({ kind: 'email', value: `${forged}@mail.example` }, null, KEY).value).toMatch(/^[0-9a-f]{32}$/);
    }
    expect(erasedIdentity(name(EMAIL), '44'.repeat(32))).toBeNull();
  });
});

describe('who was erased is recognised', () => {
  const erasure = (number: number, at: number, entities: readonly Entity[]): Erasure => ({
    number,
    offset: number,
    at,
    subjects: entities.map((entity) => ({
      kind: entity.kind,
      token: tokenOf(maskEntity(entity, null, KEY)),
      as: name(entity, String(number)),
    })),
    attempts: [],
  });
  const CUSTOMER: Entity = { kind: 'customer', value: 'cus_1' };

  it('in what came before, and in nothing that came at that time or later', () => {
    const naming = namingOf([erasure(1, 1_000, [EMAIL, CUSTOMER])], KEY);
    const nameOf = (entity: Entity, at: number) => naming(entity, { at, ids: [] });
    expect([nameOf(EMAIL, 999), nameOf(CUSTOMER, 0)]).toEqual([name(EMAIL, '1'), name(CUSTOMER, '1')]);
    expect([nameOf(EMAIL, 1_000), nameOf(CUSTOMER, 2_000)]).toEqual([null, null]);
    expect(nameOf({ kind: 'customer', value: EMAIL.value }, 0)).toBeNull();
    expect(nameOf({ kind: 'customer', value: 'cus_2' }, 0)).toBeNull();
  });

  it('under the name of the time, if it was twice', () => {
    const erasures = [erasure(1, 1_000, [EMAIL]), erasure(2, 2_000, [EMAIL])];
    const naming = namingOf(erasures, KEY);
    const nameOf = (entity: Entity, at: number) => naming(entity, { at, ids: ['ch_9'] });
    expect([999, 1_000, 1_999, 2_000].map((at) => nameOf(EMAIL, at))).toEqual([
      name(EMAIL, '1'),
      name(EMAIL, '2'),
      name(EMAIL, '2'),
      null,
    ]);
  });

  it('in whatever comes later of the same attempts, known or not', () => {
    const one = { ...erasure(1, 1_000, [EMAIL]), attempts: ['ch_1', 'pi_1:pm_1:evt_1'] };
    const naming = namingOf([one], KEY);
    for (const ids of [['ch_1'], ['evt_9', 'ch_1'], ['evt_1'], ['pi_1:pm_1:evt_1']]) {
      expect(naming(EMAIL, { at: 5_000, ids })).toBe(name(EMAIL, '1'));
      // Nobody had seen the customer there before.
      expect(naming(CUSTOMER, { at: 5_000, ids })).toBe(erasedName(CUSTOMER, { piiKey: KEY, nonce: '1' }));
      expect(naming({ kind: 'ip', value: '203.0.113.9' }, { at: 5_000, ids })).toBeNull();
      expect(naming({ ...EMAIL, value: name(EMAIL, '1') }, { at: 5_000, ids })).toBeNull();
    }
    // Another try on the same intent is a new attempt.
    expect(naming(EMAIL, { at: 5_000, ids: ['pi_1:pm_2:evt_2'] })).toBeNull();
  });

  it('as incidents have them, without the key', () => {
    const erasures = [erasure(1, 1_000, [EMAIL, CUSTOMER])];
    const masked = maskEntity(EMAIL, null, KEY);
    const named = name(EMAIL, '1');
    expect(erasedEntity(masked, erasures)).toEqual({ kind: 'email', value: named, label: erasedLabel(named) });
    expect(erasedEntity(CUSTOMER, erasures)?.value).toBe(name(CUSTOMER, '1'));
    expect(erasedEntity({ kind: 'customer', value: 'cus_2' }, erasures)).toBeNull();
    expect(JSON.stringify(erasures)).not.toContain('cus_1');
  });
});
