// What `doctor` asks Redis: is it there, is the log-in accepted, is it a version and a role that will do, may it let go of
// windows, does it keep them over a restart, is it near, may this user do all that is needed. It changes nothing.
import { Redis } from 'ioredis';
import { messageOf } from '../../model/errors.ts';
import { APPEND } from './redis-functions.ts';
import { cureOf, infoOf, reasonOf } from './redis-server.ts';

export type RedisCheck = {
  readonly name: string;
  /** What is wrong and the cure; null: fine. */
  readonly problem: string | null;
  /** What was found; '' if nothing. */
  readonly found: string;
};

export type RedisCheckOptions = {
  /** User and password included: never told. */
  readonly url: string;
  /** PEM of an own authority, of `rediss://`; null: the system's. */
  readonly tlsCa: string | null;
  /** In front of every key. */
  readonly prefix: string;
};

const CONNECT_MS = 5_000;
const ASK_MS = 5_000;
const PINGS = 20;
/** A batch is one write: from here on the way takes more of its time than the work. */
const SLOW_MS = 20;
const OLDEST_MAJOR = 7;
const MAX_SKEW_MS = 60_000;

/** Never rejects. A Redis that cannot be reached, or refuses the log-in, ends it after the first line. */
export async function checkRedis({ url, tlsCa, prefix }: RedisCheckOptions): Promise<readonly RedisCheck[]> {
  const redis = new Redis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: CONNECT_MS,
    commandTimeout: ASK_MS,
    retryStrategy: () => null,
    ...(tlsCa !== null && url.startsWith('rediss:') ? { tls: { ca: [tlsCa] } } : {}),
  });
  let lastError: Error | null = null;
  redis.on('error', (error: Error) => {
    lastError = error;
  });
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    redis.disconnect();
    return [unreachable(lastError ?? error, url)];
  }
  try {
    const info = async (section: string) => await infoOf(redis, section);
    const [server, replication, memory, persistence, cluster] = await Promise.all(
      ['server', 'replication', 'memory', 'persistence', 'cluster'].map(info),
    );
    return [
      versionLine(server ?? {}),
      roleLine({ ...replication, ...cluster }),
      memoryLine(memory ?? {}),
      persistenceLine(persistence ?? {}),
      await check('redis latency', async () => await latency(redis)),
      await check('redis clock', async () => await clock(redis)),
      await check('redis rights', async () => await rights(redis, prefix)),
    ];
  } catch (error) {
    return [wrong('REDIS_URL', told(error))];
  } finally {
    redis.disconnect();
  }
}

type Info = Readonly<Record<string, string | undefined>>;

const fine = (name: string, found: string): RedisCheck => ({ name, problem: null, found });
const wrong = (name: string, problem: string): RedisCheck => ({ name, problem, found: '' });

class Problem extends Error {}

async function check(name: string, ask: () => Promise<string>): Promise<RedisCheck> {
  try {
    return fine(name, await ask());
  } catch (error) {
    return wrong(name, error instanceof Problem ? error.message : told(error));
  }
}

function told(error: unknown): string {
  const reason = reasonOf(error);
  return `Redis answers: ${reason}. ${cureOf(reason)}`;
}

function unreachable(error: unknown, url: string): RedisCheck {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const message = messageOf(error);
  const isTls = url.startsWith('rediss:');
  const name = 'REDIS_URL';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return wrong(name, 'There is no such host. Correct it in REDIS_URL.');
  if (code === 'ECONNREFUSED')
    return wrong(name, 'Nothing listens there. Start Redis, or correct the port in REDIS_URL.');
  if (code === 'ETIMEDOUT' || /timed? ?out/i.test(message))
    return wrong(name, `There is no answer within ${CONNECT_MS / 1000} s. Open the way to it, or correct REDIS_URL.`);
  if (code === 'CERT_HAS_EXPIRED') return wrong(name, 'Its certificate has expired. Renew it.');
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return wrong(name, 'Its certificate is for another host name. Use that one in REDIS_URL.');
  if (/SELF_SIGNED|UNABLE_TO_(VERIFY|GET)/.test(code))
    return wrong(
      name,
      'Its certificate is signed by an authority that is not trusted here. Set REDIS_TLS_CA_FILE to the certificate of that authority.',
    );
  if (isTls && /wrong version number|EPROTO|packet length/i.test(`${code} ${message}`))
    return wrong(name, 'It does not answer as TLS. Write redis:// in REDIS_URL, or name the port that speaks TLS.');
  if (!isTls && /ECONNRESET|Connection is closed|EPIPE/.test(`${code} ${message}`))
    return wrong(name, 'It hangs up. If that port speaks TLS, write rediss:// in REDIS_URL.');
  return wrong(name, told(error));
}

function versionLine({ redis_version: version }: Info): RedisCheck {
  const name = 'REDIS_URL';
  if (version === undefined) return fine(name, 'answers; its version is not told to this user');
  if (Number(version.split('.')[0]) >= OLDEST_MAJOR) return fine(name, `Redis ${version}`);
  return wrong(name, `This is Redis ${version}: ${OLDEST_MAJOR}.0 or later is needed (functions). Update it.`);
}

