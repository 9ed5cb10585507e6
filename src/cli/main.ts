#!/usr/bin/env node
// The command line: finds the command, parses its options, prints errors with their cure. Exit 0 done, 1 failed, 2 wrong usage.
import { parseArgs } from 'node:util';
import { AppError, messageOf } from '../model/errors.ts';
import type { CliCommand, CommandContext } from './command.ts';
import { printError } from './errors.ts';

const COMMANDS: Readonly<Record<string, () => Promise<CliCommand>>> = {
  start: async () => (await import('./start.ts')).startCommand,
  simulate: async () => (await import('./simulate.ts')).simulateCommand,
  backfill: async () => (await import('./backfill.ts')).backfillCommand,
  backtest: async () => (await import('./backtest.ts')).backtestCommand,
  verify: async () => (await import('./verify.ts')).verifyCommand,
  why: async () => (await import('./why.ts')).whyCommand,
  'what-if': async () => (await import('./what-if.ts')).whatIfCommand,
  detectors: async () => (await import('./detectors.ts')).detectorsCommand,
  report: async () => (await import('./report.ts')).reportCommand,
  incidents: async () => (await import('./incidents.ts')).incidentsCommand,
  status: async () => (await import('./status.ts')).statusCommand,
  doctor: async () => (await import('./doctor.ts')).doctorCommand,
  erase: async () => (await import('./erase.ts')).eraseCommand,
  'dead-letters': async () => (await import('./dead-letters.ts')).deadLettersCommand,
  slack: async () => (await import('./slack.ts')).slackCommand,
  sheet: async () => (await import('./sheet.ts')).sheetCommand,
};

const EXIT_USAGE = 2;
/** For what was printed to get through. */
const LINGER_MS = 1_000;

silenceExperimentalWarnings();
endWithReader();
process.exitCode = await main(process.argv.slice(2));
endSoon();

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(await overview());
    return name === undefined ? EXIT_USAGE : 0;
  }
  const load = COMMANDS[name];
  if (load === undefined) {
    process.stderr.write(`declinewatch: there is no command "${name}".\n${await overview()}`);
    return EXIT_USAGE;
  }
  try {
    const command = await load();
    const context = parse(command, rest);
    if (context.values.help === true) {
      process.stdout.write(`${command.summary}\n\n${command.help.trim()}\n`);
      return 0;
    }
    return await command.run(context);
  } catch (error) {
    printError(process.stderr, error);
    return error instanceof AppError && (error.code === 'usage' || error.code === 'bad_environment') ? EXIT_USAGE : 1;
  }
}

function parse(command: CliCommand, args: readonly string[]): CommandContext {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { ...command.options, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
      strict: true,
    });
    return { values, positionals, stdout: process.stdout, stderr: process.stderr };
  } catch (error) {
    throw new AppError('usage', messageOf(error), { help: 'Add --help for the usage.' });
  }
}

async function overview(): Promise<string> {
  const lines = await Promise.all(
    Object.entries(COMMANDS).map(async ([name, load]) => `  ${name.padEnd(14)}${(await load()).summary}`),
  );
  return `declinewatch: tells a payments team about fraud while it happens.\n\nusage: declinewatch <command> [options]\n\n${lines.join('\n')}\n\nEvery command has --help. Exit codes: 0 done, 1 failed, 2 wrong usage.\n`;
}

/** node:sqlite says at every start that it is experimental; other warnings are shown as ever. */
function silenceExperimentalWarnings(): void {
  const [show] = process.listeners('warning');
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    if (warning.name !== 'ExperimentalWarning') show?.(warning);
  });
}

/** A connection that a library has left open (kafkajs, after a broker that was not ready yet) does not keep the process. */
function endSoon(): void {
  setTimeout(() => process.exit(), LINGER_MS).unref();
}

/** Who reads what is printed may have had enough (`| head`): that is no failure. */
function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
}
