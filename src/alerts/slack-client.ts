// The client for deliveries: one try per call, a time limit, and a 429 that is answered at once. Retrying is the delivery
// loop's: the client's own retries would turn one post into four. Bolt has a client of its own, with its defaults.
import { LogLevel, type Logger as SlackLogger, WebClient } from '@slack/web-api';
import type { Logger } from 'pino';

export type SlackClientOptions = {
  readonly botToken: string;
  /** Ends in `/api/`; null: Slack's own. */
  readonly apiUrl: string | null;
  readonly logger: Logger;
  readonly timeoutMs?: number;
};

const TIMEOUT_MS = 10_000;

export function createSlackClient({ botToken, apiUrl, logger, timeoutMs = TIMEOUT_MS }: SlackClientOptions): WebClient {
  return new WebClient(botToken, {
    retryConfig: { retries: 0 },
    timeout: timeoutMs,
    rejectRateLimitedCalls: true,
    maxRequestConcurrency: 8,
    logger: quietLogger(logger),
    ...(apiUrl === null ? {} : { slackApiUrl: apiUrl, allowAbsoluteUrls: false }),
  });
}

/** Slack's packages log through this: their chatter at debug, without arguments that may hold a token. */
function quietLogger(logger: Logger): SlackLogger {
  const write = (level: 'debug' | 'warn') => (first: unknown) => {
    if (typeof first === 'string') logger[level]({ from: 'slack-sdk' }, first.slice(0, 300));
  };
  return {
    debug: () => undefined,
    info: write('debug'),
    warn: write('debug'),
    error: write('warn'),
    setLevel: () => undefined,
    getLevel: () => LogLevel.INFO,
    setName: () => undefined,
  };
}
