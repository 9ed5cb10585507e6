// Free TCP ports, and waiting until somebody listens on one.
import { connect, createServer } from 'node:net';

/** Ports of 127.0.0.1 that nobody listens on now, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      async (server) =>
        await new Promise<number>((resolve, reject) => {
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => {
            const address = server.address();
            if (address === null || typeof address === 'string') return reject(new Error('No port was given.'));
            resolve(address.port);
          });
        }),
    ),
  );
  await Promise.all(servers.map(async (server) => await new Promise((resolve) => server.close(resolve))));
  return ports;
}

export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1);
  return port;
}

/** Resolves when the port accepts a connection; rejects with `what` in the message after the deadline, or if `failed` answers a reason. */
export async function waitForPort(
  port: number,
  options: { what: string; timeoutMs: number; host?: string; failed?: () => string | null },
): Promise<void> {
  const deadline = Date.now() + options.timeoutMs;
  while (!(await accepts(port, options.host ?? '127.0.0.1'))) {
    const reason = options.failed?.() ?? null;
    if (reason !== null) throw new Error(`${options.what} did not start: ${reason}`);
    if (Date.now() > deadline)
      throw new Error(`${options.what} did not accept connections on port ${port} within ${options.timeoutMs} ms.`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function accepts(port: number, host: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect({ port, host, timeout: 1_000 });
    const end = (answer: boolean) => () => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', end(true)).once('error', end(false)).once('timeout', end(false));
  });
}
