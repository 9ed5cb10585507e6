// The newest records of a topic in memory, and a bell for those who wait for the next: bounded by count and by size.
import type { StoredRecord } from './event-log.ts';

const MAX_RECORDS = 4_096;
const MAX_CHARACTERS = 16_000_000;

type Bell = {
  /** Resolves at the first push after the bell was asked for, or when it is cancelled. */
  readonly rung: Promise<void>;
  cancel(): void;
};

export type Tail = {
  /** Offsets only rise; a hole makes the tail begin anew, so that it never hides a record from a reader. */
  push(records: readonly StoredRecord[]): void;
  /** Records from `offset` on, within the limits yet at least one if there is one; null if the tail does not reach back that far. */
  from(offset: number, limits: { readonly records: number; readonly characters: number }): StoredRecord[] | null;
  /** Offset after the newest record seen here; 0 if none. */
  end(): number;
  bell(): Bell;
  /** Forgets its records: they are read from where they are kept. */
  forget(): void;
};

export function createTail(): Tail {
  let records: StoredRecord[] = [];
  let characters = 0;
  let waiting: (() => void)[] = [];
  return {
    push: (more) => {
      for (const record of more) {
        const last = records.at(-1);
        if (last !== undefined && record.offset !== last.offset + 1) {
          records = [];
          characters = 0;
        }
        records.push(record);
        characters += record.value.length;
      }
      if (records.length > MAX_RECORDS || characters > MAX_CHARACTERS) {
        // Half is dropped at once, so that the copy costs little per record.
        records = newest(records, { records: MAX_RECORDS / 2, characters: MAX_CHARACTERS / 2 });
        characters = records.reduce((sum, { value }) => sum + value.length, 0);
      }
      const woken = waiting;
      waiting = [];
      for (const wake of woken) wake();
    },
    from: (offset, limits) => {
      const first = records[0]?.offset;
      if (first === undefined || offset < first) return null;
      const page: StoredRecord[] = [];
      let size = 0;
      for (let at = offset - first; at < records.length && page.length < limits.records; at += 1) {
        const record = records[at];
        if (record === undefined) break;
        size += record.value.length;
        if (page.length > 0 && size > limits.characters) break;
        page.push(record);
      }
      return page;
    },
    end: () => (records.at(-1)?.offset ?? -1) + 1,
    forget: () => {
      records = [];
      characters = 0;
    },
    bell: () => {
      let wake = (): void => {};
      const rung = new Promise<void>((resolve) => {
        wake = resolve;
      });
      waiting.push(wake);
      const cancel = (): void => {
        waiting = waiting.filter((other) => other !== wake);
        wake();
      };
      return { rung, cancel };
    },
  };
}

function newest(records: readonly StoredRecord[], limits: { records: number; characters: number }): StoredRecord[] {
  let from = records.length;
  let size = 0;
  while (from > 0 && records.length - from < limits.records) {
    size += records[from - 1]?.value.length ?? 0;
    if (size > limits.characters && from < records.length) break;
    from -= 1;
  }
  return records.slice(from);
}
