// `declinewatch doctor`: one line for each credential, permission and connection.
import { type DoctorLine, examine, examineFailure } from '../app/doctor.ts';
import { loadConfig } from '../config/config.ts';
import { systemClock } from '../model/clock.ts';
import { plural } from '../model/words.ts';
import { type CliCommand, type CommandContext, flagOption, printJson, usageError } from './command.ts';

export const doctorCommand: CliCommand = {
  summary: 'each credential, permission and connection: fine, or what is wrong and the cure',
  help: `
usage: declinewatch doctor [--json]

Asks everything that is configured: Stripe, Kafka, Redis, Slack, Google, the data folder, the detectors file, and the
service itself if it runs. One line each; exit 1 if something is wrong. It changes nothing and prints no secret, so it can be
run beside the service, and its output can be shown to others.`,
  options: { json: { type: 'boolean' } },
  run,
};

async function run(context: CommandContext): Promise<number> {
  if (context.positionals.length > 0) throw usageError('doctor takes no arguments.');
  const lines = await examined();
  const wrong = lines.filter(({ state }) => state === 'wrong').length;
  if (flagOption(context, 'json')) printJson(context.stdout, { ok: wrong === 0, checks: lines });
  else context.stdout.write(textOf(lines, wrong));
  return wrong === 0 ? 0 : 1;
}

async function examined(): Promise<readonly DoctorLine[]> {
  let config: ReturnType<typeof loadConfig>;
  try {
    config = loadConfig();
  } catch (error) {
    return examineFailure(error);
  }
  return await examine(config, { clock: systemClock });
}

const WORDS: Readonly<Record<DoctorLine['state'], string>> = { fine: 'fine', wrong: 'WRONG', unused: '-' };

function textOf(lines: readonly DoctorLine[], wrong: number): string {
  const width = (of: (line: DoctorLine) => string): number => Math.max(0, ...lines.map((line) => of(line).length));
  const [groups, names] = [width(({ group }) => group), width(({ name }) => name)];
  const rows = lines.map(({ group, name, state, message }) =>
    `${WORDS[state].padEnd(6)} ${group.padEnd(groups)}  ${name.padEnd(names)}  ${message}`.trimEnd(),
  );
  const total = wrong === 0 ? 'nothing is wrong' : `${wrong} wrong`;
  return `${rows.join('\n')}\n\n${plural(lines.length, 'check')}: ${total}\n`;
}
