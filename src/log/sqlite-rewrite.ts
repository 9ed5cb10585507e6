// Rewrites records of the embedded log where they stand: what was erased must not stay in the file. Offsets, times and order
// stay as they are. Kafka has nothing like it.
import type { TopicName } from '../model/topics.ts';
import type { Database } from './database.ts';
import type { StoredRecord } from './event-log.ts';
import { endsOf, readPage, tableOf } from './sqlite-tables.ts';
import type { Tail } from './tail.ts';

export type Rewritten = Pick<StoredRecord, 'key' | 'value'>;

export type RewriteOptions = {
  /** Offset to begin at; default: the oldest record. */
  readonly from?: number;
  readonly signal: AbortSignal;
  /** Told how many records were looked at since it was told last. */
  readonly onProgress?: (records: number) => void;
};

export type Rewriter = {
  /**
   * Hands over every record of a topic up to its present end, oldest first; what `change` gives back stands in its place from
   * then on, null leaves it. Safe to break off and begin again. Rejects with the log's errors, or the signal's reason.
   */
  rewrite(
    topic: TopicName,
    change: (record: StoredRecord) => Rewritten | null,
    options: RewriteOptions,
  ): Promise<{ readonly changed: number; readonly next: number }>;
  /**
   * Empties what the file keeps of replaced records: free pages, the write-ahead log. False: another program that reads the file is
   * in the way; ask again.
   */
  scrub(): Promise<boolean>;
};

const PAGE_RECORDS = 500;

export function createRewriter(database: Database, tailOf: (topic: TopicName) => Tail | undefined): Rewriter {
  return {
    rewrite: async (topic, change, { from = 0, signal, onProgress }) => {
      const sql = `UPDATE ${tableOf(topic)} SET key = ?, value = ? WHERE id = ?`;
      const { first, next } = await endsOf(database, topic);
      let changed = 0;
      for (let position = Math.max(from, first); position < next; ) {
        signal.throwIfAborted();
        const page = await readPage(database, topic, { from: position, to: next, limit: PAGE_RECORDS });
        const last = page.at(-1);
        if (last === undefined) break;
        const params = page.flatMap((record) => {
          const after = change(record);
          return after === null ? [] : [[after.key, after.value, record.offset + 1] as const];
        });
        if (params.length > 0) {
          await database.run([{ sql, params }]);
          // Its memory of the newest records is of what they were.
          tailOf(topic)?.forget();
        }
        changed += params.length;
        position = last.offset + 1;
        onProgress?.(page.length);
        await new Promise((resolve) => setImmediate(resolve));
      }
      return { changed, next };
    },
    scrub: async () => {
      await database.all('PRAGMA incremental_vacuum');
      // Appends wait for this connection: it must not wait for a reader.
      const [waits] = await database.all('PRAGMA busy_timeout');
      await database.all('PRAGMA busy_timeout = 0');
      const [answer] = await database.all('PRAGMA wal_checkpoint(TRUNCATE)').finally(async () => {
        await database.all(`PRAGMA busy_timeout = ${Number(waits?.timeout)}`);
      });
      return Number(answer?.busy ?? 1) === 0;
    },
  };
}
