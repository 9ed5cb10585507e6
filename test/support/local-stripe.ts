// An own Stripe for the real SDK: lists events with true cursors, retrieves charges, refuses by permission as Stripe
// does, and fails as a test tells it. Shapes and statuses: docs.stripe.com/api (events, errors, pagination).
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../src/model/clock.ts';

export type LocalEvent = Readonly<Record<string, unknown>> & {
  readonly id: string;
  readonly type: string;
  readonly created: number;
};

type Json = Readonly<Record<string, unknown>>;

/** What becomes of a request instead of its answer. */
export type Failure =
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly error?: Json;
      readonly headers?: Record<string, string>;
    }
  | { readonly kind: 'body'; readonly status?: number; readonly body: string; readonly type?: string }
  /** No answer until the server closes. */
  | { readonly kind: 'hang' }
  /** The connection is cut before the answer, or in the middle of its body. */
  | { readonly kind: 'reset' }
  | { readonly kind: 'cut' };

type SeenRequest = {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly account: string | null;
  readonly headers: IncomingMessage['headers'];
  readonly at: number;
};

export type LocalStripeOptions = {
  /** Milliseconds; what is "30 days ago" goes by it. Default: the machine's clock. */
  readonly now?: () => number;
  /** Secret key → its permissions (`event_read`, …), or all. Default: `rk_test_local` with all. */
  readonly keys?: Readonly<Record<string, readonly string[] | 'all'>>;
  /** Connected accounts that the keys may act for. */
  readonly connected?: readonly string[];
  /** Requests a second before 429; default: no limit. */
  readonly perSecond?: number;
};

export type LocalStripe = {
  readonly url: string;
  readonly requests: SeenRequest[];
  /** `account`: of a connected account. Events may come in any order, as late ones do. */
  addEvents(events: readonly LocalEvent[], account?: string | null): void;
  addCharge(charge: Json & { readonly id: string }, account?: string | null): void;
  addWebhookEndpoint(endpoint: Json): void;
  /** The next requests fail so, one each. */
  failNext(...failures: Failure[]): void;
  /** Called before each request is answered; a failure it returns is what becomes of the request. */
  onRequest(handler: ((request: SeenRequest, index: number) => Failure | null | Promise<Failure | null>) | null): void;
  close(): Promise<void>;
};

export const LOCAL_KEY = 'rk_test_local';
const RETENTION_S = 30 * 86_400;

type Account = {
  readonly events: { readonly event: LocalEvent; readonly seq: number }[];
  readonly charges: Map<string, Json>;
};

