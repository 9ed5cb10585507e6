// Slack's inbound side as the main thread sees it: runs Bolt in a worker thread, starts it again when it dies, takes
// requests in HTTP mode, and is the only way from a click to the log.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import type { Clock } from '../model/clock.ts';
import type { Change, Command } from '../model/commands.ts';
import { messageOf } from '../model/errors.ts';
import type { Answer, Ask, FromWorker, ToWorker, WorkerData } from './bolt-protocol.ts';
import { isSignedBySlack } from './slack-signature.ts';

export type SlackInboundOptions = {
  readonly botToken: string;
  /** Socket Mode. Null: HTTP mode. */
  readonly appToken: string | null;
  readonly signingSecret: string | null;
  readonly apiUrl: string | null;
  readonly responders: readonly string[];
  /** Resolves once the command is durable in the log; rejects if it cannot be written. */
  readonly submit: (command: Command) => Promise<unknown>;
  /** What the command did, or null if that is not known within the time. */
  readonly outcome: (commandId: string, timeoutMs: number) => Promise<Pick<Change, 'type' | 'refusal'> | null>;
  /** What a mute of this incident's entity would have hidden lately, a sentence; null if that is not known. */
  readonly hiddenByMute: (incident: string) => string | null;
  readonly clock: Clock;
  readonly logger: Logger;
};

export type SlackInboundStatus = {
  readonly mode: 'socket' | 'http';
  readonly state: 'starting' | 'running' | 'restarting' | 'stopped';
  /** Socket Mode connections that are open. */
  readonly connections: number;
  readonly restarts: number;
  readonly lastError: { readonly at: number; readonly message: string } | null;
};

export type SlackRequest = {
  readonly rawBody: Buffer;
  readonly contentType: string;
  /** `X-Slack-Request-Timestamp`. */
  readonly timestamp: string | undefined;
  /** `X-Slack-Signature`. */
  readonly signature: string | undefined;
};

export type SlackAnswer = { readonly status: number; readonly body: string; readonly contentType: string };

export type SlackInbound = {
  status(): SlackInboundStatus;
  /** `POST /slack/events`: 401 bad signature or stamp, 404 in Socket Mode, 503 while Bolt is away. Never rejects. */
  handle(request: SlackRequest): Promise<SlackAnswer>;
  /** The same for Node's own server: reads the body, at most 1 MiB (413). */
  handleHttp(req: IncomingMessage, res: ServerResponse): Promise<void>;
  close(): Promise<void>;
};

const MAX_BODY_BYTES = 1_048_576;
const MAX_WAITING = 200;
/** Slack gives up after 3 s. */
const HTTP_ANSWER_MS = 2_900;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 60_000;
/** A worker that ran so long had a good start: the pauses begin anew. */
const STABLE_MS = 60_000;
const STOP_MS = 3_000;

