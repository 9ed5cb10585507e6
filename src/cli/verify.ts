// `declinewatch verify`: are the incidents what the log says?
import { parseDurationMs } from '../detectors/durations.ts';
import { AppError } from '../model/errors.ts';
import { plural } from '../model/words.ts';
import type { VerifyProgress, VerifyResult } from '../tuning/verify.ts';
import type { Difference } from '../tuning/verify-compare.ts';
import type { VerifyStatus } from '../tuning/verify-job.ts';
import { withService } from './api-client.ts';
import {
  type CliCommand,
  type CommandContext,
  flagOption,
  numberOption,
  type Output,
  printJson,
  textOption,
  usageError,
} from './command.ts';

export const verifyCommand: CliCommand = {
  summary: 'compares the incidents with what the log says',
  help: `
usage: declinewatch verify [--since 7d] [--rounds N] [--json]

  --since 7d   episodes that began in the last 7 days (default: 7d)
  --rounds N   how often the log is read in another order (default: 3)

Recomputes every episode from the log, in its own order and in shuffled ones, and compares them with the incidents that
there are. Prints what differs; exit 1 if anything does. Nothing is changed.`,
  options: { since: { type: 'string' }, rounds: { type: 'string' }, json: { type: 'boolean' } },
  run,
};

const LOOK_EVERY_MS = 250;

async function run(context: CommandContext): Promise<number> {
  const since = textOption(context, 'since') ?? '7d';
  if (parseDurationMs(since) === null) throw usageError(`--since takes a duration such as 7d, not "${since}".`);
  const rounds = numberOption(context, 'rounds', 3);
  const result = await withService(async (api) => {
    let status = (await api.post('/api/verify', { since, rounds })) as VerifyStatus;
    while (status.running !== null) {
      showProgress(context.stderr, status.running);
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      status = (await api.get('/api/verify')) as VerifyStatus;
    }
    if (context.stderr.isTTY === true) context.stderr.write('\r\u001b[K');
    if (status.last?.result == null)
      throw new AppError('verify_failed', `Verification did not end: ${status.last?.error ?? 'no result'}.`, {
        help: 'Run it again; declinewatch status says which part is away.',
      });
    return status.last.result;
  });
  if (flagOption(context, 'json')) printJson(context.stdout, result);
  else context.stdout.write(textOf(result));
  return result.differences.length === 0 ? 0 : 1;
}

function showProgress(output: Output, { round, rounds, done, total }: VerifyProgress): void {
  if (output.isTTY !== true) return;
  const percent = total === 0 ? 0 : Math.floor((100 * done) / total);
  output.write(`\r\u001b[K${String(percent).padStart(3)} %  round ${round} of ${rounds}`);
}

function textOf({ sinceMs, rounds, records, checked, differences }: VerifyResult): string {
  const lines = differences.map(lineOf);
  const orders = plural(rounds + 1, 'order');
  const since = new Date(sinceMs).toISOString();
  const found = differences.length === 0 ? 'no difference' : plural(differences.length, 'difference');
  lines.push(`${plural(checked, 'episode')} since ${since}, ${plural(records, 'record')} in ${orders}: ${found}`);
  return `${lines.join('\n')}\n`;
}

const WORDS: Readonly<Record<Difference['kind'], string>> = {
  missing: 'episode without an incident',
  unfounded: 'open incident without an episode',
  withdrawn: 'withdrawn, though its episode is there',
  several: 'more than one unresolved incident on one episode',
  differs: 'says otherwise than the log',
  unstable: 'another order of the same records gives another episode',
};

function lineOf({ kind, detector, entity, incident, expected, told }: Difference): string {
  const facts = Object.keys({ ...expected, ...told }).map((name) => {
    const of = (side: Readonly<Record<string, unknown>> | null): string => shown(name, side?.[name]);
    return told === null || expected === null
      ? `${name} ${of(expected ?? told)}`
      : `${name} ${of(told)}, must be ${of(expected)}`;
  });
  const subject = `${incident ?? '-'}  ${detector}  ${entity.kind}:${entity.value}`;
  return `${subject}  ${WORDS[kind]}${facts.length === 0 ? '' : `: ${facts.join('; ')}`}`;
}

const shown = (name: string, value: unknown): string =>
  name.endsWith('At') && typeof value === 'number' ? new Date(value * 1000).toISOString() : String(value);