export async function startLocalStripe(options: LocalStripeOptions = {}): Promise<LocalStripe> {
  const now = options.now ?? Date.now;
  const accounts = new Map<string | null, Account>();
  const accountOf = (id: string | null): Account => {
    const found = accounts.get(id) ?? { events: [], charges: new Map<string, Json>() };
    accounts.set(id, found);
    return found;
  };
  for (const id of [null, ...(options.connected ?? [])]) accountOf(id);
  const endpoints: Json[] = [];
  const requests: SeenRequest[] = [];
  const failures: Failure[] = [];
  let onRequest: Parameters<LocalStripe['onRequest']>[0] = null;
  let seq = 0;

  const answer = (request: SeenRequest): Answer => {
    const refused = authorize(request, options) ?? limited(request, requests, options.perSecond);
    if (refused !== null) return refused;
    const account = accounts.get(request.account);
    if (account === undefined) return noAccess(request.account ?? '');
    return route(request, { account, endpoints, permissions: permissionsOf(request, options), nowS: now() / 1000 });
  };
  const server = createServer((req, res) => {
    void (async () => {
      req.resume();
      const url = new URL(req.url ?? '/', 'http://local');
      const account = req.headers['stripe-account'];
      const request: SeenRequest = {
        method: req.method ?? 'GET',
        path: url.pathname,
        query: url.searchParams,
        account: typeof account === 'string' ? account : null,
        headers: req.headers,
        at: now(),
      };
      requests.push(request);
      const failure = failures.shift() ?? (await onRequest?.(request, requests.length - 1)) ?? null;
      res.setHeader('date', new Date(now()).toUTCString());
      if (failure === null) send(res, answer(request));
      else fail(res, failure);
    })();
  });
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, () => resolve()));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    addEvents: (events, id = null) => {
      const { events: list } = accountOf(id);
      for (const event of events) insert(list, { event, seq: ++seq });
    },
    addCharge: (charge, id = null) => void accountOf(id).charges.set(charge.id, charge),
    addWebhookEndpoint: (endpoint) => void endpoints.push(endpoint),
    failNext: (...more) => void failures.push(...more),
    onRequest: (handler) => {
      onRequest = handler;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

type Answer = { readonly status: number; readonly body: Json; readonly headers?: Record<string, string> };

const error = (status: number, body: Json, headers: Record<string, string> = {}): Answer => ({
  status,
  body: { error: { type: 'invalid_request_error', ...body } },
  headers,
});

function keyOf(request: SeenRequest): string {
  const [scheme = '', key = ''] = (request.headers.authorization ?? '').split(' ');
  return scheme === 'Bearer' ? key : '';
}

const permissionsOf = (request: SeenRequest, { keys }: LocalStripeOptions): readonly string[] | 'all' =>
  (keys ?? { [LOCAL_KEY]: 'all' })[keyOf(request)] ?? [];

function authorize(request: SeenRequest, { keys }: LocalStripeOptions): Answer | null {
  const key = keyOf(request);
  if (Object.hasOwn(keys ?? { [LOCAL_KEY]: 'all' }, key)) return null;
  return error(401, { message: `Invalid API Key provided: ${key.slice(0, 8)}${'*'.repeat(12)}${key.slice(-4)}` });
}

function limited(request: SeenRequest, requests: readonly SeenRequest[], perSecond: number | undefined): Answer | null {
  if (perSecond === undefined) return null;
  const recent = requests.filter(({ at }) => at > request.at - 1_000).length;
  if (recent <= perSecond) return null;
  return error(
    429,
    {
      code: 'rate_limit',
      message:
        'Request rate limit exceeded. You can learn more about rate limits here https://stripe.com/docs/rate-limits.',
    },
    { 'stripe-rate-limited-reason': 'endpoint-rate' },
  );
}

const noAccess = (account: string): Answer =>
  error(403, {
    code: 'account_invalid',
    message: `The provided key 'rk_test_****ocal' does not have access to account '${account}' (or that account does not exist). Application access may have been revoked.`,
  });

function forbidden(permissions: readonly string[] | 'all', needed: string): Answer | null {
  if (permissions === 'all' || permissions.includes(needed)) return null;
  return error(403, {
    message: `The provided key 'rk_test_****ocal' does not have the required permissions for this endpoint on account 'acct_local'. Having the 'rak_${needed}' permission would allow this request to continue.`,
  });
}

/** Objects that are never there, for who asks whether he may: path → what it is, and its permission. */
const PROBED: readonly (readonly [path: RegExp, what: string, permission: string])[] = [
  [/^\/v1\/events\/([^/]+)$/, 'event', 'event'],
  [/^\/v1\/payment_intents\/([^/]+)$/, 'payment_intent', 'payment_intent'],
  [/^\/v1\/setup_intents\/([^/]+)$/, 'setupintent', 'setup_intent'],
  [/^\/v1\/disputes\/([^/]+)$/, 'dispute', 'dispute'],
  [/^\/v1\/reviews\/([^/]+)$/, 'review', 'review'],
  [/^\/v1\/charges\/([^/]+)$/, 'charge', 'charge'],
];

function probed({ path, method }: SeenRequest, permissions: readonly string[] | 'all'): Answer | null {
  for (const [pattern, what, permission] of PROBED) {
    const id = pattern.exec(path)?.[1];
    if (id === undefined) continue;
    const needed = `${permission}_${method === 'GET' ? 'read' : 'write'}`;
    return forbidden(permissions, needed) ?? missing(what, id, { status: 404, param: what });
  }
  return null;
}

type Context = {
  readonly account: Account;
  readonly endpoints: readonly Json[];
  readonly permissions: readonly string[] | 'all';
  readonly nowS: number;
};

function route(request: SeenRequest, context: Context): Answer {
  const { permissions, account, endpoints } = context;
  const charge = /^\/v1\/charges\/([^/]+)$/.exec(request.path)?.[1];
  if (request.path === '/v1/events') return forbidden(permissions, 'event_read') ?? listEvents(request, context);
  if (charge !== undefined && request.method === 'GET') {
    const found = account.charges.get(decodeURIComponent(charge));
    return (
      forbidden(permissions, 'charge_read') ??
      (found === undefined ? missing('charge', charge, { status: 404, param: 'id' }) : { status: 200, body: found })
    );
  }
  const probe = probed(request, permissions);
  if (probe !== null) return probe;
  if (request.path === '/v1/account')
    return (
      forbidden(permissions, 'accounts_kyc_basic_read') ?? {
        status: 200,
        body: { id: 'acct_local', object: 'account' },
      }
    );
  if (request.path === '/v1/webhook_endpoints')
    return (
      forbidden(permissions, 'webhook_read') ?? {
        status: 200,
        body: { object: 'list', url: request.path, has_more: false, data: endpoints },
      }
    );
  return error(404, { message: `Unrecognized request URL (GET: ${request.path}).` });
}

const missing = (what: string, id: string, { status, param }: { status: number; param: string }): Answer =>
  error(status, { code: 'resource_missing', param, message: `No such ${what}: '${id}'` });

/** Permission by the type's first words. */
const RESOURCES: readonly (readonly [prefix: string, permission: string])[] = [
  ['charge.dispute.', 'dispute_read'],
  ['charge.', 'charge_read'],
  ['refund.', 'charge_read'],
  ['radar.early_fraud_warning.', 'charge_read'],
  ['payment_intent.', 'payment_intent_read'],
  ['setup_intent.', 'setup_intent_read'],
  ['review.', 'review_read'],
  ['invoice.', 'invoice_read'],
  ['customer.', 'customer_read'],
];

function listEvents({ query }: SeenRequest, { account, permissions, nowS }: Context): Answer {
  const limit = Number(query.get('limit') ?? 10);
  if (!Number.isInteger(limit) || limit < 1 || limit > 100)
    return error(400, { param: 'limit', message: 'Invalid limit: must be between 1 and 100.' });
  const types = [...query].flatMap(([name, value]) => (/^types\[\d*\]$/.test(name) ? [value] : []));
  if (types.length > 20) return error(400, { param: 'types', message: 'You can only pass up to 20 types.' });
  for (const type of types) {
    const needed = RESOURCES.find(([prefix]) => type.startsWith(prefix))?.[1];
    const refused = needed === undefined ? null : forbidden(permissions, needed);
    if (refused !== null) return refused;
  }
  // Newest first, what is older than 30 days is gone.
  const kept = account.events.filter(({ event }) => event.created >= nowS - RETENTION_S).toReversed();
  const listed = kept.filter(
    ({ event }) => (types.length === 0 || types.includes(event.type)) && isInRange(event, query),
  );
  return page(listed, { kept, query, limit });
}

function isInRange({ created }: LocalEvent, query: URLSearchParams): boolean {
  const bound = (name: string): number | null => {
    const text = query.get(`created[${name}]`);
    return text === null ? null : Number(text);
  };
  const [gt, gte, lt, lte] = [bound('gt'), bound('gte'), bound('lt'), bound('lte')];
  return (
    (gt === null || created > gt) &&
    (gte === null || created >= gte) &&
    (lt === null || created < lt) &&
    (lte === null || created <= lte)
  );
}

type Listed = Account['events'];

/** `starting_after`: what follows it in the list (older); `ending_before`: what stands directly before it (newer). */
function page(listed: Listed, { kept, query, limit }: { kept: Listed; query: URLSearchParams; limit: number }): Answer {
  const after = query.get('starting_after');
  const before = query.get('ending_before');
  const cursor = after ?? before;
  const at = cursor === null ? null : kept.find(({ event }) => event.id === cursor);
  if (cursor !== null && at === undefined)
    return missing('event', cursor, { status: 400, param: after === null ? 'ending_before' : 'starting_after' });
  let rest = listed;
  if (at) rest = listed.filter((each) => (after === null ? compare(each, at) > 0 : compare(each, at) < 0));
  const data = before === null ? rest.slice(0, limit) : rest.slice(-limit);
  return {
    status: 200,
    body: {
      object: 'list',
      url: '/v1/events',
      has_more: rest.length > data.length,
      data: data.map(({ event }) => event),
    },
  };
}

/** Oldest first; events of one second in the order they were made. */
function compare(a: Listed[number], b: Listed[number]): number {
  return a.event.created - b.event.created || a.seq - b.seq;
}

function insert(list: Listed, item: Listed[number]): void {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = list[middle];
    if (other !== undefined && compare(other, item) < 0) low = middle + 1;
    else high = middle;
  }
  list.splice(low, 0, item);
}

