// What `doctor` asks Slack: is each token accepted, is each channel there, is the bot in it, is it ours alone.
import type { WebClient } from '@slack/web-api';
import { messageOf } from '../model/errors.ts';
import { BOT_SCOPES } from './manifest.ts';
import { createSlackClient, type SlackClientOptions } from './slack-client.ts';
import { classifySlackError, refusalMessage } from './slack-errors.ts';

export type SlackCheck = {
  /** `SLACK_BOT_TOKEN`, `SLACK_CHANNEL`, … */
  readonly name: string;
  /** What is wrong and the cure; null: fine. */
  readonly problem: string | null;
  /** What was found, e.g. the channel's name; '' if nothing. */
  readonly found: string;
};

export type SlackCheckOptions = SlackClientOptions & {
  readonly appToken: string | null;
  readonly channel: string;
  readonly testChannel: string | null;
  readonly responders: readonly string[];
};

/** Posts nothing and changes nothing. Never rejects. */
export async function checkSlack(options: SlackCheckOptions): Promise<readonly SlackCheck[]> {
  const client = createSlackClient(options);
  const { channel, testChannel, appToken, responders } = options;
  const checks: Promise<SlackCheck>[] = [
    check('SLACK_BOT_TOKEN', async () => await checkBotToken(client)),
    check('SLACK_CHANNEL', async () => await checkChannel(client, channel)),
  ];
  if (testChannel !== null)
    checks.push(check('SLACK_TEST_CHANNEL', async () => await checkChannel(client, testChannel)));
  if (appToken !== null) checks.push(check('SLACK_APP_TOKEN', async () => await checkAppToken(options, appToken)));
  for (const group of responders.filter((id) => id.startsWith('S')))
    checks.push(check('SLACK_RESPONDERS', async () => await checkGroup(client, group)));
  return await Promise.all(checks);
}

/** Slack names the permissions of a token with each answer; where it does not, nothing is said about them. */
async function checkBotToken(client: WebClient): Promise<string> {
  const answer = await client.auth.test();
  const given = answer.response_metadata?.scopes;
  const lacking = given === undefined ? [] : BOT_SCOPES.filter(({ scope }) => !given.includes(scope));
  if (lacking.length > 0) {
    const list = lacking.map(({ scope, why }) => `${scope} (to ${why})`).join(', ');
    throw new Problem(
      `The app lacks permissions: ${list}. Paste the new manifest under App Manifest, then Reinstall to Workspace.`,
    );
  }
  return answer.team ?? '';
}

class Problem extends Error {}

async function check(name: string, ask: () => Promise<string>): Promise<SlackCheck> {
  try {
    return { name, problem: null, found: await ask() };
  } catch (error) {
    if (error instanceof Problem) return { name, problem: error.message, found: '' };
    const failure = classifySlackError(error);
    return {
      name,
      problem: failure.kind === 'retry' ? failure.result.error : failure.code || messageOf(error),
      found: '',
    };
  }
}

async function checkChannel(client: WebClient, channel: string): Promise<string> {
  try {
    const { channel: info } = await client.conversations.info({ channel });
    if (info?.is_archived === true) throw new Problem(refusalMessage('is_archived', channel));
    if (info?.is_ext_shared === true) throw new Problem(refusalMessage('is_ext_shared', channel));
    if (info?.is_member === false) throw new Problem(refusalMessage('not_in_channel', channel));
    return `#${info?.name ?? channel}`;
  } catch (error) {
    if (error instanceof Problem) throw error;
    const failure = classifySlackError(error);
    if (failure.kind === 'refused') throw new Problem(refusalMessage(failure.code, channel));
    throw error;
  }
}

async function checkAppToken(options: SlackClientOptions, appToken: string): Promise<string> {
  try {
    await createSlackClient({ ...options, botToken: appToken }).apps.connections.open({});
    return 'Socket Mode';
  } catch (error) {
    const failure = classifySlackError(error);
    if (failure.kind === 'retry' && failure.result.sent === 'no')
      throw new Problem(
        'Slack does not accept SLACK_APP_TOKEN: make an app-level token with the scope connections:write.',
      );
    throw error;
  }
}

async function checkGroup(client: WebClient, group: string): Promise<string> {
  const { users = [] } = await client.usergroups.users.list({ usergroup: group });
  if (users.length === 0) throw new Problem(`User group ${group} has no members: nobody could press a button.`);
  return `${group}: ${users.length}`;
}
