// The manifest of the Slack app: pasted once, it sets every permission and switch this program needs, and no more. Pure.

export type ManifestOptions =
  | { readonly mode: 'socket' }
  /** `requestUrl`: the public address of `POST /slack/events`. */
  | { readonly mode: 'http'; readonly requestUrl: string };

/** Each with why, for the set-up page: least privilege, and nothing of other people's messages is kept. */
export const BOT_SCOPES: readonly { readonly scope: string; readonly why: string }[] = [
  { scope: 'chat:write', why: 'post alerts and edit them' },
  { scope: 'channels:read', why: 'check the channel' },
  { scope: 'groups:read', why: 'check the channel if it is private' },
  { scope: 'channels:history', why: 'find an alert again whose answer was lost, instead of posting it twice' },
  { scope: 'groups:history', why: 'the same in a private channel' },
  { scope: 'usergroups:read', why: 'read who is in the user group of SLACK_RESPONDERS' },
];

/** The JSON object that Slack takes under *Create New App, From a manifest*. */
export function slackManifest(options: ManifestOptions) {
  const isSocket = options.mode === 'socket';
  return {
    display_information: {
      name: 'declinewatch',
      description: 'Fraud alerts from your Stripe account, handled where you are.',
      background_color: '#3b1d60',
    },
    features: { bot_user: { display_name: 'declinewatch', always_online: true } },
    oauth_config: { scopes: { bot: BOT_SCOPES.map(({ scope }) => scope) } },
    settings: {
      interactivity: { is_enabled: true, ...(options.mode === 'http' ? { request_url: options.requestUrl } : {}) },
      org_deploy_enabled: false,
      socket_mode_enabled: isSocket,
      token_rotation_enabled: false,
    },
  };
}
