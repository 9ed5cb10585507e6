import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BOT_SCOPES } from '../../../src/alerts/manifest.ts';
import { checkSlack, type SlackCheckOptions } from '../../../src/alerts/slack-check.ts';
import { type LocalSlack, startLocalSlack } from '../../support/local-slack.ts';

let slack: LocalSlack;
beforeEach(async () => {
  slack = await startLocalSlack();
});
afterEach(async () => await slack.close());

const check = async (overrides: Partial<SlackCheckOptions> = {}) => {
  const checks = await checkSlack({
    botToken: slack.botToken(),
    appToken: slack.appToken,
    apiUrl: slack.apiUrl,
    channel: slack.channels.alerts,
    testChannel: null,
    responders: [],
    logger: pino({ level: 'silent' }),
    ...overrides,
  });
  return Object.fromEntries(checks.map(({ name, problem }) => [name, problem]));
};

describe('checkSlack', () => {
  it('finds each credential and channel by name', async () => {
    const problems = await check({ channel: 'C0NOSUCH', appToken: 'xapp-wrong', responders: ['S0NONE'] });
    expect(problems.SLACK_BOT_TOKEN).toBeNull();
    expect(problems.SLACK_CHANNEL).toContain('invite the bot');
    expect(problems.SLACK_APP_TOKEN).toContain('connections:write');
    expect(problems.SLACK_RESPONDERS).toBe('no_such_subteam');
  });

  it('names the permissions that lack, and what each is for', async () => {
    const scopes = BOT_SCOPES.map(({ scope }) => scope);
    slack.grant(scopes);
    expect((await check()).SLACK_BOT_TOKEN).toBeNull();
    slack.grant(scopes.filter((scope) => scope !== 'commands' && scope !== 'users:read'));
    const problem = (await check()).SLACK_BOT_TOKEN ?? '';
    expect(problem).toMatch(/users:read \(to name the person.*commands \(to answer \/declinewatch\)/);
    expect(problem).toContain('Reinstall to Workspace');
    expect(problem).not.toContain('chat:write');
  });

  it('refuses a channel that is shared with another organisation, and one that is archived', async () => {
    slack.setShared(slack.channels.alerts, true);
    expect((await check()).SLACK_CHANNEL).toContain('another organisation');
    slack.setShared(slack.channels.alerts, false);
    slack.setArchived(slack.channels.alerts, true);
    expect((await check()).SLACK_CHANNEL).toContain('archived');
  });

  it('says that the token is wrong, and posts nothing', async () => {
    const problems = await check({ botToken: 'xoxb-wrong' });
    expect(problems.SLACK_BOT_TOKEN).toContain('SLACK_BOT_TOKEN');
    expect(problems.SLACK_APP_TOKEN).toBeNull();
    expect(slack.calls('chat.postMessage')).toEqual([]);
  });

  it('says when Slack cannot be reached', async () => {
    const problems = await check({ apiUrl: 'http://127.0.0.1:9/api/' });
    expect(problems.SLACK_BOT_TOKEN).toContain('cannot be reached');
  });
});
