// What the Redis server is and says: whether it takes writes, whether it may let go of windows, and its errors with their
// cures.
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { AppError, messageOf } from '../../model/errors.ts';

/** Rejects if Redis does not answer or takes no writes (a replica). */
export async function checkWritable(redis: Redis): Promise<void> {
  const { role, slave_read_only: readOnly } = await infoOf(redis, 'replication');
  // Worded as Redis does when it is written to, so that the cure is the same.
  if (role === 'slave' && readOnly !== '0') throw new Error('READONLY this is a replica');
}

/** Every key of ours expires, so every policy but one may take it. What is taken is noticed and rebuilt, at a price. */
export async function warnOfEviction(redis: Redis, logger: Logger): Promise<void> {
  try {
    const { maxmemory, maxmemory_policy: policy } = await infoOf(redis, 'memory');
    if (policy === undefined || policy === 'noeviction' || maxmemory === '0') return;
    const help = 'Set maxmemory-policy noeviction, or give the windows a Redis of their own.';
    logger.warn({ policy, maxmemory, help }, 'redis may let go of windows when it is full, they are rebuilt each time');
  } catch (error) {
    logger.debug({ error: messageOf(error) }, 'redis was not asked for its memory policy');
  }
}

/** Empty if the user may not ask; PING then says whether Redis answers at all. */
export async function infoOf(redis: Redis, section: string): Promise<Readonly<Record<string, string | undefined>>> {
  try {
    const lines = (await redis.info(section)).split('\r\n').filter((line) => line.includes(':'));
    return Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
    );
  } catch (error) {
    if (!messageOf(error).includes('NOPERM')) throw error;
    await redis.ping();
    return {};
  }
}

/** Whatever Redis says, the caller hears `store_unavailable`, with the cure. */
export async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    const reason = reasonOf(cause);
    throw new AppError('store_unavailable', `Redis cannot be used: ${reason}`, {
      help: cureOf(reason),
      retriable: true,
      cause,
    });
  }
}

/** Of a transaction that was discarded, what its commands were refused for. */
export function reasonOf(error: unknown): string {
  const { previousErrors } = error as { readonly previousErrors?: readonly unknown[] };
  return messageOf(previousErrors?.[0] ?? error);
}

export function cureOf(message: string): string {
  if (/unknown command|unknown subcommand/i.test(message)) return 'Redis 7.0 or later is needed (functions).';
  if (/NOAUTH|WRONGPASS/.test(message)) return 'Check user and password in REDIS_URL.';
  if (/NOPERM/.test(message)) return 'Give the user of REDIS_URL the commands FUNCTION LOAD, FCALL and its keys.';
  if (/OOM/.test(message)) return 'Redis is full: raise its maxmemory.';
  if (/READONLY/.test(message)) return 'REDIS_URL leads to a replica: let it lead to the primary.';
  if (/MOVED|CLUSTERDOWN/.test(message))
    return 'REDIS_URL leads to a cluster of several nodes: let it lead to one Redis that holds every key.';
  return 'Check that REDIS_URL leads to a running Redis; reading goes on by itself once it is back.';
}
