// From a detector's report to an acknowledged alert: the real manager, feed, delivery loop and Bolt over one log.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startSlack } from '../../src/alerts/slack.ts';
import { openIncidentFeed } from '../../src/feed/incident-feed.ts';
import { submitCommand } from '../../src/feed/submit.ts';
import { startIncidentManager } from '../../src/incidents/manager.ts';
import { systemClock } from '../../src/model/clock.ts';
import type { CommandBody } from '../../src/model/commands.ts';
import { detectorSettings, ENGINE, episode, report, settingsCommand } from '../support/decider.ts';
import { type LocalSlack, startLocalSlack } from '../support/local-slack.ts';
import { openTempLog, type TempLog } from '../support/temp-log.ts';

const logger = pino({ level: 'silent' });
const clock = systemClock;
const until = { timeout: 15_000, interval: 20 };

let slack: LocalSlack;
let temp: TempLog;
const teardown: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  slack = await startLocalSlack();
  temp = await openTempLog();
});

afterEach(async () => {
  for (const close of teardown.splice(0).reverse()) await close();
  await temp.close();
  await slack.close();
});

async function startFlow() {
  const { log } = temp;
  const manager = await startIncidentManager({ log, clock, logger });
  teardown.push(manager.close);
  const feed = await openIncidentFeed({ log, logger });
  teardown.push(feed.close);
  const started = await startSlack({
    settings: {
      botToken: slack.botToken(),
      appToken: null,
      signingSecret: slack.signingSecret,
      channel: slack.channels.alerts,
      testChannel: null,
      responders: [],
      apiUrl: slack.apiUrl,
    },
    log,
    feed,
    consoleUrl: 'http://127.0.0.1:4243',
    clock,
    logger,
  });
  teardown.push(started.close);
  const server = createServer((req, res) => void started.handleHttp(req, res));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  teardown.push(async () => await new Promise((resolve) => server.close(resolve)));
  slack.setRequestUrl(`http://127.0.0.1:${(server.address() as AddressInfo).port}/slack/events`);
  await expect.poll(() => started.status().inbound.state, until).toBe('running');
  const ask = async (body: CommandBody) => await submitCommand({ log, clock }, { actor: ENGINE, body });
  return { feed, ask };
}

describe('an attack in Slack', () => {
  it('is told once, acknowledged by who pressed first, and the second hears so alone', async () => {
    const { feed, ask } = await startFlow();
    await ask(settingsCommand(detectorSettings({ settleMs: 0 })));
    const nowS = Math.floor(Date.now() / 1000);
    const recent = { firstAttemptAt: nowS - 20, lastAttemptAt: nowS, firstBreachAt: nowS - 10, lastBreachAt: nowS };
    await ask(
      report(1, [episode(0, 0, { ...recent, peak: 9, attemptCount: 9, severity: 'critical', threshold: 8 })], {
        range: { fromS: nowS - 259_200, toS: null },
      }),
    );
    const alerts = async () => await slack.messages(slack.channels.alerts);
    await expect.poll(async () => (await alerts()).length, until).toBe(1);
    const { incidents } = feed.list();
    const [incident] = incidents;
    expect((await alerts())[0]?.text).toContain('CRITICAL · 9 declines on visa •••• 4242 in 10 min (alerts at 3)');
    const press = { channel: slack.channels.alerts, incident: incident?.id ?? '', action: 'acknowledge' };
    const [first, second] = await Promise.all([
      slack.press({ ...press, user: slack.users.ana }),
      slack.press({ ...press, user: slack.users.bo }),
    ]);
    expect([first.status, second.status]).toEqual([200, 200]);
    await expect.poll(async () => (await alerts())[0]?.text, until).toMatch(/Acknowledged by (ana|bo) at/);
    await expect.poll(() => slack.responses.length, until).toBe(1);
    expect(slack.responses[0]?.body.text).toMatch(/already acknowledged by (ana|bo)/);
    const winner = feed.get(incident?.id ?? '')?.acknowledged?.by.name;
    expect((await alerts())[0]?.text).toContain(`Acknowledged by ${winner}`);
    expect(slack.responses[0]?.user).not.toBe(winner === 'ana' ? slack.users.ana.id : slack.users.bo.id);
    expect(await alerts()).toHaveLength(1);
  });
});
