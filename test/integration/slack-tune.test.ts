// Tuning from Slack: the form with what is in force, what a change would have done, and its decision. The real manager,
// proposals and Bolt, against the local Slack.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { settingsCommand } from '../support/decider.ts';
import { type LocalSlack, type SlackUser, startLocalSlack } from '../support/local-slack.ts';
import type { FlowOptions, SlackFlow } from '../support/slack-flow.ts';
import { APPLY, DISCARD, inForce, said, settle, slowToRead, startWithPast } from '../support/slack-tuning.ts';
import { openTempLog, type TempLog } from '../support/temp-log.ts';

const until = { timeout: 15_000, interval: 20 };
const CRITICAL = { severity: 'critical', threshold: 8, peak: 9, attemptCount: 9 } as const;

let slack: LocalSlack;
let temp: TempLog;
let flow: SlackFlow;
const flows: SlackFlow[] = [];

beforeEach(async () => {
  slack = await startLocalSlack();
  temp = await openTempLog();
});

afterEach(async () => {
  for (const one of flows.splice(0)) await one.close();
  await temp.close();
  await slack.close();
});

async function start(options: FlowOptions = {}): Promise<void> {
  flow = await startWithPast(slack, temp, options);
  flows.push(flow);
}

/** Chooses Tune in the menu of an alert. */
async function chooseTune(user: SlackUser = slack.users.ana): Promise<void> {
  const id = flow.feed.list().incidents[0]?.id ?? (await flow.attack('4242', CRITICAL));
  await expect.poll(async () => await flow.alertOf(id), until).toContain('CRITICAL');
  await slack.press({ channel: slack.channels.alerts, incident: id, action: 'more', user, option: `tune:${id}` });
}

async function openForm(user?: SlackUser): Promise<void> {
  const before = slack.views.length;
  await chooseTune(user);
  await expect.poll(() => slack.views.length, until).toBe(before + 1);
}

const form = (): string => JSON.stringify(slack.form());
const send = async (changed: Readonly<Record<string, string>>, user = slack.users.ana) =>
  (await slack.submitForm(user, changed)).body;

describe.each(['http', 'socket'] as const)('Tune over %s', (mode) => {
  it('shows what is in force, refuses in the fields, shows what it would have done, and applies it', async () => {
    await start({ mode });
    await openForm();
    expect(form()).toContain('In force: warning 3, critical 8 in 10 min, alert; version 1 by');
    expect(await send({})).toMatchObject({ errors: { mode: expect.stringContaining('Nothing differs') } });
    expect(await send({ warning: 'many', window: 'soon' })).toMatchObject({
      errors: {
        warning: 'Warning takes a number or nothing, not “many”',
        window: expect.stringMatching(/^Window takes a number and s, m, h or d/),
      },
    });
    expect(await send({ window: '8d' })).toMatchObject({ errors: { window: 'Window must be at most 7d' } });
    expect(await send({ warning: '9' })).toMatchObject({
      errors: { critical: 'Critical must be above warning (9)' },
    });
    expect(flow.proposals.list().filter(({ state }) => state !== 'refused')).toEqual([]);
    expect(await send({ warning: '2', why: 'one was missed' })).toMatchObject({ response_action: 'update' });
    await expect
      .poll(form, until)
      .toContain('What it would have done: 1 → 2 incidents in 30 days, +1, none of them fraud');
    expect(form()).toContain('warning 3 → 2');
    expect(inForce(flow)?.rule.version).toBe(1);
    await slack.pressForm(slack.users.ana, APPLY);
    await expect
      .poll(() => inForce(flow), until)
      .toMatchObject({
        rule: { version: 2, settings: { thresholds: { warning: 2, critical: 8 } } },
        actor: { kind: 'slack', id: slack.users.ana.id, name: 'ana' },
        why: expect.stringMatching(/^one was missed: 1 → 2 incidents/),
      });
    await expect.poll(form, until).toContain(`Applied by <@${slack.users.ana.id}>`);
    expect(form()).not.toContain(APPLY);
    expect(slack.responses).toEqual([]);
  });

  it('discards, and the last of several tries is the one that counts', async () => {
    await start({ mode });
    await openForm();
    await send({ mode: 'shadow' });
    await expect.poll(form, until).toContain(APPLY);
    await openForm();
    await send({ window: '20m' });
    await expect.poll(form, until).toContain('window 10 min → 20 min');
    await expect.poll(() => flow.proposals.list().map(({ state }) => state), until).toEqual(['proposed', 'discarded']);
    await slack.pressForm(slack.users.ana, DISCARD);
    await expect.poll(form, until).toContain('Discarded by');
    expect(flow.proposals.list()[0]).toMatchObject({ state: 'discarded', decidedBy: { name: 'ana' } });
    expect(inForce(flow)?.rule.version).toBe(1);
  });
});

describe('a month that takes its time to be read', () => {
  it('shows that it is read, and goes on when the form is closed', async () => {
    const { readable, release } = slowToRead(temp.log);
    await start({ readable });
    await openForm();
    await send({ warning: '2' });
    expect(form()).toContain('is being read: 0 % of the last 30 days');
    expect(form()).not.toContain(APPLY);
    slack.closeForm();
    await openForm();
    await send({ mode: 'shadow' });
    expect(form()).toContain('is being read');
    release();
    await expect.poll(form, until).toContain('mode alert → shadow\\nWhat it would have done: 1 → 1 incidents');
    expect(flow.proposals.list().map(({ state }) => state)).toEqual(['proposed', 'discarded']);
  });
});

describe('what changes nothing', () => {
  it('Tune chosen by an outsider, or too late for the form', async () => {
    await start();
    slack.setMembers(slack.channels.alerts, [slack.users.ana.id]);
    await chooseTune(slack.users.outsider);
    await said(slack, slack.users.outsider, 'another workspace');
    await chooseTune(slack.users.bo);
    await said(slack, slack.users.bo, 'members of the channel');
    slack.fault({ method: 'views.open', kind: { error: 'expired_trigger_id' }, times: 1 });
    await chooseTune();
    await said(slack, slack.users.ana, 'could not be opened in time');
    expect(slack.views).toHaveLength(0);
    await openForm();
    expect(await send({ mode: 'off' }, slack.users.bo)).toMatchObject({
      errors: { mode: expect.stringContaining('members of the channel') },
    });
    expect(flow.proposals.list()).toEqual([]);
  });

  it('a form that is sent after the settings have changed', async () => {
    await start();
    await openForm();
    await settle(flow, { thresholds: { warning: 5, critical: 9 } });
    const stale = /card-declines is at version 2 .* this was made from version 1/;
    for (const changed of [{ warning: '2' }, {}, { warning: '5', critical: '9' }])
      expect(await send(changed)).toMatchObject({ errors: { mode: expect.stringMatching(stale) } });
    expect(inForce(flow)?.rule).toMatchObject({ version: 2, settings: { thresholds: { warning: 5 } } });
  });

  it('Apply in a form that was overtaken, and a detector that is gone', async () => {
    await start();
    await openForm();
    await send({ warning: '2' });
    await expect.poll(form, until).toContain(APPLY);
    await settle(flow, { thresholds: { warning: 5, critical: 9 } });
    await slack.pressForm(slack.users.ana, APPLY);
    await expect.poll(form, until).toMatch(/No longer possible: card-declines is at version 2/);
    expect(inForce(flow)?.rule).toMatchObject({ version: 2, settings: { thresholds: { warning: 5 } } });
    await flow.ask({ ...settingsCommand(null), basedOn: 2 });
    await chooseTune();
    await said(slack, slack.users.ana, 'there is nothing to tune');
  });
});
