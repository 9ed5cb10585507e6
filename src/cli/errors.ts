// How the CLI shows an error: what is wrong, each detail on a line, and the cure.
import { AppError, messageOf } from '../model/errors.ts';
import type { Output } from './command.ts';

export function printError(output: Output, error: unknown): void {
  output.write(`declinewatch: ${messageOf(error)}\n`);
  if (!(error instanceof AppError)) {
    if (error instanceof Error && error.stack) output.write(`${error.stack}\n`);
    return;
  }
  for (const { path, message } of error.details) output.write(`  ${path} ${message}\n`);
  if (error.help !== '') output.write(`  → ${error.help}\n`);
}
