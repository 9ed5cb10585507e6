// The server for the internet: takes Stripe's webhooks and answers 200 only once the log has them (design §7). Further
// routes (Slack's) are hung in by the program.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import type { EventLog } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import { AppError, messageOf } from '../model/errors.ts';
import { type Acceptor, createAcceptor } from './accept.ts';
import { declaredLength, MAX_BODY_BYTES, refuse, sendJson } from './http.ts';
import type { NormaliseContext } from './normalised.ts';
import { createStripeRoute, type StripeRoute, type WebhookMetrics, type WebhookTotals } from './stripe-route.ts';

type Route = {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Answers the request; if it rejects before that, 500 is answered. */
  readonly handle: (req: IncomingMessage, res: ServerResponse) => Promise<void> | void;
};

type Health = { readonly ok: boolean; readonly body: object };

export type WebhookServerOptions = {
  readonly log: Pick<EventLog, 'append'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Signing secrets (`whsec_…`); a body is good if one of them signed it. None: every body is refused. */
  readonly secrets: readonly string[];
  /** Which metadata are in use now. */
  readonly context: () => NormaliseContext;
  /** Milliseconds: the lateness in force now. */
  readonly latenessMs: () => number;
  readonly extra?: readonly Route[];
  /** For `GET /healthz`: 200 or 503 with the body. Default: 200 while the server runs. */
  readonly health?: () => Health;
  readonly metrics?: WebhookMetrics;
  readonly limits?: Partial<WebhookLimits>;
};

/** Bounds against slow and many clients, and a log that does not answer. */
type WebhookLimits = {
  /** For the whole request, headers and body, to arrive. */
  readonly requestMs: number;
  /** For the log to take it. */
  readonly appendWaitMs: number;
  readonly connections: number;
};

const LIMITS: WebhookLimits = { requestMs: 10_000, appendWaitMs: 5_000, connections: 2_000 };

type WebhookStatus = WebhookTotals & {
  readonly isListening: boolean;
  /** Requests that are being answered. */
  readonly inFlight: number;
  /** Events that wait for the log. */
  readonly waiting: number;
};

export type WebhookServer = {
  /** `http://host:port`. */
  readonly url: string;
  readonly port: number;
  status(): WebhookStatus;
  /** Listens no more, answers what is in flight, and is down within 3 s. Safe to call twice. */
  close(): Promise<void>;
};

const MAX_HEADER_BYTES = 16_384;
const MAX_HEADERS = 100;
const HEADERS_MS = 5_000;
const KEEP_ALIVE_MS = 65_000;
const CHECK_EVERY_MS = 500;
/** While it stops: when who still waits for the log is told 503, and when connections are cut. */
const HURRY_AFTER_MS = 2_000;
const CUT_AFTER_MS = 2_700;

/** Throws AppError `port_in_use` or `listen_failed`. */
export async function startWebhookServer(options: WebhookServerOptions): Promise<WebhookServer> {
  const { log, context, latenessMs, host, metrics } = options;
  const limits = { ...LIMITS, ...options.limits };
  const acceptor = createAcceptor({ log, context, latenessMs });
  const { secrets, clock, logger } = options;
  const { appendWaitMs } = limits;
  const stripe = createStripeRoute({ acceptor, secrets, clock, logger, metrics, appendWaitMs });
  const inFlight = new Set<ServerResponse>();
  const server = createHttpServer(limits, createRouter(options, stripe), inFlight);
  await listen(server, options);
  const { port: bound } = server.address() as AddressInfo;
  let down: Promise<void> | null = null;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    port: bound,
    status: () => ({
      ...stripe.totals(),
      isListening: server.listening,
      inFlight: inFlight.size,
      waiting: acceptor.status().waiting,
    }),
    close: async () => {
      down ??= shutDown(server, { stripe, acceptor, inFlight });
      await down;
    },
  };
}

type Handle = (req: IncomingMessage, res: ServerResponse) => Promise<void>;

