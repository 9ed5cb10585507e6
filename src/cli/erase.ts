// `declinewatch erase`: takes a person out of what is kept, by the running service, or by one opened for it.
import { type Clock, systemClock } from '../model/clock.ts';
import {
  ERASE_KIND_WORDS,
  ERASE_STATE_WORDS,
  type EraseStatus,
  isEraseOver,
  shareOf,
  valueWords,
} from '../model/erase-status.ts';
import { AppError } from '../model/errors.ts';
import { plural } from '../model/words.ts';
import { type ApiClient, withService } from './api-client.ts';
import { type CliCommand, type CommandContext, flagOption, printJson, textOption, usageError } from './command.ts';

export const eraseCommand: CliCommand = {
  summary: 'take a person out of what is kept',
  help: `
usage: declinewatch erase --customer cus_… | --email ADDRESS | --card FINGERPRINT  --dry-run | --yes  [--json]

  --customer  the Stripe id of a customer
  --email     an e-mail address
  --card      the fingerprint of a card, as incidents and the API have it; never a card number
  --dry-run   says what is known of them and where; changes nothing
  --yes       do it; it cannot be taken back
  --json      the outcome as a line of JSON

What stands beside it on the same attempts goes too: customer, e-mail and card, and an address or metadata that nobody else has.
Windows, log, incidents, the sheet's rows and the messages in Slack keep their counts and lose the person: a name that says nothing
stands in the place, such as erased-3f9a2c. Broken off, it goes on by itself; asked again, it does what is left. Somebody of whom
nothing is known is said so, and is no failure. docs/erase.md says what stays, where, and for how long.`,
  options: {
    customer: { type: 'string' },
    email: { type: 'string' },
    card: { type: 'string' },
    'dry-run': { type: 'boolean' },
    yes: { type: 'boolean' },
    json: { type: 'boolean' },
  },
  run: async (context) => {
    const body = bodyOf(context);
    return await withService(async (api) => await followErase(api, context, { body }));
  },
};

type Body = { readonly dryRun: boolean } & Readonly<Record<string, string | boolean>>;

function bodyOf(context: CommandContext): Body {
  if (context.positionals.length > 0) throw usageError('erase takes options only: --customer, --email or --card.');
  const named = ['customer', 'email', 'card'].flatMap((kind) => {
    const value = textOption(context, kind);
    return value === null ? [] : [[kind, value] as const];
  });
  if (named.length !== 1) throw usageError('erase takes one of --customer, --email and --card.');
  const dryRun = flagOption(context, 'dry-run');
  if (dryRun === flagOption(context, 'yes'))
    throw usageError(
      'erase takes --yes to do it, or --dry-run to see what it would do.',
      'An erase cannot be taken back: look first.',
    );
  return { ...Object.fromEntries(named), dryRun };
}

const LOOK_EVERY_MS = 300;
const LINE_EVERY_MS = 5_000;

/** Starts it and stays until it has ended; resolves with the exit code. */
export async function followErase(
  api: Pick<ApiClient, 'get' | 'post'>,
  context: Pick<CommandContext, 'stdout' | 'stderr' | 'values' | 'positionals'>,
  { body, clock = systemClock }: { readonly body: Body; readonly clock?: Clock },
): Promise<number> {
  const { stdout, stderr } = context;
  const isTerminal = stderr.isTTY === true;
  let status = statusOf(await api.post('/api/erase', body));
  let saidAt = clock.now();
  while (!isEraseOver(status)) {
    await clock.sleep(LOOK_EVERY_MS);
    status = statusOf(await api.get(`/api/erase?id=${encodeURIComponent(status.id)}`));
    if (!isTerminal && clock.now() - saidAt < LINE_EVERY_MS) continue;
    saidAt = clock.now();
    stderr.write(isTerminal ? `\r\u001b[2K${progressLine(status)}` : `${progressLine(status)}\n`);
  }
  if (isTerminal) stderr.write('\r\u001b[2K');
  if (status.error !== null) throw new AppError(status.error.code, status.error.message, { help: status.error.help });
  if (flagOption(context as CommandContext, 'json')) printJson(stdout, { erase: status });
  else stdout.write(`${linesOf(status).join('\n')}\n`);
  return 0;
}

const statusOf = (answer: unknown): EraseStatus => (answer as { readonly erase: EraseStatus }).erase;

export function progressLine({ state, progress }: EraseStatus): string {
  const doing = ERASE_STATE_WORDS[state];
  return progress === null ? doing : `${doing}: ${progress.what} ${Math.floor(shareOf(progress) * 100)} %`;
}

export function linesOf({ by, dryRun, found, outstanding }: EraseStatus): readonly string[] {
  if (found === null || !found.isKnown) return [`Nothing is known of this ${ERASE_KIND_WORDS[by]}.`];
  const { attempts, incidents, messages, rows, days, events, deadLetters } = found;
  const many = incidents.length > MAX_NAMED ? ` and ${incidents.length - MAX_NAMED} more` : '';
  const lines = [
    `${dryRun ? 'Would take out' : 'Taken out'}: ${valueWords(found)}.`,
    `  attempts   ${attempts}`,
    `  incidents  ${incidents.length === 0 ? 'none' : `${incidents.slice(0, MAX_NAMED).join(', ')}${many}`}`,
    `  told in    ${plural(messages, 'Slack message')}, ${plural(rows, 'row')}`,
    `  totals     ${plural(days, 'day')}`,
    `  events     ${events}${deadLetters === 0 ? '' : `, ${plural(deadLetters, 'dead letter')} among them`}`,
  ];
  if (dryRun) return [...lines, 'Nothing was changed. With --yes it is done, and cannot be taken back.'];
  const left = outstanding.messages + outstanding.rows;
  return left === 0
    ? lines
    : [
        ...lines,
        `${plural(left, 'message or row', 'messages and rows')} are told anew by the service, as Slack and Google allow.`,
      ];
}

const MAX_NAMED = 20;
