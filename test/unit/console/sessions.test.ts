import { describe, expect, it } from 'vitest';
import {
  createFailureLimit,
  createSessions,
  createTokenCheck,
  SESSION_MS,
  sameSecret,
} from '../../../src/console/sessions.ts';
import { handClock } from '../../support/hand-clock.ts';

describe('tokens', () => {
  it('are known by their whole text alone', () => {
    const nameOf = createTokenCheck([
      { name: 'ana', token: 'secret-a' },
      { name: 'bo', token: 'secret-b' },
    ]);
    expect(nameOf('secret-b')).toBe('bo');
    for (const wrong of ['', 'secret-', 'secret-bb', 'SECRET-B', 'ana']) expect(nameOf(wrong)).toBeNull();
    expect(createTokenCheck([])('')).toBeNull();
  });

  it('compare whatever their lengths', () => {
    expect(sameSecret('a', 'a')).toBe(true);
    expect(sameSecret('a', 'ab')).toBe(false);
  });
});

describe('sessions', () => {
  it('have ids of their own, and an end', () => {
    const clock = handClock();
    const sessions = createSessions(clock);
    const [a, b] = [sessions.open('ana'), sessions.open('ana')];
    expect(new Set([a.id, b.id, a.formToken, b.formToken]).size).toBe(4);
    expect(sessions.find(a.id)?.name).toBe('ana');
    sessions.close(a.id);
    expect(sessions.find(a.id)).toBeNull();
    clock.advance(SESSION_MS);
    expect(sessions.find(b.id)).toBeNull();
  });

  it('are at most a thousand: the eldest goes', () => {
    const sessions = createSessions(handClock());
    const eldest = sessions.open('ana');
    const second = sessions.open('ana');
    for (let count = 0; count < 999; count++) sessions.open('bo');
    expect(sessions.find(eldest.id)).toBeNull();
    expect(sessions.find(second.id)).not.toBeNull();
  });
});

describe('wrong tokens', () => {
  it('are heard ten times a minute from one address, others are not held up', () => {
    const clock = handClock();
    const limit = createFailureLimit(clock);
    for (let count = 0; count < 10; count++) {
      expect(limit.waitMs('a')).toBe(0);
      limit.failed('a');
      clock.advance(1_000);
    }
    expect(limit.waitMs('a')).toBe(50_000);
    expect(limit.waitMs('b')).toBe(0);
    clock.advance(50_000);
    expect(limit.waitMs('a')).toBe(0);
  });
});
