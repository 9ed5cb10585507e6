// The dead letters that wait for a person: follows the topic, where what became of each is recorded too.
import { randomUUID } from 'node:crypto';
import { decode } from '../log/codec.ts';
import type { EventLog } from '../log/event-log.ts';
import { type DeadLetter, deadLetterId } from '../model/dead-letter.ts';
import { AppError } from '../model/errors.ts';

export type DeadLetterIndex = {
  get(id: string): DeadLetter | null;
  /** Newest first; at most the newest 10,000 are held. */
  waiting(): readonly DeadLetter[];
  /** By source. Those that are no longer held count too. */
  counts(): ReadonlyMap<string, number>;
  /** Resolves once everything that is in the log at the call is shown here. */
  caughtUp(): Promise<void>;
  close(): Promise<void>;
};

const MAX_WAITING = 10_000;
const MAX_SETTLED = 50_000;

/** `group`: where groups are kept for ever (embedded), one that stays the same. */
export async function openDeadLetterIndex({
  log,
  group = `dead-letter-index-${randomUUID()}`,
}: {
  readonly log: EventLog;
  readonly group?: string;
}): Promise<DeadLetterIndex> {
  const waiting = new Map<string, DeadLetter>();
  const settled = new Set<string>();
  const dropped = new Map<string, number>();
  let offset = 0;
  let waiters: { readonly until: number; readonly resolve: () => void }[] = [];
  const take = (letter: DeadLetter): void => {
    const id = deadLetterId(letter);
    if (settled.has(id)) return;
    const known = waiting.get(id);
    if (letter.settled !== undefined) {
      waiting.delete(id);
      settled.add(id);
      dropEldest(settled, MAX_SETTLED);
      return;
    }
    // Buried again by who read it again: it has been tried no more often for that.
    if (known !== undefined && known.tries >= letter.tries) return;
    waiting.delete(id);
    waiting.set(id, letter);
    const [eldest] = waiting.size > MAX_WAITING ? waiting.values() : [];
    if (eldest === undefined) return;
    waiting.delete(deadLetterId(eldest));
    dropped.set(eldest.source, (dropped.get(eldest.source) ?? 0) + 1);
  };
  const consumer = await log.consume({
    topic: 'dead-letters',
    group,
    assigned: async () => {
      waiting.clear();
      settled.clear();
      dropped.clear();
      offset = (await log.ends('dead-letters'))[0]?.first ?? 0;
      return offset;
    },
    batch: async ({ records }) => {
      for (const { value, offset: at } of records) {
        const letter = read(value);
        if (letter !== null) take(letter);
        offset = at + 1;
      }
      waiters = waiters.filter(({ until, resolve }) => {
        if (offset < until) return true;
        resolve();
        return false;
      });
      return null;
    },
  });
  return {
    get: (id) => waiting.get(id) ?? null,
    waiting: () => [...waiting.values()].reverse(),
    counts: () => {
      const counts = new Map(dropped);
      for (const { source } of waiting.values()) counts.set(source, (counts.get(source) ?? 0) + 1);
      return counts;
    },
    caughtUp: async () => {
      const until = (await log.ends('dead-letters'))[0]?.next ?? 0;
      if (offset >= until) return;
      await new Promise<void>((resolve) => void waiters.push({ until, resolve }));
    },
    close: async () => {
      await consumer.close();
      for (const { resolve } of waiters) resolve();
    },
  };
}

/** One that cannot be read is left out; one that a newer program wrote stops it (`newer_schema`), as everywhere. */
function read(value: string): DeadLetter | null {
  try {
    const letter = decode<DeadLetter>('dead-letters', value);
    return typeof letter.source === 'string' && Number.isSafeInteger(letter.offset) ? letter : null;
  } catch (error) {
    if (error instanceof AppError && error.code === 'bad_record') return null;
    throw error;
  }
}

function dropEldest(set: Set<string>, max: number): void {
  if (set.size <= max) return;
  for (const eldest of set) {
    set.delete(eldest);
    return;
  }
}
