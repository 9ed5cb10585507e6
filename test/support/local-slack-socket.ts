// The server's end of Slack's Socket Mode: a WebSocket spoken by hand, text frames only, which is all Slack uses.
import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const TEXT = 1;
const CLOSE = 8;
const PING = 9;
const PONG = 10;
/** Slack's own limit for an answer. */
const ACK_MS = 3_000;

export type SocketHub = {
  upgrade(req: IncomingMessage, socket: Duplex): void;
  /** Connections open now. */
  open(): number;
  /** To one connection at random; resolves with the acknowledgement's payload, or null after 3 s. */
  deliver(type: 'interactive' | 'slash_commands' | 'events_api', payload: unknown): Promise<unknown>;
  /** Slack's notice that it will cut one of the connections, as it does to each every few hours. */
  disconnectOne(): void;
  close(): void;
};

export function createSocketHub(): SocketHub {
  const sockets = new Set<Duplex>();
  const acks = new Map<string, (payload: unknown) => void>();
  const send = (socket: Duplex, message: unknown): void =>
    void socket.write(frame(TEXT, Buffer.from(JSON.stringify(message))));
  const pings = setInterval(() => {
    for (const socket of sockets) socket.write(frame(PING, Buffer.from('ping')));
  }, 5_000);
  pings.unref();

  const onText = (text: string): void => {
    const message = JSON.parse(text) as { envelope_id?: string; payload?: unknown };
    const ack = message.envelope_id === undefined ? undefined : acks.get(message.envelope_id);
    ack?.(message.payload ?? {});
  };

  return {
    upgrade: (req, socket) => {
      const accept = createHash('sha1').update(`${req.headers['sec-websocket-key']}${GUID}`).digest('base64');
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
      sockets.add(socket);
      let buffer = Buffer.alloc(0);
      socket.on('data', (chunk: Buffer) => {
        buffer = Buffer.concat([buffer, chunk]);
        for (let read = unframe(buffer); read !== null; read = unframe(buffer)) {
          buffer = buffer.subarray(read.size);
          if (read.opcode === TEXT) onText(read.payload.toString('utf8'));
          if (read.opcode === PING) socket.write(frame(PONG, read.payload));
          if (read.opcode === CLOSE) {
            sockets.delete(socket);
            socket.end(frame(CLOSE, read.payload));
          }
        }
      });
      const gone = (): void => void sockets.delete(socket);
      socket.on('close', gone).on('error', gone);
      send(socket, { type: 'hello', num_connections: sockets.size, connection_info: { app_id: 'A0LAB' } });
    },
    open: () => sockets.size,
    deliver: async (type, payload) => {
      const all = [...sockets];
      const socket = all[Math.floor(Math.random() * all.length)];
      if (socket === undefined) throw new Error('no Socket Mode connection is open');
      const envelope = randomUUID();
      return await new Promise((resolve) => {
        const done = (value: unknown): void => {
          clearTimeout(timer);
          acks.delete(envelope);
          resolve(value);
        };
        const timer = setTimeout(() => done(null), ACK_MS);
        acks.set(envelope, done);
        send(socket, { envelope_id: envelope, type, accepts_response_payload: true, payload });
      });
    },
    disconnectOne: () => {
      const [socket] = sockets;
      if (socket !== undefined) send(socket, { type: 'disconnect', reason: 'refresh_requested' });
    },
    close: () => {
      clearInterval(pings);
      for (const socket of sockets) socket.destroy();
    },
  };
}

function frame(opcode: number, payload: Buffer): Buffer {
  const head = payload.length < 126 ? Buffer.alloc(2) : Buffer.alloc(payload.length < 65_536 ? 4 : 10);
  head[0] = 0x80 | opcode;
  if (payload.length < 126) head[1] = payload.length;
  else if (payload.length < 65_536) {
    head[1] = 126;
    head.writeUInt16BE(payload.length, 2);
  } else {
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(payload.length), 2);
  }
  return Buffer.concat([head, payload]);
}

type Frame = { readonly opcode: number; readonly payload: Buffer; readonly size: number };

/** A whole frame of a client (always masked) at the front of the buffer, or null. */
function unframe(buffer: Buffer): Frame | null {
  if (buffer.length < 2) return null;
  const short = (buffer[1] ?? 0) & 0x7f;
  const extra = short === 126 ? 2 : short === 127 ? 8 : 0;
  const start = 2 + extra + 4;
  if (buffer.length < start) return null;
  const length = short === 126 ? buffer.readUInt16BE(2) : short === 127 ? Number(buffer.readBigUInt64BE(2)) : short;
  if (buffer.length < start + length) return null;
  const mask = buffer.subarray(start - 4, start);
  const payload = Buffer.from(
    buffer.subarray(start, start + length).map((byte, index) => byte ^ (mask[index % 4] ?? 0)),
  );
  return { opcode: (buffer[0] ?? 0) & 0x0f, payload, size: start + length };
}
