// Each change of settings is told in the channel, once, and taken back by one press: the real manager, feed and Bolt. Posts
// are counted at the server.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WouldHaveDone } from '../../src/alerts/settings-news.ts';
import { openIncidentFeed } from '../../src/feed/incident-feed.ts';
import { act } from '../../src/feed/submit.ts';
import { applyFileSettings } from '../../src/incidents/file-settings.ts';
import type { Clock } from '../../src/model/clock.ts';
import type { DetectorSettings } from '../../src/model/detector.ts';
import type { Actor } from '../../src/model/incident.ts';
import { changeWords } from '../../src/tuning/change-words.ts';
import { createProposals } from '../../src/tuning/proposals.ts';
import { ANA, BEN, detectorSettings, GENERAL } from '../support/decider.ts';
import { append, view } from '../support/detect.ts';
import { startEmbedded } from '../support/embedded-app.ts';
import { type LocalSlack, type SlackMessage, startLocalSlack } from '../support/local-slack.ts';
import { failedCharge } from '../support/local-stripe.ts';
import { quickClock } from '../support/quick-clock.ts';
import { type FlowOptions, type SlackFlow, startSlackFlow } from '../support/slack-flow.ts';
import { openTempLog, type TempLog } from '../support/temp-log.ts';

const until = { timeout: 40_000, interval: 30 };
const LOWER = detectorSettings({ settleMs: 0, thresholds: { warning: 2, critical: 8 } });

let slack: LocalSlack;
let temp: TempLog;
let clock: Clock;
const flows: SlackFlow[] = [];

beforeEach(async () => {
  slack = await startLocalSlack();
  temp = await openTempLog();
  clock = quickClock({ speed: 20, behindMs: 6 * 3_600_000 });
});

afterEach(async () => {
  for (const flow of flows.splice(0).reverse()) await flow.close();
  await temp.close();
  await slack.close();
});

async function start(options: FlowOptions = {}): Promise<SlackFlow> {
  let own: SlackFlow | null = null;
  const wouldHaveDone: WouldHaveDone = async (asked, signal) => {
    if (own === null) throw new Error('not started');
    return await changeWords({ log: temp.log, feed: own.feed, piiKey: 'a key', clock }, asked, signal);
  };
  own = await startSlackFlow(slack, temp, { mode: 'socket', clock, wouldHaveDone, ...options });
  flows.push(own);
  return own;
}

async function change(
  flow: SlackFlow,
  settings: DetectorSettings,
  { basedOn = 1, actor = BEN as Actor, why = 'too quiet' } = {},
) {
  const body = { type: 'settings', detector: settings.name, settings, basedOn, why, general: GENERAL } as const;
  await expect
    .poll(async () => (await act({ feed: flow.feed, log: temp.log, clock }, { actor, body })).outcome, until)
    .toMatch(/done|refused/);
}

const announced = async (): Promise<readonly SlackMessage[]> =>
  (await slack.messages(slack.channels.alerts)).filter(({ text }) => text.startsWith('Settings of '));
const announcements = async (count: number) =>
  await expect.poll(async () => (await announced()).length, until).toBe(count);
const posts = () => slack.calls('chat.postMessage').length;
const subjectOf = (message: SlackMessage | undefined): string =>
  String(message?.metadata?.event_payload.incident ?? '');
const versionOf = (flow: SlackFlow): number => flow.feed.settings()[0]?.rule.version ?? 0;
const toldTo = (user: string): string =>
  slack.responses
    .filter((response) => response.user === user)
    .map(({ body }) => String(body.text))
    .join('\n');

const DETECTORS = (warning: number): string => `
detectors:
  - name: card-declines
    title: Declines on one card
    why: A test of announcements.
    count: attempts
    where: outcome == "declined"
    per: card
    window: 10m
    quietFor: 20m
    thresholds: { warning: ${warning} }
`;

