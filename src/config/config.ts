// The environment as a typed, nested configuration: the only reader of it. Every problem at once, with its cure.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { AppError, type ErrorDetail, messageOf } from '../model/errors.ts';
import { SERVICE_PREFIXES, VARIABLES } from './variables.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const SASL_MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;

export type KafkaConfig = {
  readonly brokers: readonly string[];
  readonly tls: { readonly ca: string | null } | null;
  readonly sasl: {
    readonly mechanism: (typeof SASL_MECHANISMS)[number];
    readonly username: string;
    readonly password: string;
  } | null;
};

export type SlackConfig = {
  readonly botToken: string;
  /** Socket Mode. */
  readonly appToken: string | null;
  /** HTTP mode. */
  readonly signingSecret: string | null;
  readonly channel: string;
  readonly testChannel: string | null;
  readonly responders: readonly string[];
  /** Times of the day, UTC (`08:00`), of the handover card; empty: only on request. */
  readonly handoverAt: readonly string[];
  readonly apiUrl: string | null;
};

export type GoogleConfig = { readonly sheetId: string; readonly credentialsFile: string; readonly url: string | null };

export type Token = { readonly name: string; readonly token: string };

export type Config = {
  /** No service variable is set: simulated traffic, previews instead of Slack and Sheets. */
  readonly demo: boolean;
  /** Absolute. */
  readonly dataFolder: string;
  /** Absolute; null: the shipped file. */
  readonly detectorsFile: string | null;
  readonly stripe: {
    readonly webhookSecrets: readonly string[];
    readonly apiKey: string | null;
    readonly apiUrl: string | null;
  };
  /** Both set, or both null (embedded). */
  readonly kafka: KafkaConfig | null;
  readonly redisUrl: string | null;
  /** PEM of an own authority, for `rediss://`; null: the system's. */
  readonly redisTlsCa: string | null;
  readonly topicPrefix: string;
  readonly slack: SlackConfig | null;
  readonly google: GoogleConfig | null;
  readonly tokens: readonly Token[];
  readonly piiKey: string | null;
  /** Where people and the CLI reach the console; null: from the admin address. */
  readonly url: string | null;
  readonly host: string;
  readonly port: number;
  readonly adminHost: string;
  readonly adminPort: number;
  /** Default: info; warn in the demo, where a person reads. */
  readonly logLevel: LogLevel;
};

/** Throws AppError `bad_environment` with every problem (path: the variable, message: what is wrong and the cure). */
export function loadConfig(env: Environment = process.env): Config {
  const reader = createReader(env);
  reader.refuseUnknown();
  const demo = !Object.keys(env).some(
    (name) => env[name] && SERVICE_PREFIXES.some((prefix) => name.startsWith(prefix)),
  );
  const brokers = reader.list('KAFKA_BROKERS');
  const redisUrl = reader.url('REDIS_URL', ['redis:', 'rediss:']);
  if (brokers.length > 0 && redisUrl === null)
    reader.problem(
      'REDIS_URL',
      'is missing: KAFKA_BROKERS is set, and the two go together. Set REDIS_URL too, or neither.',
    );
  if (brokers.length === 0 && redisUrl !== null)
    reader.problem(
      'KAFKA_BROKERS',
      'is missing: REDIS_URL is set, and the two go together. Set KAFKA_BROKERS too, or neither.',
    );
  const dataFolder = resolve(reader.text('DECLINEWATCH_DATA') ?? 'data');
  const detectorsFile = reader.text('DECLINEWATCH_DETECTORS');
  const config: Config = {
    demo,
    dataFolder,
    detectorsFile: detectorsFile === null ? null : resolve(detectorsFile),
    stripe: {
      webhookSecrets: reader.list('STRIPE_WEBHOOK_SECRET'),
      apiKey: reader.text('STRIPE_API_KEY'),
      apiUrl: reader.url('STRIPE_API_URL'),
    },
    kafka: brokers.length === 0 ? null : readKafka(reader, brokers),
    redisUrl,
    redisTlsCa: reader.text('REDIS_TLS_CA'),
    topicPrefix: reader.text('TOPIC_PREFIX') ?? 'declinewatch.',
    slack: readSlack(reader),
    google: readGoogle(reader),
    tokens: readTokens(reader),
    piiKey: reader.text('DECLINEWATCH_PII_KEY'),
    url: reader.url('DECLINEWATCH_URL')?.replace(/\/+$/, '') ?? null,
    host: reader.text('HOST') ?? '127.0.0.1',
    port: reader.port('PORT', 4242),
    adminHost: reader.text('ADMIN_HOST') ?? '127.0.0.1',
    adminPort: reader.port('ADMIN_PORT', 4243),
    logLevel: reader.choice('LOG_LEVEL', LOG_LEVELS) ?? (demo ? 'warn' : 'info'),
  };
  if (!/^[A-Za-z0-9._-]{0,64}$/.test(config.topicPrefix))
    reader.problem('TOPIC_PREFIX', 'may hold letters, digits, `.`, `_` and `-`, at most 64 of them.');
  reader.throwProblems();
  return config;
}