function roleLine({ role, slave_read_only: readOnly, cluster_enabled: cluster }: Info): RedisCheck {
  const name = 'redis role';
  if (role === 'slave' && readOnly !== '0') return wrong(name, `This is a replica. ${cureOf('READONLY')}`);
  if (cluster === '1') return fine(name, 'node of a cluster: it must hold every key');
  return fine(name, role === undefined ? 'not told to this user' : 'primary');
}

function memoryLine({ maxmemory, maxmemory_policy: policy, used_memory: used }: Info): RedisCheck {
  const name = 'redis memory';
  if (policy === undefined) return fine(name, 'not told to this user');
  const usedMb = Math.round(Number(used ?? 0) / 1_048_576);
  if (maxmemory === undefined || maxmemory === '0') return fine(name, `${usedMb} MB used, no limit`);
  const limitMb = Math.round(Number(maxmemory) / 1_048_576);
  if (policy !== 'noeviction')
    return wrong(
      name,
      `Its policy is ${policy}: when ${limitMb} MB are full it lets go of windows. Set maxmemory-policy noeviction, or give the windows a Redis of their own.`,
    );
  if (Number(used) > 0.9 * Number(maxmemory))
    return wrong(name, `${usedMb} of ${limitMb} MB are used: soon it takes no more writes. Raise maxmemory.`);
  return fine(name, `${usedMb} of ${limitMb} MB used, noeviction`);
}

/** Not kept is no fault: windows are rebuilt from the log, which takes a while. */
function persistenceLine({
  aof_enabled: aof,
  aof_last_write_status: aofStatus,
  rdb_last_bgsave_status: rdb,
}: Info): RedisCheck {
  const name = 'redis persistence';
  if (aof === undefined) return fine(name, 'not told to this user');
  if (aof === '1' && aofStatus === 'err')
    return wrong(
      name,
      'It cannot write its append-only file. Look at its disk: until then a restart loses the windows.',
    );
  if (rdb === 'err') return wrong(name, 'It could not save its snapshot and may refuse writes. Look at its disk.');
  return fine(
    name,
    aof === '1' ? 'append-only file' : 'none or snapshots: after a restart windows are rebuilt from the log',
  );
}

async function latency(redis: Redis): Promise<string> {
  const times: number[] = [];
  for (let i = 0; i < PINGS; i += 1) {
    const began = performance.now();
    await redis.ping();
    times.push(performance.now() - began);
  }
  const median = times.sort((a, b) => a - b)[PINGS / 2] ?? 0;
  const shown = `${Math.round(median * 10) / 10} ms (median of ${PINGS})`;
  if (median > SLOW_MS) throw new Problem(`It takes ${shown} to answer: use one that is nearer, or less busy.`);
  return shown;
}

async function clock(redis: Redis): Promise<string> {
  const [seconds] = await redis.time();
  const skewMs = Date.now() - Number(seconds) * 1000;
  if (Math.abs(skewMs) <= MAX_SKEW_MS) return `within ${MAX_SKEW_MS / 1000} s of this machine’s`;
  throw new Problem(
    `It is ${Math.round(Math.abs(skewMs) / 1000)} s ${skewMs > 0 ? 'behind' : 'ahead of'} this machine’s. Turn on time synchronisation on both.`,
  );
}

/** Asked within a transaction that is then discarded: Redis says at once what this user may not do, and does none of it. */
async function rights(redis: Redis, prefix: string): Promise<string> {
  const key = `{${prefix}attempts-0}:doctor`;
  const commands: readonly (readonly [string, ...string[]])[] = [
    ['FUNCTION', 'LOAD', 'REPLACE', 'no library'],
    ['FCALL', APPEND, '1', key],
    ['HMGET', key, 'next'],
    ['HLEN', key],
    ['HSCAN', key, '0'],
    ['HSET', key, 'field', 'value'],
    ['HDEL', key, 'field'],
    ['ZADD', key, '0', 'member'],
    ['ZRANGE', key, '0', '0'],
    ['ZREM', key, 'member'],
    ['RPUSH', key, 'value'],
    ['LRANGE', key, '0', '0'],
    ['EXISTS', key],
    ['UNLINK', key],
    ['PEXPIRE', key, '1'],
  ];
  const lacking: string[] = [];
  await redis.call('MULTI');
  try {
    for (const [command, ...args] of commands) {
      try {
        await redis.call(command, ...args);
      } catch (error) {
        const reason = reasonOf(error);
        if (!reason.includes('NOPERM')) throw error;
        lacking.push(command === 'FUNCTION' ? 'FUNCTION LOAD' : command);
      }
    }
  } finally {
    await redis.call('DISCARD');
  }
  if (lacking.length === 0) return 'functions and keys may be used';
  throw new Problem(
    `The user of REDIS_URL may not use ${lacking.join(', ')} on keys that begin "{${prefix}". Give it those rights (docs/operations.md).`,
  );
}
