// Who may (design §7): pure rules over the facts of a request. guard.ts gathers the facts and acts on the answer.

/** What the rules look at. Header values are as sent; undefined: not sent. */
export type RequestFacts = {
  readonly method: string;
  readonly path: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly contentType: string | undefined;
  /** Names of all headers, in lower case. */
  readonly headerNames: readonly string[];
  readonly fetchSite: string | undefined;
  readonly fetchMode: string | undefined;
  /** The request carries a body. */
  readonly hasBody: boolean;
};

export type AccessRules = {
  readonly needsToken: boolean;
  /** Further origins that are the console's own (DECLINEWATCH_URL). */
  readonly ownOrigins: readonly string[];
};

export type Denial = {
  readonly code: 'forbidden' | 'unsupported_media_type';
  readonly message: string;
  readonly help: string;
};

const LOOPBACK_HOST = /^(?:localhost|127(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}|\[::1\])(?::\d{1,5})?$/i;

/** `localhost`, 127.0.0.0/8 or `[::1]`, with any port: as a Host header has it. */
export function isLoopbackHost(host: string): boolean {
  return LOOPBACK_HOST.test(host);
}

/** An address to listen on that only this machine reaches. */
export function isLoopbackAddress(address: string): boolean {
  return address === '::1' || isLoopbackHost(address);
}

const isWrite = (method: string): boolean => method !== 'GET' && method !== 'HEAD' && method !== 'OPTIONS';

/** Writes that a page makes without script: they are guarded by a form token of their own (forms.ts). */
const isFormRoute = (path: string): boolean => !path.startsWith('/api/') && path !== '/api';

/** null: nothing speaks against it. Whether a token is needed and given is asked after this. */
export function denialOf(facts: RequestFacts, rules: AccessRules): Denial | null {
  return hostDenial(facts, rules) ?? originDenial(facts, rules) ?? contentDenial(facts);
}

function hostDenial({ host, headerNames }: RequestFacts, { needsToken }: AccessRules): Denial | null {
  if (needsToken) return null;
  if (host === undefined || !isLoopbackHost(host))
    return forbidden(
      'This console answers to names of its own machine only.',
      'Open http://localhost with its port, or set DECLINEWATCH_TOKENS to be reached under another name.',
    );
  const forwarded = headerNames.find((name) => name === 'forwarded' || name.startsWith('x-forwarded'));
  if (forwarded === undefined) return null;
  return forbidden(
    'The request came through a proxy or a tunnel, and this console has no tokens.',
    'Set DECLINEWATCH_TOKENS before the console is reached through a proxy.',
  );
}

function originDenial({ host, origin, fetchSite, fetchMode }: RequestFacts, rules: AccessRules): Denial | null {
  if (origin !== undefined && !isOwnOrigin(origin, host, rules))
    return forbidden('The request was made by a page of another site.', 'Use the console’s own pages, or the API.');
  const isForeign = fetchSite === 'cross-site' || fetchSite === 'same-site';
  // A link from Slack leads here: that is a navigation. Anything else from another site's page is not wanted.
  if (isForeign && fetchMode !== 'navigate')
    return forbidden('The request was made by a page of another site.', 'Use the console’s own pages, or the API.');
  return null;
}

function isOwnOrigin(origin: string, host: string | undefined, { ownOrigins }: AccessRules): boolean {
  const lower = origin.toLowerCase();
  return (host !== undefined && lower === `http://${host.toLowerCase()}`) || ownOrigins.includes(lower);
}

function contentDenial({ method, path, contentType, fetchSite, hasBody }: RequestFacts): Denial | null {
  if (!isWrite(method)) return null;
  const type = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (!isFormRoute(path)) {
    if (type === 'application/json') return null;
    return unsupported('Writes take Content-Type: application/json.', 'Send the body as JSON, with that header.');
  }
  if (fetchSite === 'cross-site' || fetchSite === 'same-site')
    return forbidden('The form was sent by a page of another site.', 'Use the console’s own page.');
  if (!hasBody || type === 'application/x-www-form-urlencoded') return null;
  return unsupported('Forms are sent as application/x-www-form-urlencoded.', 'Use the console’s own page, or the API.');
}

const forbidden = (message: string, help: string): Denial => ({ code: 'forbidden', message, help });
const unsupported = (message: string, help: string): Denial => ({ code: 'unsupported_media_type', message, help });
