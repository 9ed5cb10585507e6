import { WebClient } from '@slack/web-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMayAct } from '../../../src/alerts/responders.ts';
import { handClock } from '../../support/hand-clock.ts';
import { type LocalSlack, startLocalSlack } from '../../support/local-slack.ts';

let slack: LocalSlack;
beforeEach(async () => {
  slack = await startLocalSlack();
});
afterEach(async () => await slack.close());

function mayActFor(responders: readonly string[], channels: readonly string[] = []) {
  const clock = handClock();
  const client = new WebClient(slack.botToken(), { slackApiUrl: slack.apiUrl, retryConfig: { retries: 0 } });
  return { clock, mayAct: createMayAct({ client, responders, channels, clock }) };
}

describe('createMayAct', () => {
  it('lets the own team in, and nobody of another', async () => {
    const { mayAct } = mayActFor([]);
    expect(await mayAct(slack.users.ana)).toBeNull();
    expect(await mayAct(slack.users.outsider)).toContain('another workspace');
    expect(await mayAct({ id: 'U0', teamId: '' })).toContain('another workspace');
  });

  it('lets only the named in, and an outsider not even if named', async () => {
    const { mayAct } = mayActFor([slack.users.ana.id, slack.users.outsider.id]);
    expect(await mayAct(slack.users.ana)).toBeNull();
    expect(await mayAct(slack.users.bo)).toContain('SLACK_RESPONDERS');
    expect(await mayAct(slack.users.outsider)).toContain('another workspace');
  });

  it('lets the members of the alerts’ channel in if nobody is named', async () => {
    slack.setMembers(slack.channels.alerts, [slack.users.ana.id, slack.users.outsider.id]);
    const { mayAct, clock } = mayActFor([], [slack.channels.alerts]);
    expect(await mayAct(slack.users.ana)).toBeNull();
    expect(await mayAct(slack.users.bo)).toContain('members of the channel');
    expect(await mayAct(slack.users.outsider)).toContain('another workspace');
    // Who has joined just now need not wait for a minute.
    slack.setMembers(slack.channels.alerts, [slack.users.ana.id, slack.users.bo.id]);
    clock.advance(5_000);
    expect(await mayAct(slack.users.bo)).toBeNull();
  });

  it('lets the members of a named channel in', async () => {
    slack.setMembers(slack.channels.test, [slack.users.bo.id]);
    const { mayAct } = mayActFor([slack.channels.test], [slack.channels.alerts]);
    expect(await mayAct(slack.users.bo)).toBeNull();
    expect(await mayAct(slack.users.ana)).toContain('SLACK_RESPONDERS');
  });

  it('asks for a group’s members at most once a minute, and lives with a Slack that is away', async () => {
    slack.setGroup('S0RISK', [slack.users.bo.id]);
    const { mayAct, clock } = mayActFor(['S0RISK']);
    expect(await mayAct(slack.users.bo)).toBeNull();
    expect(await mayAct(slack.users.ana)).toContain('SLACK_RESPONDERS');
    expect(slack.calls('usergroups.users.list')).toHaveLength(1);
    slack.setGroup('S0RISK', [slack.users.ana.id]);
    clock.advance(60_000);
    expect(await mayAct(slack.users.ana)).toBeNull();
    slack.fault({ method: 'usergroups.users.list', kind: '500', times: 100 });
    clock.advance(60_000);
    expect(await mayAct(slack.users.ana)).toBeNull();
    clock.advance(600_000);
    expect(await mayAct(slack.users.ana)).toContain('cannot be checked');
  });
});
