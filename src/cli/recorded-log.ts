// What an installation has recorded, read beside the service that runs: for a backtest of its own past.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Backtest } from '../tuning/backtest.ts';

type LogReader = Pick<EventLog, 'read' | 'ends' | 'offsetsAt' | 'close'>;

export type ReadLogOptions = {
  /** Milliseconds: records received before are left out. */
  readonly sinceMs: number;
  readonly backtest: Pick<Backtest, 'addRecords'>;
  readonly tell: (message: string) => void;
};

/** Both lanes count, as in a file. Throws `no_log` and the log's errors. */
export async function readLog(config: Config, { sinceMs, backtest, tell }: ReadLogOptions): Promise<void> {
  const log = await openReader(config);
  try {
    for (const { partition, offset } of await log.offsetsAt('attempts', sinceMs))
      for await (const page of log.read('attempts', partition, offset))
        backtest.addRecords(page, ({ offset: at }, why) =>
          tell(`attempts, partition ${partition}, offset ${at}: ${why}`),
        );
  } finally {
    await log.close();
  }
}

async function openReader({ kafka, topicPrefix, dataFolder, demo, piiKey }: Config): Promise<LogReader> {
  if (kafka !== null) {
    const [{ openKafkaLog }, { createLogger }, { keptPiiKey }, { readErasures }, { erasingReader }] = await Promise.all(
      [
        import('../log/kafka.ts'),
        import('../telemetry/logger.ts'),
        import('../app/pii-key.ts'),
        import('../erasure/erasures.ts'),
        import('../erasure/erasing-log.ts'),
      ],
    );
    const log = await openKafkaLog({
      ...kafka,
      clientId: 'declinewatch-backtest',
      topicPrefix,
      logger: createLogger('error'),
    });
    // Kafka keeps what it has: who was erased is left out in reading.
    const { list } = await readErasures(log);
    return list.length === 0 ? log : erasingReader(log, { unsettled: () => list }, piiKey ?? keptPiiKey(dataFolder));
  }
  const { openSqliteReader } = await import('../log/sqlite-reader.ts');
  const file = join(dataFolder, 'declinewatch.db');
  const ofDemo = join(dataFolder, 'demo', 'declinewatch.db');
  return openSqliteReader(demo && !existsSync(file) && existsSync(ofDemo) ? ofDemo : file);
}