type Reader = ReturnType<typeof createReader>;

function createReader(env: Environment) {
  const problems: ErrorDetail[] = [];
  const problem = (path: string, message: string): void => {
    problems.push({ path, message });
  };
  const text = (name: string): string | null => {
    const direct = env[name]?.trim();
    const file = env[`${name}_FILE`]?.trim();
    if (direct && file) problem(name, `is set, and so is ${name}_FILE. Set one of them.`);
    if (direct) return direct;
    if (!file) return null;
    try {
      return readFileSync(file, 'utf8').trim() || null;
    } catch (error) {
      problem(`${name}_FILE`, `cannot be read (${messageOf(error)}). Name a file that this user may read.`);
      return null;
    }
  };
  return {
    problem,
    text,
    list: (name: string): readonly string[] =>
      (text(name) ?? '')
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    url: (name: string, protocols: readonly string[] = ['http:', 'https:']): string | null => {
      const value = text(name);
      if (value === null) return null;
      if (URL.canParse(value) && protocols.includes(new URL(value).protocol)) return value;
      problem(name, `is no address. Write it as ${protocols[0]}//host:port/.`);
      return null;
    },
    port: (name: string, fallback: number): number => {
      const value = text(name);
      if (value === null) return fallback;
      const port = Number(value);
      if (/^\d+$/.test(value) && port <= 65_535) return port;
      problem(name, 'is no port. Write a number from 0 (any free one) to 65535.');
      return fallback;
    },
    choice: <T extends string>(name: string, choices: readonly T[]): T | null => {
      const value = text(name)?.toLowerCase();
      if (value === undefined) return null;
      const found = choices.find((choice) => choice === value);
      if (found === undefined) problem(name, `is none of ${choices.join(', ')}.`);
      return found ?? null;
    },
    refuseUnknown: (): void => {
      const known = new Set(VARIABLES.flatMap(({ name }) => [name, `${name}_FILE`]));
      for (const name of Object.keys(env)) {
        if (name.startsWith('DECLINEWATCH_') && !known.has(name))
          problem(
            name,
            'is not a variable that declinewatch knows. Check its spelling against .env.example, or unset it.',
          );
      }
    },
    throwProblems: (): void => {
      if (problems.length === 0) return;
      throw new AppError('bad_environment', `The environment has ${problems.length} problem(s).`, {
        details: problems,
        help: 'Correct the variables named below; .env.example lists them all.',
      });
    },
  };
}

