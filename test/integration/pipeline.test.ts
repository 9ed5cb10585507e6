// The whole flow, as an operator runs it: signed events in, incidents, one Slack message and one row each out. Over the
// embedded file, and over a real Kafka and a real Redis with two replicas of detect; in both something is killed with -9 in
// the middle. What must come of it is computed apart from the program (test/support/traffic.ts).
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createInstallation, type Installation, PII_KEY, type RunningProcess } from '../support/installation.ts';
import { type LocalSheets, startLocalSheets } from '../support/local-sheets.ts';
import { type LocalSlack, startLocalSlack } from '../support/local-slack.ts';
import { sharedKafka, sharedRedis } from '../support/services.ts';
import {
  type Expected,
  emailHash,
  expectedEpisodes,
  keyOf,
  makeTries,
  sendAll,
  shuffledEvents,
  TRAFFIC_DETECTORS,
} from '../support/traffic.ts';

const UNTIL = { timeout: 90_000, interval: 250 };
const TEST_MS = 240_000;

let slack: LocalSlack;
let sheets: LocalSheets;
let installation: Installation | null = null;

beforeEach(async () => {
  slack = await startLocalSlack();
  sheets = await startLocalSheets();
});

afterEach(async () => {
  await installation?.close();
  installation = null;
  await sheets.close();
  await slack.close();
});

const outputs = (): Record<string, string> => ({
  SLACK_BOT_TOKEN: slack.botToken(),
  SLACK_CHANNEL: slack.channels.alerts,
  SLACK_API_URL: slack.apiUrl,
  ...sheets.env,
});

type Listed = Expected & { readonly id: string; readonly status: string; readonly entity: { readonly value: string } };

async function incidents(consoleUrl: string): Promise<Listed[]> {
  const all: Listed[] = [];
  for (let after: string | null = ''; after !== null; ) {
    const answer = await fetch(`${consoleUrl}/api/incidents?limit=200${after === '' ? '' : `&after=${after}`}`);
    const page = (await answer.json()) as { incidents: Listed[]; next: string | null };
    all.push(...page.incidents);
    after = page.next;
  }
  return all;
}

