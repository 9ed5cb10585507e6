// What people do from Slack with the real manager behind: forms, the slash command, the App Home, and what must change
// nothing.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WhyAnswer } from '../../src/model/why.ts';
import { type LocalSlack, type SlackUser, startLocalSlack } from '../support/local-slack.ts';
import { type FlowOptions, type SlackFlow, startSlackFlow } from '../support/slack-flow.ts';
import { openTempLog, type TempLog } from '../support/temp-log.ts';

const until = { timeout: 15_000, interval: 20 };
const CRITICAL = { severity: 'critical', threshold: 8, peak: 9, attemptCount: 9 } as const;

let slack: LocalSlack;
let temp: TempLog;
let flow: SlackFlow | null;

beforeEach(async () => {
  slack = await startLocalSlack();
  temp = await openTempLog();
  flow = null;
});

afterEach(async () => {
  await flow?.close();
  await temp.close();
  await slack.close();
});

async function start(options: FlowOptions = {}): Promise<SlackFlow> {
  flow = await startSlackFlow(slack, temp, options);
  return flow;
}

const stateOf = (id: string) => flow?.feed.get(id) ?? null;
const alert = async (id: string): Promise<string> => (await flow?.alertOf(id)) ?? '';
const press = async (incident: string, action: string, option?: string, user: SlackUser = slack.users.ana) =>
  await slack.press({
    channel: slack.channels.alerts,
    incident,
    action,
    user,
    ...(option === undefined ? {} : { option }),
  });
const openedForms = async (count: number) => await expect.poll(() => slack.views.length, until).toBe(count);
const toldTo = (user: SlackUser): string =>
  slack.responses
    .filter((response) => response.user === user.id)
    .map(({ body }) => String(body.text))
    .join('\n');
const said = async (user: SlackUser, wanted: RegExp | string) =>
  await expect.poll(() => toldTo(user), until).toMatch(wanted);

async function told(card = '4242'): Promise<string> {
  const id = (await flow?.attack(card, CRITICAL)) ?? '';
  await expect.poll(async () => await alert(id), until).toContain('CRITICAL');
  return id;
}

describe.each(['http', 'socket'] as const)('forms over %s', (mode) => {
  it('assign to whom the picker names, note, and take it back: the message and the thread say so', async () => {
    await start({ mode });
    const id = await told();
    await press(id, 'more', `assign:${id}`);
    await openedForms(1);
    expect(await slack.submit(slack.users.ana, { owner: slack.users.bo.id })).toMatchObject({ status: 200 });
    await expect.poll(() => stateOf(id)?.owner, until).toBe('bo');
    await press(id, 'more', `note:${id}`);
    await openedForms(2);
    await slack.submit(slack.users.ana, { note: 'The bank was called.' });
    await expect.poll(() => stateOf(id)?.notes.at(-1)?.text, until).toBe('The bank was called.');
    await expect.poll(async () => await alert(id), until).toContain('Owner: bo.');
    await press(id, 'more', `unassign:${id}`);
    await expect.poll(() => stateOf(id)?.owner, until).toBeNull();
    const ts = (await slack.messages(slack.channels.alerts))[0]?.ts ?? '';
    const thread = async () => (await slack.thread(slack.channels.alerts, ts)).map(({ text }) => text);
    await expect
      .poll(thread, until)
      .toEqual([
        'Owner: bo.',
        `<@${slack.users.ana.id}> noted:\n> The bank was called.`,
        `${id} has no owner any more.`,
      ]);
  });

  it('mute: says what it would have hidden and how many of it were fraud, and hides the next post', async () => {
    await start({ mode });
    const id = await told();
    await press(id, 'resolve');
    await openedForms(1);
    await slack.submit(slack.users.ana, { verdict: 'fraud' });
    await expect.poll(() => stateOf(id)?.status, until).toBe('resolved');
    await slack.command(slack.users.ana, `mute ${id} 24h`);
    await openedForms(2);
    const form = JSON.stringify(slack.views[1]);
    expect(form).toContain('would have hidden 1 incident, this one included; 1 of the 1 judged was fraud.');
    expect(form).toContain('"initial_option":{"value":"24h"');
    await slack.submit(slack.users.ana, { duration: '24h' });
    await expect.poll(() => stateOf(id)?.mutedUntil ?? 0, until).toBeGreaterThan(Date.now() + 86_000_000);
    await slack.command(slack.users.ana, 'mutes');
    await said(slack.users.ana, /1 mute.*\n.*card-declines on visa •••• 4242 · ends in .* · lift it: `unmute INC-1`/);
    await slack.command(slack.users.ana, `unmute ${id}`);
    await said(slack.users.ana, 'is lifted');
    await expect.poll(() => stateOf(id)?.mutedUntil, until).toBeNull();
    await slack.command(slack.users.ana, `unmute ${id}`);
    await said(slack.users.ana, 'is not muted');
  });
});

