// The thread in which Bolt runs: a Socket Mode reconnect that fails ends it, and nothing else. It knows no log and no
// state; it asks the main thread.
import { parentPort, workerData } from 'node:worker_threads';
import { App } from '@slack/bolt';
import type { Logger as SlackLogger } from '@slack/web-api';
import { LogLevel, WebClient } from '@slack/web-api';
import { systemClock } from '../model/clock.ts';
import type { HandlerDeps } from './bolt-click.ts';
import { registerHandlers } from './bolt-handlers.ts';
import type {
  Answer,
  Ask,
  FromWorker,
  HiddenAnswer,
  HomeAnswer,
  OutcomeAnswer,
  SlashAnswer,
  SubmitAnswer,
  ToWorker,
  WorkerData,
} from './bolt-protocol.ts';
import { createHttpReceiver, createSocketReceiver } from './bolt-receivers.ts';
import type { TuneAnswer } from './bolt-tune-protocol.ts';
import type { NoticeAnswer } from './notice-clicks.ts';
import { createNameOf } from './people.ts';
import { createMayAct } from './responders.ts';

const { botToken, appToken, apiUrl, responders, channels } = workerData as WorkerData;
const port = parentPort;
const tell = (message: FromWorker): void => port?.postMessage(message);
const log = (level: 'info' | 'warn' | 'error', message: string, fields: Record<string, string> = {}): void =>
  tell({ type: 'log', level, message, fields });

/** Slack waits 3 s: the log has most of it, and the answer the rest. */
const SUBMIT_MS = 2_200;
/** A form must be open within 3 s of the click; this is only an extra in it. */
const HIDDEN_MS = 500;
const CALL_TIMEOUT_MS = 2_000;
/** The asker was told to wait; his address is good for half an hour. */
const SLASH_MS = 60_000;
const HOME_MS = 10_000;

const slackLogger: SlackLogger = {
  debug: () => undefined,
  info: () => undefined,
  warn: (first: unknown) => log('info', String(first).slice(0, 300)),
  error: (first: unknown) => log('warn', String(first).slice(0, 300)),
  setLevel: () => undefined,
  getLevel: () => LogLevel.WARN,
  setName: () => undefined,
};

const clientOptions = {
  retryConfig: { retries: 0 },
  timeout: CALL_TIMEOUT_MS,
  rejectRateLimitedCalls: true,
  logger: slackLogger,
  ...(apiUrl === null ? {} : { slackApiUrl: apiUrl }),
};
const asks = createAsks();
const http = appToken === null ? createHttpReceiver(tell) : null;
const receiver =
  http ??
  createSocketReceiver({
    appToken: appToken ?? '',
    apiUrl,
    logger: slackLogger,
    onConnections: (open) => tell({ type: 'connections', open }),
  });
const app = new App({
  receiver,
  logger: slackLogger,
  // Known beforehand: a click needs no question to Slack.
  authorize: async () => ({ botToken }),
  clientOptions,
});
const client = new WebClient(botToken, clientOptions);
const mayAct = createMayAct({ client, responders, channels, clock: systemClock });
const deps: HandlerDeps = {
  submit: async (command) =>
    ((await asks.ask({ kind: 'submit', command }, SUBMIT_MS)) as SubmitAnswer | null)?.recorded ?? false,
  outcome: async (commandId, timeoutMs) =>
    ((await asks.ask({ kind: 'outcome', commandId, timeoutMs }, timeoutMs + 500)) as OutcomeAnswer | null)?.change ??
    null,
  hidden: async (incident) =>
    ((await asks.ask({ kind: 'hidden', incident }, HIDDEN_MS)) as HiddenAnswer | null)?.hidden ?? null,
  tune: async (tune, timeoutMs) => {
    const answer = await asks.ask({ kind: 'tune', tune }, timeoutMs);
    return answer === null || 'failed' in answer ? null : (answer as TuneAnswer);
  },
  notice: async (click) => {
    const answer = await asks.ask({ kind: 'notice', click }, SUBMIT_MS);
    return answer === null || 'failed' in answer ? null : (answer as NoticeAnswer);
  },
  mayAct,
  clock: systemClock,
  nameOf: createNameOf(client),
  slash: async (text, { id, name }) => {
    const answer = await asks.ask({ kind: 'slash', text, user: { id, name } }, SLASH_MS);
    return answer === null || 'failed' in answer ? null : (answer as SlashAnswer);
  },
  home: async (user) => ((await asks.ask({ kind: 'home', user }, HOME_MS)) as HomeAnswer | null)?.home ?? null,
  warn: (message, fields) => log('warn', message, fields),
};
const homes = registerHandlers(app, deps, client);

port?.on('message', (message: ToWorker) => {
  if (message.type === 'answer') asks.answer(message.id, message.answer);
  if (message.type === 'http') http?.handle(message);
  if (message.type === 'home-changed') homes.changed();
  if (message.type === 'stop') void app.stop().finally(() => port.close());
});

// The own team is asked for now, so that the first click need not wait for it.
void mayAct({ id: '', teamId: '' });
await app.start();
tell({ type: 'ready' });

/** Questions to the main thread, each with a time limit: null when there was no answer in time. */
function createAsks() {
  const waiting = new Map<number, (answer: Answer | null) => void>();
  let last = 0;
  return {
    ask: async (ask: Ask, timeoutMs: number): Promise<Answer | null> => {
      last += 1;
      const id = last;
      return await new Promise<Answer | null>((resolve) => {
        const timer = setTimeout(() => done(null), timeoutMs);
        const done = (answer: Answer | null): void => {
          clearTimeout(timer);
          waiting.delete(id);
          resolve(answer);
        };
        waiting.set(id, done);
        tell({ type: 'ask', id, ask });
      });
    },
    answer: (id: number, answer: Answer): void => waiting.get(id)?.(answer),
  };
}
