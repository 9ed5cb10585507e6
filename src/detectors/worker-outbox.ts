// What a partition has decided and not yet made last: first the log hears it, then the store moves its offset. It stays
// here until both have answered, so that a pause of either loses nothing and needs no new fold.
import type { EventLog, NewRecord } from '../log/event-log.ts';
import type { TopicName } from '../model/topics.ts';
import type { AppendRows, Row, WindowStore } from './window-store.ts';
import type { Output } from './worker-look.ts';

export type Outbox = {
  /** Adds one step: all of the output is in the log before the store moves from `expectedNext` to `next`. */
  add(output: Output, offsets: Pick<AppendRows, 'expectedNext' | 'next'>): void;
  /**
   * Resolves when everything that was added is durable; rejects if log or store is away, then call it again.
   * `stored`: the next offset that the store holds now, null if nothing was to be stored.
   */
  flush(): Promise<{ readonly isRefused: boolean; readonly stored: number | null }>;
  clear(): void;
};

/** Most marks in the append that moves the offset; more follow by themselves, since losing one only repeats a report. */
const MAX_ROWS = 8_000;
const MAX_RECORDS = 200;
const MAX_CHARACTERS = 512_000;

type Step = { readonly topics: [TopicName, NewRecord[]][]; readonly change: AppendRows };

export function createOutbox(parts: {
  readonly log: EventLog;
  readonly store: WindowStore;
  readonly partition: number;
}): Outbox {
  const { log, store, partition } = parts;
  let steps: Step[] = [];
  return {
    add: (output, { expectedNext, next }) => {
      const [first = [], ...others] = portions(output.rows);
      const { deadLetters, commands, members } = output;
      const topics: Step['topics'] = [
        ['dead-letters', deadLetters],
        ['members', members],
        ['commands', commands],
      ];
      steps.push({ topics, change: { expectedNext, next, rows: first } });
      for (const rows of others) steps.push({ topics: [], change: { expectedNext: next, next, rows } });
    },
    flush: async () => {
      let stored: number | null = null;
      for (let step = steps[0]; step !== undefined; step = steps[0]) {
        for (const [topic, records] of step.topics) await appendAll(log, topic, records);
        if ((await store.append(partition, step.change)) === 'refused') return { isRefused: true, stored };
        stored = step.change.next;
        steps.shift();
      }
      return { isRefused: false, stored };
    },
    clear: () => {
      steps = [];
    },
  };
}

/** What was appended is taken out, so that it is not said again if the next call fails. */
async function appendAll(log: EventLog, topic: TopicName, records: NewRecord[]): Promise<void> {
  while (records.length > 0) {
    let count = 0;
    let characters = 0;
    while (count < records.length && count < MAX_RECORDS && (count === 0 || characters < MAX_CHARACTERS))
      characters += records[count++]?.value.length ?? 0;
    await log.append(topic, records.slice(0, count));
    records.splice(0, count);
  }
}

/** The worker's own marks may go later; everything of the fold stays with the offset it belongs to. */
function portions(rows: readonly Row[]): (readonly Row[])[] {
  if (rows.length <= MAX_ROWS) return [rows];
  const isTold = (row: Row): boolean => row.kind === 'mark' && row.id.startsWith('told/');
  const portioned: (readonly Row[])[] = [rows.filter((row) => !isTold(row))];
  const marks = rows.filter(isTold);
  for (let i = 0; i < marks.length; i += MAX_ROWS) portioned.push(marks.slice(i, i + MAX_ROWS));
  return portioned;
}
