// `declinewatch slack manifest`: what to paste into Slack to create the app.
import { slackManifest } from '../alerts/manifest.ts';
import { type CliCommand, type CommandContext, flagOption, printJson, textOption, usageError } from './command.ts';

export const slackCommand: CliCommand = {
  summary: 'print the manifest of the Slack app',
  help: `
usage: declinewatch slack manifest [--http URL] [--json]

  --http URL  clicks come by HTTP to this public address (https://…/slack/events); without it by Socket Mode,
              which needs no public address
  --json      on one line

Paste it in Slack under Create New App, From a manifest. docs/slack.md leads through it, screen by screen.`,
  options: { http: { type: 'string' }, json: { type: 'boolean' } },
  run,
};

const PATH = '/slack/events';

async function run(context: CommandContext): Promise<number> {
  const [action, ...more] = context.positionals;
  if (action !== 'manifest' || more.length > 0) throw usageError('slack takes manifest.');
  const url = textOption(context, 'http');
  const manifest = slackManifest(url === null ? { mode: 'socket' } : { mode: 'http', requestUrl: requestUrl(url) });
  if (flagOption(context, 'json')) printJson(context.stdout, manifest);
  else context.stdout.write(`${JSON.stringify(manifest, null, 2)}\n`);
  return 0;
}

/** Slack calls public addresses by HTTPS only. An address without a path is the service's own. */
function requestUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || url.protocol !== 'https:')
    throw usageError(`--http takes a public address that begins https://, e.g. https://alerts.example.com${PATH}.`);
  if (url.pathname === '/') url.pathname = PATH;
  if (url.pathname !== PATH)
    throw usageError(`--http takes an address that ends in ${PATH}: that is where the service listens.`);
  return url.href;
}
