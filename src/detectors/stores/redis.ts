// The WindowStore over Redis 7.0 or later: per source partition one hash tag, one write for each batch, no reads while
// running. Redis is a cache of the log: whatever is missing here is found missing, and rebuilt from there.
import { Redis } from 'ioredis';
import type { Logger } from 'pino';
import type { Clock } from '../../model/clock.ts';
import { AppError, messageOf } from '../../model/errors.ts';
import type { AppendRows, LoadedPartition, Row, WindowStore } from '../window-store.ts';
import { APPEND, LIBRARY_CODE } from './redis-functions.ts';
import { checkWritable, guarded, warnOfEviction } from './redis-server.ts';
import { firstSegmentFrom, newerStore, partsOf, rowOf, STORE_SCHEMA, sealOf, segmentOf } from './rows.ts';

export type RedisStoreOptions = {
  /** `redis://` or `rediss://`, user and password included: never logged. */
  readonly url: string;
  /** PEM of an own authority to trust, of `rediss://`. Default: the system's. */
  readonly tlsCa?: string | null;
  /** In front of every key; the same for all replicas of an installation. */
  readonly prefix: string;
  readonly logger: Logger;
  readonly clock: Clock;
  /**
   * Keys expire so long after their last append: the longest horizon there can be (7 d window, 14 d quietFor, 3 d
   * lateness) and the outage allowance.
   */
  readonly keepMs?: number;
  /** A partition that was not written for longer is not trusted any more and rebuilt from the log. */
  readonly outageMs?: number;
  /** A command without an answer for so long is given up; Redis may carry it out all the same. Default 10 s. */
  readonly timeoutMs?: number;
};

const DAY_MS = 86_400_000;
const DEFAULT_OUTAGE_MS = 7 * DAY_MS;
const DEFAULT_KEEP_MS = 24 * DAY_MS + DEFAULT_OUTAGE_MS;
const CONNECT_TIMEOUT_MS = 5_000;
const DEFAULT_TIMEOUT_MS = 10_000;
const LONGEST_RETRY_MS = 2_000;

/** Most of one append: bytes of attempts, and rows that are kept by id (all words that there can be, and marks). */
const ELEMENT_BYTES = 64_000_000;
const MAX_KEPT = 100_000;
/** Bytes of one read: what bounds a page. */
const PAGE_BYTES = 1_000_000;
const MAX_PAGE_ELEMENTS = 4_096;
const SCAN_COUNT = 1_000;
const LOOKS = 3;

/** Resolves even if Redis is away: then every call rejects with `store_unavailable` until it is back. */
export async function openRedisStore(options: RedisStoreOptions): Promise<WindowStore> {
  const redis = connect(options);
  await redis.connect().catch((error: unknown) => {
    options.logger.warn({ error: messageOf(error) }, 'redis cannot be reached yet');
  });
  const store = redisStore(redis, options);
  return {
    load: async (partition) => await guarded(async () => await store.load(partition)),
    append: async (partition, change) => await guarded(async () => await store.append(partition, change)),
    expire: async (partition, offset) => await guarded(async () => await store.expire(partition, offset)),
    clear: async (partition) => await guarded(async () => await store.clear(partition)),
    ping: async () => await guarded(async () => await checkWritable(redis)),
    close: async () => redis.disconnect(),
  };
}

/** No queue while disconnected, nothing sent twice by itself: the caller waits, and repeats what got no answer. */
function connect({ url, tlsCa = null, logger, timeoutMs = DEFAULT_TIMEOUT_MS }: RedisStoreOptions): Redis {
  const redis = new Redis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: timeoutMs,
    retryStrategy: (tries) => Math.min(50 * 2 ** Math.min(tries, 10), LONGEST_RETRY_MS),
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    ...(tlsCa !== null && url.startsWith('rediss:') ? { tls: { ca: [tlsCa] } } : {}),
  });
  let isTold = false;
  redis.on('error', (error: Error) => {
    if (!isTold) logger.warn({ error: error.message }, 'redis is away, detection pauses');
    isTold = true;
  });
  redis.on('ready', () => {
    if (isTold) logger.info('redis is back, detection goes on');
    isTold = false;
    void warnOfEviction(redis, logger);
  });
  return redis;
}

type Keys = {
  readonly head: string;
  readonly rows: string;
  readonly segments: string;
  segment(number: number): string;
};

