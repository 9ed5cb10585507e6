// What the webhook's server needs of HTTP: a body within its bound, answers in JSON, and letting go of a request whose
// body is not wanted.
import type { IncomingMessage, ServerResponse } from 'node:http';

export const MAX_BODY_BYTES = 1_048_576;

/** What is read and thrown away of a body that is refused, so that the client sees the answer and not a broken pipe. */
const MAX_DISCARD_BYTES = 4 * MAX_BODY_BYTES;
const MAX_DISCARD_MS = 1_000;

export type Body = { readonly bytes: Buffer } | { readonly problem: 'too_large' | 'broken' };

/** At most 1 MiB is held; reading stops at the chunk that goes over it. */
export async function readBody(req: IncomingMessage): Promise<Body> {
  return await new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const done = (body: Body): void => {
      req.off('data', onData).off('end', onEnd).off('error', onBroken).off('close', onBroken);
      // It may still fail after this; an error that nobody hears would end the process.
      req.on('error', () => undefined);
      resolve(body);
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      chunks.push(chunk);
      if (size > MAX_BODY_BYTES) done({ problem: 'too_large' });
    };
    const onEnd = (): void => done({ bytes: Buffer.concat(chunks, size) });
    const onBroken = (): void => done({ problem: 'broken' });
    req.on('data', onData).once('end', onEnd).once('error', onBroken).once('close', onBroken);
  });
}

/** Bytes by the header; 0 if it is not said (chunked). */
export function declaredLength(req: IncomingMessage): number {
  const length = Number(req.headers['content-length'] ?? 0);
  return Number.isFinite(length) ? length : 0;
}

type ErrorBody = { readonly code: string; readonly message: string; readonly help: string };

export function sendJson(res: ServerResponse, status: number, body: object): void {
  writeJson(res, status, body);
  res.end();
}

/** Sends all of it, but leaves the answer open. */
function writeJson(res: ServerResponse, status: number, body: object): void {
  if (res.headersSent || res.destroyed) return;
  const text = JSON.stringify(body);
  res.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  });
  res.write(text);
}

export type HttpRefusal = {
  readonly status: number;
  readonly error: ErrorBody;
  readonly headers?: Readonly<Record<string, string>>;
};

/**
 * Answers with the form of every error (design §7). The connection ends when what is still on its way of the body has been
 * thrown away, within a bound: to hang up on unread bytes could take the answer from the client.
 */
export function refuse(req: IncomingMessage, res: ServerResponse, { status, error, headers = {} }: HttpRefusal): void {
  const { code, message, help } = error;
  const body = { error: { code, message, help, details: [] } };
  for (const [name, value] of Object.entries(headers)) if (!res.headersSent) res.setHeader(name, value);
  if (req.complete || req.destroyed) {
    sendJson(res, status, body);
    return;
  }
  res.shouldKeepAlive = false;
  writeJson(res, status, body);
  discard(req, () => res.end());
}

function discard(req: IncomingMessage, done: () => void): void {
  let size = 0;
  const finish = (): void => {
    clearTimeout(timer);
    done();
  };
  const timer = setTimeout(finish, MAX_DISCARD_MS);
  timer.unref();
  req.on('error', () => undefined);
  req.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > MAX_DISCARD_BYTES) finish();
  });
  req.once('end', finish).once('close', finish);
  req.resume();
}