describe('the whole program', { timeout: 90_000 }, () => {
  it('tells what the console and the file have changed, with what it would have done', async () => {
    const embedded = await startEmbedded({
      detectors: DETECTORS(3),
      clock,
      env: {
        SLACK_BOT_TOKEN: slack.botToken(),
        SLACK_APP_TOKEN: slack.appToken,
        SLACK_CHANNEL: slack.channels.alerts,
        SLACK_API_URL: slack.apiUrl,
      },
    });
    try {
      const lastS = Math.floor(clock.now() / 1000) - 3_000;
      const details = { type: 'card', card: { fingerprint: 'fp_1', brand: 'visa', last4: '0002' } };
      for (const n of [0, 1]) {
        const { event } = failedCharge(`one_${n}`, lastS + n, { payment_method_details: details });
        expect(await embedded.post(event)).toBe(200);
      }
      const body = JSON.stringify({ thresholds: { warning: 2 }, basedOn: 1, why: 'two are enough' });
      const headers = { 'content-type': 'application/json' };
      const url = `${embedded.app.consoleUrl}/api/detectors/card-declines`;
      expect((await fetch(url, { method: 'PUT', headers, body })).status).toBe(200);
      await announcements(1);
      expect((await announced())[0]?.text).toMatch(
        /^Settings of card-declines changed\nBy somebody in the console, .*\n• warning 3 → 2\nWhat it would have done: 0 → 1 incidents in 30 days, \+1.*\nWhy: two are enough\n/s,
      );
      writeFileSync(join(embedded.folder, 'detectors.yaml'), DETECTORS(2).replace('window: 10m', 'window: 15m'));
      await announcements(2);
      expect((await announced())[1]?.text).toMatch(
        /^Settings of card-declines changed\nBy detectors\.yaml, .*\n• window 10 min → 15 min\n/s,
      );
      expect(posts()).toBe(2);
    } finally {
      await embedded.close();
    }
  });
});