function keysOf(prefix: string, partition: number): Keys {
  const tag = `{${prefix}attempts-${partition}}`;
  return {
    head: `${tag}:head`,
    rows: `${tag}:rows`,
    segments: `${tag}:segments`,
    segment: (number) => `${tag}:s${number}`,
  };
}

function redisStore(redis: Redis, options: RedisStoreOptions): Omit<WindowStore, 'ping' | 'close'> {
  const { prefix, clock, logger, keepMs = DEFAULT_KEEP_MS, outageMs = DEFAULT_OUTAGE_MS } = options;

  const load = async (partition: number): Promise<LoadedPartition> => {
    const keys = keysOf(prefix, partition);
    let found = await inspect(redis, keys);
    // A former owner that still writes may have changed it between two looks: only what stays missing is missing.
    for (let looks = 1; looks < LOOKS && problemOf(found) !== null; looks++) found = await inspect(redis, keys);
    const problem = problemOf(found);
    if (found !== null && problem === null)
      return { next: found.next, pages: pagesOf(redis, keys, found.segments ?? []) };
    if (problem !== null) logger.warn({ partition, problem }, 'windows in redis are not complete, they are rebuilt');
    await clear(partition);
    return { next: null, pages: noPages() };
  };

  const problemOf = (found: Found | null): string | null => {
    if (found === null) return null;
    if (found.schema < STORE_SCHEMA) return 'written by an older version';
    if (clock.now() - found.at > outageMs) return 'not written for longer than the outage allowance';
    if (!found.isKept) return 'rules or marks are missing';
    if (found.segments === null) return 'the list of segments is missing';
    const isGone = found.segments.some(({ at, isThere }) => !isThere && at > clock.now() - keepMs);
    return isGone ? 'attempts are missing' : null;
  };

  const append = async (partition: number, change: AppendRows): Promise<'appended' | 'refused'> => {
    const keys = keysOf(prefix, partition);
    const number = segmentOf(change.next);
    const [answer, found] = await call(redis, {
      keys: [keys.head, keys.rows, keys.segments, keys.segment(number)],
      args: argumentsOf(change, { number, nowMs: clock.now(), keepMs, outageMs }),
    });
    if (answer === 'newer') throw newerStore(Number(found));
    return answer === 'appended' ? 'appended' : 'refused';
  };

  const expire = async (partition: number, offset: number): Promise<void> => {
    const keys = keysOf(prefix, partition);
    const before = firstSegmentFrom(offset);
    await drop(
      redis,
      keys,
      (await listed(redis, keys)).filter(({ number }) => number < before),
    );
  };

  const clear = async (partition: number): Promise<void> => {
    const keys = keysOf(prefix, partition);
    // The head first: without it nobody trusts the rest.
    await redis.unlink(keys.head, keys.rows);
    await drop(redis, keys, await listed(redis, keys));
    await redis.unlink(keys.segments);
  };

  return { load, append, expire, clear };
}

function argumentsOf(
  change: AppendRows,
  { number, nowMs, keepMs, outageMs }: { number: number; nowMs: number; keepMs: number; outageMs: number },
): (string | Uint8Array)[] {
  const parts = partsOf(change.rows);
  const { attempts, kept } = parts;
  if (attempts.length > ELEMENT_BYTES || kept.size > MAX_KEPT)
    throw new AppError(
      'too_large',
      `An append holds ${attempts.length} bytes of attempts and ${kept.size} other rows; ${ELEMENT_BYTES} and ${MAX_KEPT} are the most.`,
    );
  const set: string[] = [];
  const gone: string[] = [];
  for (const [key, value] of kept) {
    if (value === null) gone.push(key);
    else set.push(key, value);
  }
  const { expectedNext, next } = change;
  const seal = sealOf(change, parts);
  const numbers = [STORE_SCHEMA, expectedNext ?? '', next, seal, nowMs, keepMs, outageMs, number].map(String);
  return [...numbers, attempts, String(set.length / 2), ...set, ...gone];
}

type Call = { readonly keys: string[]; readonly args: readonly (string | Uint8Array)[] };

