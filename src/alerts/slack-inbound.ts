// Slack's inbound side as the main thread sees it: takes requests in HTTP mode, and is the only way from a click, seen
// by Bolt in its thread, to the log.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { KnownBlock } from '@slack/types';
import type { Logger } from 'pino';
import type { Clock } from '../model/clock.ts';
import type { Change, Command } from '../model/commands.ts';
import type { Answer, Ask, FromWorker, SlashAnswer } from './bolt-protocol.ts';
import { type Supervisor, type SupervisorStatus, superviseBolt } from './bolt-supervisor.ts';
import type { TuneAnswer, TuneAsk } from './bolt-tune-protocol.ts';
import type { NoticeAnswer, NoticeClick } from './notice-clicks.ts';
import { isSignedBySlack } from './slack-signature.ts';
import type { Asker } from './slash.ts';

export type SlackInboundOptions = {
  readonly botToken: string;
  /** Socket Mode. Null: HTTP mode. */
  readonly appToken: string | null;
  readonly signingSecret: string | null;
  readonly apiUrl: string | null;
  readonly responders: readonly string[];
  /** Where alerts go: their members may act if no responders are named. */
  readonly channels: readonly string[];
  /** Resolves once the command is durable in the log; rejects if it cannot be written. */
  readonly submit: (command: Command) => Promise<unknown>;
  /** What the command did, or null if that is not known within the time. */
  readonly outcome: (commandId: string, timeoutMs: number) => Promise<Pick<Change, 'type' | 'refusal'> | null>;
  /** What a mute of this incident's entity would have hidden lately, a sentence; null if that is not known. */
  readonly hiddenByMute: (incident: string) => string | null;
  /** Tuning. Absent: it cannot be done from here. */
  readonly tune?: (ask: TuneAsk) => Promise<TuneAnswer>;
  /** A button under a notice; rejects if nothing could be recorded. Absent: there are none. */
  readonly notice?: (click: NoticeClick) => Promise<NoticeAnswer>;
  /** What a slash command is answered. */
  readonly slash: (text: string, asker: Asker) => Promise<SlashAnswer>;
  /** The App Home of this person. */
  readonly home: (userId: string) => readonly KnownBlock[];
  readonly clock: Clock;
  readonly logger: Logger;
};

export type SlackInboundStatus = SupervisorStatus & {
  readonly mode: 'socket' | 'http';
  /** Milliseconds: when a button or a form was last heard of; null: not since the start. Slack tells no app whether it sends them. */
  readonly pressedAt: number | null;
};

/** What only a button, a menu or a form asks. */
const PRESSES: ReadonlySet<Ask['kind']> = new Set(['submit', 'hidden', 'tune', 'notice']);

type SlackRequest = {
  readonly rawBody: Buffer;
  readonly contentType: string;
  /** `X-Slack-Request-Timestamp`. */
  readonly timestamp: string | undefined;
  /** `X-Slack-Signature`. */
  readonly signature: string | undefined;
};

type SlackAnswer = { readonly status: number; readonly body: string; readonly contentType: string };

