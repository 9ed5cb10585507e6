// The detectors file as commands read it: which one, and what is wrong with it.
import { readFile } from 'node:fs/promises';
import { SHIPPED_DETECTORS } from '../app/settings-file.ts';
import { loadConfig } from '../config/config.ts';
import { type DetectorsFile, parseDetectors } from '../detectors/schema.ts';
import { AppError, type ErrorDetail, messageOf } from '../model/errors.ts';
import { plural } from '../model/words.ts';
import { type CommandContext, textOption } from './command.ts';

/** `--file` or `--detectors`, else what the environment names, else the set that comes with the program. */
export function detectorsFileOf(context: CommandContext, option: string): string {
  return textOption(context, option) ?? loadConfig().detectorsFile ?? SHIPPED_DETECTORS;
}

/** Parsed and validated; whether its tests pass is another matter. Throws `bad_detectors`. */
export async function readDetectors(path: string): Promise<DetectorsFile> {
  const parsed = parseDetectors(await readDetectorsText(path));
  if ('file' in parsed) return parsed.file;
  throw badDetectors(path, parsed.problems);
}

/** Throws `bad_detectors`. */
export async function readDetectorsText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new AppError('bad_detectors', `The detectors file cannot be read: ${messageOf(cause)}.`, {
      help: 'Name another file, or set DECLINEWATCH_DETECTORS, to a file that this user may read.',
      cause,
    });
  }
}

export function badDetectors(path: string, details: readonly ErrorDetail[]): AppError {
  return new AppError('bad_detectors', `${path} has ${plural(details.length, 'problem')}.`, {
    help: 'Mend what is named. A service that runs goes on with what is in force.',
    details,
  });
}
