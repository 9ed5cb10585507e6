// A detector that has run in the shadow for a week is offered once, and its buttons do what they say: the real manager, feed
// and Bolt.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { act } from '../../src/feed/submit.ts';
import type { Clock } from '../../src/model/clock.ts';
import type { Promotion } from '../../src/model/suggestions.ts';
import { promotionsOf } from '../../src/tuning/promote.ts';
import { BEN, detectorSettings, settingsCommand } from '../support/decider.ts';
import { type LocalSlack, type SlackMessage, startLocalSlack } from '../support/local-slack.ts';
import { quickClock } from '../support/quick-clock.ts';
import { type SlackFlow, startSlackFlow } from '../support/slack-flow.ts';
import { openTempLog, type TempLog } from '../support/temp-log.ts';

const until = { timeout: 40_000, interval: 30 };
const DAY = 86_400_000;
const SUBJECT = 'promotion:card-declines';
const shadow = (warning: number) => detectorSettings({ settleMs: 0, mode: 'shadow', thresholds: { warning } });

let slack: LocalSlack;
let temp: TempLog;
let clock: Clock;
let aheadMs: number;
const flows: SlackFlow[] = [];

beforeEach(async () => {
  slack = await startLocalSlack();
  temp = await openTempLog();
  aheadMs = 0;
});

afterEach(async () => {
  for (const flow of flows.splice(0).reverse()) await flow.close();
  await temp.close();
  await slack.close();
});

async function start(mode: 'http' | 'socket' = 'socket'): Promise<SlackFlow> {
  clock = quickClock(mode === 'http' ? { speed: 5, behindMs: 240_000 } : { speed: 20, behindMs: 6 * 3_600_000 });
  let own: SlackFlow | null = null;
  const promotions = (): readonly Promotion[] => (own === null ? [] : promotionsOf(own.feed, clock.now() + aheadMs));
  own = await startSlackFlow(slack, temp, { mode, clock, promotions });
  flows.push(own);
  return own;
}

const offers = async (): Promise<readonly SlackMessage[]> =>
  (await slack.messages(slack.channels.alerts)).filter(({ metadata }) => metadata?.event_payload.incident === SUBJECT);
const offered = async (count: number) => await expect.poll(async () => (await offers()).length, until).toBe(count);
const press = async (action: string, user = slack.users.ana) =>
  await slack.press({ channel: slack.channels.alerts, incident: SUBJECT, action, user });
const inForce = (flow: SlackFlow) => flow.feed.settings()[0];
const toldTo = (user: string): string =>
  slack.responses
    .filter((response) => response.user === user)
    .map(({ body }) => String(body.text))
    .join('\n');

describe('promotion out of the shadow', { timeout: 90_000 }, () => {
  it.each(['http', 'socket'] as const)(
    'over %s: is offered with what it would have done, and done by one press',
    async (mode) => {
      const flow = await start(mode);
      await flow.ask(settingsCommand(shadow(3), { basedOn: 1 }));
      await flow.attack('4242', { peak: 5, attemptCount: 5 });
      aheadMs = 10 * DAY;
      await flow.ask(settingsCommand(shadow(4), { basedOn: 2 }));
      await offered(1);
      const [offer] = await offers();
      expect(offer?.text).toMatch(
        /^Promote card-declines out of the shadow\?\nDeclines on one card \(card-declines, version 3\) has run in the shadow since .*\. It would have fired 1 time \(0\.7 a week\) in 10 days, 0 of them beside another alert, none of them judged yet\./,
      );
      await press('promote-detector', slack.users.outsider);
      await expect.poll(() => toldTo(slack.users.outsider.id), until).toContain('another workspace');
      expect(await press('promote-detector')).toMatchObject({ status: 200 });
      await expect.poll(() => inForce(flow)?.rule.settings?.mode, until).toBe('alert');
      expect(inForce(flow)).toMatchObject({
        actor: { kind: 'slack', id: slack.users.ana.id },
        why: expect.stringMatching(/^promoted out of the shadow: it would have fired 1 time/),
        rule: { version: 4, settings: { thresholds: { warning: 4 } } },
      });
      await expect.poll(async () => (await offers())[0]?.text, until).toContain('Promoted by');
      expect(JSON.stringify(await offers())).not.toContain('promote-detector');
      // A press on the message as it was shown before the edit arrived.
      await slack.pressStale({
        message: offer,
        incident: 'card-declines:3',
        action: 'keep-in-shadow',
        user: slack.users.bo,
      });
      await expect.poll(() => toldTo(slack.users.bo.id), until).toContain('is at version 4');
      expect(inForce(flow)?.rule.version).toBe(4);
      expect(await offers()).toHaveLength(1);
    },
  );

  it('is kept in the shadow by one press, and offered anew for its next version, once each', async () => {
    const flow = await start();
    aheadMs = 10 * DAY;
    await flow.ask(settingsCommand(shadow(3), { basedOn: 1 }));
    await offered(1);
    await press('keep-in-shadow');
    await expect.poll(() => toldTo(slack.users.ana.id), until).toContain('stays in the shadow');
    await expect.poll(async () => (await offers())[0]?.text, until).toContain('Kept in the shadow by');
    expect(inForce(flow)).toMatchObject({ rule: { version: 2, settings: { mode: 'shadow' } } });
    await flow.close();
    flows.pop();
    slack.fault({ method: 'chat.postMessage', kind: 'lost', times: 1 });
    const again = await start();
    const body = settingsCommand(shadow(4), { basedOn: 2 });
    await act({ feed: again.feed, log: temp.log, clock }, { actor: BEN, body });
    await offered(2);
    await expect.poll(() => again.slack.status().notices.waiting, until).toBe(0);
    expect(await offers()).toHaveLength(2);
    const posts = slack.calls('chat.postMessage').filter(({ body }) => JSON.stringify(body).includes(SUBJECT));
    expect(posts).toHaveLength(2);
  });
});
