// Stories that take hours, with the clock moved by hand: a mute, a reminder, an hour without Slack, the change of duty.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { submitCommand } from '../../src/feed/submit.ts';
import type { ReportedEpisode } from '../../src/model/episode.ts';
import { tokenOf } from '../../src/model/mask-erased.ts';
import { erasedName } from '../../src/model/mask-names.ts';
import { detectorSettings, ENGINE, episode, report, settingsCommand } from '../support/decider.ts';
import { eventually } from '../support/eventually.ts';
import { type HandClock, handClock } from '../support/hand-clock.ts';
import { type LocalSlack, startLocalSlack } from '../support/local-slack.ts';
import { type FlowOptions, type SlackFlow, startSlackFlow } from '../support/slack-flow.ts';
import { openTempLog, type TempLog } from '../support/temp-log.ts';

const until = { timeout: 15_000, interval: 10 };
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const WARNING = { severity: 'warning', threshold: 3, peak: 5, attemptCount: 5 } as const;
const CRITICAL = { severity: 'critical', threshold: 8, peak: 9, attemptCount: 9 } as const;

let slack: LocalSlack;
let temp: TempLog;
let clock: HandClock;
const flows: SlackFlow[] = [];

beforeEach(async () => {
  slack = await startLocalSlack();
  temp = await openTempLog();
  clock = handClock(Math.floor(Date.now() / 1000) * 1000);
});

afterEach(async () => {
  for (const flow of flows.splice(0)) await flow.close();
  await temp.close();
  await slack.close();
});

async function start(options: FlowOptions = {}): Promise<SlackFlow> {
  const flow = await startSlackFlow(slack, temp, { clock, ...options });
  flows.push(flow);
  return flow;
}

/** Moves the clock on, a second at a time, until it is so. */
async function movedUntil(what: string, isSo: () => Promise<boolean> | boolean, everyMs = 5): Promise<void> {
  await eventually(
    async () => {
      if (await isSo()) return true;
      clock.advance(1_000);
      return false;
    },
    { what, withinMs: 30_000, everyMs },
  );
}

const threadOf = async (incident: string): Promise<readonly string[]> => {
  const all = await slack.messages(slack.channels.alerts);
  const alert = all.find((one) => one.metadata?.event_payload.incident === incident && one.thread_ts === undefined);
  return alert === undefined ? [] : (await slack.thread(slack.channels.alerts, alert.ts)).map(({ text }) => text);
};
const postsOf = (incident: string) =>
  slack
    .calls('chat.postMessage')
    .filter(({ body }) => JSON.stringify(body.metadata).includes(`"${incident}"`) && body.thread_ts === undefined);

describe('a mute', () => {
  /** The attack on the card goes on: the same episode, longer. */
  let offset = 100;
  const goOn = async (flow: SlackFlow, incident: string, facts: Partial<ReportedEpisode>): Promise<void> => {
    const before = flow.feed.get(incident);
    const nowS = Math.floor(clock.now() / 1000);
    const times = {
      firstAttemptAt: (before?.firstAttemptAt ?? 0) / 1000,
      firstBreachAt: (before?.firstBreachAt ?? 0) / 1000,
      lastBreachAt: nowS,
      lastAttemptAt: nowS,
    };
    offset += 1;
    const entity = before?.entity ?? { kind: 'card', value: '4242', label: '' };
    await flow.ask(report(offset, [episode(0, 0, { ...times, ...facts })], { entity, range: { fromS: 0, toS: null } }));
  };

  it('hides posts, tells at its end what it hid, and lets speak what goes on', async () => {
    const flow = await start();
    const id = await flow.attack('4242', WARNING);
    await movedUntil('told', async () => (await flow.alertOf(id)) !== '');
    await flow.ask({ type: 'mute', incident: id, until: clock.now() + 2 * HOUR });
    await flow.ask({ type: 'resolve', incident: id, verdict: 'customer_trouble', note: '' });
    clock.advance(HOUR);
    await goOn(flow, id, { ...WARNING, peak: 7, attemptCount: 14 });
    const [second] = [...flow.feed.all()].filter(({ continues }) => continues === id);
    expect(second?.mutedUntil).not.toBeNull();
    clock.advance(30 * MINUTE);
    await expect.poll(() => flow.slack.status().deliveries.pending, until).toBe(0);
    expect(postsOf(second?.id ?? '')).toHaveLength(0);
    await goOn(flow, second?.id ?? '', { ...WARNING, peak: 7, attemptCount: 15 });
    clock.advance(30 * MINUTE + 1_000);
    await movedUntil('the mute has ended', () => flow.feed.get(id)?.mutedUntil === null);
    await movedUntil('what goes on has spoken', () => postsOf(second?.id ?? '').length === 1);
    await movedUntil('its end is told', async () => (await threadOf(id)).some((text) => text.includes('has ended')));
    expect((await threadOf(id)).at(-1)).toBe(
      `The mute of ${id} has ended. It hid 1 further incident; all are in the sheet.`,
    );
  });

  it('ends early, aloud, when it hides something worse', async () => {
    const flow = await start();
    const id = await flow.attack('4242', WARNING);
    await movedUntil('told', async () => (await flow.alertOf(id)) !== '');
    await flow.ask({ type: 'mute', incident: id, until: clock.now() + 24 * HOUR });
    clock.advance(HOUR);
    await goOn(flow, id, { ...WARNING, peak: 7, attemptCount: 7 });
    await goOn(flow, id, CRITICAL);
    await movedUntil('told aloud', () =>
      slack
        .calls('chat.postMessage')
        .some(({ body }) => String(body.reply_broadcast) === 'true' && String(body.text).includes('has ended early')),
    );
    expect(flow.feed.get(id)?.mutedUntil).toBeNull();
  });
});

