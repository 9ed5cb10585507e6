// The story told to an installation over Kafka and Redis whose process is killed with -9 at a chosen write, or at a chosen
// call to Slack or Google; another process takes over once Kafka has given up on the first.
import { randomUUID } from 'node:crypto';
import { type CrashPoint, createGate, type Gate } from './crash-gate.ts';
import { startGateway } from './crash-gateway.ts';
import { type Ending, NOWHERE, STORY_DETECTORS, type Stage, tellStory } from './crash-story.ts';
import { childArgs, FAULTS_CHILD, WRITES } from './faults-child.ts';
import { createInstallation, type Installation, type RunningProcess } from './installation.ts';
import { startLocalSheets } from './local-sheets.ts';
import { type LocalSlack, startLocalSlack } from './local-slack.ts';

export type Services = { readonly brokers: readonly string[]; readonly redisUrl: string };

/** `inside`: writes of the log and the store; `outside`: calls to Slack and Google that change something. */
export type ServicesPoint = CrashPoint & { readonly where: 'inside' | 'outside' };

export type ServicesRun = {
  readonly ending: Ending;
  readonly wasKilled: boolean;
  /** Effects of the last process, which was asked to stop. */
  readonly writes: number;
  readonly calls: number;
};

const ROLES = ['ingest', 'detect', 'respond'] as const;

/** Null: nobody is killed. */
export async function runStoryOnServices(services: Services, point: ServicesPoint | null): Promise<ServicesRun> {
  const [slack, sheets] = await Promise.all([startLocalSlack(), startLocalSheets()]);
  const installation = createInstallation({
    detectors: STORY_DETECTORS,
    entry: FAULTS_CHILD,
    env: {
      KAFKA_BROKERS: services.brokers.join(','),
      REDIS_URL: services.redisUrl,
      TOPIC_PREFIX: `crash-${randomUUID().slice(0, 8)}.`,
      SLACK_BOT_TOKEN: slack.botToken(),
      SLACK_CHANNEL: slack.channels.alerts,
      SLACK_SIGNING_SECRET: slack.signingSecret,
      ...sheets.env,
    },
  });
  let current: RunningProcess | null = null;
  const outside = createGate(point?.where === 'outside' ? point : null);
  const inside = point?.where === 'inside' ? point : null;
  const ways = await openWays({ slack, sheetsUrl: sheets.url }, outside);
  let killed = 0;
  try {
    const first = start(installation, { point: inside, env: ways.env }).catch(() => null);
    const following = (async () => {
      current = await first;
      void outside.closed.then(async () => await current?.kill());
      if ((await current?.ended) === 0) return;
      killed += 1;
      current = null;
      current = await start(installation, { point: null, env: directEnv(slack, sheets.url) });
    })();
    const stage: Stage = { slack, sheets, current: () => current ?? NOWHERE };
    const ending = await Promise.race([tellStory(stage, Math.floor(Date.now() / 1000) - 200), failureOf(following)]);
    const last = current as RunningProcess | null;
    await last?.stop();
    await following;
    const writes = Number(WRITES.exec(last?.output() ?? '')?.[1] ?? 0);
    return { ending, wasKilled: killed > 0, writes, calls: outside.seen.length };
  } finally {
    await installation.close();
    await ways.close();
    await Promise.all([slack.close(), sheets.close()]);
  }
}

type Start = { readonly point: CrashPoint | null; readonly env: Readonly<Record<string, string>> };

async function start(installation: Installation, { point, env }: Start): Promise<RunningProcess> {
  return await installation.start(childArgs({ roles: ROLES, point }), env);
}

const directEnv = (slack: LocalSlack, sheetsUrl: string): Record<string, string> => ({
  SLACK_API_URL: slack.apiUrl,
  GOOGLE_SHEETS_URL: sheetsUrl,
});

/** The first process's ways to Slack and Google: those of a process that was killed are no longer there. */
async function openWays({ slack, sheetsUrl }: { slack: LocalSlack; sheetsUrl: string }, gate: Gate) {
  const nameOfSlack = (path: string): string | null => /chat\.\w+/.exec(path)?.[0] ?? null;
  const [toSlack, toSheets] = await Promise.all([
    startGateway({ target: slack.apiUrl, gate, nameOf: nameOfSlack }),
    startGateway({ target: sheetsUrl, gate, nameOf: (path) => (path.includes(':batchUpdate') ? path : null) }),
  ]);
  return {
    env: { SLACK_API_URL: `${toSlack.url}api/`, GOOGLE_SHEETS_URL: toSheets.url },
    close: async () => void (await Promise.all([toSlack.close(), toSheets.close()])),
  };
}

async function failureOf(running: Promise<unknown>): Promise<never> {
  await running;
  return await new Promise(() => undefined);
}