function createHttpServer(limits: WebhookLimits, handle: Handle, inFlight: Set<ServerResponse>): Server {
  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: Math.min(HEADERS_MS, limits.requestMs),
    requestTimeout: limits.requestMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: CHECK_EVERY_MS,
  });
  server.maxConnections = limits.connections;
  server.maxHeadersCount = MAX_HEADERS;
  server.on('request', (req: IncomingMessage, res: ServerResponse) => {
    inFlight.add(res);
    res.once('close', () => inFlight.delete(res));
    if (!server.listening) res.shouldKeepAlive = false;
    void handle(req, res);
  });
  server.on('checkContinue', (req: IncomingMessage, res: ServerResponse) => {
    // Who asks whether too large a body may come is told no before it is sent.
    if (declaredLength(req) <= MAX_BODY_BYTES) res.writeContinue();
    server.emit('request', req, res);
  });
  return server;
}

/** Never rejects. */
function createRouter({ extra = [], health, logger }: WebhookServerOptions, stripe: StripeRoute): Handle {
  const healthz: Route['handle'] = (_req, res) => {
    const { ok, body } = health?.() ?? { ok: true, body: { ok: true } };
    sendJson(res, ok ? 200 : 503, body);
  };
  const routes: readonly Route[] = [
    { method: 'POST', path: '/webhooks/stripe', handle: stripe.handle },
    { method: 'GET', path: '/healthz', handle: healthz },
    ...extra,
  ];
  return async (req, res) => {
    const [path = '/'] = (req.url ?? '/').split('?', 1);
    const ofPath = routes.filter((route) => route.path === path);
    const method = req.method === 'HEAD' ? 'GET' : req.method;
    const route = ofPath.find((candidate) => candidate.method === method);
    if (ofPath.length === 0) return refuse(req, res, NOT_FOUND);
    if (route === undefined) return refuse(req, res, wrongMethod(ofPath));
    try {
      await route.handle(req, res);
    } catch (error) {
      logger.error({ path: route.path, error: messageOf(error) }, 'a request failed');
      refuse(req, res, FAILED);
    }
  };
}

const NOT_FOUND = {
  status: 404,
  error: { code: 'not_found', message: 'There is nothing here.', help: 'Webhooks go to POST /webhooks/stripe.' },
};

const FAILED = {
  status: 500,
  error: { code: 'internal', message: 'The request failed.', help: 'The reason is in the log of the program.' },
};

function wrongMethod(ofPath: readonly Route[]) {
  const allow = ofPath.map(({ method }) => method).join(', ');
  const error = { code: 'method_not_allowed', message: `This address takes ${allow}.`, help: `Use ${allow}.` };
  return { status: 405, error, headers: { allow } };
}

async function listen(server: Server, { host, port, logger }: WebhookServerOptions): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)));
    server.listen({ host, port }, () => {
      server.removeAllListeners('error');
      // Too many open files, for one: the connection is lost, the server goes on.
      server.on('error', (error) => logger.error({ error: messageOf(error) }, 'the server of webhooks has a problem'));
      resolve();
    });
  });
}

function listenError(cause: NodeJS.ErrnoException, host: string, port: number): AppError {
  if (cause.code === 'EADDRINUSE')
    return new AppError('port_in_use', `Port ${port} of ${host} is in use.`, {
      help: 'Stop the program that listens there, or set PORT to another one.',
      cause,
    });
  return new AppError('listen_failed', `Cannot listen on ${host}:${port}: ${cause.message}`, {
    help: 'Set HOST to an address of this machine and PORT to one that this user may open (above 1023).',
    cause,
  });
}

type Running = {
  readonly stripe: StripeRoute;
  readonly acceptor: Acceptor;
  readonly inFlight: ReadonlySet<ServerResponse>;
};

async function shutDown(server: Server, { stripe, acceptor, inFlight }: Running): Promise<void> {
  const hurry = setTimeout(stripe.hurry, HURRY_AFTER_MS);
  const cut = setTimeout(() => server.closeAllConnections(), CUT_AFTER_MS);
  // An answer that has not begun yet ends its connection, so that an idle client does not hold the server up.
  for (const res of inFlight) if (!res.headersSent) res.shouldKeepAlive = false;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  await closed;
  clearTimeout(hurry);
  clearTimeout(cut);
  // Whoever waited for the log has been answered; what is left of an append that hangs is not waited for.
  void acceptor.close();
}
