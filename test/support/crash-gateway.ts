// A way to an HTTP server that ends with its process: calls pass a gate, and those that change something are counted.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Gate } from './crash-gate.ts';

export type Gateway = {
  /** With a slash at its end. */
  readonly url: string;
  close(): Promise<void>;
};

export type GatewayOptions = {
  /** What is in front of the path: `http://127.0.0.1:1234`. */
  readonly target: string;
  readonly gate: Pick<Gate, 'effect' | 'read' | 'closed'>;
  /** The name of a call that changes something; null: it changes nothing. */
  readonly nameOf: (path: string) => string | null;
};

export async function startGateway({ target, gate, nameOf }: GatewayOptions): Promise<Gateway> {
  const pass = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const path = request.url ?? '/';
    const name = nameOf(path);
    const forward = async (): Promise<readonly [Response, Buffer]> => {
      const answer = await fetch(new URL(path, target), {
        method: request.method ?? 'GET',
        headers: kept(request),
        ...(chunks.length === 0 ? {} : { body: Buffer.concat(chunks) }),
      });
      return [answer, Buffer.from(await answer.arrayBuffer())];
    };
    const [answer, body] = await (name === null ? gate.read(forward) : gate.effect(name, forward));
    const retryAfter = answer.headers.get('retry-after');
    response.writeHead(answer.status, {
      'content-type': answer.headers.get('content-type') ?? 'application/json',
      ...(retryAfter === null ? {} : { 'retry-after': retryAfter }),
    });
    response.end(body);
  };
  const server = createServer((request, response) => {
    pass(request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  void gate.closed.then(() => server.closeAllConnections());
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function kept({ headers }: IncomingMessage): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of ['authorization', 'content-type'] as const) {
    const value = headers[name];
    if (value !== undefined) found[name] = value;
  }
  return found;
}