describe('an alert that is acknowledged and forgotten', () => {
  it('is brought back to who acknowledged it, in the thread, and a step of escalation is told once', async () => {
    // Signed requests would be of another time than this clock's.
    const flow = await start({ mode: 'socket' });
    const escalation = [{ afterMs: 10 * MINUTE, to: 'S0ONCALL' }];
    await flow.ask(settingsCommand(detectorSettings({ settleMs: 0, escalation }), { basedOn: 1 }));
    const id = await flow.attack('4242', CRITICAL);
    await movedUntil('told', async () => (await flow.alertOf(id)) !== '');
    clock.advance(10 * MINUTE);
    await movedUntil('escalated', async () => (await threadOf(id)).length === 1);
    expect((await threadOf(id))[0]).toMatch(/^<!subteam\^S0ONCALL> INC-1 has not been acknowledged for 10 min/);
    await slack.press({ channel: slack.channels.alerts, incident: id, action: 'acknowledge', user: slack.users.ana });
    await movedUntil('acknowledged', () => flow.feed.get(id)?.status === 'acknowledged');
    clock.advance(4 * HOUR);
    await movedUntil('reminded', async () => (await threadOf(id)).length === 3);
    expect((await threadOf(id))[2]).toMatch(
      new RegExp(`^<@${slack.users.ana.id}> ${id} was acknowledged 4 h.* ago and is not resolved: what was it\\?$`),
    );
    expect((await threadOf(id)).filter((text) => text.includes('has not been acknowledged'))).toHaveLength(1);
  });
});

/** A call that is under way while the clock is moved arrives at a later second than it was sent: where Slack's pace is judged, none is. */
const A_CALL_MS = 500;

