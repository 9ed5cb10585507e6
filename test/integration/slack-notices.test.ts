// Notices: each is told once, whatever becomes of answers, processes and replicas. Posts are counted at the server.
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Card, Notice } from '../../src/alerts/notice.ts';
import { type Notices, startNotices } from '../../src/alerts/notices.ts';
import { createChannels } from '../../src/alerts/slack-channels.ts';
import { createSlackClient } from '../../src/alerts/slack-client.ts';
import { readDeliveries } from '../../src/deliveries/receipts.ts';
import { encode } from '../../src/log/codec.ts';
import { systemClock } from '../../src/model/clock.ts';
import { type Delivery, deliveryId } from '../../src/model/delivery.ts';
import { type LocalSlack, startLocalSlack } from '../support/local-slack.ts';
import { quickClock } from '../support/quick-clock.ts';
import { openTempLog, type TempLog } from '../support/temp-log.ts';

const until = { timeout: 20_000, interval: 20 };
const logger = pino({ level: 'silent' });
/** Pauses of seconds are over in a moment. */
const clock = quickClock({ speed: 20, behindMs: 3_600_000 });

let slack: LocalSlack;
let temp: TempLog;
const running: Notices[] = [];

beforeEach(async () => {
  slack = await startLocalSlack();
  temp = await openTempLog();
});

afterEach(async () => {
  for (const one of running.splice(0)) await one.close();
  await temp.close();
  await slack.close();
});

const cardOf = (text: string): Card => ({
  text,
  blocks: [{ type: 'section', text: { type: 'mrkdwn', text } }],
});

const noticeOf = (facts: Partial<Notice> = {}): Notice => ({
  subject: 'test:1',
  version: 1,
  channel: slack.channels.alerts,
  card: () => cardOf(`Notice of version ${facts.version ?? 1}`),
  untilMs: Number.MAX_SAFE_INTEGER,
  ...facts,
});

async function start(due: () => readonly Notice[], isActive = () => true): Promise<Notices> {
  const client = createSlackClient({ botToken: slack.botToken(), apiUrl: slack.apiUrl, logger, timeoutMs: 1_000 });
  const channels = createChannels({ client, clock: systemClock, everyMs: 20 });
  const ours = { isActive, isOurs: async () => isActive() };
  const notices = await startNotices({ sources: [due], client, channels, log: temp.log, ...ours, clock, logger });
  running.push(notices);
  return notices;
}

const posts = () => slack.calls('chat.postMessage');
const texts = async () => (await slack.messages(slack.channels.alerts)).map(({ text }) => text);
const receipt = async (subject = 'test:1'): Promise<Delivery | undefined> => {
  const newest = new Map<string, Delivery>();
  for await (const delivery of readDeliveries(temp.log)) newest.set(deliveryId(delivery), delivery);
  return newest.get(deliveryId({ output: 'slack', subject, slot: 'card' }));
};
const recorded = async (facts: Partial<Delivery>, subject?: string) =>
  await expect.poll(async () => await receipt(subject), until).toMatchObject(facts);

