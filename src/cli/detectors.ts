// `declinewatch detectors`: the file by itself (check, test), and what is in force (list, set, history, revert).
import { formOf } from '../detectors/detector-form.ts';
import { runTests, type TestResult } from '../detectors/run-tests.ts';
import { parseDetectors } from '../detectors/schema.ts';
import type { ErrorDetail } from '../model/errors.ts';
import { plural } from '../model/words.ts';
import { withService } from './api-client.ts';
import { type CliCommand, type CommandContext, flagOption, printJson, textOption, usageError } from './command.ts';
import { changeDetector, revertDetector, showHistory } from './detectors-change.ts';
import { decideProposal, listProposals } from './detectors-proposals.ts';
import { badDetectors, detectorsFileOf, readDetectors, readDetectorsText } from './detectors-read.ts';
import { detectorLines, type ListedDetector } from './detectors-text.ts';

export const detectorsCommand: CliCommand = {
  summary: 'check, test, list, set, history or revert detectors; proposals, apply, discard',
  help: `
usage: declinewatch detectors check [--file FILE] [--json]
       declinewatch detectors test [NAME…] [--file FILE] [--json]
       declinewatch detectors list [--file FILE] [--json]
       declinewatch detectors set NAME FIELD=VALUE… [--why TEXT] [--based-on VERSION] [--json]
       declinewatch detectors history NAME [--json]
       declinewatch detectors revert NAME VERSION [--why TEXT] [--json]
       declinewatch detectors proposals [--json]
       declinewatch detectors apply|discard ID [--json]

  check     reads the file and runs its tests: every problem at once; exit 1 if there is one
  test      runs the tests: of every detector, or of those named
  list      what is in force; before anything is in force, or with --file, what the file says
  set       changes fields as the file writes them, e.g. thresholds.warning=4 window=20m mode=shadow;
            null takes a threshold away, or sets a field back to its default
  history   every version: when, by whom, why, and what it changed
  revert    sets a detector as it was in that version
  proposals changes that were proposed, newest first, and what they would have done
  apply     puts one of them in force; discard puts it away

  --file FILE         the detectors file (default: DECLINEWATCH_DETECTORS, else the one that comes with the program)
  --why TEXT          for the history, and for the announcement
  --based-on VERSION  refuse if somebody else has changed the detector since that version

What a person sets stays, whatever the file says, until start is told --take-file. A change that needs a second person
(approval in the file) is proposed instead; somebody else applies it.`,
  options: {
    file: { type: 'string' },
    why: { type: 'string' },
    'based-on': { type: 'string' },
    json: { type: 'boolean' },
  },
  run,
};

async function run(context: CommandContext): Promise<number> {
  const [action = '', ...rest] = context.positionals;
  switch (action) {
    case 'check':
      return await check(context);
    case 'test':
      return await test(context, rest);
    case 'list':
      return await list(context);
    case 'set':
      return await changeDetector(context, rest);
    case 'history':
      return await showHistory(context, rest);
    case 'revert':
      return await revertDetector(context, rest);
    case 'proposals':
      return await listProposals(context, rest);
    case 'apply':
    case 'discard':
      return await decideProposal(context, action, rest);
    default:
      throw usageError('detectors takes check, test, list, set, history, revert, proposals, apply or discard.');
  }
}

async function check(context: CommandContext): Promise<number> {
  const path = detectorsFileOf(context, 'file');
  const parsed = parseDetectors(await readDetectorsText(path));
  const results = 'file' in parsed ? runTests(parsed.file) : [];
  const problems = 'file' in parsed ? results.filter(isFailed).map(asProblem) : parsed.problems;
  const detectors = 'file' in parsed ? parsed.file.detectors.length : 0;
  if (flagOption(context, 'json'))
    printJson(context.stdout, { file: path, detectors, tests: results.length, problems });
  else if (problems.length > 0) throw badDetectors(path, problems);
  else context.stdout.write(`${path}: ${plural(detectors, 'detector')}, ${plural(results.length, 'test')}, all fine\n`);
  return problems.length > 0 ? 1 : 0;
}

const isFailed = ({ differences }: TestResult): boolean => differences.length > 0;

const asProblem = ({ detector, test, differences }: TestResult): ErrorDetail => ({
  path: `detectors.${detector}.tests`,
  message: `"${test}": ${differences.join('; ')}`,
});

async function test(context: CommandContext, names: readonly string[]): Promise<number> {
  const file = await readDetectors(detectorsFileOf(context, 'file'));
  const unknown = names.filter((name) => !file.tests.has(name));
  if (unknown.length > 0)
    throw usageError(`There is no detector ${unknown.join(', ')}.`, `There are: ${[...file.tests.keys()].join(', ')}.`);
  const detectors = file.detectors.filter(({ name }) => names.length === 0 || names.includes(name));
  const results = runTests({ ...file, detectors });
  const failed = results.filter(isFailed).length;
  const passed = results.length - failed;
  if (flagOption(context, 'json')) {
    const tests = results.map((result) => ({ ...result, passed: !isFailed(result) }));
    printJson(context.stdout, { passed, failed, tests });
  } else {
    for (const { name } of detectors) {
      const own = results.filter(({ detector }) => detector === name);
      context.stdout.write(`${name}${own.length === 0 ? ': no tests' : ''}\n`);
      for (const result of own) context.stdout.write(testLine(result));
    }
    context.stdout.write(`\n${passed} passed, ${failed} failed\n`);
  }
  return failed > 0 ? 1 : 0;
}

function testLine(result: TestResult): string {
  const differences = result.differences.map((difference) => `         ${difference}\n`).join('');
  return `  ${isFailed(result) ? 'FAILED' : 'passed'} ${result.test}\n${differences}`;
}

async function list(context: CommandContext): Promise<number> {
  const inForce = textOption(context, 'file') === null ? await listInForce() : [];
  const path = detectorsFileOf(context, 'file');
  const detectors = inForce.length > 0 ? inForce : await listFile(path);
  if (flagOption(context, 'json')) {
    printJson(context.stdout, { inForce: inForce.length > 0, detectors });
    return 0;
  }
  const note = textOption(context, 'file') === null ? 'Nothing is in force yet. ' : '';
  if (inForce.length === 0) context.stdout.write(`${note}${path} says:\n\n`);
  for (const line of detectorLines(detectors)) context.stdout.write(`${line}\n`);
  return 0;
}

async function listInForce(): Promise<readonly ListedDetector[]> {
  const answer = (await withService((api) => api.get('/api/detectors'))) as { detectors: readonly ListedDetector[] };
  return answer.detectors;
}

async function listFile(path: string): Promise<readonly ListedDetector[]> {
  const { detectors } = await readDetectors(path);
  return detectors.map((settings) => ({ detector: settings.name, version: null, settings: formOf(settings) }));
}