/** The unresolved incidents in the form of the brute force. */
async function standing(consoleUrl: string): Promise<Expected[]> {
  const open = (await incidents(consoleUrl)).filter(({ status }) => status === 'open');
  return open
    .map(({ detector, account, entity, severity, peak, attemptCount, ...times }) => ({
      detector,
      account,
      entity: entity.value,
      severity,
      peak,
      attemptCount,
      firstAttemptAt: times.firstAttemptAt,
      lastAttemptAt: times.lastAttemptAt,
      firstBreachAt: times.firstBreachAt,
      lastBreachAt: times.lastBreachAt,
    }))
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

/** How many messages and rows each incident has. */
async function told(): Promise<{ messages: Map<string, number>; rows: Map<string, number> }> {
  const messages = new Map<string, number>();
  for (const { metadata, thread_ts } of await slack.messages(slack.channels.alerts)) {
    const id = metadata?.event_payload.incident;
    if (thread_ts === undefined && typeof id === 'string') messages.set(id, (messages.get(id) ?? 0) + 1);
  }
  const rows = new Map<string, number>();
  for (const id of sheets.incidentIds()) rows.set(id, (rows.get(id) ?? 0) + 1);
  return { messages, rows };
}

async function expectToldOnce(consoleUrl: string): Promise<void> {
  const all = await incidents(consoleUrl);
  const open = all.filter(({ status }) => status === 'open').map(({ id }) => id);
  const silent = async (): Promise<string[]> => {
    const { messages } = await told();
    return open.filter((id) => !messages.has(id));
  };
  await expect.poll(silent, UNTIL).toEqual([]);
  await expect
    .poll(async () => all.map(({ id }) => id).filter((id) => !sheets.incidentIds().includes(id)), UNTIL)
    .toEqual([]);
  const { messages, rows } = await told();
  expect([...messages].filter(([, count]) => count !== 1)).toEqual([]);
  expect([...rows].filter(([, count]) => count !== 1)).toEqual([]);
}

async function pressAcknowledge({ consoleUrl }: RunningProcess): Promise<void> {
  const id = (await incidents(consoleUrl)).find(({ status }) => status === 'open')?.id ?? '';
  const press = { channel: slack.channels.alerts, incident: id, action: 'acknowledge', user: slack.users.ana };
  expect((await slack.press(press)).status).toBe(200);
  const state = async (): Promise<unknown> => {
    const incident = (await (await fetch(`${consoleUrl}/api/incidents/${id}`)).json()) as {
      status: string;
      acknowledged: { by: { kind: string; id: string } } | null;
    };
    return { status: incident.status, by: incident.acknowledged?.by.id };
  };
  await expect.poll(state, UNTIL).toEqual({ status: 'acknowledged', by: slack.users.ana.id });
  await expect
    .poll(async () => {
      const found = (await slack.messages(slack.channels.alerts)).find(
        (one) => one.metadata?.event_payload.incident === id,
      );
      return JSON.stringify(found?.blocks).includes('unacknowledge');
    }, UNTIL)
    .toBe(true);
}

describe('pipeline', () => {
  it(
    'embedded: killed with -9 in the middle, nothing is missed and nothing is told twice',
    async () => {
      installation = createInstallation({
        detectors: TRAFFIC_DETECTORS,
        env: { ...outputs(), SLACK_SIGNING_SECRET: slack.signingSecret },
      });
      const here = installation;
      let running = await here.start();
      const tries = makeTries({ seed: 7, tries: 260, accounts: [null], untilS: Math.floor(Date.now() / 1000) });
      const expected = expectedEpisodes(tries, emailHash(PII_KEY));
      expect(expected.length).toBeGreaterThan(5);
      await sendAll(() => running.webhookUrl, shuffledEvents(tries, 7), {
        halfway: async () => {
          await running.kill();
          running = await here.start();
        },
      });
      slack.setRequestUrl(running.webhookUrl.replace('/webhooks/stripe', '/slack/events'));
      await expect.poll(async () => await standing(running.consoleUrl), UNTIL).toEqual(expected);
      await expectToldOnce(running.consoleUrl);
      await pressAcknowledge(running);
      expect(await running.stop()).toBe(0);
    },
    TEST_MS,
  );

  it(
    'Kafka and Redis: one of two replicas of detect killed with -9, the same incidents, one message and one row each',
    async () => {
      const { brokers } = await sharedKafka();
      const { url } = await sharedRedis();
      installation = createInstallation({
        detectors: TRAFFIC_DETECTORS,
        env: {
          KAFKA_BROKERS: brokers.join(','),
          REDIS_URL: url,
          TOPIC_PREFIX: `pipeline-${randomUUID().slice(0, 8)}.`,
          ...outputs(),
          SLACK_APP_TOKEN: slack.appToken,
        },
      });
      const here = installation;
      const [front, first] = await Promise.all([
        here.start(['--roles', 'ingest,respond']),
        here.start(['--roles', 'detect']),
        here.start(['--roles', 'detect']),
      ]);
      const accounts = [null, 'acct_1', 'acct_2', 'acct_3', 'acct_4', 'acct_5'];
      const tries = makeTries({ seed: 11, tries: 450, accounts, untilS: Math.floor(Date.now() / 1000) });
      const expected = expectedEpisodes(tries, emailHash(PII_KEY));
      expect(expected.length).toBeGreaterThan(10);
      await sendAll(() => front.webhookUrl, shuffledEvents(tries, 11), { halfway: async () => await first.kill() });
      await expect.poll(async () => await standing(front.consoleUrl), UNTIL).toEqual(expected);
      await expectToldOnce(front.consoleUrl);
      await pressAcknowledge(front);
      expect(await front.stop()).toBe(0);
    },
    TEST_MS,
  );
});