describe('an hour without Slack', () => {
  const METHODS = ['chat.postMessage', 'chat.update', 'conversations.history', 'conversations.info', 'auth.test'];
  const goAway = (): void => {
    for (const method of METHODS) slack.fault({ method, kind: '500', times: Number.MAX_SAFE_INTEGER });
  };

  it('ends with everything open told once, in its newest state, at Slack’s pace', async () => {
    const flow = await start();
    const rates = slack.keepRates(clock.now);
    const first = await flow.attack('4242', WARNING);
    await movedUntil('told', async () => (await flow.alertOf(first)) !== '');
    goAway();
    const awayAt = clock.now();
    await flow.ask({ type: 'acknowledge', incident: first });
    const opened: string[] = [];
    for (let minute = 0; minute < 60; minute += 1) {
      if (minute % 5 === 0) opened.push(await flow.attack(`10${minute}`, CRITICAL));
      if (minute === 30) await flow.ask({ type: 'resolve', incident: opened[1] ?? '', verdict: 'dunning', note: '' });
      if (minute === 31)
        await flow.ask({ type: 'note', incident: opened[2] ?? '', note: 'Looked at it in the console.' });
      clock.advance(MINUTE);
      await expect.poll(() => flow.slack.status().deliveries.pending, until).toBeGreaterThan(0);
    }
    expect(flow.slack.status().deliveries.lastError?.message).toContain('500');
    const triesAway = slack.calls('chat.postMessage').filter(({ at }) => at > awayAt).length;
    expect(triesAway).toBeLessThan(120);

    slack.clearFaults();
    // What has arrived by now was refused; what arrives from now on is taken.
    const refused = slack.calls('chat.postMessage').length;
    await movedUntil('all told', () => flow.slack.status().deliveries.pending === 0, A_CALL_MS);
    const messages = (await slack.messages(slack.channels.alerts)).filter((one) => one.thread_ts === undefined);
    const told = messages.map((one) => String(one.metadata?.event_payload.incident)).sort();
    expect(told).toEqual([first, ...opened].sort());
    expect(await flow.alertOf(opened[1] ?? '')).toContain('Resolved as dunning retries');
    expect(await flow.alertOf(first)).toContain('Acknowledged by');
    expect(await threadOf(first)).toHaveLength(1);
    expect(flow.slack.status().deliveries).toMatchObject({ failedCount: 0, lastError: null });
    // Nobody is called a second time, and Slack had to refuse nothing.
    const posts = slack
      .calls('chat.postMessage')
      .slice(refused)
      .filter(({ body }) => body.thread_ts === undefined);
    expect(posts.length).toBe(opened.length);
    expect(rates.refused()).toBe(0);
  });

  it('and a token that was revoked: what waits is told once it is accepted again', async () => {
    const flow = await start();
    const token = slack.botToken();
    slack.setBotToken('xoxb-another');
    const id = await flow.attack('4242', CRITICAL);
    await movedUntil('loud', () =>
      (flow.slack.status().deliveries.lastError?.message ?? '').includes('SLACK_BOT_TOKEN'),
    );
    clock.advance(HOUR);
    slack.setBotToken(token);
    await movedUntil('told', async () => (await flow.alertOf(id)) !== '');
    expect(postsOf(id).length).toBeGreaterThan(1);
    const messages = (await slack.messages(slack.channels.alerts)).filter((one) => one.thread_ts === undefined);
    expect(messages).toHaveLength(1);
  });
});

describe('the handover card', () => {
  const DAY = 24 * HOUR;
  const cards = async () =>
    (await slack.messages(slack.channels.alerts)).filter(({ text }) => text.startsWith('Handover'));
  const atTime = (hours: number): number => (Math.floor(clock.now() / DAY) + 1) * DAY + hours * HOUR;

  it('is posted once at each change of duty, also after a lost answer and a restart', async () => {
    // Behind Slack's own clock, which stamps the messages: what is looked up is not in its future.
    clock = handClock(Math.floor(Date.now() / 1000) * 1000 - 3 * DAY);
    const flow = await start({ handoverAt: ['08:00', '20:00'] });
    const id = await flow.attack('4242', CRITICAL);
    await movedUntil('told', async () => (await flow.alertOf(id)) !== '');
    // What was due before the program began, long ago, is not told.
    expect((await cards()).length).toBeLessThanOrEqual(1);
    const before = (await cards()).length;
    clock.advance(atTime(8) - clock.now() - 1_000);
    expect(await cards()).toHaveLength(before);
    slack.fault({ method: 'chat.postMessage', kind: 'lost', times: 1 });
    await movedUntil('told', async () => (await cards()).length === before + 1);
    await movedUntil('recorded', async () => slack.calls('conversations.history').length > 0);
    expect((await cards())[0]?.text).toContain(`Nobody has acknowledged (1)\n${id} · CRITICAL`);
    await flows.pop()?.close();
    const again = await start({ handoverAt: ['08:00', '20:00'] });
    for (let step = 0; step < 10; step += 1) {
      clock.advance(MINUTE);
      await again.feed.caughtUp();
    }
    expect(await cards()).toHaveLength(before + 1);
    clock.advance(12 * HOUR);
    await movedUntil('told', async () => (await cards()).length === before + 2);
    const card = { kind: 'card', value: '4242' } as const;
    const subject = { kind: 'card', token: tokenOf(card), as: erasedName(card, { piiKey: 'k', nonce: 'n' }) } as const;
    const erase = { type: 'erase', subjects: [subject], attempts: [], incidents: [], closed: [] } as const;
    await submitCommand({ log: temp.log, clock }, { actor: ENGINE, body: erase });
    await movedUntil('named no more', async () => !JSON.stringify(await cards()).includes('4242'));
    expect(await cards()).toHaveLength(before + 2);
  });
});