let requestNumber = 0;

function send(res: ServerResponse, { status, body, headers = {} }: Answer): void {
  const text = JSON.stringify(body);
  res.writeHead(status, {
    'content-type': 'application/json',
    'request-id': `req_local${++requestNumber}`,
    ...headers,
  });
  res.end(text);
}

function fail(res: ServerResponse, failure: Failure): void {
  switch (failure.kind) {
    case 'status':
      send(res, error(failure.status, { message: 'As the test wants.', ...failure.error }, failure.headers));
      return;
    case 'body':
      res.writeHead(failure.status ?? 200, { 'content-type': failure.type ?? 'application/json' });
      res.end(failure.body);
      return;
    case 'hang':
      return;
    case 'reset':
      res.destroy();
      return;
    case 'cut':
      res.writeHead(200, { 'content-type': 'application/json', 'content-length': '10000' });
      res.write('{"object":"list","data":[');
      setImmediate(() => res.destroy());
  }
}

/** A declined payment by card, as the charge's event and as the charge. */
export function failedCharge(
  name: string,
  created: number,
  over: Json = {},
): { charge: Json & { id: string }; event: LocalEvent } {
  const charge = {
    id: `ch_${name}`,
    object: 'charge',
    amount: 1_200,
    currency: 'usd',
    created,
    customer: `cus_${name}`,
    livemode: false,
    outcome: { type: 'issuer_declined', reason: 'do_not_honor' },
    payment_method_details: { type: 'card', card: { fingerprint: `fp_${name}`, brand: 'visa', last4: '0002' } },
    status: 'failed',
    ...over,
  };
  return { charge, event: eventOf(`evt_${name}`, 'charge.failed', { created, object: charge }) };
}

export function eventOf(id: string, type: string, { created, object }: { created: number; object: Json }): LocalEvent {
  return {
    id,
    object: 'event',
    api_version: '2020-08-27',
    created,
    data: { object },
    livemode: false,
    pending_webhooks: 0,
    request: null,
    type,
  };
}

/** A clock that never lets anybody wait, and notes how long they would have. */
export function eagerClock(): Clock & { readonly slept: number[] } {
  const slept: number[] = [];
  return {
    slept,
    now: () => Date.now(),
    sleep: async (ms) => {
      slept.push(ms);
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}
