import { describe, expect, it } from 'vitest';
import { slackManifest } from '../../../src/alerts/manifest.ts';

describe('slackManifest', () => {
  it('asks for Socket Mode and no address', () => {
    const manifest = slackManifest({ mode: 'socket' });
    expect(manifest.settings).toMatchObject({ socket_mode_enabled: true, interactivity: { is_enabled: true } });
    expect(JSON.stringify(manifest)).not.toMatch(/request_url|"url"/);
    expect(manifest.features.app_home.home_tab_enabled).toBe(true);
    expect(manifest.display_information.name.length).toBeLessThanOrEqual(35);
  });

  it('names the address in HTTP mode', () => {
    const manifest = slackManifest({ mode: 'http', requestUrl: 'https://alerts.example.com/slack/events' });
    expect(manifest.settings.interactivity).toEqual({
      is_enabled: true,
      request_url: 'https://alerts.example.com/slack/events',
    });
    expect(manifest.settings.socket_mode_enabled).toBe(false);
    const url = 'https://alerts.example.com/slack/events';
    expect(manifest.settings.event_subscriptions).toEqual({ request_url: url, bot_events: ['app_home_opened'] });
    expect(manifest.features.slash_commands).toMatchObject([{ command: '/declinewatch', url, should_escape: true }]);
  });

  it('asks for no permission to write anywhere else, and of people for their names alone', () => {
    const { bot } = slackManifest({ mode: 'socket' }).oauth_config.scopes;
    expect(bot).toContain('chat:write');
    expect(bot.filter((scope) => /:write/.test(scope))).toEqual(['chat:write']);
    expect(bot.filter((scope) => /^(users|im|files|admin)/.test(scope))).toEqual(['users:read']);
  });
});