/** Answers at once; whether the worker has come up is in `status()`. */
export function startSlackInbound(options: SlackInboundOptions): SlackInbound {
  const { botToken, appToken, apiUrl, responders, signingSecret, clock, logger } = options;
  const mode = appToken === null ? 'http' : 'socket';
  const stop = new AbortController();
  const waiting = new Map<number, (answer: SlackAnswer) => void>();
  let worker: Worker | null = null;
  let state: SlackInboundStatus['state'] = 'starting';
  let connections = 0;
  let restarts = 0;
  let lastError = null as SlackInboundStatus['lastError'];
  let lastRequest = 0;

  const send = (message: ToWorker): void => worker?.postMessage(message);
  const onMessage = (message: FromWorker): void => {
    if (message.type === 'ready') state = 'running';
    if (message.type === 'connections') connections = message.open;
    if (message.type === 'http') waiting.get(message.id)?.(message);
    if (message.type === 'log') logger[message.level]({ from: 'slack', ...message.fields }, message.message);
    if (message.type === 'ask')
      void answer(options, message.ask).then((value) => send({ type: 'answer', id: message.id, answer: value }));
  };

  /** One life of the worker: resolves when it has ended, for whatever reason. */
  const runOnce = async (): Promise<void> => {
    const data: WorkerData = { botToken, appToken, apiUrl, responders };
    const started = new Worker(new URL('./bolt-worker.ts', import.meta.url), { workerData: data, name: 'slack' });
    worker = started;
    started.on('message', onMessage);
    await new Promise<void>((resolve) => {
      started.on('error', (error) => {
        lastError = { at: clock.now(), message: messageOf(error).slice(0, 300) };
      });
      started.on('exit', () => resolve());
    });
    worker = null;
    connections = 0;
    for (const refuse of waiting.values()) refuse(unavailable());
  };

  const supervising = (async () => {
    let pauseMs = FIRST_PAUSE_MS;
    while (!stop.signal.aborted) {
      const startedAt = clock.now();
      await runOnce();
      if (stop.signal.aborted) break;
      if (clock.now() - startedAt >= STABLE_MS) pauseMs = FIRST_PAUSE_MS;
      state = 'restarting';
      restarts += 1;
      logger.error(
        { from: 'slack', error: lastError?.message, pauseMs, restarts },
        'the Slack thread has ended and is started again',
      );
      await clock.sleep(pauseMs, stop.signal);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
    state = 'stopped';
  })();

  const handle = async (request: SlackRequest): Promise<SlackAnswer> => {
    if (mode === 'socket') return plain(404, 'Socket Mode is on: Slack sends no requests.');
    if (!isSignedBySlack(request, signingSecret ?? '', clock.now())) return plain(401, 'bad signature');
    if (worker === null || waiting.size >= MAX_WAITING) return unavailable();
    lastRequest += 1;
    const id = lastRequest;
    return await new Promise<SlackAnswer>((resolve) => {
      const timer = setTimeout(() => done(unavailable()), HTTP_ANSWER_MS);
      const done = ({ status, body, contentType }: SlackAnswer): void => {
        clearTimeout(timer);
        waiting.delete(id);
        resolve({ status, body, contentType });
      };
      waiting.set(id, done);
      send({ type: 'http', id, body: request.rawBody.toString('utf8'), contentType: request.contentType });
    });
  };

  return {
    status: () => ({ mode, state, connections, restarts, lastError }),
    handle,
    handleHttp: async (req, res) => {
      const rawBody = await readBody(req);
      const answered =
        rawBody === null
          ? plain(413, 'too large')
          : await handle({
              rawBody,
              contentType: req.headers['content-type'] ?? '',
              timestamp: header(req, 'x-slack-request-timestamp'),
              signature: header(req, 'x-slack-signature'),
            });
      res.writeHead(answered.status, { 'content-type': answered.contentType }).end(answered.body);
    },
    close: async () => {
      stop.abort();
      const ending = worker;
      send({ type: 'stop' });
      await Promise.race([supervising, clock.sleep(STOP_MS)]);
      await ending?.terminate();
      await supervising;
    },
  };
}

/** Never rejects: a log that is away is an answer too. */
async function answer({ submit, outcome, hiddenByMute }: SlackInboundOptions, ask: Ask): Promise<Answer> {
  if (ask.kind === 'hidden') return { hidden: hiddenByMute(ask.incident) };
  if (ask.kind === 'submit') {
    return await submit(ask.command).then(
      () => ({ recorded: true }),
      () => ({ recorded: false }),
    );
  }
  const change = await outcome(ask.commandId, ask.timeoutMs).catch(() => null);
  return { change: change === null ? null : { type: change.type, refusal: change.refusal } };
}

const plain = (status: number, body: string): SlackAnswer => ({ status, body, contentType: 'text/plain' });
const unavailable = (): SlackAnswer => plain(503, 'not recorded: try again');

function header(req: IncomingMessage, name: string): string | undefined {
  const value = req.headers[name];
  return typeof value === 'string' ? value : undefined;
}

async function readBody(req: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
