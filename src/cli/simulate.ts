// `declinewatch simulate`: signed webhooks of ordinary and attack traffic, to try an installation.
import { loadConfig } from '../config/config.ts';
import { systemClock } from '../model/clock.ts';
import { SCENARIOS, type ScenarioName, scenarioLines } from '../simulate/scenarios.ts';
import { type SimulationProgress, simulate } from '../simulate/send.ts';
import {
  type CliCommand,
  type CommandContext,
  flagOption,
  numberOption,
  printJson,
  textOption,
  usageError,
} from './command.ts';

export const simulateCommand: CliCommand = {
  summary: 'send signed webhooks of ordinary and attack traffic',
  help: `
usage: declinewatch simulate --to URL [--rate N] [--scenario NAME] [--seed N] [--count N] [--secret SECRET] [--json]
       declinewatch simulate --list [--json]

  --to URL         the webhook, e.g. http://127.0.0.1:4242/webhooks/stripe
  --rate N         tries a second (default 5); a declined try is two events
  --scenario NAME  one of --list (default demo): ordinary traffic with an attack, or what only looks like one, on top
  --list           name the scenarios
  --seed N         the same seed gives the same traffic (default 1)
  --count N        stop after N tries (default: until Ctrl-C)
  --secret SECRET  what to sign with (default: the first of STRIPE_WEBHOOK_SECRET)
  --json           print the totals as JSON`,
  options: {
    to: { type: 'string' },
    rate: { type: 'string' },
    scenario: { type: 'string' },
    list: { type: 'boolean' },
    seed: { type: 'string' },
    count: { type: 'string' },
    secret: { type: 'string' },
    json: { type: 'boolean' },
  },
  run,
};

async function run(context: CommandContext): Promise<number> {
  if (flagOption(context, 'list')) return list(context);
  const url = textOption(context, 'to');
  if (url === null || !URL.canParse(url))
    throw usageError('--to takes the address of the webhook, e.g. http://127.0.0.1:4242/webhooks/stripe.');
  const name = scenarioName(textOption(context, 'scenario') ?? 'demo');
  const secret = textOption(context, 'secret') ?? loadConfig().stripe.webhookSecrets[0];
  if (secret === undefined)
    throw usageError('There is no secret to sign with. Give --secret, or set STRIPE_WEBHOOK_SECRET.');
  const ratePerS = numberOption(context, 'rate', 5);
  if (ratePerS === 0) throw usageError('--rate takes a number above 0.');
  const count = context.values.count === undefined ? null : numberOption(context, 'count', 0);
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  const show = context.stderr.isTTY === true && !flagOption(context, 'json');
  const progress = await simulate({
    url,
    secret,
    name,
    seed: numberOption(context, 'seed', 1),
    ratePerS,
    count,
    clock: systemClock,
    signal: stop.signal,
    ...(show ? { onProgress: (now: SimulationProgress) => context.stderr.write(`\r${sentence(now)}`) } : {}),
  });
  if (show) context.stderr.write('\n');
  if (flagOption(context, 'json')) printJson(context.stdout, progress);
  else context.stdout.write(`${sentence(progress)}\n`);
  if (progress.lastRefusal !== null) context.stderr.write(`last refusal: ${progress.lastRefusal}\n`);
  return progress.refused > 0 ? 1 : 0;
}

function list(context: CommandContext): number {
  const lines = scenarioLines();
  if (flagOption(context, 'json')) printJson(context.stdout, lines);
  else for (const { name, about } of lines) context.stdout.write(`${name.padEnd(20)}${about}\n`);
  return 0;
}

function scenarioName(text: string): ScenarioName {
  const found = SCENARIOS.find((scenario) => scenario === text);
  if (found === undefined) throw usageError(`There is no scenario "${text}". There are: ${SCENARIOS.join(', ')}.`);
  return found;
}

function sentence({ tries, events, accepted, refused }: SimulationProgress): string {
  return `${tries} tries, ${events} events, ${accepted} accepted, ${refused} refused`;
}
