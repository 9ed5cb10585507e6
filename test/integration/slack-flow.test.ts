// From a detector's report to an acknowledged alert: the real manager, feed, delivery loop and Bolt over one log.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LocalSlack, startLocalSlack } from '../support/local-slack.ts';
import { type SlackFlow, startSlackFlow } from '../support/slack-flow.ts';
import { openTempLog, type TempLog } from '../support/temp-log.ts';

const until = { timeout: 15_000, interval: 20 };

let slack: LocalSlack;
let temp: TempLog;
let flow: SlackFlow;

beforeEach(async () => {
  slack = await startLocalSlack();
  temp = await openTempLog();
  flow = await startSlackFlow(slack, temp);
});

afterEach(async () => {
  await flow.close();
  await temp.close();
  await slack.close();
});

describe('an attack in Slack', () => {
  it('is told once, acknowledged by who pressed first, and the second hears so alone', async () => {
    const { feed } = flow;
    const id = await flow.attack('4242', { peak: 9, attemptCount: 9, severity: 'critical', threshold: 8 });
    const alerts = async () => await slack.messages(slack.channels.alerts);
    await expect.poll(async () => (await alerts()).length, until).toBe(1);
    expect((await alerts())[0]?.text).toContain('CRITICAL · 9 declines on visa •••• 4242 in 10 min (alerts at 3)');
    const press = { channel: slack.channels.alerts, incident: id, action: 'acknowledge' };
    const [first, second] = await Promise.all([
      slack.press({ ...press, user: slack.users.ana }),
      slack.press({ ...press, user: slack.users.bo }),
    ]);
    expect([first.status, second.status]).toEqual([200, 200]);
    await expect.poll(async () => (await alerts())[0]?.text, until).toMatch(/Acknowledged by (ana|bo) at/);
    await expect.poll(() => slack.responses.length, until).toBe(1);
    expect(slack.responses[0]?.body.text).toMatch(/already acknowledged by (ana|bo)/);
    const winner = feed.get(id)?.acknowledged?.by.name;
    expect((await alerts())[0]?.text).toContain(`Acknowledged by ${winner}`);
    expect(slack.responses[0]?.user).not.toBe(winner === 'ana' ? slack.users.ana.id : slack.users.bo.id);
    expect(await alerts()).toHaveLength(1);
  });
});
