// The manifest of the Slack app: pasted once, it sets every permission and switch this program needs, and no more. Pure.

export type ManifestOptions =
  | { readonly mode: 'socket' }
  /** `requestUrl`: the public address of `POST /slack/events`. */
  | { readonly mode: 'http'; readonly requestUrl: string };

/** Each with why, for the set-up page: least privilege, and nothing of other people's messages is kept. */
export const BOT_SCOPES: readonly { readonly scope: string; readonly why: string }[] = [
  { scope: 'chat:write', why: 'post alerts and edit them' },
  { scope: 'channels:read', why: 'check the channel and who is in it' },
  { scope: 'groups:read', why: 'check the channel if it is private' },
  { scope: 'channels:history', why: 'find an alert again whose answer was lost, instead of posting it twice' },
  { scope: 'groups:history', why: 'the same in a private channel' },
  { scope: 'users:read', why: 'name the person to whom an incident is assigned' },
  { scope: 'commands', why: 'answer /declinewatch' },
  { scope: 'usergroups:read', why: 'read who is in the user group of SLACK_RESPONDERS' },
];

/** The JSON object that Slack takes under *Create New App, From a manifest*. */
export function slackManifest(options: ManifestOptions) {
  const isSocket = options.mode === 'socket';
  const url = options.mode === 'http' ? options.requestUrl : null;
  return {
    display_information: {
      name: 'declinewatch',
      description: 'Fraud alerts from your Stripe account, handled where you are.',
      background_color: '#3b1d60',
    },
    features: {
      app_home: { home_tab_enabled: true, messages_tab_enabled: false, messages_tab_read_only_enabled: true },
      bot_user: { display_name: 'declinewatch', always_online: true },
      slash_commands: [
        {
          command: '/declinewatch',
          description: 'What is open, why something alerted or did not, mutes, handover',
          usage_hint: 'status | why … | whynot … | mute INC-12 2h | mutes | handover | help',
          should_escape: true,
          ...(url === null ? {} : { url }),
        },
      ],
    },
    oauth_config: { scopes: { bot: BOT_SCOPES.map(({ scope }) => scope) } },
    settings: {
      event_subscriptions: { ...(url === null ? {} : { request_url: url }), bot_events: ['app_home_opened'] },
      interactivity: { is_enabled: true, ...(url === null ? {} : { request_url: url }) },
      org_deploy_enabled: false,
      socket_mode_enabled: isSocket,
      token_rotation_enabled: false,
    },
  };
}
