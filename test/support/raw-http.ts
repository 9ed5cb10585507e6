// A client that says exactly what a test writes, when it writes it: for requests that no proper client sends.
import { connect } from 'node:net';

export type RawClient = {
  write(text: string): void;
  /** All that came until the server hung up. */
  readonly answer: Promise<string>;
  /** Resolves when what came so far matches. */
  heard(pattern: RegExp): Promise<string>;
  end(): void;
};

export async function rawClient(port: number): Promise<RawClient> {
  const socket = connect({ port, host: '127.0.0.1' });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve).once('error', reject);
  });
  let text = '';
  const listeners = new Set<() => void>();
  const answer = new Promise<string>((resolve) => {
    // A server that hangs up on unread bytes resets the connection: that is an end as well.
    socket.on('error', () => undefined);
    socket.once('close', () => resolve(text));
  });
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    for (const tell of listeners) tell();
  });
  return {
    write: (part) => void socket.write(part),
    answer,
    heard: async (pattern) =>
      await new Promise((resolve, reject) => {
        const look = (): void => {
          if (!pattern.test(text)) return;
          listeners.delete(look);
          resolve(text);
        };
        listeners.add(look);
        void answer.then(() =>
          pattern.test(text) ? resolve(text) : reject(new Error(`The server hung up after: ${text}`)),
        );
        look();
      }),
    end: () => socket.destroy(),
  };
}
