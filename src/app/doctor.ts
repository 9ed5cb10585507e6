// `doctor`: each credential, permission and connection, one line each: fine, or what is wrong and the cure. It changes
// nothing. Each part knows what to ask of its own; here they are put in order.
import { checkSlack } from '../alerts/slack-check.ts';
import type { Config } from '../config/config.ts';
import { checkRedis } from '../detectors/stores/redis-check.ts';
import { checkStripe } from '../ingest/stripe-check.ts';
import { checkKafka } from '../log/kafka-check.ts';
import type { Clock } from '../model/clock.ts';
import { AppError, messageOf } from '../model/errors.ts';
import { checkSheet } from '../sinks/sheets-check.ts';
import { createLogger } from '../telemetry/logger.ts';
import { checkData, checkDetectors, checkSecrets, checkService, type Found } from './doctor-own.ts';
import { knownPiiKey, markOf } from './pii-key.ts';

export type DoctorLine = {
  readonly group: 'environment' | 'service' | 'data' | 'detectors' | 'Stripe' | 'Kafka' | 'Redis' | 'Slack' | 'Google';
  readonly name: string;
  /** `unused`: not configured, and nothing else needs it. */
  readonly state: 'fine' | 'wrong' | 'unused';
  /** What was found; of `wrong` what is wrong and the cure. */
  readonly message: string;
};

export type DoctorOptions = {
  readonly clock: Clock;
  /** Of each group. Default 45 s: a part has time-outs of its own. */
  readonly timeoutMs?: number;
};

const TIMEOUT_MS = 45_000;

type Group = DoctorLine['group'];

/** Never rejects. */
export async function examine(
  config: Config,
  { clock, timeoutMs = TIMEOUT_MS }: DoctorOptions,
): Promise<readonly DoctorLine[]> {
  const group = async (name: Group, ask: () => Promise<readonly Found[]>): Promise<readonly DoctorLine[]> => {
    try {
      return (await inTime(ask, timeoutMs)).map((found) => lineOf(name, found));
    } catch (error) {
      return [{ group: name, name, state: 'wrong', message: messageOf(error) }];
    }
  };
  const logger = createLogger('silent');
  const { stripe, kafka, redisUrl, redisTlsCa, topicPrefix, slack, google, piiKey, dataFolder } = config;
  const { apiKey, apiUrl } = stripe;
  const lines = await Promise.all([
    group('environment', async () => checkSecrets(config)),
    group('service', async () => await checkService(config)),
    group('data', async () => checkData(config)),
    group('detectors', async () => [await checkDetectors(config)]),
    apiKey === null
      ? unused('Stripe', 'STRIPE_API_KEY', 'not set: no backfill, no closing of gaps (docs/backfill.md)')
      : group('Stripe', async () => await checkStripe({ apiKey, apiUrl, now: clock.now })),
    kafka === null
      ? unused('Kafka', 'KAFKA_BROKERS', 'not set: the log is one file in the data folder')
      : group('Kafka', async () => {
          const connection = { ...kafka, clientId: 'declinewatch-doctor', logger };
          const key = piiKey ?? knownPiiKey(dataFolder);
          return await checkKafka({ connection, topicPrefix, mark: key === null ? null : markOf(key) });
        }),
    redisUrl === null
      ? unused('Redis', 'REDIS_URL', 'not set: the windows are in the data folder')
      : group('Redis', async () => await checkRedis({ url: redisUrl, tlsCa: redisTlsCa, prefix: topicPrefix })),
    slack === null
      ? unused('Slack', 'SLACK_BOT_TOKEN', 'not set: alerts stand in the console only (docs/slack.md)')
      : group('Slack', async () => await checkSlack({ ...slack, logger })),
    google === null
      ? unused('Google', 'GOOGLE_SHEET_ID', 'not set: no sheet is written (docs/sheets.md)')
      : group('Google', async () => await checkSheet({ settings: google, clock })),
  ]);
  const secrets = secretsOf(config);
  return lines.flat().map((line) => ({ ...line, message: without(secrets, line.message) }));
}

/** The environment cannot be read: each problem a line, and nothing else can be asked. Throws what is no such problem. */
export function examineFailure(error: unknown): readonly DoctorLine[] {
  if (!(error instanceof AppError) || error.code !== 'bad_environment') throw error;
  return error.details.map(({ path, message }) => ({ group: 'environment', name: path, state: 'wrong', message }));
}

const lineOf = (group: Group, { name, problem, found }: Found): DoctorLine =>
  problem === null ? { group, name, state: 'fine', message: found } : { group, name, state: 'wrong', message: problem };

const unused = async (group: Group, name: string, message: string): Promise<readonly DoctorLine[]> => [
  { group, name, state: 'unused', message },
];

async function inTime<T>(ask: () => Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new Error(
            `It did not answer all questions within ${ms / 1000} s. Try again; if it stays so, look at the network.`,
          ),
        ),
      ms,
    );
  });
  try {
    return await Promise.race([ask(), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What others say is printed; a secret that one of them repeats is not. */
function secretsOf({ stripe, kafka, redisUrl, slack, tokens, piiKey }: Config): readonly string[] {
  const redis = redisUrl === null ? null : decodeURIComponent(new URL(redisUrl).password);
  return [
    ...stripe.webhookSecrets,
    stripe.apiKey,
    kafka?.sasl?.password,
    redis,
    redisUrl,
    slack?.botToken,
    slack?.appToken,
    slack?.signingSecret,
    ...tokens.map(({ token }) => token),
    piiKey,
  ].filter((secret): secret is string => typeof secret === 'string' && secret.length >= SHORTEST_SECRET);
}

const SHORTEST_SECRET = 4;

const without = (secrets: readonly string[], text: string): string =>
  secrets.reduce((rest, secret) => rest.replaceAll(secret, '[secret]'), text);
