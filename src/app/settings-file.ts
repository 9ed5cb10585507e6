// detectors.yaml while the service runs: read at the start and whenever it changes. A broken file changes nothing: what was
// in force stays, and the problems are told in the log and on the health page until the file is mended.
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { checkDetectorsFile } from '../detectors/detectors-file.ts';
import type { IncidentFeed } from '../feed/feed.ts';
import { applyFileSettings } from '../incidents/file-settings.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import { AppError, type ErrorDetail, messageOf } from '../model/errors.ts';

/** The set that comes with the program. */
export const SHIPPED_DETECTORS = join(import.meta.dirname, '..', '..', 'detectors.yaml');

export type SettingsFileOptions = {
  readonly path: string;
  readonly feed: IncidentFeed;
  readonly log: EventLog;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The file wins over what persons have set. */
  readonly takeFile: boolean;
};

export type WatchedSettingsFile = {
  /** What is wrong with the file as it stands; null: nothing. */
  problem(): { readonly message: string; readonly details: readonly ErrorDetail[] } | null;
  stop(): Promise<void>;
};

const LOOK_EVERY_MS = 2_000;
const SHOWN_PROBLEMS = 50;

/** Throws `bad_detectors` if the file is broken and nothing is in force yet. */
export async function watchSettingsFile(options: SettingsFileOptions): Promise<WatchedSettingsFile> {
  const { path, feed, clock, logger } = options;
  let problem: AppError | null = null;
  let seen = '';
  const look = async (): Promise<void> => {
    const now = await stampOf(path);
    if (now === seen && problem?.retriable !== true) return;
    try {
      await apply(options);
      if (problem !== null) logger.info({ file: path }, 'the detectors file is sound again');
      problem = null;
    } catch (error) {
      const told =
        error instanceof AppError
          ? error
          : new AppError('internal', messageOf(error), { cause: error, retriable: true });
      if (problem?.message !== told.message)
        logger.error({ file: path, problems: told.details.slice(0, SHOWN_PROBLEMS), help: told.help }, told.message);
      problem = told;
    }
    seen = now;
  };
  await look();
  if (problem !== null && feed.settings().length === 0) throw problem;
  const stopping = new AbortController();
  const watching = (async () => {
    while (!stopping.signal.aborted) {
      await clock.sleep(LOOK_EVERY_MS, stopping.signal);
      if (!stopping.signal.aborted) await look();
    }
  })();
  return {
    problem: () => (problem === null ? null : { message: problem.message, details: problem.details }),
    stop: async () => {
      stopping.abort();
      await watching;
    },
  };
}

/** Throws `bad_detectors`, or the log's errors. */
async function apply({ path, takeFile, logger, ...parts }: SettingsFileOptions): Promise<void> {
  const file = await readDetectorsFile(path);
  const { changed, removed, kept, refused, pending } = await applyFileSettings({ ...parts, file, takeFile });
  for (const { detector, field, inForce, inFile, by } of kept)
    logger.warn(
      { detector, field, inForce, inFile, by: by.name },
      'kept as a person set it; start with --take-file to let the file win',
    );
  for (const { detector, refusal } of refused)
    logger.error({ detector, code: refusal.code }, `refused: ${refusal.message}`);
  if (pending.length > 0)
    throw new AppError('settings_pending', 'The incident manager has not taken the settings yet.', { retriable: true });
  if (changed.length + removed.length > 0) logger.info({ changed, removed }, 'detectors changed');
}

/** Throws `bad_detectors` with every problem: path, and message with the cure. */
export async function readDetectorsFile(path: string) {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new AppError('bad_detectors', `The detectors file cannot be read: ${messageOf(cause)}.`, {
      help: 'Set DECLINEWATCH_DETECTORS to a file that this user may read.',
      cause,
    });
  }
  const checked = checkDetectorsFile(text);
  if ('file' in checked) return checked.file;
  const count = checked.problems.length;
  throw new AppError('bad_detectors', `The detectors file has ${count} problem${count === 1 ? '' : 's'} (${path}).`, {
    help: 'Mend what is named; `declinewatch detectors check` shows it again. Until then what was in force stays.',
    details: checked.problems,
  });
}

/** Changes whenever the file may have. */
async function stampOf(path: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(path);
    return `${mtimeMs}/${size}/${ino}`;
  } catch (error) {
    return messageOf(error);
  }
}
