// The files that a backtest reads: opened before anything is printed, so that a wrong name leaves nothing half-done.
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { AppError, messageOf } from '../model/errors.ts';
import { formatCount, plural } from '../model/words.ts';
import type { Output } from './command.ts';

export type EventSource = {
  /** For messages. */
  readonly name: string;
  /** Null: unknown, of a pipe. */
  readonly bytes: number | null;
  readonly read: () => number;
  chunks(): AsyncIterable<Buffer>;
};

const CHUNK_BYTES = 1_048_576;

/** `-` is standard input. Throws `unreadable_file`. */
export async function openSources(names: readonly string[]): Promise<readonly EventSource[]> {
  return await Promise.all(
    names.map(async (name) =>
      name === '-' ? sourceOf('standard input', process.stdin, null) : await fileSource(name),
    ),
  );
}

async function fileSource(path: string): Promise<EventSource> {
  try {
    const stats = await stat(path);
    if (stats.isDirectory()) throw new Error('it is a folder');
    if (stats.isFile()) await refuseCompressed(path);
    const stream = () => createReadStream(path, { highWaterMark: CHUNK_BYTES });
    return sourceOf(path, stream, stats.isFile() ? stats.size : null);
  } catch (cause) {
    throw new AppError('unreadable_file', `${path} cannot be read: ${messageOf(cause)}.`, {
      help: '--events takes files of Stripe events, one a line (JSON Lines); - reads standard input.',
      cause,
    });
  }
}

async function refuseCompressed(path: string): Promise<void> {
  await using file = await open(path);
  const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
  if (buffer[0] === 0x1f && buffer[1] === 0x8b)
    throw new Error('it is compressed; use zcat FILE | declinewatch backtest --events -');
}

type Chunks = AsyncIterable<Buffer>;

function sourceOf(name: string, chunks: Chunks | (() => Chunks), bytes: number | null): EventSource {
  let read = 0;
  return {
    name,
    bytes,
    read: () => read,
    chunks: async function* () {
      try {
        for await (const chunk of typeof chunks === 'function' ? chunks() : chunks) {
          read += chunk.length;
          yield chunk;
        }
      } catch (cause) {
        throw new AppError('unreadable_file', `${name} cannot be read any further: ${messageOf(cause)}.`, { cause });
      }
    },
  };
}

export type Progress = {
  show(source: EventSource, lines: number): void;
  /** Makes room for a line of its own. */
  clear(): void;
  end(): void;
};

const SHOW_EVERY_MS = 200;
const ERASE_LINE = '\r\u001b[K';

/** One living line on a terminal's standard error; nothing elsewhere. */
export function createProgress(stderr: Output, sources: readonly EventSource[]): Progress {
  if (stderr.isTTY !== true) return { show: () => undefined, clear: () => undefined, end: () => undefined };
  const total = sources.reduce<number | null>(
    (sum, { bytes }) => (sum === null || bytes === null ? null : sum + bytes),
    0,
  );
  let events = 0;
  let shownAt = 0;
  const clear = (): void => void stderr.write(ERASE_LINE);
  return {
    show: (source, lines) => {
      events += lines;
      const now = performance.now();
      if (now - shownAt < SHOW_EVERY_MS) return;
      shownAt = now;
      const read = sources.reduce((sum, other) => sum + other.read(), 0);
      const share =
        total === null || total === 0
          ? `${formatCount(Math.round(read / 1e6))} MB`
          : `${Math.floor((100 * read) / total)} %`;
      stderr.write(`${ERASE_LINE}${share} · ${plural(events, 'line')} · ${source.name}`);
    },
    clear,
    end: clear,
  };
}
