// How Slack's payloads reach Bolt: two Socket Mode connections, or requests that the main thread took and checked.
import { type App, type Receiver, type ReceiverEvent, SocketModeReceiver } from '@slack/bolt';
import type { Logger as SlackLogger } from '@slack/web-api';
import type { FromWorker } from './bolt-protocol.ts';

/** Slack cuts each connection every few hours, and the reconnect takes seconds: with two, one is nearly always open. */
const CONNECTIONS = 2;

export function createSocketReceiver(options: {
  readonly appToken: string;
  readonly apiUrl: string | null;
  readonly logger: SlackLogger;
  readonly onConnections: (open: number) => void;
}): Receiver {
  const { appToken, apiUrl, logger, onConnections } = options;
  const open = new Set<number>();
  const receivers = Array.from({ length: CONNECTIONS }, (_, index) => {
    // The client of the connections keeps its default retries: without them one 503 ends this thread.
    const installerOptions = apiUrl === null ? {} : { clientOptions: { slackApiUrl: apiUrl } };
    const receiver = new SocketModeReceiver({ appToken, logger, installerOptions });
    const report = (isOpen: boolean) => () => {
      if (isOpen) open.add(index);
      else open.delete(index);
      onConnections(open.size);
    };
    receiver.client.on('connected', report(true));
    for (const event of ['reconnecting', 'disconnecting', 'disconnected', 'close'])
      receiver.client.on(event, report(false));
    return receiver;
  });
  return {
    init: (app: App) => {
      for (const receiver of receivers) receiver.init(app);
    },
    start: async () => await Promise.all(receivers.map((receiver) => receiver.start())),
    stop: async () => await Promise.all(receivers.map((receiver) => receiver.stop())),
  };
}

type HttpRequest = { readonly id: number; readonly body: string; readonly contentType: string };
type HttpAnswer = Extract<FromWorker, { type: 'http' }>;

export type HttpReceiver = Receiver & { handle(request: HttpRequest): void };

/** Requests come in by `handle`; each is answered once, when a listener acknowledges it. */
export function createHttpReceiver(answer: (answer: HttpAnswer) => void): HttpReceiver {
  let app: App | null = null;
  return {
    init: (given: App) => {
      app = given;
    },
    start: async () => undefined,
    stop: async () => undefined,
    handle: ({ id, body, contentType }) => {
      const reply = (status: number, value: unknown): void => answer({ type: 'http', id, status, ...serialise(value) });
      const parsed = parseBody(body, contentType);
      if (parsed === null || app === null) return reply(400, 'not a request of Slack');
      if (parsed.type === 'url_verification') return reply(200, { challenge: parsed.challenge });
      if (parsed.ssl_check !== undefined) return reply(200, '');
      let isAnswered = false;
      const ack: ReceiverEvent['ack'] = async (value: unknown) => {
        if (isAnswered) return;
        isAnswered = true;
        reply(200, value);
      };
      app.processEvent({ body: parsed, ack }).catch(() => {
        if (!isAnswered) reply(500, '');
      });
    },
  };
}

function serialise(value: unknown): { readonly body: string; readonly contentType: string } {
  if (value === undefined || value === null || value === '') return { body: '', contentType: 'text/plain' };
  if (typeof value === 'string') return { body: value, contentType: 'text/plain' };
  return { body: JSON.stringify(value), contentType: 'application/json' };
}

/** Interactions are a form with a `payload`, slash commands a plain form, events JSON. */
function parseBody(body: string, contentType: string): Record<string, unknown> | null {
  try {
    if (contentType.startsWith('application/json')) return asObject(JSON.parse(body));
    const form = new URLSearchParams(body);
    const payload = form.get('payload');
    return payload === null ? Object.fromEntries(form) : asObject(JSON.parse(payload));
  } catch {
    return null;
  }
}

const asObject = (value: unknown): Record<string, unknown> | null =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