const WHY: WhyAnswer = {
  atMs: 1_790_856_000_000,
  sinceMs: 1_790_800_000_000,
  isWhole: true,
  attempt: null,
  detectors: [
    {
      detector: 'card-declines',
      title: 'Declines on one card',
      mode: 'alert',
      account: null,
      livemode: true,
      entity: { kind: 'card', value: 'fp_1', label: 'visa <!channel>' },
      windowS: 600,
      thresholds: { warning: 3, critical: 8 },
      value: 9,
      peak: { value: 12, atMs: 1_790_856_000_000, severity: 'critical' },
      reason: 'told',
      incident: { id: 'INC-1', status: 'open' },
      mutedUntil: null,
    },
    {
      detector: 'ratio',
      title: 'Share of declines',
      mode: 'alert',
      account: null,
      livemode: true,
      entity: { kind: 'account', value: 'account', label: 'account' },
      windowS: 3_600,
      thresholds: { warning: 0.4 },
      value: 0.2,
      peak: null,
      reason: 'below_threshold',
      incident: null,
      mutedUntil: null,
    },
  ],
};

describe('the slash command', () => {
  it.each(['http', 'socket'] as const)('over %s: answers the asker alone', async (mode) => {
    await start({
      mode,
      health: async () => [{ name: 'sheets', state: 'degraded', message: 'Google does not answer.' }],
      coverage: () => 'Stripe and the log agree up to 12:00.',
    });
    const id = await told();
    expect(await slack.command(slack.users.ana, 'status')).toMatchObject({ status: 200 });
    await said(slack.users.ana, /1 open incident, 0 acknowledged, 0 mutes\.\nINC-1 · CRITICAL · 9 declines/);
    const answer = slack.responses.at(-1)?.body;
    expect(answer).toMatchObject({ response_type: 'ephemeral', replace_original: false });
    expect(String(answer?.text)).toContain('sheets is degraded: Google does not answer.');
    expect(String(answer?.text)).toContain('agree up to 12:00');
    expect(JSON.stringify(answer?.blocks)).toContain(`<http://127.0.0.1:4243/incidents/${id}|${id}>`);
    await slack.command(slack.users.ana, 'help');
    await said(slack.users.ana, 'whynot');
    await slack.command(slack.users.ana, 'nonsense <!channel>');
    await said(slack.users.ana, /“nonsense” cannot be asked/);
    expect(JSON.stringify(slack.responses)).not.toContain('<!channel>');
    expect(slack.calls('chat.postMessage')).toHaveLength(1);
  });

  it('why and whynot: of an entity, a customer, an attempt, an incident', async () => {
    const asked: unknown[] = [];
    await start({
      why: async (question) => {
        asked.push(question);
        return WHY;
      },
    });
    const id = await told();
    for (const text of ['card:fp_1', 'cus_9Example', 'email:<mailto:A@b.com|A@b.com>', 'ch_3Newest', id])
      await slack.command(slack.users.ana, `why ${text}`);
    await expect.poll(() => asked.length, until).toBe(5);
    expect(asked).toEqual(
      expect.arrayContaining([
        { entity: { kind: 'card', value: 'fp_1' } },
        { entity: { kind: 'customer', value: 'cus_9Example' } },
        { entity: { kind: 'email', value: 'a@b.com' } },
        { attempt: 'ch_3Newest' },
        { entity: stateOf(id)?.entity },
      ]),
    );
    await said(
      slack.users.ana,
      /card-declines: it alerted\. .*9 now in 10 min.*alerts at warning 3, critical 8 · INC-1/,
    );
    expect(JSON.stringify(slack.responses)).not.toContain('<!channel>');
    await slack.command(slack.users.bo, 'whynot card:fp_1');
    await said(slack.users.bo, /ratio: it stayed below its threshold/);
    expect(toldTo(slack.users.bo)).not.toContain('card-declines:');
    await slack.command(slack.users.bo, 'why');
    await said(slack.users.bo, /Ask `why card:…`/);
  });

  it('says why it cannot answer, and refuses outsiders and who is no responder', async () => {
    await start({
      responders: [slack.users.ana.id],
      why: async () => await Promise.reject(new Error('secret detail')),
    });
    await slack.command(slack.users.ana, 'why card:fp_1');
    await said(slack.users.ana, 'It cannot be said now.');
    expect(toldTo(slack.users.ana)).not.toContain('secret');
    await slack.command(slack.users.bo, 'status');
    await said(slack.users.bo, 'SLACK_RESPONDERS');
    await slack.command(slack.users.outsider, 'status');
    await said(slack.users.outsider, 'another workspace');
    await slack.command(slack.users.ana, 'mute INC-99');
    await said(slack.users.ana, 'no incident INC-99');
    await slack.command(slack.users.ana, 'mute INC-99 9y');
    await said(slack.users.ana, 'For how long');
    expect(slack.views).toHaveLength(0);
  });

  it('handover: what the next on duty must know', async () => {
    await start();
    const id = await told();
    await press(id, 'acknowledge');
    await expect.poll(() => stateOf(id)?.status, until).toBe('acknowledged');
    const other = await told('1881');
    await slack.command(slack.users.bo, 'handover');
    await said(slack.users.bo, /Handover\nSince .* ago: 2 incidents opened, 0 incidents resolved/);
    const text = toldTo(slack.users.bo);
    expect(text).toMatch(new RegExp(`Nobody has acknowledged \\(1\\)\n${other} · CRITICAL`));
    expect(text).toMatch(new RegExp(`Acknowledged and growing \\(1\\)\n${id} · .* · acknowledged by .* · growing`));
    expect(text).toMatch(/Changes of detectors \(1\)\ncard-declines is new, alerts at warning 3 \/ critical 8/);
  });
});

