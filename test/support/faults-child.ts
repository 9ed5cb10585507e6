// The program as a process of its own that can be told to fail: `node faults-child.ts OPTIONS`, configured by the environment
// like the command. It kills itself at a chosen write, its disk can be full, its clock can jump.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openStorage, type Storage, type StorageOptions } from '../../src/app/storage.ts';
import type { Teardown } from '../../src/app/teardown.ts';
import { type Role, startApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config/config.ts';
import { openRedisStore } from '../../src/detectors/stores/redis.ts';
import { openSqliteStore } from '../../src/detectors/stores/sqlite.ts';
import type { WindowStore } from '../../src/detectors/window-store.ts';
import { type Database, openDatabase } from '../../src/log/database.ts';
import type { EventLog } from '../../src/log/event-log.ts';
import { openKafkaLog } from '../../src/log/kafka.ts';
import { openSqliteLog } from '../../src/log/sqlite.ts';
import { type Clock, systemClock } from '../../src/model/clock.ts';
import { type CrashPoint, createGate, type Gate } from './crash-gate.ts';
import { SHORT_SESSION_MS } from './log-child.ts';

export const FAULTS_CHILD = fileURLToPath(import.meta.url);

export type ChildOptions = {
  readonly roles: readonly Role[];
  /** The write of the log or the store at which it kills itself; null: none. */
  readonly point: CrashPoint | null;
};

export const childArgs = (options: ChildOptions): readonly string[] => [JSON.stringify(options)];

/** What a running one can be told. */
export type Told =
  | { readonly type: 'clock'; readonly aheadMs: number }
  | { readonly type: 'disk'; readonly isFull: boolean };

/** The last line of one that was stopped. */
export const WRITES = /^writes (\d+)$/m;

async function main({ roles, point }: ChildOptions): Promise<void> {
  const clock = jumpingClock();
  const gate = createGate(point, () => process.kill(process.pid, 'SIGKILL'));
  let database: Database | null = null;
  const app = await startApp(loadConfig(), {
    roles,
    demo: false,
    clock,
    storage: async (options, teardown) => {
      if (options.config.kafka !== null) return await openServices(options, { teardown, gate });
      database = await openDatabase({ file: join(options.dataFolder, 'declinewatch.db'), owner: options.owner });
      return await openEmbedded(database, { ...options, teardown });
    },
  });
  process.on('message', (told: Told) => {
    if (told.type === 'clock') clock.aheadMs = told.aheadMs;
    else void fillDisk(database, told.isFull);
  });
  process.on('disconnect', () => process.exit(1));
  process.on('SIGINT', () => {
    void app.stop().then(() => {
      process.stdout.write(`\nwrites ${gate.seen.length}\n`, () => process.exit(0));
    });
  });
  const webhook = app.webhookUrl === null ? '' : `  Webhook:  ${app.webhookUrl}\n`;
  process.stdout.write(`declinewatch runs.\n${webhook}  Console:  ${app.consoleUrl}\n`);
}

type Parts = { readonly teardown: Teardown; readonly gate: Gate };

/** As the program opens them, with the shortest session that Kafka takes, and counted. */
async function openServices(options: StorageOptions, { teardown, gate }: Parts): Promise<Storage> {
  const { config, clock, logger } = options;
  const { kafka, redisUrl, topicPrefix } = config;
  if (kafka === null || redisUrl === null) return await openStorage(options, teardown);
  const log = await openKafkaLog({
    ...kafka,
    clientId: 'declinewatch',
    topicPrefix,
    clock,
    logger,
    sessionTimeoutMs: SHORT_SESSION_MS,
  });
  teardown.push('log', () => log.close());
  const store = await openRedisStore({ url: redisUrl, prefix: topicPrefix, logger, clock });
  teardown.push('store', () => store.close());
  await log.ensureTopics();
  return { log: gatedLog(log, gate), store: gatedStore(store, gate), kind: 'kafka' };
}

const gatedLog = (log: EventLog, gate: Gate): EventLog => ({
  ...log,
  append: async (topic, records) => await gate.effect(`append ${topic}`, () => log.append(topic, records)),
});

const gatedStore = (store: WindowStore, gate: Gate): WindowStore => ({
  ...store,
  append: async (partition, change) => await gate.effect('store append', () => store.append(partition, change)),
  expire: async (partition, offset) => await gate.effect('store expire', () => store.expire(partition, offset)),
  clear: async (partition) => await gate.effect('store clear', () => store.clear(partition)),
});

type EmbeddedParts = StorageOptions & { readonly teardown: Teardown };

async function openEmbedded(database: Database, { teardown, logger, clock }: EmbeddedParts): Promise<Storage> {
  teardown.push('database', () => database.close());
  const log = await openSqliteLog({ database, logger, clock });
  teardown.push('log', () => log.close());
  return { log, store: await openSqliteStore({ database }), kind: 'embedded' };
}

/** As many pages as there are now and no more: SQLite then answers each growth as it does on a full disk. */
async function fillDisk(database: Database | null, isFull: boolean): Promise<void> {
  const pages = isFull ? 1 : 4_294_967_294;
  await database?.all(`PRAGMA max_page_count = ${pages}`);
}

function jumpingClock(): Clock & { aheadMs: number } {
  const clock = {
    aheadMs: 0,
    now: () => Date.now() + clock.aheadMs,
    sleep: systemClock.sleep,
  };
  return clock;
}

if (process.argv[1] === FAULTS_CHILD) await main(JSON.parse(process.argv[2] ?? '{}') as ChildOptions);