export type SlackInbound = {
  status(): SlackInboundStatus;
  /** What App Homes show has changed. */
  homeChanged(): void;
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

/** Requests that Bolt has not answered yet, by id. An id is never used again: its answer may come late. */
type Waiting = { lastId: number; readonly answers: Map<number, (answer: SlackAnswer) => void> };

/** Answers at once; whether Bolt has come up is in `status()`. */
export function startSlackInbound(options: SlackInboundOptions): SlackInbound {
  const { botToken, appToken, apiUrl, responders, channels, signingSecret, clock, logger } = options;
  const mode = appToken === null ? 'http' : 'socket';
  const waiting: Waiting = { lastId: 0, answers: new Map() };
  let pressedAt: number | null = null;
  const supervisor: Supervisor = superviseBolt({
    data: { botToken, appToken, apiUrl, responders, channels },
    onMessage: (message) => {
      if (message.type === 'ask' && PRESSES.has(message.ask.kind)) pressedAt = clock.now();
      onMessage(options, { message, waiting, send: (answer) => void supervisor.send(answer) });
    },
    onDown: () => {
      for (const refuse of waiting.answers.values()) refuse(unavailable());
    },
    clock,
    logger,
  });
  const handle: SlackInbound['handle'] = async (request) => {
    if (mode === 'socket') return plain(404, 'Socket Mode is on: Slack sends no requests.');
    if (!isSignedBySlack(request, signingSecret ?? '', clock.now())) return plain(401, 'bad signature');
    return await pass(supervisor, waiting, request);
  };
  return {
    status: () => ({ mode, pressedAt, ...supervisor.status() }),
    homeChanged: () => void supervisor.send({ type: 'home-changed' }),
    handle,
    handleHttp: async (req, res) => {
      const { status, contentType, body } = await readAndHandle(req, handle);
      res.writeHead(status, { 'content-type': contentType }).end(body);
    },
    close: supervisor.close,
  };
}

type Context = {
  readonly message: FromWorker;
  readonly waiting: Waiting;
  readonly send: (answer: { readonly type: 'answer'; readonly id: number; readonly answer: Answer }) => void;
};

function onMessage(options: SlackInboundOptions, { message, waiting, send }: Context): void {
  if (message.type === 'http') waiting.answers.get(message.id)?.(message);
  if (message.type === 'log') options.logger[message.level]({ from: 'slack', ...message.fields }, message.message);
  if (message.type === 'ask')
    void answer(options, message.ask).then((value) => send({ type: 'answer', id: message.id, answer: value }));
}

/** Never rejects: a log that is away is an answer too. */
async function answer(options: SlackInboundOptions, ask: Ask): Promise<Answer> {
  const { submit, outcome, hiddenByMute, slash, home } = options;
  try {
    if (ask.kind === 'slash') return await slash(ask.text, ask.user);
    if (ask.kind === 'home') return { home: home(ask.user) };
    if (ask.kind === 'hidden') return { hidden: hiddenByMute(ask.incident) };
    if (ask.kind === 'tune') return (await options.tune?.(ask.tune)) ?? { failed: true };
    if (ask.kind === 'notice') return (await options.notice?.(ask.click)) ?? { failed: true };
    if (ask.kind === 'submit') {
      await submit(ask.command);
      return { recorded: true };
    }
    const change = await outcome(ask.commandId, ask.timeoutMs);
    return { change: change === null ? null : { type: change.type, refusal: change.refusal } };
  } catch {
    if (ask.kind === 'submit') return { recorded: false };
    if (ask.kind === 'slash' || ask.kind === 'home' || ask.kind === 'tune' || ask.kind === 'notice')
      return { failed: true };
    return ask.kind === 'hidden' ? { hidden: null } : { change: null };
  }
}

async function pass(supervisor: Supervisor, waiting: Waiting, request: SlackRequest): Promise<SlackAnswer> {
  if (waiting.answers.size >= MAX_WAITING) return unavailable();
  waiting.lastId += 1;
  const id = waiting.lastId;
  return await new Promise<SlackAnswer>((resolve) => {
    const timer = setTimeout(() => done(unavailable()), HTTP_ANSWER_MS);
    const done = ({ status, body, contentType }: SlackAnswer): void => {
      clearTimeout(timer);
      waiting.answers.delete(id);
      resolve({ status, body, contentType });
    };
    waiting.answers.set(id, done);
    const { rawBody, contentType } = request;
    if (!supervisor.send({ type: 'http', id, body: rawBody.toString('utf8'), contentType })) done(unavailable());
  });
}

const plain = (status: number, body: string): SlackAnswer => ({ status, body, contentType: 'text/plain' });
const unavailable = (): SlackAnswer => plain(503, 'not recorded: try again');

async function readAndHandle(req: IncomingMessage, handle: SlackInbound['handle']): Promise<SlackAnswer> {
  const rawBody = await readBody(req).catch(() => 'broken' as const);
  if (rawBody === null) return plain(413, 'too large');
  if (rawBody === 'broken') return plain(400, 'the body did not arrive');
  return await handle({
    rawBody,
    contentType: req.headers['content-type'] ?? '',
    timestamp: header(req, 'x-slack-request-timestamp'),
    signature: header(req, 'x-slack-signature'),
  });
}

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
