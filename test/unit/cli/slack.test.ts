import { describe, expect, it } from 'vitest';
import { slackManifest } from '../../../src/alerts/manifest.ts';
import { slackCommand } from '../../../src/cli/slack.ts';
import { runCommand } from './run-command.ts';

const run = async (...args: string[]) => await runCommand(slackCommand, args);

describe('slack manifest', () => {
  it('prints what Slack takes, for Socket Mode', async () => {
    const { code, out } = await run('manifest');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual(slackManifest({ mode: 'socket' }));
    expect(out.split('\n').length).toBeGreaterThan(20);
    expect((await run('manifest', '--json')).out).toBe(`${JSON.stringify(slackManifest({ mode: 'socket' }))}\n`);
  });

  it.each(['https://alerts.example.com', 'https://alerts.example.com/', 'https://alerts.example.com/slack/events'])(
    'prints it for HTTP at %s',
    async (url) => {
      const { out } = await run('manifest', '--http', url);
      expect(JSON.parse(out)).toEqual(
        slackManifest({ mode: 'http', requestUrl: 'https://alerts.example.com/slack/events' }),
      );
    },
  );

  it.each([
    [[]],
    [['nonsense']],
    [['manifest', 'more']],
    [['manifest', '--http', 'alerts.example.com']],
    [['manifest', '--http', 'http://alerts.example.com']],
    [['manifest', '--http', 'https://alerts.example.com/else']],
  ])('%j is wrong usage', async (args) => {
    const { code, out } = await run(...args);
    expect(code).toBe(2);
    expect(out).toBe('');
  });
});
