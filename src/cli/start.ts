// `declinewatch start`: the service, or the demo when nothing is configured.

import { DEMO_LINES } from '../app/demo.ts';
import { type App, ROLES, type Role, startApp } from '../app.ts';
import { type Config, loadConfig } from '../config/config.ts';
import { type CliCommand, type CommandContext, flagOption, textOption, usageError } from './command.ts';

const SERVICE_ROLES = ROLES.filter((role) => role !== 'manage');
const STOP_WITHIN_MS = 5_000;

export const startCommand: CliCommand = {
  summary: 'run the service; the demo if nothing is configured',
  help: `
usage: declinewatch start [--roles ROLES] [--no-demo] [--take-file]

  --roles ROLES  of ${SERVICE_ROLES.join(', ')}, comma-separated (default: all in this process);
                 separate processes need Kafka and Redis
  --no-demo      with nothing configured, run the service all the same
  --take-file    detectors.yaml wins over what persons have set

Creates what lacks: topics, the data folder, the sheet's tabs. Embedded (one file in DECLINEWATCH_DATA) unless
KAFKA_BROKERS and REDIS_URL are set. With no variable of Stripe, Kafka, Redis, Slack or Google set it runs the demo:
simulated traffic and an attack, with previews of Slack and of the sheet in the console. .env.example lists every variable.
Ctrl-C drains and stops.`,
  options: {
    roles: { type: 'string' },
    'no-demo': { type: 'boolean' },
    'take-file': { type: 'boolean' },
  },
  run,
};

async function run(context: CommandContext): Promise<number> {
  const roles = rolesOf(textOption(context, 'roles'));
  const config = loadConfig();
  if (config.kafka === null && roles.length < SERVICE_ROLES.length)
    throw usageError(
      'Roles in separate processes need Kafka and Redis.',
      'Set KAFKA_BROKERS and REDIS_URL, or start without --roles.',
    );
  const demo = config.demo && !flagOption(context, 'no-demo') && roles.length === SERVICE_ROLES.length;
  const stopping = stopSignal();
  const app = await startApp(config, { roles, demo, takeFile: flagOption(context, 'take-file') });
  context.stdout.write(demo ? demoText(app) : serviceText(app, config, roles.includes('respond')));
  await stopping;
  context.stdout.write('Stopping…\n');
  const late = setTimeout(() => {
    context.stderr.write(
      `declinewatch: not everything stopped within ${STOP_WITHIN_MS / 1000} s; what was under way is done again at the next start.\n`,
    );
    process.exit(1);
  }, STOP_WITHIN_MS - 200);
  await app.stop();
  clearTimeout(late);
  return 0;
}

/** One Ctrl-C may arrive twice: from the terminal, and from the npm that started this process. */
const SAME_SIGNAL_MS = 1_000;

/** Resolves at the first Ctrl-C or SIGTERM, or when whoever started this process is gone; a second Ctrl-C ends at once. */
async function stopSignal(): Promise<void> {
  await new Promise<void>((resolve) => {
    let firstAt: number | null = null;
    const stop = (): void => {
      const now = performance.now();
      if (firstAt !== null && now - firstAt > SAME_SIGNAL_MS) process.exit(1);
      firstAt ??= now;
      resolve();
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
    process.once('disconnect', stop);
  });
}

function rolesOf(text: string | null): readonly Role[] {
  if (text === null) return SERVICE_ROLES;
  return text.split(',').map((part) => {
    const role = SERVICE_ROLES.find((known) => known === part.trim());
    if (role === undefined)
      throw usageError(`There is no role "${part.trim()}". There are: ${SERVICE_ROLES.join(', ')}.`);
    return role;
  });
}

function demoText({ consoleUrl }: App): string {
  return `
declinewatch runs its demo: simulated payments, and a card-testing attack in a few seconds.

  Console:  ${consoleUrl}
  Preview:  ${consoleUrl}/preview  (Slack and the sheet as they would look)

What makes each part real:
${DEMO_LINES.map((line) => `  ${line}`).join('\n')}

Ctrl-C stops it.
`;
}

function serviceText({ consoleUrl, webhookUrl }: App, config: Config, tells: boolean): string {
  const lines = ['', 'declinewatch runs.', ''];
  if (webhookUrl !== null) lines.push(`  Webhook:  ${webhookUrl}`);
  lines.push(`  Console:  ${consoleUrl}`);
  lines.push(`  Log:      ${config.kafka === null ? config.dataFolder : `Kafka ${config.kafka.brokers.join(', ')}`}`);
  if (webhookUrl !== null && config.stripe.webhookSecrets.length === 0)
    lines.push('', '  STRIPE_WEBHOOK_SECRET is not set: every webhook is refused. See docs/stripe.md.');
  if (tells && config.slack === null)
    lines.push('', '  Slack is not set up: alerts stand in the console only. See docs/slack.md.');
  if (tells && config.google === null) lines.push('', '  No sheet is set up. See docs/sheets.md.');
  return `${lines.join('\n')}\n\n`;
}
