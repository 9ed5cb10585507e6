// Tokens, and the sessions of people who gave one in the login form. The cookie holds a session id, never the token.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../model/clock.ts';
import type { Token } from './options.ts';

export type Session = {
  readonly id: string;
  /** The token's name. */
  readonly name: string;
  /** Milliseconds. */
  readonly expiresAt: number;
  /** What a form of this session must carry. */
  readonly formToken: string;
};

export type Sessions = {
  /** null: too many at once. */
  open(name: string): Session;
  find(id: string): Session | null;
  close(id: string): void;
};

export const SESSION_MS = 12 * 3_600_000;
const MAX_SESSIONS = 1_000;

export function createSessions(clock: Pick<Clock, 'now'>): Sessions {
  const sessions = new Map<string, Session>();
  return {
    open: (name) => {
      const session = { id: randomId(), name, expiresAt: clock.now() + SESSION_MS, formToken: randomId() };
      sessions.set(session.id, session);
      // Held in the order of their opening: the eldest goes, and its holder logs in again.
      const [eldest] = sessions.keys();
      if (sessions.size > MAX_SESSIONS && eldest !== undefined) sessions.delete(eldest);
      return session;
    },
    find: (id) => {
      const session = sessions.get(id);
      if (session === undefined) return null;
      if (session.expiresAt > clock.now()) return session;
      sessions.delete(id);
      return null;
    },
    close: (id) => void sessions.delete(id),
  };
}

export const randomId = (): string => randomBytes(32).toString('base64url');

/** The name of the token, or null. Takes the same time whichever token it is compared with, and whether one fits. */
export function createTokenCheck(tokens: readonly Token[]): (given: string) => string | null {
  const known = tokens.map(({ name, token }) => ({ name, hash: sha256(token) }));
  return (given) => {
    const hash = sha256(given);
    let found: string | null = null;
    for (const one of known) if (timingSafeEqual(one.hash, hash)) found ??= one.name;
    return found;
  };
}

export function sameSecret(a: string, b: string): boolean {
  return timingSafeEqual(sha256(a), sha256(b));
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

export type Attempts = {
  /** Milliseconds until the next try of this address is heard; 0: now. */
  waitMs(address: string): number;
  failed(address: string): void;
};

const WINDOW_MS = 60_000;
const MAX_FAILURES = 10;
const MAX_ADDRESSES = 1_000;

/** Ten wrong tokens a minute from one address, then a pause: guessing is slow, and others are not held up. */
export function createFailureLimit(clock: Pick<Clock, 'now'>): Attempts {
  const failures = new Map<string, number[]>();
  const recent = (address: string): number[] =>
    (failures.get(address) ?? []).filter((at) => at > clock.now() - WINDOW_MS);
  return {
    waitMs: (address) => {
      const times = recent(address);
      const [oldest] = times;
      return times.length < MAX_FAILURES || oldest === undefined ? 0 : oldest + WINDOW_MS - clock.now();
    },
    failed: (address) => {
      const times = [...recent(address), clock.now()].slice(-MAX_FAILURES);
      failures.delete(address);
      failures.set(address, times);
      const [eldest] = failures.keys();
      if (failures.size > MAX_ADDRESSES && eldest !== undefined) failures.delete(eldest);
    },
  };
}
