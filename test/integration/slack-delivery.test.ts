// The real client against the local Slack: one message per incident, edited as it grows, whatever goes wrong between.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NOTHING_ASIDE } from '../../src/alerts/aside.ts';
import { encode } from '../../src/log/codec.ts';
import { deliveryId } from '../../src/model/delivery.ts';
import type { Through } from '../../src/model/through.ts';
import { ownTurn } from '../support/fake-sink.ts';
import { type LocalSlack, startLocalSlack } from '../support/local-slack.ts';
import { acknowledgedBy, resolvedBy, sampleIncident } from '../support/sample-incident.ts';
import { type Desk, openDesk } from '../support/slack-desk.ts';

let slack: LocalSlack;
let desk: Desk;

beforeEach(async () => {
  slack = await startLocalSlack();
  desk = await openDesk(slack);
});

afterEach(async () => {
  await desk.close();
  await slack.close();
});

const alerts = async () => await slack.messages(slack.channels.alerts);
const until = { timeout: 10_000, interval: 20 };
const posted = async (version: number) =>
  await expect
    .poll(async () => (await desk.receipts()).find(({ slot }) => slot === 'message'), until)
    .toMatchObject({ state: 'posted', version });

describe('Slack deliveries', () => {
  it('post one message per incident and edit it as it grows', async () => {
    await desk.start();
    await desk.put(sampleIncident());
    await posted(1);
    for (const version of [2, 3, 4]) await desk.put(sampleIncident({ version, peak: 14 + version }));
    await posted(4);
    const messages = await alerts();
    expect(messages).toHaveLength(1);
    expect(messages[0]?.text).toContain('CRITICAL · 18 declines on visa •••• 4242 in 10 min (alerts at 3)');
    expect(messages[0]?.metadata).toEqual({
      event_type: 'declinewatch_incident',
      event_payload: { incident: 'INC-1', version: 4 },
    });
    expect(slack.calls('chat.postMessage')).toHaveLength(1);
    const [receipt] = await desk.receipts();
    expect(receipt?.place?.url).toMatch(/^https:\/\/lab\.slack\.com\/archives\/C\w+\/p\d{16}$/);
  });

  it('do not repeat themselves after a restart', async () => {
    const first = await desk.start();
    await desk.put(sampleIncident());
    await posted(1);
    await first.close();
    await desk.put(sampleIncident({ version: 2, peak: 20 }));
    await desk.start();
    await posted(2);
    expect(slack.calls('chat.postMessage')).toHaveLength(1);
    expect(await alerts()).toHaveLength(1);
  });

  it('find a post by its metadata when the answer was lost', async () => {
    slack.fault({ method: 'chat.postMessage', kind: 'lost', times: 1 });
    await desk.start();
    await desk.put(sampleIncident());
    await posted(1);
    expect(slack.calls('chat.postMessage')).toHaveLength(1);
    expect(slack.calls('conversations.history').at(-1)?.body.include_all_metadata).toBe('true');
    expect(await alerts()).toHaveLength(1);
  });

  it('find a post by its metadata when Slack never answered', async () => {
    slack.fault({ method: 'chat.postMessage', kind: 'hang', times: 1 });
    await desk.start();
    await desk.put(sampleIncident());
    await posted(1);
    expect(slack.calls('chat.postMessage')).toHaveLength(1);
  });

  it('post again when the look-up shows that nothing was posted', async () => {
    slack.fault({ method: 'chat.postMessage', kind: '500', times: 1 });
    await desk.start();
    await desk.put(sampleIncident());
    await posted(1);
    expect(slack.calls('chat.postMessage')).toHaveLength(2);
    expect(await alerts()).toHaveLength(1);
  });

  it('wait as long as Slack asks for', async () => {
    slack.fault({ method: 'chat.postMessage', kind: '429', times: 1, retryAfterS: 2 });
    await desk.start();
    await desk.put(sampleIncident());
    await posted(1);
    const [refused, taken] = slack.calls('chat.postMessage');
    expect((taken?.at ?? 0) - (refused?.at ?? 0)).toBeGreaterThanOrEqual(1_900);
    expect(slack.calls('chat.postMessage')).toHaveLength(2);
    expect(slack.calls('conversations.history')).toHaveLength(0);
  });

  it('are not told by who may have lost the right to, however far it had come', async () => {
    const before = slack.calls('chat.postMessage').length;
    const item = { incident: sampleIncident(), slot: 'message', place: null, main: null };
    const [result] = await desk.sinkOf().deliver([item], { ...ownTurn(), isOurs: async () => false });
    expect(result).toMatchObject({ outcome: 'retry', sent: 'no' });
    expect(slack.calls('chat.postMessage')).toHaveLength(before);
  });

  it('adopt a message that was posted before a crash', async () => {
    // The call went out, and the process died before it could write `posted`.
    const incident = sampleIncident();
    const [result] = await desk.sinkOf().deliver([{ incident, slot: 'message', place: null, main: null }], ownTurn());
    expect(result?.outcome).toBe('delivered');
    const posting = {
      output: 'slack',
      subject: 'INC-1',
      slot: 'message',
      state: 'posting',
      version: 1,
      at: Date.now(),
      place: null,
      error: null,
      tries: 0,
    } as const;
    await desk.log.append('deliveries', [
      { key: deliveryId(posting), value: encode('deliveries', posting), timeMs: posting.at },
    ]);
    await desk.put(sampleIncident({ version: 2, peak: 20 }));
    await desk.start();
    await posted(2);
    expect(slack.calls('chat.postMessage')).toHaveLength(1);
    expect((await alerts())[0]?.text).toContain('20 declines');
  });

  it('are loud about a wrong channel, let the rest go on, and try again', async () => {
    const deliveries = await desk.start({ sink: desk.sinkOf('C0NOSUCH') });
    await desk.put(sampleIncident());
    await desk.put(sampleIncident({ id: 'INC-2', livemode: false }));
    await expect.poll(async () => (await slack.messages(slack.channels.test)).length, until).toBe(1);
    await expect.poll(() => deliveries.status().failedCount, until).toBe(1);
    expect(deliveries.status().failed[0]).toMatchObject({
      subject: 'INC-1',
      error: expect.stringContaining('SLACK_CHANNEL'),
    });
    const letters: string[] = [];
    for await (const page of desk.log.read('dead-letters', 0, 0)) letters.push(...page.map(({ value }) => value));
    expect(letters).toHaveLength(1);
    await deliveries.close();
    await desk.start();
    await posted(1);
  });

  it('are loud about a refused token, and go on when it is accepted again', async () => {
    const token = slack.botToken();
    const deliveries = await desk.start();
    slack.setBotToken('xoxb-another');
    await desk.put(sampleIncident());
    await expect.poll(() => deliveries.status().lastError?.message, until).toContain('SLACK_BOT_TOKEN');
    expect(deliveries.status().pending).toBe(1);
    slack.setBotToken(token);
    await posted(1);
    expect(deliveries.status()).toMatchObject({ pending: 0, lastError: null });
  });

  it('fall back to plain text when the blocks are refused', async () => {
    slack.fault({ method: 'chat.postMessage', kind: { error: 'invalid_blocks' }, times: 1 });
    await desk.start();
    await desk.put(sampleIncident());
    await posted(1);
    const [message] = await alerts();
    expect(message?.blocks ?? []).toEqual([]);
    expect(message?.text).toContain('14 declines on visa •••• 4242');
  });

  it('speak again in the thread, once, when it doubles after the acknowledgement', async () => {
    await desk.start();
    const incident = sampleIncident();
    await desk.put(incident);
    await posted(1);
    await desk.put(acknowledgedBy(incident));
    await posted(2);
    await desk.put(acknowledgedBy(incident, { version: 3, peak: 20 }));
    await posted(3);
    await desk.put(acknowledgedBy(incident, { version: 4, peak: 29 }));
    await posted(4);
    await desk.put(acknowledgedBy(incident, { version: 5, peak: 31 }));
    await posted(5);
    const [message] = await alerts();
    const thread = await slack.thread(slack.channels.alerts, message?.ts ?? '');
    expect(thread.map(({ text }) => text)).toEqual([
      'Acknowledged by <@U0ANA>, 3 min after it opened, at 14 declines.',
      '<@U0ANA> INC-1 has grown since it was acknowledged: 29 declines now, 14 declines then.',
    ]);
    const posts = slack
      .calls('chat.postMessage')
      .map(({ body }) => body.reply_broadcast === true || body.reply_broadcast === 'true');
    expect(posts).toEqual([false, false, true]);
    expect((await alerts()).filter((one) => one.thread_ts === undefined)).toHaveLength(1);
  });

  it('tell the history in the thread, each piece once, also after a restart and a lost answer', async () => {
    const first = await desk.start();
    const incident = sampleIncident();
    await desk.put(incident);
    await posted(1);
    slack.fault({ method: 'chat.postMessage', kind: 'lost', times: 1 });
    const by = { kind: 'slack', id: 'U0BO', name: 'bo' } as const;
    const noted = acknowledgedBy(incident, { notes: [{ at: incident.openedAt + 1, by, text: 'Known customer?' }] });
    await desk.put(noted);
    await posted(2);
    await first.close();
    await desk.start();
    await desk.put(resolvedBy(noted));
    await posted(3);
    const [message] = await alerts();
    const thread = await slack.thread(slack.channels.alerts, message?.ts ?? '');
    expect(thread.map(({ text }) => text)).toEqual([
      'Acknowledged by <@U0ANA>, 3 min after it opened, at 14 declines.',
      '<@U0BO> noted:\n> Known customer?',
      'Resolved as fraud by <@U0ANA>, 10 min after it opened.\n> Card blocked with the issuer.',
    ]);
    expect(slack.calls('chat.postMessage')).toHaveLength(4);
  });

  it('tell by an edit what got through once it has been read', async () => {
    let through: Through | null = null;
    const asideOf = () => ({ ...NOTHING_ASIDE, through });
    const deliveries = await desk.start({ sink: desk.sinkOf(undefined, { asideOf }) });
    await desk.put(sampleIncident());
    await posted(1);
    expect((await alerts())[0]?.text).not.toContain('Got through');
    through = { count: 2, amounts: [{ currency: 'eur', amount: 8_400, count: 2 }], customers: [] };
    deliveries.refresh(sampleIncident());
    await expect.poll(async () => (await alerts())[0]?.text, until).toContain('Got through: 2 successes for 84.00 EUR');
    expect(slack.calls('chat.postMessage')).toHaveLength(1);
  });

  it('tell each escalation step once, where it names', async () => {
    await desk.start();
    const incident = sampleIncident();
    await desk.put(incident);
    await posted(1);
    const at = incident.openedAt + 900_000;
    await desk.put({ ...incident, version: 2, escalated: { step: 1, to: 'S0ONCALL', at } });
    await posted(2);
    await desk.put({ ...incident, version: 3, peak: 50, escalated: { step: 1, to: 'S0ONCALL', at } });
    await posted(3);
    await desk.put({ ...incident, version: 4, escalated: { step: 2, to: slack.channels.test, at } });
    await posted(4);
    const [message] = await alerts();
    const thread = await slack.thread(slack.channels.alerts, message?.ts ?? '');
    expect(thread).toHaveLength(1);
    expect(thread[0]?.text).toContain('<!subteam^S0ONCALL> INC-1 has not been acknowledged for 15 min');
    const elsewhere = await slack.messages(slack.channels.test);
    expect(elsewhere).toHaveLength(1);
    expect(elsewhere[0]?.text).toContain('https://lab.slack.com/archives/');
  });

  it('put a new message where somebody deleted the one of an open incident', async () => {
    await desk.start();
    await desk.put(sampleIncident());
    await posted(1);
    slack.fault({ method: 'chat.update', kind: { error: 'message_not_found' }, times: 1 });
    await desk.put(sampleIncident({ version: 2, openedAt: Date.now() + 120_000 }));
    await posted(2);
    expect(slack.calls('chat.postMessage')).toHaveLength(2);
  });

  it('edit the message and tell the thread when it is withdrawn after it was told', async () => {
    await desk.start();
    await desk.put(sampleIncident());
    await posted(1);
    await desk.put(sampleIncident({ version: 2, status: 'withdrawn' }));
    await posted(2);
    const [message] = await alerts();
    expect(JSON.stringify(message?.blocks)).toContain('Withdrawn');
    const thread = await slack.thread(slack.channels.alerts, message?.ts ?? '');
    expect(thread).toHaveLength(1);
    expect(thread[0]?.text).toContain('INC-1 is withdrawn');
  });

  it('say nothing about what is shadow, late, withdrawn or merged before it was told', async () => {
    await desk.start();
    await desk.put(sampleIncident({ id: 'INC-2', mode: 'shadow' }));
    await desk.put(sampleIncident({ id: 'INC-3', late: true }));
    await desk.put(sampleIncident({ id: 'INC-4', status: 'withdrawn' }));
    await desk.put(sampleIncident({ id: 'INC-5', status: 'merged', mergedInto: 'INC-1' }));
    await desk.put(sampleIncident());
    await posted(1);
    expect(await alerts()).toHaveLength(1);
    expect(slack.calls('chat.postMessage')).toHaveLength(1);
  });
});
