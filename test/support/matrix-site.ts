// Where a cell of the fault matrix happens: an installation of processes that can fail, with lines to Slack, Google and Redis
// that can fail too. Embedded: one process. Over Kafka and Redis: ingest with respond, one more of respond, two of detect.
import { randomUUID } from 'node:crypto';
import type { Role } from '../../src/app.ts';
import { startGateway } from './crash-gateway.ts';
import { NOWHERE } from './crash-story.ts';
import { childArgs, FAULTS_CHILD, type Told } from './faults-child.ts';
import { createInstallation, type RunningProcess } from './installation.ts';
import { gateOf, type Line, openLine, startTcpLine } from './lines.ts';
import { type LocalSheets, startLocalSheets } from './local-sheets.ts';
import { type LocalSlack, startLocalSlack } from './local-slack.ts';
import type { KafkaService, RedisService } from './services.ts';
import { TRAFFIC_DETECTORS } from './traffic.ts';

export type Form = 'embedded' | 'services';

export type OwnServices = { readonly kafka: KafkaService; readonly redis: RedisService };

/** A process and those that take its place. */
export type Seat = {
  kill(): Promise<void>;
  begin(): Promise<void>;
  signal(name: 'SIGSTOP' | 'SIGCONT'): void;
  tell(told: Told): void;
};

export type Site = {
  readonly form: Form;
  readonly slack: LocalSlack;
  readonly sheets: LocalSheets;
  /** The first one listens. */
  readonly seats: readonly Seat[];
  readonly lines: { readonly slack: Line; readonly sheets: Line; readonly redis: Line };
  /** Null when embedded. */
  readonly services: OwnServices | null;
  webhookUrl(): string;
  consoleUrl(): string;
  /** Of every process that runs. */
  consoleUrls(): readonly string[];
  /** One more replica of detect. */
  join(): Promise<void>;
  close(): Promise<void>;
};

const ALL: readonly Role[] = ['ingest', 'detect', 'respond'];
const FRONT: readonly Role[] = ['ingest', 'respond'];
const RESPOND: readonly Role[] = ['respond'];
const DETECT: readonly Role[] = ['detect'];

export async function openSite(services: OwnServices | null): Promise<Site> {
  const [slack, sheets] = await Promise.all([startLocalSlack(), startLocalSheets()]);
  sheets.state.readsPerMinute = 300;
  const lines = { slack: openLine(), sheets: openLine(), redis: openLine() };
  const [toSlack, toSheets] = await Promise.all([
    startGateway({ target: slack.apiUrl, gate: gateOf(lines.slack), nameOf: () => null }),
    startGateway({ target: sheets.url, gate: gateOf(lines.sheets), nameOf: () => null }),
  ]);
  const toRedis = services === null ? null : await lineToRedis(services.redis, lines.redis);
  const storage =
    services === null || toRedis === null
      ? {}
      : {
          KAFKA_BROKERS: services.kafka.brokers.join(','),
          REDIS_URL: `redis://127.0.0.1:${toRedis.port}/0`,
          TOPIC_PREFIX: `faults-${randomUUID().slice(0, 8)}.`,
        };
  const installation = createInstallation({
    detectors: TRAFFIC_DETECTORS,
    entry: FAULTS_CHILD,
    env: {
      ...storage,
      SLACK_BOT_TOKEN: slack.botToken(),
      SLACK_CHANNEL: slack.channels.alerts,
      SLACK_SIGNING_SECRET: slack.signingSecret,
      SLACK_API_URL: `${toSlack.url}api/`,
      ...sheets.env,
      GOOGLE_SHEETS_URL: toSheets.url,
    },
  });
  const startWith = (roles: readonly Role[]) => async (): Promise<RunningProcess> =>
    await installation.start(childArgs({ roles, point: null }));
  const close = async (): Promise<void> => {
    await installation.close();
    await Promise.all([toSlack.close(), toSheets.close(), toRedis?.close()]);
    await Promise.all([slack.close(), sheets.close()]);
  };
  try {
    const places = (services === null ? [ALL] : [FRONT, RESPOND, DETECT, DETECT]).map((roles) =>
      seatOf(startWith(roles)),
    );
    await Promise.all(places.map(({ seat }) => seat.begin()));
    const front = (): RunningProcess | null => places[0]?.running() ?? null;
    return {
      form: services === null ? 'embedded' : 'services',
      slack,
      sheets,
      seats: places.map(({ seat }) => seat),
      lines,
      services,
      webhookUrl: () => front()?.webhookUrl ?? NOWHERE.webhookUrl,
      consoleUrl: () => front()?.consoleUrl ?? NOWHERE.consoleUrl,
      consoleUrls: () => places.flatMap(({ running }) => running()?.consoleUrl ?? []),
      join: async () => void (await startWith(DETECT)()),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function seatOf(start: () => Promise<RunningProcess>) {
  let running: RunningProcess | null = null;
  const seat: Seat = {
    kill: async () => {
      const former = running;
      running = null;
      await former?.kill();
    },
    begin: async () => {
      running = await start();
    },
    signal: (name) => running?.signal(name),
    tell: (told) => running?.send(told),
  };
  return { seat, running: () => running };
}

async function lineToRedis({ url }: RedisService, line: Line) {
  const { hostname, port } = new URL(url);
  return await startTcpLine(line, { host: hostname, port: Number(port) });
}
