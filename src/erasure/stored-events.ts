// Stored events of Stripe's that an erase would take a person out of: counted by the very rule that does it, before it is done.
import type { EventLog } from '../log/event-log.ts';
import type { EraseCommand } from '../model/erasure.ts';
import { createRecordEraser } from './erase-record.ts';

export type StoredOptions = {
  readonly log: Pick<EventLog, 'read' | 'ends'>;
  readonly piiKey: string;
  readonly signal: AbortSignal;
  /** Records looked at, and how many there are to look at. */
  readonly onProgress: (records: number, of: number) => void;
  /** Whether the record of that place waits as a dead letter. */
  readonly isDeadLetter: (partition: number, offset: number) => boolean;
};

export type StoredEvents = { readonly events: number; readonly deadLetters: number };

/** Records between two turns of everything else. */
const YIELD_EVERY = 100;

/** `commands`: the erase as it would be asked for. */
export async function countStoredEvents(
  { log, piiKey, signal, onProgress, isDeadLetter }: StoredOptions,
  commands: readonly EraseCommand[],
): Promise<StoredEvents> {
  const subjects = commands.flatMap((command) => command.subjects);
  const attempts = commands.at(-1)?.attempts ?? [];
  const at = Number.MAX_SAFE_INTEGER;
  const erase = createRecordEraser([{ number: 1, offset: 0, at, subjects, attempts }], piiKey);
  const all = await log.ends('stripe-events');
  const of = all.reduce((sum, { first, next }) => sum + next - first, 0);
  let [done, events, deadLetters] = [0, 0, 0];
  for (const { partition, first, next } of all) {
    if (first >= next) continue;
    for await (const page of log.read('stripe-events', partition, first, next)) {
      signal.throwIfAborted();
      for (const record of page) {
        done += 1;
        if (done % YIELD_EVERY === 0) await new Promise((resolve) => setImmediate(resolve));
        if (erase('stripe-events', record) === null) continue;
        events += 1;
        if (isDeadLetter(partition, record.offset)) deadLetters += 1;
      }
      onProgress(done, of);
    }
  }
  return { events, deadLetters };
}
