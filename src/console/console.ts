// The console: pages for people and the API for programs, on ADMIN_PORT. One server, put together here.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { AppError, messageOf } from '../model/errors.ts';
import { isLoopbackAddress } from './access.ts';
import { createApi, notFound } from './api.ts';
import { loadAssets } from './assets.ts';
import type { Desk } from './desk.ts';
import { errorAnswer, httpError } from './errors.ts';
import { type ConsoleEnv, createGuard, SECURITY_HEADERS } from './guard.ts';
import { briefStatusJson, statusJson } from './health.ts';
import type { ConsoleOptions } from './options.ts';
import { createPages, type Pages } from './pages.ts';
import { createStreams, type Streams } from './stream.ts';

export type Console = {
  /** Where it listens, as a person would open it; without a slash at its end. */
  readonly url: string;
  readonly port: number;
  /** Ends the streams and the connections. */
  close(): Promise<void>;
};

const MAX_BODY_BYTES = 64 * 1024;
const LIMITS = {
  /** Of all headers; beyond it Node answers 431. */
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 5_000,
} as const;
const MAX_CONNECTIONS = 300;

/** Resolves once it listens. Rejects with `console_exposed` or `port_in_use`. */
export async function startConsole(options: ConsoleOptions): Promise<Console> {
  const { host, port, tokens } = options;
  if (tokens.length === 0 && !isLoopbackAddress(host))
    throw new AppError('console_exposed', `The console would be open to everyone who reaches ${host}.`, {
      help: 'Set DECLINEWATCH_TOKENS to name:token, or ADMIN_HOST to 127.0.0.1.',
    });
  let app: Hono<ConsoleEnv> | null = null;
  const server = createAdaptorServer({
    fetch: (request, env) => (app === null ? new Response(null, { status: 503 }) : app.fetch(request, env)),
    createServer,
    serverOptions: LIMITS,
  }) as Server;
  server.maxConnections = MAX_CONNECTIONS;
  const bound = await listen(server, { host, port });
  const url = `http://${urlHost(host)}:${bound}`;
  const { streams, routes } = build(options, options.consoleUrl ?? url);
  app = routes;
  return { url, port: bound, close: async () => await close(server, streams) };
}

function build(options: ConsoleOptions, consoleUrl: string): { streams: Streams; routes: Hono<ConsoleEnv> } {
  const { feed, tokens, clock, health, metrics } = options;
  const desk: Desk = { ...options, consoleUrl };
  const guard = createGuard({ tokens, clock, ownOrigins: [new URL(consoleUrl).origin.toLowerCase()] });
  const streams = createStreams({ feed, consoleUrl });
  const assets = loadAssets();
  const app = new Hono<ConsoleEnv>();
  app.use(async (c, next) => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) c.header(name, value);
    await next();
  });
  app.use(guard.admit);
  app.use(
    bodyLimit({
      maxSize: MAX_BODY_BYTES,
      onError: () => {
        throw tooLarge();
      },
    }),
  );
  app.get('/healthz', (c) => {
    const { ok, body } = options.alive?.() ?? { ok: true, body: { ok: true } };
    return c.json(body, ok ? 200 : 503);
  });
  app.get('/readyz', async (c) => {
    const state = await health();
    return c.json(c.get('caller') === undefined ? briefStatusJson(state) : statusJson(state), state.ready ? 200 : 503);
  });
  app.get('/metrics', async (c) =>
    c.body(await metrics(), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }),
  );
  app.route('/assets', assets.routes);
  app.route('/api', createApi({ ...options, desk, streams }));
  const pages = createPages({ ...options, desk, guard, assets });
  app.route('/', pages.routes);
  answerErrors(app, { logger: options.logger, pages });
  return { streams, routes: app };
}

type Answering = { readonly logger: ConsoleOptions['logger']; readonly pages: Pages };

function answerErrors(app: Hono<ConsoleEnv>, { logger, pages }: Answering): void {
  app.notFound(() => {
    throw notFound();
  });
  app.onError((error, c) => {
    const { status, body } = errorAnswer(error);
    if (status === 500) logger.error({ path: c.req.path, error: messageOf(error) }, 'a request failed');
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) c.header(name, value);
    if (status === 401) c.header('www-authenticate', 'Bearer');
    if (wantsPage(c.req.path, c.req.header('accept'))) return pages.errorPage(c, body.error, status);
    return c.json(body, status);
  });
}

const wantsPage = (path: string, accept: string | undefined): boolean =>
  !path.startsWith('/api/') && (accept ?? '').includes('text/html');

const tooLarge = () =>
  httpError('too_large', `A request has at most ${MAX_BODY_BYTES / 1024} KiB.`, { help: 'Send less.' });

/** A name that a person's browser reaches. */
function urlHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
}

async function listen(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(listenError(cause, { host, port })));
    server.listen(port, host.replace(/^\[|\]$/g, ''), () => resolve());
  });
  server.removeAllListeners('error');
  server.on('error', () => undefined);
  return (server.address() as AddressInfo).port;
}

function listenError(
  cause: NodeJS.ErrnoException,
  { host, port }: { readonly host: string; readonly port: number },
): AppError {
  if (cause.code === 'EADDRINUSE')
    return new AppError('port_in_use', `Port ${port} of ${host} is taken by another program.`, {
      help: 'Stop that program, or set ADMIN_PORT to another port.',
      cause,
    });
  return new AppError('cannot_listen', `The console cannot listen on ${host}, port ${port}: ${messageOf(cause)}.`, {
    help: 'Set ADMIN_HOST and ADMIN_PORT to an address of this machine and a port that it may open.',
    cause,
  });
}

async function close(server: Server, streams: Streams): Promise<void> {
  streams.close();
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
    setTimeout(() => server.closeAllConnections(), 1_000).unref();
  });
}
