// The network between the program and what it talks to: a line can be cut, or slow.
import { connect, createServer, type Socket } from 'node:net';
import type { Gate } from './crash-gate.ts';
import { freePort } from './ports.ts';

export type Line = {
  isCut: boolean;
  /** Each way. */
  delayMs: number;
};

export const openLine = (): Line => ({ isCut: false, delayMs: 0 });

/** As the gate of a gateway. */
export function gateOf(line: Line): Pick<Gate, 'effect' | 'read' | 'closed'> {
  const pass = async <T>(carryOut: () => Promise<T>): Promise<T> => {
    if (line.isCut) throw new Error('the line is cut');
    await pause(line.delayMs);
    const answer = await carryOut();
    await pause(line.delayMs);
    return answer;
  };
  return { effect: async (_, carryOut) => await pass(carryOut), read: pass, closed: new Promise(() => undefined) };
}

export type TcpLine = { readonly port: number; close(): Promise<void> };

/** A port of this machine that leads to another one over the line. */
export async function startTcpLine(line: Line, to: { readonly host: string; readonly port: number }): Promise<TcpLine> {
  const port = await freePort();
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(to);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    forward(near, far, line);
    forward(far, near, line);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** In order, whatever becomes of the delay in between. */
function forward(from: Socket, to: Socket, line: Line): void {
  let turn = Promise.resolve();
  from.on('data', (chunk: Buffer) => {
    const due = Date.now() + line.delayMs;
    turn = turn.then(async () => {
      await pause(due - Date.now());
      if (line.isCut) from.destroy();
      else if (to.writable) to.write(chunk);
    });
  });
  from.on('end', () => void turn.then(() => to.end()));
}

async function pause(ms: number): Promise<void> {
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
}
