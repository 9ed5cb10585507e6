// `declinewatch backtest`: recorded Stripe events through the very same fold; prints the episodes that come out.
import { loadConfig } from '../config/config.ts';
import { parseDurationMs } from '../detectors/durations.ts';
import { runTests } from '../detectors/run-tests.ts';
import type { DetectorsFile } from '../detectors/schema.ts';
import { plural } from '../model/words.ts';
import { type Backtest, createBacktest } from '../tuning/backtest.ts';
import { linesOf, MAX_LINE_BYTES } from '../tuning/lines.ts';
import { backtestTable } from './backtest-table.ts';
import { type CliCommand, type CommandContext, flagOption, printJson, textOption, usageError } from './command.ts';
import { detectorsFileOf, readDetectors } from './detectors-read.ts';
import { createProgress, type EventSource, openSources, type Progress } from './event-files.ts';
import { readLog } from './recorded-log.ts';

export const backtestCommand: CliCommand = {
  summary: 'recorded Stripe events through the detectors: which episodes come out',
  help: `
usage: declinewatch backtest --events FILE… [--detectors FILE] [--json] [--skip-bad]
       declinewatch backtest --since 7d [--detectors FILE] [--json] [--skip-bad]

  --events FILE…    Stripe events as JSON Lines, in any order, duplicates allowed; several files, - for standard input
  --since 7d        instead of files: what this installation has received since then (35 days at most are kept);
                    a service that runs is not disturbed
  --detectors FILE  the detectors (default: DECLINEWATCH_DETECTORS, else those that come with the program)
  --json            one episode a line, and a last line {"summary":…}
  --skip-bad        a bad line is named all the same, but does not make the command fail

Everything is counted by the events' own times, so the answer is the same in any order. Envelopes of EventBridge and Event
Grid are unwrapped. Detectors whose mode is off are left out. Exit 1 if a line is bad or a file empty.

examples:
  declinewatch backtest --events events.jsonl
  zcat 2026-*.jsonl.gz | declinewatch backtest --events - --json | jq .entity`,
  options: {
    events: { type: 'string', multiple: true },
    since: { type: 'string' },
    detectors: { type: 'string' },
    json: { type: 'boolean' },
    'skip-bad': { type: 'boolean' },
  },
  run,
};

async function run(context: CommandContext): Promise<number> {
  const sinceMs = sinceOf(context);
  const names = sinceMs === null ? fileNames(context) : [];
  const config = loadConfig();
  const path = detectorsFileOf(context, 'detectors');
  const file = await readDetectors(path);
  warnOfTests(context, path, file);
  const backtest = createBacktest(file);
  const told = createComplaints(context);
  if (sinceMs === null) await readFiles(names, { context, backtest, told });
  else await readLog(config, { sinceMs, backtest, tell: told.tell });
  told.end();
  print(context, backtest, file.detectors);
  const isFine = told.count === 0 || flagOption(context, 'skip-bad');
  return isFine ? 0 : 1;
}

/** Trying a threshold comes before changing the tests: a test that fails is told, and is no reason to stop. */
function warnOfTests({ stderr }: CommandContext, path: string, file: DetectorsFile): void {
  const failed = runTests(file).filter(({ differences }) => differences.length > 0).length;
  if (failed > 0)
    stderr.write(`declinewatch: ${plural(failed, 'test')} of ${path} would fail; detectors test shows which.\n`);
}

/** Milliseconds since the epoch. */
function sinceOf(context: CommandContext): number | null {
  const text = textOption(context, 'since');
  if (text === null) return null;
  if (context.values.events !== undefined || context.positionals.length > 0)
    throw usageError('backtest takes --events or --since, not both.');
  const agoMs = parseDurationMs(text);
  if (agoMs === null || agoMs === 0) throw usageError(`--since takes a duration, e.g. 7d or 12h, not "${text}".`);
  return Date.now() - agoMs;
}

/** `--events a b` and `--events a --events b` alike: what follows without an option of its own is a file too. */
function fileNames(context: CommandContext): readonly string[] {
  const given = context.values.events;
  const names = [...(Array.isArray(given) ? given.map(String) : []), ...context.positionals];
  if (!Array.isArray(given))
    throw usageError('backtest takes --events FILE…, e.g. --events events.jsonl, or --since 7d.');
  if (names.filter((name) => name === '-').length > 1) throw usageError('Standard input (-) can be read once only.');
  return names;
}

type FilesParts = { readonly context: CommandContext; readonly backtest: Backtest; readonly told: Complaints };

async function readFiles(names: readonly string[], { context, backtest, told }: FilesParts): Promise<void> {
  const sources = await openSources(names);
  const progress = createProgress(context.stderr, sources);
  for (const source of sources) await read(source, { backtest, progress, told });
  progress.end();
}

type Complaints = { tell(message: string): void; end(): void; readonly count: number };

/** More than this on the terminal helps nobody; how many there were is said at the end. */
const MAX_TOLD = 1_000;

function createComplaints({ stderr }: CommandContext): Complaints {
  let count = 0;
  return {
    tell: (message) => {
      count += 1;
      if (count <= MAX_TOLD) stderr.write(`declinewatch: ${message}\n`);
    },
    end: () => {
      if (count > MAX_TOLD) stderr.write(`declinewatch: … and ${count - MAX_TOLD} more.\n`);
    },
    get count() {
      return count;
    },
  };
}

type Reading = { readonly backtest: Backtest; readonly progress: Progress; readonly told: Complaints };

async function read(source: EventSource, { backtest, progress, told }: Reading): Promise<void> {
  let lines = 0;
  for await (const page of linesOf(source.chunks())) {
    for (const { number, text } of page) {
      lines += 1;
      const why = text === null ? `is longer than ${MAX_LINE_BYTES} bytes` : backtest.addLine(text);
      if (text === null) backtest.addBad();
      if (why === null) continue;
      progress.clear();
      told.tell(`${source.name} line ${number}: ${why}`);
    }
    progress.show(source, page.length);
  }
  if (lines === 0) told.tell(`${source.name} is empty: there is no event in it`);
}

function print(context: CommandContext, backtest: Backtest, detectors: DetectorsFile['detectors']): void {
  if (!flagOption(context, 'json')) {
    for (const text of backtestTable(backtest, detectors)) context.stdout.write(text);
    return;
  }
  for (const episode of backtest.episodes()) printJson(context.stdout, episode);
  printJson(context.stdout, { summary: backtest.summary() });
}
