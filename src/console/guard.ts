// Stands before every route: the rules of access.ts, the token or the session, who is acting, and the headers that keep
// a page from being more than what was served.
import type { IncomingMessage } from 'node:http';
import type { HttpBindings } from '@hono/node-server';
import type { Context, MiddlewareHandler } from 'hono';
import { getCookie } from 'hono/cookie';
import type { Clock } from '../model/clock.ts';
import type { Actor } from '../model/incident.ts';
import { type AccessRules, denialOf, type RequestFacts } from './access.ts';
import { httpError } from './errors.ts';
import type { Token } from './options.ts';
import {
  createFailureLimit,
  createSessions,
  createTokenCheck,
  randomId,
  type Session,
  type Sessions,
} from './sessions.ts';

/** Who asks: by a token, by a session, or (without tokens) from this machine. */
export type Caller = {
  readonly actor: Actor;
  readonly session: Session | null;
  /** What the forms of this caller's pages carry. */
  readonly formToken: string;
};

/** `caller` is absent on the few open routes, when nobody in particular asks. */
export type ConsoleEnv = {
  readonly Bindings: HttpBindings;
  readonly Variables: { caller?: Caller };
};
export type ConsoleContext = Context<ConsoleEnv>;

export const SESSION_COOKIE = 'declinewatch_session';
/** Says that the CLI asks, so that the timeline does too. It grants nothing. */
const CLIENT_HEADER = 'x-declinewatch-client';

const CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': CSP,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  // Under `no-referrer` a browser sends `Origin: null` with a form of our own; pages are sent with `same-origin`.
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

export type Guard = {
  readonly needsToken: boolean;
  readonly sessions: Sessions;
  /** Before every route. */
  readonly admit: MiddlewareHandler<ConsoleEnv>;
  /** The name of a token given in the login form; null: wrong. Throws too_many_requests. */
  checkLogin(c: ConsoleContext, token: string): string | null;
};

export type GuardOptions = {
  readonly tokens: readonly Token[];
  readonly clock: Clock;
  readonly ownOrigins: readonly string[];
};

/** Served to anybody once tokens are in use: what a probe asks, and what the login page needs. */
const isOpenPath = (path: string): boolean =>
  path === '/healthz' || path === '/readyz' || path === '/login' || path.startsWith('/assets/');

export function createGuard({ tokens, clock, ownOrigins }: GuardOptions): Guard {
  const needsToken = tokens.length > 0;
  const rules: AccessRules = { needsToken, ownOrigins };
  const nameOf = createTokenCheck(tokens);
  const sessions = createSessions(clock);
  const failures = createFailureLimit(clock);
  const localFormToken = randomId();

  const checkToken = (c: ConsoleContext, token: string): string | null => {
    const address = c.env.incoming.socket.remoteAddress ?? '';
    const waitMs = failures.waitMs(address);
    if (waitMs > 0)
      throw httpError('too_many_requests', 'Too many wrong tokens came from this address.', {
        help: `Try again in ${Math.ceil(waitMs / 1000)} s.`,
      });
    const name = nameOf(token);
    if (name === null) failures.failed(address);
    return name;
  };
  const callerOf = (c: ConsoleContext): Caller | null => {
    const isCli = c.req.header(CLIENT_HEADER) === 'cli';
    if (!needsToken) {
      const actor: Actor = isCli
        ? { kind: 'cli', id: 'local', name: 'cli' }
        : { kind: 'console', id: 'local', name: 'console' };
      return { actor, session: null, formToken: localFormToken };
    }
    const bearer = /^Bearer +(\S+) *$/i.exec(c.req.header('authorization') ?? '')?.[1];
    if (bearer !== undefined) {
      const name = checkToken(c, bearer);
      if (name === null) return null;
      return { actor: { kind: isCli ? 'cli' : 'api', id: name, name }, session: null, formToken: '' };
    }
    const session = sessions.find(getCookie(c, SESSION_COOKIE) ?? '');
    if (session === null) return null;
    const { name, formToken } = session;
    return { actor: { kind: 'console', id: name, name }, session, formToken };
  };
  return {
    needsToken,
    sessions,
    checkLogin: checkToken,
    admit: async (c, next) => {
      const denial = denialOf(factsOf(c.env.incoming, c.req.path), rules);
      if (denial !== null) throw httpError(denial.code, denial.message, { help: denial.help });
      const caller = callerOf(c);
      if (caller !== null) c.set('caller', caller);
      else if (!isOpenPath(c.req.path))
        throw httpError('unauthorized', 'This needs a token.', {
          help: 'Send it as Authorization: Bearer …, or log in on the console’s page.',
        });
      await next();
    },
  };
}

/** From the request as Node has it: what a framework may have normalised is looked at as it came. */
function factsOf({ headers, rawHeaders, method = 'GET' }: IncomingMessage, path: string): RequestFacts {
  const hosts = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host').length;
  return {
    method,
    path,
    // Of two, a proxy before us may have looked at the other one.
    host: hosts === 1 ? headers.host : undefined,
    origin: headers.origin,
    contentType: headers['content-type'],
    headerNames: Object.keys(headers),
    fetchSite: one(headers['sec-fetch-site']),
    fetchMode: one(headers['sec-fetch-mode']),
    hasBody: headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0,
  };
}

const one = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value);

/** Of a route that is not open. */
export function callerOf(c: ConsoleContext): Caller {
  const caller = c.get('caller');
  if (caller === undefined) throw httpError('unauthorized', 'This needs a token.');
  return caller;
}
