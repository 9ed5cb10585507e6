// The WindowStore port: makes the windows of a partition durable (design §3). It holds, per source partition, the next
// offset and the rows that changed. Adapters: stores/memory.ts, stores/sqlite.ts, stores/redis.ts; one contract for all.

export type Row = KeptRow | AttemptsRow;

/** Kept by id until it is deleted. */
export type KeptRow = {
  readonly kind: 'rule' | 'mark';
  /** Unique per partition and kind. A later row of the same id replaces the earlier. */
  readonly id: string;
  /** Opaque to the store; null deletes. */
  readonly value: string | null;
};

/** Any number of attempts, appended to a log, expiring by offset. Opaque to the store, which may put several together. */
export type AttemptsRow = { readonly kind: 'attempts'; readonly bytes: Uint8Array };

export type LoadedPartition = {
  /** null: the store has nothing of this partition (new, or lost). */
  readonly next: number | null;
  /** First what is kept by id, then attempts in the order of appending. */
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
  /** Drops attempts that were last appended below `offset` (whole segments: some may stay longer). */
  expire(partition: number, offset: number): Promise<void>;
  /** Removes all of a partition: the reader will rebuild from the log. */
  clear(partition: number): Promise<void>;
  ping(): Promise<void>;
  close(): Promise<void>;
}
