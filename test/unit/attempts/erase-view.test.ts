import { describe, expect, it } from 'vitest';
import { entitiesOfView, eraseView } from '../../../src/attempts/erase-view.ts';
import { decodeAttemptsRecord, encodeAttemptsRecord } from '../../../src/attempts/wire.ts';
import type { View } from '../../../src/model/attempt.ts';
import { START_S, view } from '../../support/detect.ts';

const full = view('ch_1', START_S, {
  fields: {
    card: 'fp',
    customer: 'cus_1',
    email: 'ana@mail.example',
    ip: '203.0.113.9',
    intent: 'pi_1',
    country: 'DE',
    metadata: { user: 'u1', plan: 'gold' },
  },
});

describe('eraseView', () => {
  it('puts names in the places and takes what is shown of the card and leads further; the rest stays', () => {
    const names: Record<string, string> = { customer: 'erased-c', 'metadata.user': 'erased-u', card: 'erased-f' };
    const after = eraseView(full, ({ kind }) => names[kind] ?? null);
    const { last4: _, intent: __, ...kept } = full.fields;
    expect(after.fields).toEqual({
      ...kept,
      customer: 'erased-c',
      card: 'erased-f',
      metadata: { user: 'erased-u', plan: 'gold' },
    });
    expect({ ...after, fields: null }).toEqual({ ...full, fields: null });
  });

  it('gives back the very view of anybody else, and does nothing twice', () => {
    expect(eraseView(full, () => null)).toBe(full);
    const once = eraseView(full, ({ value }) => (value === 'cus_1' ? 'erased-c' : null));
    expect(eraseView(once, ({ value }) => (value === 'cus_1' ? 'erased-c' : null))).toBe(once);
  });

  it('of one that was read, writes what it is now', () => {
    const read = decodeAttemptsRecord(encodeAttemptsRecord(full)) as View;
    const after = eraseView(read, ({ kind }) => (kind === 'email' ? 'erased-e' : null));
    const text = encodeAttemptsRecord(after);
    expect(text).toContain('erased-e');
    expect(text).not.toMatch(/ana@|pi_1|4242/);
    expect(decodeAttemptsRecord(text)).toMatchObject({ attempt: 'ch_1', fields: { email: 'erased-e', country: 'DE' } });
  });

  it('knows everything that a view is about', () => {
    expect(entitiesOfView(full)).toEqual([
      { kind: 'card', value: 'fp' },
      { kind: 'customer', value: 'cus_1' },
      { kind: 'email', value: 'ana@mail.example' },
      { kind: 'ip', value: '203.0.113.9' },
      { kind: 'metadata.user', value: 'u1' },
      { kind: 'metadata.plan', value: 'gold' },
    ]);
  });
});