describe('a change of settings', { timeout: 90_000 }, () => {
  it('is told with who, old and new, why, from when, and what it would have done', async () => {
    const flow = await start();
    const nowS = Math.floor(clock.now() / 1000);
    const tries = (card: string, count: number) =>
      Array.from({ length: count }, (_, i) => view(`ch_${card}_${i}`, nowS - 3_600 + i, { fields: { card } }));
    await append(temp.log, ...tries('a', 2), ...tries('b', 4));
    await change(flow, LOWER);
    await announcements(1);
    const [message] = await announced();
    expect(message?.text).toMatch(
      /^Settings of card-declines changed\nBy Ben in the console, .* UTC\.\ncard-declines version 1 → 2\n• warning 3 → 2\nWhat it would have done: 1 → 2 incidents in 30 days, \+1, none of them fraud.*\nWhy: too quiet\nIn force from .* UTC; what was before keeps the rules of its time\./,
    );
    // The first settings, at the first start, are none.
    expect(posts()).toBe(1);
  });

  it.each(['http', 'socket'] as const)(
    'over %s: one press takes it back; others are told why not, alone',
    async (mode) => {
      // Signed requests are of this time, within five minutes.
      if (mode === 'http') clock = quickClock({ speed: 5, behindMs: 240_000 });
      const flow = await start({ mode });
      await change(flow, LOWER);
      await announcements(1);
      const [message] = await announced();
      const press = { channel: slack.channels.alerts, incident: subjectOf(message), action: 'revert-settings' };
      await slack.press({ ...press, user: slack.users.outsider });
      await expect.poll(() => toldTo(slack.users.outsider.id), until).toContain('another workspace');
      expect(versionOf(flow)).toBe(2);
      const actionTs = '1800000000.000042';
      expect(await slack.press({ ...press, user: slack.users.ana, actionTs })).toMatchObject({ status: 200 });
      await expect.poll(() => versionOf(flow), until).toBe(3);
      expect(flow.feed.settings()[0]).toMatchObject({
        actor: { kind: 'slack', id: slack.users.ana.id },
        why: 'back to version 1',
        rule: { settings: { thresholds: { warning: 3, critical: 8 } } },
      });
      // Delivered again it changes nothing, and nobody is told.
      await slack.press({ ...press, user: slack.users.ana, actionTs });
      await slack.press({ ...press, user: slack.users.bo });
      await expect
        .poll(() => toldTo(slack.users.bo.id), until)
        .toMatch(
          /card-declines is at version 3 since .* \(ana\); this button was made for version 2\. Nothing was changed\./,
        );
      await announcements(2);
      expect((await announced())[1]?.text).toContain(`By <@${slack.users.ana.id}> in Slack`);
      expect((await announced())[1]?.text).toContain('• warning 2 → 3');
      expect(versionOf(flow)).toBe(3);
      expect(toldTo(slack.users.ana.id)).toBe('');
    },
  );

  it('that needs a second person is proposed by a press, not made', async () => {
    const logger = pino({ level: 'silent' });
    const feed = await openIncidentFeed({ log: temp.log, logger });
    const proposals = createProposals({ log: temp.log, feed, piiKey: 'a key', clock, logger });
    const flow = await start({ proposals });
    await change(flow, detectorSettings({ settleMs: 0, thresholds: { warning: 2, critical: 8 }, approval: 'all' }));
    await announcements(1);
    const press = {
      channel: slack.channels.alerts,
      incident: subjectOf((await announced())[0]),
      action: 'revert-settings',
    };
    await slack.press({ ...press, user: slack.users.ana });
    await expect
      .poll(() => toldTo(slack.users.ana.id), until)
      .toMatch(/needs a second person.* To go back to version 1 is proposed instead: somebody else applies it\./);
    expect(versionOf(flow)).toBe(2);
    const [made] = proposals.list();
    expect(made).toMatchObject({ detector: 'card-declines', basedOn: 2, by: { id: slack.users.ana.id } });
    await expect.poll(() => proposals.get(made?.id ?? '')?.state, until).toBe('proposed');
    expect(await proposals.apply(made?.id ?? '', BEN)).toMatchObject({ outcome: 'done' });
    await expect.poll(() => versionOf(flow), until).toBe(3);
    await announcements(2);
    expect((await announced())[1]?.text).toContain(`Proposed by <@${slack.users.ana.id}> in Slack.`);
    await proposals.close();
    await feed.close();
  });

  it('that is one of several of a reload is told with them, in one message', async () => {
    const flow = await start();
    await change(flow, detectorSettings({ name: 'other' }), { basedOn: 0, actor: ANA });
    // What is there within the first minute was there from the beginning.
    await expect.poll(() => clock.now() - (flow.feed.settings()[0]?.at ?? 0), until).toBeGreaterThan(60_000);
    const detectors = [
      LOWER,
      detectorSettings({ name: 'other', mode: 'shadow' }),
      detectorSettings({ name: 'third', title: '<!channel> & <https://evil.example|x>' }),
    ];
    const parts = { feed: flow.feed, log: temp.log, clock, takeFile: true };
    await applyFileSettings({ ...parts, file: { general: GENERAL, detectors } });
    await announcements(1);
    const [message] = await announced();
    expect(message?.text).toContain('Settings of 3 detectors changed\nBy detectors.yaml');
    for (const part of ['• warning 3 → 2', '• mode alert → shadow', 'third is new'])
      expect(message?.text).toContain(part);
    expect(JSON.stringify(message)).not.toMatch(/<!channel>|<https:\/\/evil/);
    expect(posts()).toBe(1);
  });

  it('is told once after a lost answer, a restart, and by one of two processes', async () => {
    slack.fault({ method: 'chat.postMessage', kind: 'lost', times: 1 });
    const first = await start();
    await change(first, LOWER);
    await announcements(1);
    await first.close();
    flows.pop();
    const [second, third] = [await start(), await start()];
    await change(second, detectorSettings({ settleMs: 0, thresholds: { warning: 4 } }), { basedOn: 2 });
    await announcements(2);
    // Whichever tells, the other one goes on where it ended.
    const active = [second, third].find(({ slack: one }) => one.status().deliveries.active);
    const other = active === second ? third : second;
    await active?.close();
    flows.splice(0, 2, other);
    await change(other, detectorSettings({ settleMs: 0, thresholds: { warning: 5 } }), { basedOn: 3 });
    await announcements(3);
    expect(posts()).toBe(3);
    expect((await announced()).map(({ text }) => /warning (\d → \d)/.exec(text)?.[1])).toEqual([
      '3 → 2',
      '2 → 4',
      '4 → 5',
    ]);
  });

  it('is told also when what it would have done cannot be read, or takes too long', async () => {
    let reads = 0;
    const flow = await start({
      wouldHaveDone: async (_, signal) => {
        reads += 1;
        if (reads === 1) throw new Error('the log is away');
        return await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      },
    });
    await change(flow, LOWER);
    await announcements(1);
    await change(flow, detectorSettings({ settleMs: 0, thresholds: { warning: 4 } }), { basedOn: 2 });
    await announcements(2);
    for (const { text } of await announced())
      expect(text).toContain('What it would have done could not be read: ask `declinewatch what-if`.');
    await change(flow, detectorSettings({ settleMs: 0, thresholds: { warning: 4 }, mode: 'shadow' }), { basedOn: 3 });
    await announcements(3);
    expect((await announced())[2]?.text).toContain('What is counted stays the same.');
    expect(reads).toBe(2);
  });
});