describe('a notice', () => {
  it('is told once, in its order, and not again after a restart', async () => {
    const due = () => [noticeOf(), noticeOf({ subject: 'test:2', card: () => cardOf('the second') })];
    const first = await start(due);
    await recorded({ state: 'posted' }, 'test:2');
    expect(await texts()).toEqual(['Notice of version 1', 'the second']);
    expect(first.status()).toMatchObject({ lastError: null, failed: [] });
    await first.close();
    let looks = 0;
    await start(() => {
      looks += 1;
      return due();
    });
    await expect.poll(() => looks, until).toBeGreaterThan(6);
    expect(posts()).toHaveLength(2);
  });

  it('of a later version is told anew; a living one by an edit', async () => {
    let version = 1;
    await start(() => [noticeOf({ version }), noticeOf({ subject: 'living', version, isLiving: true })]);
    await recorded({ state: 'posted', version: 1 }, 'living');
    version = 2;
    await recorded({ state: 'posted', version: 2 }, 'living');
    await recorded({ state: 'posted', version: 2 });
    expect(posts()).toHaveLength(3);
    expect(slack.calls('chat.update')).toHaveLength(1);
    expect((await texts()).sort()).toEqual(['Notice of version 1', 'Notice of version 2', 'Notice of version 2']);
  });

  it.each(['lost', 'hang'] as const)('whose answer is %s is found by its metadata', async (kind) => {
    slack.fault({ method: 'chat.postMessage', kind, times: 1 });
    await start(() => [noticeOf()]);
    await recorded({ state: 'posted' });
    expect(posts()).toHaveLength(1);
    expect(slack.calls('conversations.history').length).toBeGreaterThan(0);
  });

  it('that was under way when its process died is found, or sent if it is not there', async () => {
    const posting = (subject: string): Delivery => ({
      output: 'slack',
      subject,
      slot: 'card',
      state: 'posting',
      version: 1,
      at: clock.now(),
      place: null,
      error: null,
      tries: 1,
    });
    const client = createSlackClient({ botToken: slack.botToken(), apiUrl: slack.apiUrl, logger });
    await client.chat.postMessage({
      channel: slack.channels.alerts,
      text: 'sent by the one that died',
      metadata: { event_type: 'declinewatch_notice', event_payload: { incident: 'test:1', slot: '1' } },
    });
    for (const one of [posting('test:1'), posting('test:2')])
      await temp.log.append('deliveries', [{ key: deliveryId(one), value: encode('deliveries', one), timeMs: one.at }]);
    await start(() => [noticeOf(), noticeOf({ subject: 'test:2', card: () => cardOf('the second') })]);
    await recorded({ state: 'posted' });
    await recorded({ state: 'posted' }, 'test:2');
    expect(await texts()).toEqual(['sent by the one that died', 'the second']);
  });

  it('is told by one of two processes, and by the other once the first has gone', async () => {
    let active = 1;
    const notices = [noticeOf()];
    const one = await start(
      () => notices,
      () => active === 1,
    );
    const other = await start(
      () => notices,
      () => active === 2,
    );
    await recorded({ state: 'posted' });
    active = 2;
    notices.push(noticeOf({ subject: 'test:2' }));
    other.ring();
    await recorded({ state: 'posted' }, 'test:2');
    expect(posts()).toHaveLength(2);
    expect(one.status().waiting).toBe(0);
    active = 1;
    notices.push(noticeOf({ subject: 'test:3' }));
    one.ring();
    await recorded({ state: 'posted' }, 'test:3');
    expect(posts()).toHaveLength(3);
  });

  it('waits as long as Slack asks for, and is not looked up for it', async () => {
    slack.fault({ method: 'chat.postMessage', kind: '429', times: 1, retryAfterS: 30 });
    const notices = await start(() => [noticeOf()]);
    await expect.poll(() => notices.status().lastError?.message, until).toContain('asks to wait');
    expect(notices.status().waiting).toBe(1);
    await recorded({ state: 'posted' });
    const [refused, taken] = posts();
    // Thirty seconds of the clock, which runs twenty times as fast.
    expect((taken?.at ?? 0) - (refused?.at ?? 0)).toBeGreaterThanOrEqual(1_400);
    expect(slack.calls('conversations.history')).toHaveLength(0);
    expect(notices.status().lastError).toBeNull();
  });

  it('that Slack refuses for good ends as failed, is counted, and holds up nothing', async () => {
    const notices = await start(() => [
      noticeOf({ channel: 'C0NOSUCH' }),
      noticeOf({ subject: 'test:2', card: () => cardOf('the second') }),
    ]);
    await recorded({ state: 'posted' }, 'test:2');
    expect(await receipt()).toMatchObject({ state: 'failed', error: expect.stringContaining('channel_not_found') });
    expect(notices.status().failed.map(({ subject }) => subject)).toEqual(['test:1']);
    const tried = posts().length;
    notices.ring();
    await expect.poll(() => notices.status().waiting, until).toBe(0);
    expect(posts()).toHaveLength(tried);
  });

  it('is not told to another organisation', async () => {
    slack.setShared(slack.channels.alerts, true);
    await start(() => [noticeOf()]);
    await recorded({ state: 'failed', error: expect.stringContaining('shared with another organisation') });
    expect(posts()).toHaveLength(0);
  });

  it('whose blocks are refused is told as plain text', async () => {
    slack.fault({ method: 'chat.postMessage', kind: { error: 'invalid_blocks' }, times: 1 });
    await start(() => [noticeOf()]);
    await recorded({ state: 'posted' });
    expect((await slack.messages(slack.channels.alerts))[0]?.blocks ?? []).toEqual([]);
  });

  it('that is no news any more is left alone, and one that was begun ends as failed', async () => {
    slack.fault({ method: 'chat.postMessage', kind: '500', times: Number.MAX_SAFE_INTEGER });
    slack.fault({ method: 'conversations.history', kind: '500', times: Number.MAX_SAFE_INTEGER });
    let untilMs = Number.MAX_SAFE_INTEGER;
    const notices = await start(() => [noticeOf({ untilMs }), noticeOf({ subject: 'test:2', untilMs: 0 })]);
    await recorded({ state: 'posting' });
    untilMs = 0;
    await recorded({ state: 'failed' });
    expect(await receipt('test:2')).toBeUndefined();
    await expect.poll(() => notices.status().waiting, until).toBe(0);
  });
});
