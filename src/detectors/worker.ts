// The detect role: reads `attempts`, keeps the windows of its partitions, and reports episodes as commands.
import type { Consumer } from '../log/event-log.ts';
import { messageOf } from '../model/errors.ts';
import { createPartition, type PartitionWorker } from './worker-partition.ts';
import type { PartitionOptions, PartitionStatus } from './worker-seat.ts';

export type { PartitionStatus };

export type DetectWorkerOptions = PartitionOptions & {
  /** Consumer group: replicas of one installation share it. */
  readonly group?: string;
};

export type DetectWorker = {
  /** Resolves when the running batch is stored and the partitions are given back. */
  close(): Promise<void>;
  /** Of the partitions that this process has. */
  status(): readonly PartitionStatus[];
};

const MAX_RECORDS = 1_000;
const SHORTEST_WAIT_MS = 20;
const LONGEST_WAIT_MS = 1_000;

export async function startDetectWorker(options: DetectWorkerOptions): Promise<DetectWorker> {
  const { log, group = 'detect' } = options;
  const partitions = new Map<number, PartitionWorker>();
  const stop = new AbortController();
  const partitionOf = (partition: number): PartitionWorker => {
    const known = partitions.get(partition);
    if (known !== undefined) return known;
    const created = createPartition(partition, options);
    partitions.set(partition, created);
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
  });
  const ticking = tickUntil(stop.signal, options, partitions);
  return {
    close: async () => {
      stop.abort();
      await ticking;
      await consumer.close();
    },
    status: () => [...partitions.values()].map((partition) => partition.status()),
  };
}

/** What only time makes due: growth after its pause, and ends. */
async function tickUntil(
  signal: AbortSignal,
  { clock, logger }: DetectWorkerOptions,
  partitions: ReadonlyMap<number, PartitionWorker>,
): Promise<void> {
  while (!signal.aborted) {
    let nextMs = clock.now() + LONGEST_WAIT_MS;
    for (const partition of [...partitions.values()]) {
      try {
        nextMs = Math.min(nextMs, await partition.tick());
      } catch (error) {
        logger.debug({ error: messageOf(error) }, 'reports by the clock wait');
      }
    }
    await clock.sleep(Math.max(SHORTEST_WAIT_MS, nextMs - clock.now()), signal);
  }
}