async function call(redis: Redis, { keys, args }: Call): Promise<string[]> {
  const sent = args.map((arg) => (typeof arg === 'string' ? arg : Buffer.from(arg.buffer, arg.byteOffset, arg.length)));
  const send = async (): Promise<string[]> => (await redis.fcall(APPEND, keys.length, ...keys, ...sent)) as string[];
  try {
    return await send();
  } catch (error) {
    if (!/function not found/i.test(messageOf(error))) throw error;
    await redis.call('FUNCTION', 'LOAD', 'REPLACE', LIBRARY_CODE);
    return await send();
  }
}

/** What stands in Redis of a partition, as far as it shows whether anything is missing (evicted, deleted, expired). */
type Found = {
  readonly schema: number;
  readonly next: number;
  /** Milliseconds of the last append. */
  readonly at: number;
  readonly isKept: boolean;
  /** In the order of their offsets; null: the list was lost. */
  readonly segments: readonly Segment[] | null;
};

type Segment = { readonly number: number; readonly at: number; readonly isThere: boolean };

async function inspect(redis: Redis, keys: Keys): Promise<Found | null> {
  const results = await redis
    .multi()
    .hmget(keys.head, 'schema', 'next', 'at', 'kept')
    .hlen(keys.rows)
    .zrange(keys.segments, 0, -1, 'WITHSCORES')
    .exec();
  const [head, rows, list] = (results ?? []).map(([error, value]) => {
    if (error !== null) throw error;
    return value;
  }) as [(string | null)[], number, string[]];
  const [schema, next, at, kept] = head;
  if (next === null || next === undefined) return null;
  if (Number(schema) > STORE_SCHEMA) throw newerStore(Number(schema));
  return {
    schema: Number(schema),
    next: Number(next),
    at: Number(at),
    isKept: rows === Number(kept),
    segments: await segmentsOf(redis, keys, list),
  };
}

/** The member of the list that its first append adds (redis-functions.ts). */
const COMPLETE = 'all';

async function segmentsOf(redis: Redis, keys: Keys, list: readonly string[]): Promise<readonly Segment[] | null> {
  if (!list.includes(COMPLETE)) return null;
  const listed: { number: number; at: number }[] = [];
  for (let i = 0; i < list.length; i += 2)
    if (list[i] !== COMPLETE) listed.push({ number: Number(list[i]), at: Number(list[i + 1]) });
  listed.sort((a, b) => a.number - b.number);
  const there = await Promise.all(listed.map(async ({ number }) => await redis.exists(keys.segment(number))));
  return listed.map((segment, i) => ({ ...segment, isThere: there[i] === 1 }));
}

async function listed(redis: Redis, keys: Keys): Promise<readonly Segment[]> {
  return (await segmentsOf(redis, keys, await redis.zrange(keys.segments, 0, -1, 'WITHSCORES'))) ?? [];
}

async function drop(redis: Redis, keys: Keys, segments: readonly Segment[]): Promise<void> {
  for (const { number } of segments) {
    await redis.unlink(keys.segment(number));
    await redis.zrem(keys.segments, String(number));
  }
}

async function* noPages(): AsyncGenerator<readonly Row[]> {}

async function* pagesOf(redis: Redis, keys: Keys, segments: readonly Segment[]): AsyncGenerator<readonly Row[]> {
  let cursor = '0';
  do {
    const [following, flat] = await guarded(async () => await redis.hscan(keys.rows, cursor, 'COUNT', SCAN_COUNT));
    cursor = following;
    const rows: Row[] = [];
    for (let i = 0; i < flat.length; i += 2) rows.push(rowOf(flat[i] ?? '', flat[i + 1] ?? ''));
    if (rows.length > 0) yield rows;
  } while (cursor !== '0');
  for (const { number } of segments) yield* elementsOf(redis, keys.segment(number));
}

/** Appends are small in quiet hours and large in an attack: the next read asks for as many as fit a page. */
async function* elementsOf(redis: Redis, key: string): AsyncGenerator<readonly Row[]> {
  let count = 16;
  for (let from = 0; ; ) {
    const elements = await guarded(async () => await redis.lrangeBuffer(key, from, from + count - 1));
    if (elements.length === 0) return;
    let bytes = 0;
    for (const element of elements) {
      bytes += element.length;
      yield [{ kind: 'attempts', bytes: element }];
    }
    from += elements.length;
    const fitting = Math.floor((PAGE_BYTES / bytes) * elements.length);
    count = Math.max(1, Math.min(fitting, MAX_PAGE_ELEMENTS, count * 8));
  }
}
