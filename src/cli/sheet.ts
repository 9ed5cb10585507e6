// `declinewatch sheet setup`: makes the Google Sheet ready, or says what stands in the way and how to cure it.
import { loadConfig } from '../config/config.ts';
import { systemClock } from '../model/clock.ts';
import { AppError } from '../model/errors.ts';
import { setUpSheet } from '../sinks/setup-sheet.ts';
import { type CliCommand, type CommandContext, flagOption, printJson, usageError } from './command.ts';

export const sheetCommand: CliCommand = {
  summary: 'make the Google Sheet ready: tabs, headers, drop-downs, protection',
  help: `
usage: declinewatch sheet setup [--take-copy] [--json]

Needs GOOGLE_SHEET_ID and GOOGLE_APPLICATION_CREDENTIALS. Makes what lacks and changes nothing else: it can be run again.

  --take-copy   go on with a copy of a sheet that declinewatch wrote, in the place of the original`,
  options: { 'take-copy': { type: 'boolean' }, json: { type: 'boolean' } },
  run,
};

async function run(context: CommandContext): Promise<number> {
  const [action, ...rest] = context.positionals;
  if (action !== 'setup' || rest.length > 0) throw usageError('sheet takes setup.');
  const { google } = loadConfig();
  if (google === null)
    throw new AppError('bad_environment', 'No sheet is configured.', {
      details: [{ path: 'GOOGLE_SHEET_ID', message: 'is missing.' }],
      help: 'Set GOOGLE_SHEET_ID and GOOGLE_APPLICATION_CREDENTIALS; docs/sheets.md tells where both come from.',
    });
  const done = await setUpSheet({ settings: google, clock: systemClock, takeCopy: flagOption(context, 'take-copy') });
  if (flagOption(context, 'json')) printJson(context.stdout, done);
  else {
    context.stdout.write(`${done.title}\n${done.url}\nwritten by ${done.serviceAccount}, times in ${done.timeZone}\n`);
    for (const what of done.changed) context.stdout.write(`  ${what}\n`);
    context.stdout.write(done.changed.length === 0 ? 'nothing lacked\n' : 'ready\n');
  }
  return 0;
}
