// The EventLog port: the durable truth (design §3). Two adapters keep its promises: sqlite.ts and kafka.ts;
// test/contract/event-log.ts is run over both.
import type { TopicName } from '../model/topics.ts';

export type NewRecord = {
  /** Records of one key keep their order; null: any partition. */
  readonly key: string | null;
  /** JSON text, at most 1 MiB; it carries the schema version as `v` (see codec.ts). */
  readonly value: string;
  /** Milliseconds: record time, which retention goes by. Never the event's own time. */
  readonly timeMs: number;
  /** To a stated partition instead of the key's (control records). */
  readonly partition?: number;
};

export type StoredRecord = {
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly value: string;
  /** The value as UTF-8, if that is how it came: who can do without the text reads these. */
  readonly bytes?: Buffer;
  readonly timeMs: number;
};

export type Position = { readonly partition: number; readonly offset: number };

export type PartitionEnds = {
  readonly partition: number;
  /** Offset of the oldest record still kept. */
  readonly first: number;
  /** Offset that the next record will get. */
  readonly next: number;
};

export type Batch = {
  readonly topic: TopicName;
  readonly partition: number;
  /** In offset order, without a gap (other than what compaction or a transaction marker removed). */
  readonly records: readonly StoredRecord[];
  /** Where the partition ended when this was fetched: how far behind we are. */
  readonly next: number;
  /**
   * Aborted when the partition is taken away or the consumer stops. A handler may then stop early by throwing: whoever
   * reads next begins at this batch. To resolve means that the batch was handled, aborted or not.
   */
  readonly signal: AbortSignal;
};

/** A partition, as long as this member has it. */
export type Hold = {
  /**
   * Before a call that nobody may make twice: resolves with true while it is certain that no other member has been given the
   * partition, which after a pause of the process is so only once the group has said it again; with false once `signal` is
   * aborted.
   */
  certain(signal: AbortSignal): Promise<boolean>;
};

export type ConsumerOptions = {
  readonly topic: TopicName;
  /** Each group sees every record; the partitions are shared among a group's members. */
  readonly group: string;
  /** Most records in a batch. Default 1000. */
  readonly maxRecords?: number;
  /**
   * Called when this member is given a partition, before its first batch. A number is the offset to start at, whatever
   * the group committed (state that carries its own offset); null: the group's committed offset, else the oldest record.
   */
  readonly assigned?: (partition: number, hold: Hold) => Promise<number | null>;
  /** Called when it is taken away (or the consumer closes), after the last batch has returned. */
  readonly revoked?: (partition: number) => Promise<void>;
  /**
   * Handles one batch of one partition; partitions may run side by side, a partition's batches never. When it resolves with null,
   * the group's offset moves past the batch (a number: to that offset instead, and reading goes on there: how a handler
   * whose state was refused goes back). When it throws, the batch is delivered again after a pause that grows up to 5 s.
   */
  readonly batch: (batch: Batch) => Promise<number | null>;
  /** Told of each failure that reading is tried again after: a batch that threw, the log away, records missing (`log_gap`). */
  readonly failed?: (error: unknown) => void;
};

export type Consumer = {
  /** Resolves when the running batch has returned and its offset is stored. Safe to call twice. */
  close(): Promise<void>;
};

/** Every method rejects with AppError: `log_unavailable` (retriable), `log_gap`, `newer_schema`, `topic_mismatch`, `too_large`. */
export interface EventLog {
  /** Creates the topics that lack and checks the partition counts of those that exist (`topic_mismatch`). */
  ensureTopics(): Promise<void>;
  /** Number of partitions of a topic. */
  partitions(topic: TopicName): number;
  /** Resolves once all are durable, with their positions in the order given. All or a rejection; after a rejection some may be there. */
  append(topic: TopicName, records: readonly NewRecord[]): Promise<readonly Position[]>;
  /**
   * Reads [from, to) of one partition in offset order, in pages; `to` defaults to the end at the time of the call, so it ends
   * while writers go on. `log_gap` if `from` is older than the oldest record kept.
   */
  read(topic: TopicName, partition: number, from: number, to?: number): AsyncIterable<readonly StoredRecord[]>;
  ends(topic: TopicName): Promise<readonly PartitionEnds[]>;
  /** Per partition the offset of the first record with timeMs at or after the given one (the end if none). */
  offsetsAt(topic: TopicName, timeMs: number): Promise<readonly Position[]>;
  /** Starts reading; resolves once subscribed. */
  consume(options: ConsumerOptions): Promise<Consumer>;
  /** Rejects with the reason if the log cannot be used now. */
  ping(): Promise<void>;
  /** Drains and closes every consumer, then the log. */
  close(): Promise<void>;
}
