// Runs a command of the CLI in this process, as main.ts does, and catches what it prints.
import { parseArgs } from 'node:util';
import type { CliCommand } from '../../../src/cli/command.ts';
import { printError } from '../../../src/cli/errors.ts';
import { AppError } from '../../../src/model/errors.ts';

export type CommandResult = { readonly code: number; readonly out: string; readonly err: string };

export async function runCommand(command: CliCommand, args: readonly string[]): Promise<CommandResult> {
  const [stdout, stderr] = [createOutput(), createOutput()];
  const { values, positionals } = parseArgs({ args: [...args], options: command.options, allowPositionals: true });
  try {
    const code = await command.run({ values, positionals, stdout, stderr });
    return { code, out: stdout.text(), err: stderr.text() };
  } catch (error) {
    printError(stderr, error);
    const code = error instanceof AppError && error.code === 'usage' ? 2 : 1;
    return { code, out: stdout.text(), err: stderr.text() };
  }
}

function createOutput() {
  const parts: string[] = [];
  return { write: (text: string): void => void parts.push(text), text: () => parts.join('') };
}
