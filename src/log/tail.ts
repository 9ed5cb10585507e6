// The newest records of a topic in memory, and a bell for those who wait for the next: bounded by count and by size.
import type { StoredRecord } from './event-log.ts';

const MAX_RECORDS = 4_096;
const MAX_CHARACTERS = 16_000_000;

export type Tail = {
  push(records: readonly StoredRecord[]): void;
  /** Records from `offset` on, at most `limit`; null if the tail does not reach back that far. */
  from(offset: number, limit: number): readonly StoredRecord[] | null;
  /** Offset after the newest record seen here; 0 if none. */
  end(): number;
  /** Resolves at the next push, or when the signal is aborted. */
  next(signal: AbortSignal): Promise<void>;
};

export function createTail(): Tail {
  let records: StoredRecord[] = [];
  let characters = 0;
  const waiting = new Set<() => void>();
  return {
    push: (more) => {
      // Group commits resolve in order, so offsets only rise; anything else would hide records from a consumer.
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
        let keep = records.length;
        let kept = 0;
        while (keep > 0 && records.length - keep < MAX_RECORDS / 2 && kept < MAX_CHARACTERS / 2) {
          keep -= 1;
          kept += records[keep]?.value.length ?? 0;
        }
        records = records.slice(keep);
        characters = kept;
      }
      for (const wake of waiting) wake();
    },
    from: (offset, limit) => {
      const first = records[0]?.offset;
      if (first === undefined || offset < first) return null;
      return records.slice(offset - first, offset - first + limit);
    },
    end: () => (records.at(-1)?.offset ?? -1) + 1,
    next: (signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const wake = (): void => {
          waiting.delete(wake);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        waiting.add(wake);
        signal.addEventListener('abort', wake, { once: true });
      }),
  };
}