function readKafka(reader: Reader, brokers: readonly string[]): KafkaConfig {
  for (const broker of brokers) {
    if (!/^[^\s/:]+:\d+$|^\[[0-9a-fA-F:]+\]:\d+$/.test(broker))
      reader.problem('KAFKA_BROKERS', `holds "${broker}", which is no host:port.`);
  }
  const mechanism = reader.choice('KAFKA_SASL_MECHANISM', SASL_MECHANISMS);
  const username = reader.text('KAFKA_SASL_USERNAME');
  const password = reader.text('KAFKA_SASL_PASSWORD');
  if (mechanism !== null && (username === null || password === null))
    reader.problem('KAFKA_SASL_MECHANISM', 'is set without KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD. Set both.');
  const tls = reader.choice('KAFKA_TLS', ['true', 'false'] as const);
  return {
    brokers,
    tls: tls === 'true' ? { ca: reader.text('KAFKA_TLS_CA') } : null,
    sasl: mechanism !== null && username !== null && password !== null ? { mechanism, username, password } : null,
  };
}

function readSlack(reader: Reader): SlackConfig | null {
  const botToken = reader.text('SLACK_BOT_TOKEN');
  const appToken = reader.text('SLACK_APP_TOKEN');
  const signingSecret = reader.text('SLACK_SIGNING_SECRET');
  const channel = reader.text('SLACK_CHANNEL');
  const apiUrl = reader.url('SLACK_API_URL');
  if (apiUrl !== null && !apiUrl.endsWith('/api/')) reader.problem('SLACK_API_URL', 'must end in /api/.');
  if (botToken === null) {
    if (appToken ?? signingSecret ?? channel)
      reader.problem(
        'SLACK_BOT_TOKEN',
        'is missing: other SLACK_ variables are set. Set it to the xoxb- token of the app.',
      );
    return null;
  }
  if (channel === null) reader.problem('SLACK_CHANNEL', 'is missing. Set it to the id (C…) of the channel for alerts.');
  if (appToken === null && signingSecret === null)
    reader.problem(
      'SLACK_APP_TOKEN',
      'is missing: set it (Socket Mode) or SLACK_SIGNING_SECRET (HTTP), or no click can arrive.',
    );
  return {
    botToken,
    appToken,
    signingSecret,
    channel: channel ?? '',
    testChannel: reader.text('SLACK_TEST_CHANNEL'),
    responders: reader.list('SLACK_RESPONDERS'),
    handoverAt: readTimes(reader, 'SLACK_HANDOVER'),
    apiUrl,
  };
}

function readTimes(reader: Reader, name: string): readonly string[] {
  const times = reader.list(name);
  if (times.some((time) => !/^([01]?\d|2[0-3]):[0-5]\d$/.test(time)))
    reader.problem(name, 'must be times of the day, UTC, e.g. 08:00,20:00.');
  return times;
}

function readGoogle(reader: Reader): GoogleConfig | null {
  const sheetId = reader.text('GOOGLE_SHEET_ID');
  const credentialsFile = reader.text('GOOGLE_APPLICATION_CREDENTIALS');
  const url = reader.url('GOOGLE_SHEETS_URL');
  if (url !== null && !url.endsWith('/')) reader.problem('GOOGLE_SHEETS_URL', 'must end in /.');
  if (sheetId === null) return null;
  if (credentialsFile === null) {
    reader.problem(
      'GOOGLE_APPLICATION_CREDENTIALS',
      'is missing: GOOGLE_SHEET_ID is set. Set it to the key file of the service account.',
    );
    return null;
  }
  return { sheetId, credentialsFile, url };
}

function readTokens(reader: Reader): readonly Token[] {
  return reader.list('DECLINEWATCH_TOKENS').flatMap((part) => {
    const colon = part.indexOf(':');
    const name = part.slice(0, colon).trim();
    const token = part.slice(colon + 1).trim();
    if (colon > 0 && name !== '' && token !== '') return [{ name, token }];
    reader.problem('DECLINEWATCH_TOKENS', 'is a list of name:token.');
    return [];
  });
}
