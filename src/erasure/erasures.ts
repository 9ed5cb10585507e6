// Follows `erasures` in this process: every reader of the log must know all of them.
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { decode } from '../log/codec.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Erasure } from '../model/erasure.ts';
import { AppError } from '../model/errors.ts';

export type Erasures = {
  /** Oldest first; another list whenever there is one more. */
  list(): readonly Erasure[];
  /** Those that reading must still leave out: the log has not been rewritten for them. Another list whenever it changes. */
  unsettled(): readonly Erasure[];
  /** The number of the newest; 0: there is none. */
  newest(): number;
  close(): Promise<void>;
};

/** Resolves once everything that the log held at the call is known. Rejects with the log's errors. */
export async function openErasures({
  log,
  logger,
  group = `erasures-${randomUUID()}`,
}: {
  readonly log: EventLog;
  readonly logger: Logger;
  readonly group?: string;
}): Promise<Erasures> {
  let { list, next, settled } = await readErasures(log);
  let unsettled = after(list, settled);
  const consumer = await log.consume({
    topic: 'erasures',
    group,
    assigned: async () => next,
    batch: async ({ records }) => {
      for (const { value, offset } of records) {
        if (offset < next) continue;
        list = withErasure(list, erasureIn(value));
        settled = Math.max(settled, settledIn(value));
        next = offset + 1;
      }
      unsettled = after(list, settled);
      return null;
    },
    failed: (error) => logger.error({ error: String(error) }, 'erases cannot be followed'),
  });
  return {
    list: () => list,
    unsettled: () => unsettled,
    newest: () => list.at(-1)?.number ?? 0,
    close: () => consumer.close(),
  };
}

/** Every erase that the log holds, oldest first, and the offset behind the last. */
export async function readErasures(
  log: Pick<EventLog, 'read' | 'ends'>,
): Promise<{ readonly list: readonly Erasure[]; readonly settled: number; readonly next: number }> {
  let list: readonly Erasure[] = [];
  let end = 0;
  let settled = 0;
  for (const { partition, first, next } of await log.ends('erasures')) {
    end = next;
    if (first >= next) continue;
    for await (const page of log.read('erasures', partition, first, next))
      for (const { value } of page) {
        list = withErasure(list, erasureIn(value));
        settled = Math.max(settled, settledIn(value));
      }
  }
  return { list, settled, next: end };
}

const after = (list: readonly Erasure[], settled: number): readonly Erasure[] =>
  list.filter(({ number }) => number > settled);

/** Two managers may have written it: one counts. */
function withErasure(list: readonly Erasure[], erasure: Erasure | null): readonly Erasure[] {
  if (erasure === null || list.some(({ number }) => number === erasure.number)) return list;
  return [...list, erasure].sort((a, b) => a.number - b.number);
}

/** The other record of the topic: up to this number the log has been rewritten. */
export type Settled = { readonly settled: number };

const settledIn = (value: string): number => {
  const { settled } = readable<Partial<Settled>>(value) ?? {};
  return typeof settled === 'number' && Number.isSafeInteger(settled) ? settled : 0;
};

/** What the manager could not have written is none; what a newer program wrote is an error. */
export function erasureIn(value: string): Erasure | null {
  const erasure = readable<Erasure>(value);
  return Number.isSafeInteger(erasure?.number) && Array.isArray(erasure?.subjects) ? erasure : null;
}

function readable<T>(value: string): T | null {
  try {
    return decode<T>('erasures', value);
  } catch (error) {
    if (error instanceof AppError && error.code === 'bad_record') return null;
    throw error;
  }
}