describe('the App Home', () => {
  const home = (user: SlackUser): string => JSON.stringify(slack.homes.get(user.id)?.blocks ?? []);

  it.each(['http', 'socket'] as const)('over %s: shows the queue, and its buttons work', async (mode) => {
    await start({ mode, coverage: () => 'Stripe and the log agree up to 12:00.' });
    const id = await told();
    const other = await told('1881');
    await slack.openHome(slack.users.ana);
    await expect.poll(() => home(slack.users.ana), until).toContain('Open (2)');
    expect(home(slack.users.ana)).toContain('agree up to 12:00');
    expect(home(slack.users.ana)).toContain('Noisiest detector of the last 7 days: card-declines, 2 alerts');
    await slack.pressHome(slack.users.ana, 'acknowledge', id);
    await expect.poll(() => stateOf(id)?.acknowledged?.by.name, until).toBe('ana');
    await slack.openHome(slack.users.ana);
    await expect.poll(() => home(slack.users.ana), until).toContain('Acknowledged by you (1)');
    await slack.pressHome(slack.users.ana, 'resolve', other);
    await openedForms(1);
    await slack.submit(slack.users.ana, { verdict: 'dunning' });
    await expect.poll(() => stateOf(other)?.resolved?.verdict, until).toBe('dunning');
    await flow?.ask({ type: 'mute', incident: id, until: Date.now() + 3_600_000 });
    await slack.openHome(slack.users.ana);
    await expect.poll(() => home(slack.users.ana), until).toContain('Mutes (1)');
    await slack.pressHome(slack.users.ana, 'unmute', id);
    await expect.poll(() => stateOf(id)?.mutedUntil, until).toBeNull();
  });

  it('tells of a click that came too late on the page itself', async () => {
    await start();
    const id = await told();
    await slack.openHome(slack.users.bo);
    await expect.poll(() => home(slack.users.bo), until).toContain('Open (1)');
    const before = slack.homes.get(slack.users.bo.id);
    await press(id, 'acknowledge');
    await expect.poll(() => stateOf(id)?.status, until).toBe('acknowledged');
    slack.homes.set(slack.users.bo.id, before ?? {});
    await slack.pressHome(slack.users.bo, 'acknowledge', id);
    await expect.poll(() => home(slack.users.bo), until).toContain('was already acknowledged by ana');
  });

  it('shows nothing to who may not act', async () => {
    await start({ responders: [slack.users.ana.id] });
    const id = await told();
    await slack.openHome(slack.users.bo);
    await expect.poll(() => home(slack.users.bo), until).toContain('SLACK_RESPONDERS');
    expect(home(slack.users.bo)).not.toContain(id);
  });
});

