// What everything else stands on: the log and the window store, over Kafka and Redis or over one SQLite file.
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { openRedisStore } from '../detectors/stores/redis.ts';
import { openSqliteStore } from '../detectors/stores/sqlite.ts';
import type { WindowStore } from '../detectors/window-store.ts';
import { openDatabase } from '../log/database.ts';
import type { EventLog } from '../log/event-log.ts';
import { openKafkaLog } from '../log/kafka.ts';
import { openSqliteLog } from '../log/sqlite.ts';
import type { Rewriter } from '../log/sqlite-rewrite.ts';
import type { Clock } from '../model/clock.ts';
import type { Teardown } from './teardown.ts';

export type Storage = {
  readonly log: EventLog;
  readonly store: WindowStore;
  readonly kind: 'embedded' | 'kafka';
  /** Rewrites what the log holds; absent or null: the log cannot. */
  readonly rewriter?: Rewriter | null;
};

export type StorageOptions = {
  readonly config: Config;
  /** Absolute: where an embedded installation keeps its file. */
  readonly dataFolder: string;
  /** What the processes of this installation have in common. */
  readonly mark?: string;
  /** Named to a second process that wants the same folder. */
  readonly owner: string;
  readonly clock: Clock;
  readonly logger: Logger;
};

export async function openStorage(options: StorageOptions, teardown: Teardown): Promise<Storage> {
  const storage =
    options.config.kafka === null ? await openEmbedded(options, teardown) : await openServices(options, teardown);
  await storage.log.ensureTopics();
  return storage;
}

async function openEmbedded(
  { dataFolder, owner, clock, logger }: StorageOptions,
  teardown: Teardown,
): Promise<Storage> {
  const database = await openDatabase({ file: join(dataFolder, 'declinewatch.db'), owner });
  teardown.push('database', () => database.close());
  const log = await openSqliteLog({ database, logger: logger.child({ part: 'log' }), clock });
  teardown.push('log', () => log.close());
  const store = await openSqliteStore({ database });
  teardown.push('store', () => store.close());
  return { log, store, kind: 'embedded', rewriter: log };
}

async function openServices({ config, mark, clock, logger }: StorageOptions, teardown: Teardown): Promise<Storage> {
  const { kafka, redisUrl, redisTlsCa, topicPrefix } = config;
  if (kafka === null || redisUrl === null) throw new Error('Kafka and Redis go together.');
  const connection = { ...kafka, clientId: 'declinewatch', logger: logger.child({ part: 'log' }) };
  const log = await openKafkaLog({ ...connection, topicPrefix, clock, ...(mark === undefined ? {} : { mark }) });
  teardown.push('log', () => log.close());
  const store = await openRedisStore({
    url: redisUrl,
    tlsCa: redisTlsCa,
    prefix: topicPrefix,
    logger: logger.child({ part: 'store' }),
    clock,
  });
  teardown.push('store', () => store.close());
  return { log, store, kind: 'kafka', rewriter: null };
}
