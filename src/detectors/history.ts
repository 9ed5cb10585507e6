// The history lane (design §4.3): views that came too late to be live are evaluated over all views of their scope, when a
// backfill ends, every five minutes while some wait, and on demand. A part of the detect role, in a group of its own.
import type { Consumer } from '../log/event-log.ts';
import { messageOf } from '../model/errors.ts';
import {
  createHistoryPartition,
  type HistoryPartition,
  type HistoryPartitionOptions,
  type HistoryPartitionStatus,
} from './history-partition.ts';

export type { HistoryPartitionStatus };

export type HistoryLaneOptions = HistoryPartitionOptions & {
  /** Consumer group: replicas of one installation share it. */
  readonly group?: string;
  /** Milliseconds between evaluations while views wait. Default: five minutes. */
  readonly everyMs?: number;
};

export type HistoryLane = {
  /**
   * Evaluates everything that was in the log at the call, of the partitions that this process has. When a backfill has
   * ended, and on demand. Rejects with the log's or the store's errors; what waited waits on.
   */
  runNow(): Promise<void>;
  status(): readonly HistoryPartitionStatus[];
  /** Stops a running evaluation: it begins again at the next start. */
  close(): Promise<void>;
};

const EVERY_MS = 300_000;
const MAX_RECORDS = 2_000;
const FIRST_PARTITION_WITHIN_MS = 10_000;

export async function startHistoryLane(options: HistoryLaneOptions): Promise<HistoryLane> {
  const { log, clock, logger, group = 'history', everyMs = EVERY_MS } = options;
  const partitions = new Map<number, HistoryPartition>();
  const stop = new AbortController();
  let assignedOne = (): void => {};
  const firstAssigned = new Promise<void>((resolve) => {
    assignedOne = resolve;
  });
  const partitionOf = (partition: number): HistoryPartition => {
    const known = partitions.get(partition);
    if (known !== undefined) return known;
    const created = createHistoryPartition(partition, options);
    partitions.set(partition, created);
    assignedOne();
    return created;
  };
  const consumer: Consumer = await log.consume({
    topic: 'attempts',
    group,
    maxRecords: MAX_RECORDS,
    assigned: async (partition) => await partitionOf(partition).assigned(),
    revoked: async (partition) => {
      await partitions.get(partition)?.revoked();
      partitions.delete(partition);
    },
    batch: async (batch) => await partitionOf(batch.partition).batch(batch),
    failed: (error) => logger.warn({ error: messageOf(error) }, 'the history lane waits'),
  });
  const timed = (async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await clock.sleep(everyMs, stop.signal);
      if (stop.signal.aborted) return;
      for (const partition of [...partitions.values()])
        await partition
          .run()
          .catch((error: unknown) =>
            logger.warn(
              { error: messageOf(error) },
              'views that came late could not be evaluated, will be tried again',
            ),
          );
    }
  })();
  return {
    runNow: async () => {
      if (partitions.size === 0)
        await Promise.race([firstAssigned, clock.sleep(FIRST_PARTITION_WITHIN_MS, stop.signal)]);
      const ends = await log.ends('attempts');
      for (const { partition, next } of ends) {
        const own = partitions.get(partition);
        await own?.reached(next);
        await own?.run();
      }
    },
    status: () => [...partitions.values()].map((partition) => partition.status()),
    close: async () => {
      stop.abort();
      await consumer.close();
      await timed;
    },
  };
}
