// What a command of the CLI is: its words for --help, its options, and what it does. One file a command, in this folder.
import type { ParseArgsOptionsConfig } from 'node:util';
import { AppError } from '../model/errors.ts';

export type Output = { write(text: string): unknown; readonly isTTY?: boolean };

export type CommandContext = {
  readonly values: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;
  readonly positionals: readonly string[];
  readonly stdout: Output;
  readonly stderr: Output;
};

export type CliCommand = {
  /** One line for the list of commands. */
  readonly summary: string;
  /** The whole help text below the summary: usage, options, examples. */
  readonly help: string;
  readonly options: ParseArgsOptionsConfig;
  /** Resolves with the exit code: 0 done, 1 failed. Throws a `usage` AppError for wrong usage (2). */
  readonly run: (context: CommandContext) => Promise<number>;
};

/** Wrong usage: exit code 2. */
export function usageError(message: string, help = 'Add --help for the usage.'): AppError {
  return new AppError('usage', message, { help });
}

export function textOption(context: CommandContext, name: string): string | null {
  const value = context.values[name];
  return typeof value === 'string' ? value : null;
}

export function flagOption(context: CommandContext, name: string): boolean {
  return context.values[name] === true;
}

/** A whole or decimal number above zero; throws `usage` otherwise. */
export function numberOption(context: CommandContext, name: string, fallback: number): number {
  const text = textOption(context, name);
  if (text === null) return fallback;
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < 0)
    throw usageError(`--${name} takes a number, not "${text}".`);
  return value;
}

export function printJson(output: Output, value: unknown): void {
  output.write(`${JSON.stringify(value)}\n`);
}
