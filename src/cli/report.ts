// `declinewatch report`: the month of fraud, for people, for programs, or as a page.
import { writeFileSync } from 'node:fs';
import { AppError, messageOf } from '../model/errors.ts';
import type { Month } from '../model/month.ts';
import { monthHtml } from '../tuning/month-html.ts';
import { monthText } from '../tuning/month-words.ts';
import { withService } from './api-client.ts';
import { type CliCommand, type CommandContext, flagOption, printJson, textOption, usageError } from './command.ts';

export const reportCommand: CliCommand = {
  summary: 'the month of fraud: totals, incidents, response, precision, VAMP and ECM',
  help: `
usage: declinewatch report [--month 2026-10] [--json | --html FILE]

  --month 2026-10  the month, of UTC (default: the one that it is)
  --json           everything, as one line of JSON
  --html FILE      as a page that needs nothing else

Attempts, declines, blocks, disputes, early fraud warnings and refunds as fraud with their amounts; incidents, verdicts,
response times, precision with its interval; and how near the account is to the card networks' programmes, as an estimate.
docs/report.md says how each figure is made.`,
  options: { month: { type: 'string' }, json: { type: 'boolean' }, html: { type: 'string' } },
  run,
};

async function run(context: CommandContext): Promise<number> {
  const asked = textOption(context, 'month');
  const file = textOption(context, 'html');
  if (asked !== null && !/^2\d{3}-(0[1-9]|1[0-2])$/.test(asked))
    throw usageError(`--month takes a month such as 2026-10, not "${asked}".`);
  if (file === '') throw usageError('--html takes the name of a file.');
  if (file !== null && flagOption(context, 'json')) throw usageError('Give --json or --html, not both.');
  const query = asked === null ? '' : `?month=${asked}`;
  const month = (await withService(async (api) => await api.get(`/api/report${query}`))) as Month;
  if (file !== null) write(file, monthHtml(month), context);
  else if (flagOption(context, 'json')) printJson(context.stdout, month);
  else context.stdout.write(monthText(month));
  return 0;
}

function write(file: string, page: string, { stdout }: CommandContext): void {
  try {
    writeFileSync(file, page);
  } catch (cause) {
    throw new AppError('unreadable_file', `${file} could not be written: ${messageOf(cause)}.`, {
      help: 'Name a file in a folder that you may write to.',
      cause,
    });
  }
  stdout.write(`${file}\n`);
}