describe('what changes nothing', () => {
  it('a click on an incident that is resolved, withdrawn or unknown', async () => {
    await start();
    const id = await told();
    const [message] = await slack.messages(slack.channels.alerts);
    const click = async (incident: string, user: SlackUser) =>
      await slack.pressStale({ message, incident, action: 'acknowledge', user });
    await flow?.ask({ type: 'resolve', incident: id, verdict: 'fraud', note: '' });
    await click(id, slack.users.ana);
    await said(slack.users.ana, /INC-1 was resolved as fraud .*: it cannot be acknowledged/);
    await click('INC-99', slack.users.bo);
    await said(slack.users.bo, 'There is no such incident.');
    await click('INC-1; drop', slack.users.bo);
    await said(slack.users.bo, 'not known to this version');
    expect(stateOf(id)?.status).toBe('resolved');
  });

  it('a click that is replayed: it is done once, and answered to nobody', async () => {
    await start();
    const id = await told();
    const [message] = await slack.messages(slack.channels.alerts);
    const click = {
      message,
      incident: id,
      action: 'acknowledge',
      user: slack.users.ana,
      actionTs: '1800000000.000777',
    };
    await slack.pressStale(click);
    await expect.poll(() => stateOf(id)?.status, until).toBe('acknowledged');
    const version = stateOf(id)?.version;
    for (let again = 0; again < 3; again += 1) expect(await slack.pressStale(click)).toMatchObject({ status: 200 });
    await press(id, 'more', `take:${id}`);
    await expect.poll(() => stateOf(id)?.owner, until).toBe('ana');
    expect(stateOf(id)?.version).toBe((version ?? 0) + 1);
    expect(slack.responses).toEqual([]);
  });

  it('a form that is sent after the state has changed, with a note too long, or for a person who left', async () => {
    await start();
    const id = await told();
    await press(id, 'more', `assign:${id}`);
    await openedForms(1);
    slack.leave(slack.users.bo.id);
    const left = await slack.submit(slack.users.ana, { owner: slack.users.bo.id });
    expect(left.body).toMatchObject({ errors: { owner: expect.stringContaining('has left the workspace') } });
    await press(id, 'resolve');
    await openedForms(2);
    const long = await slack.submit(slack.users.ana, { verdict: 'fraud', note: 'x'.repeat(1_001) });
    expect(long.body).toMatchObject({ errors: { note: expect.stringContaining('at most 1,000') } });
    expect((await slack.submit(slack.users.ana, {})).body).toMatchObject({ response_action: 'errors' });
    await flow?.ask({ type: 'resolve', incident: id, verdict: 'dunning', note: '' });
    const late = await slack.submit(slack.users.ana, { verdict: 'fraud' });
    expect(late.body).toMatchObject({ errors: { verdict: expect.stringContaining('was resolved as dunning') } });
    expect(stateOf(id)).toMatchObject({ owner: null, resolved: { verdict: 'dunning' } });
  });

  it('a form whose trigger has expired: the clicker is told', async () => {
    await start();
    const id = await told();
    slack.fault({ method: 'views.open', kind: { error: 'expired_trigger_id' }, times: 1 });
    await press(id, 'resolve');
    await said(slack.users.ana, 'could not be opened in time');
    expect(stateOf(id)?.status).toBe('open');
  });

  it('two clicks at once: one wins, the other hears so alone', async () => {
    await start({ mode: 'socket' });
    const id = await told();
    await Promise.all([press(id, 'acknowledge'), press(id, 'acknowledge', undefined, slack.users.bo)]);
    await expect.poll(() => slack.responses.length, until).toBe(1);
    const winner = stateOf(id)?.acknowledged?.by.name;
    expect(slack.responses[0]?.body.text).toContain(`was already acknowledged by ${winner}`);
  });

  it('a click of another team, and of the own team outside the channel', async () => {
    await start();
    slack.setMembers(slack.channels.alerts, [slack.users.ana.id]);
    const id = await told();
    await press(id, 'acknowledge', undefined, slack.users.outsider);
    await said(slack.users.outsider, 'another workspace');
    await press(id, 'acknowledge', undefined, slack.users.bo);
    await said(slack.users.bo, 'members of the channel');
    expect(stateOf(id)?.status).toBe('open');
  });
});

describe('a channel', () => {
  it('that is shared with another organisation gets nothing until it is no longer', async () => {
    slack.setShared(slack.channels.alerts, true);
    const { slack: running } = await start();
    const id = (await flow?.attack('4242', CRITICAL)) ?? '';
    await expect.poll(() => running.status().deliveries.failedCount, until).toBe(1);
    expect(running.status().deliveries.failed[0]?.error).toContain('shared with another organisation');
    expect(slack.calls('chat.postMessage')).toHaveLength(0);
    expect(await alert(id)).toBe('');
  });

  it('that is archived is named with its cure', async () => {
    slack.setArchived(slack.channels.alerts, true);
    const { slack: running } = await start();
    await flow?.attack('4242', CRITICAL);
    await expect.poll(() => running.status().deliveries.failed[0]?.error, until).toContain('Unarchive it');
  });
});
