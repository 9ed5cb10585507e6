// The WindowStore port: makes the windows of a partition durable (design §3). It holds, per source partition, the next
// offset and the rows that changed. Adapters: stores/memory.ts, stores/sqlite.ts, stores/redis.ts; one contract for all.

export type Row = {
  /** `attempt` rows are appended to a log and expire by offset; `rule` and `mark` rows are kept by id until deleted. */
  readonly kind: 'attempt' | 'rule' | 'mark';
  /** Unique per partition and kind. A later row of the same id replaces the earlier. */
  readonly id: string;
  /** Opaque to the store; null deletes (`rule`, `mark`). */
  readonly value: string | null;
};

export type LoadedPartition = {
  /** null: the store has nothing of this partition (new, or lost). */
  readonly next: number | null;
  /** Pages in the order of appending: the last row of an id counts. */
  readonly pages: AsyncIterable<readonly Row[]>;
};

export type AppendRows = {
  /** The next offset that the store must hold now (null: nothing stored), else it refuses. */
  readonly expectedNext: number | null;
  readonly next: number;
  readonly rows: readonly Row[];
};

/** Every method rejects with AppError `store_unavailable` (retriable) or `newer_store`. */
export interface WindowStore {
  load(partition: number): Promise<LoadedPartition>;
  /**
   * Appends the rows and sets the next offset in one atomic step, only if the stored next offset is `expectedNext`.
   * `refused`: a former owner, a second owner, or a store that went back; then drop everything, load, seek.
   * Calling it again after a lost answer is answered `appended` if it is exactly what the last call stored.
   */
  append(partition: number, change: AppendRows): Promise<'appended' | 'refused'>;
  /** Drops `attempt` rows that were last appended below `offset` (whole segments: some may stay longer). */
  expire(partition: number, offset: number): Promise<void>;
  /** Removes all of a partition: the reader will rebuild from the log. */
  clear(partition: number): Promise<void>;
  ping(): Promise<void>;
  close(): Promise<void>;
}
