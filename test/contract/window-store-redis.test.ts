import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRedisStore } from '../../src/detectors/stores/redis.ts';
import { SEGMENT_OFFSETS } from '../../src/detectors/stores/rows.ts';
import type { WindowStore } from '../../src/detectors/window-store.ts';
import { type HandClock, handClock } from '../support/hand-clock.ts';
import { type RedisService, startRedis } from '../support/services.ts';
import { attempt, durableStoreContract, loaded, mark, rule, windowStoreContract } from './window-store.ts';

const logger = pino({ level: 'silent' });
const DAY_MS = 86_400_000;
const POLL = { timeout: 20_000, interval: 20 };

let service: RedisService;
let admin: Redis;
beforeAll(async () => {
  service = await startRedis();
  admin = new Redis(service.url);
});
afterAll(async () => {
  admin?.disconnect();
  await service?.stop();
});

async function openStore(clock: HandClock = handClock(Date.now())) {
  const prefix = `t${randomUUID()}:`;
  const opened: WindowStore[] = [];
  const second = async (): Promise<WindowStore> => {
    const store = await openRedisStore({ url: service.url, prefix, logger, clock });
    opened.push(store);
    return store;
  };
  const keys = async (): Promise<string[]> => (await admin.keys(`{${prefix}*`)).sort();
  return {
    clock,
    keys,
    store: await second(),
    second,
    remove: async () => {
      for (const store of opened) await store.close();
      const all = await keys();
      if (all.length > 0) await admin.unlink(...all);
    },
    snapshot: async () => {
      const copies = new Map<string, Buffer>();
      for (const key of await keys()) copies.set(key, (await admin.dumpBuffer(key)) ?? Buffer.alloc(0));
      return async () => {
        const now = await keys();
        if (now.length > 0) await admin.unlink(...now);
        for (const [key, copy] of copies) await admin.restore(key, DAY_MS, copy);
      };
    },
    makeSchema: async (version: number) => {
      for (const key of await keys()) if (key.endsWith(':head')) await admin.hset(key, 'schema', version);
    },
  };
}

windowStoreContract('redis', openStore);
durableStoreContract('redis', openStore);

describe('window store in redis', () => {
  it('keeps a partition under one hash tag, and lets every key expire', async () => {
    const { store, keys, remove } = await openStore();
    await store.append(0, { expectedNext: null, next: 1, rows: [attempt('a'), mark('m'), rule('r')] });
    const all = await keys();
    expect(all).toHaveLength(4);
    expect(new Set(all.map((key) => /^\{[^}]+\}/.exec(key)?.[0])).size).toBe(1);
    for (const key of all) {
      expect(await admin.pttl(key)).toBeGreaterThan(30 * DAY_MS);
      expect(await admin.pttl(key)).toBeLessThanOrEqual(31 * DAY_MS);
    }
    await remove();
  });

  it('prolongs what is still written to, and leaves an old segment to expire', async () => {
    const { store, keys, remove } = await openStore();
    await store.append(0, { expectedNext: null, next: 1, rows: [attempt('a'), mark('m')] });
    for (const key of await keys()) await admin.pexpire(key, 60_000);
    await store.append(0, { expectedNext: 1, next: SEGMENT_OFFSETS + 1, rows: [attempt('b')] });
    const soon: string[] = [];
    for (const key of await keys()) if ((await admin.pttl(key)) <= 60_000) soon.push(key);
    expect(soon.map((key) => key.split('}')[1])).toEqual([':s0']);
    await remove();
  });

  it('is empty, so that it is rebuilt, when Redis let go of a part of it', async () => {
    for (const part of ['head', 'rows', 's0', 'segments']) {
      const { store, keys, remove } = await openStore();
      await store.append(0, { expectedNext: null, next: 9, rows: [attempt('a'), mark('m')] });
      const victim = (await keys()).find((key) => key.endsWith(`}:${part}`)) ?? '';
      await admin.unlink(victim);
      expect(await loaded(store), part).toEqual({ next: null, rows: [] });
      expect(await store.append(0, { expectedNext: 9, next: 10, rows: [] })).toBe('refused');
      await store.append(0, { expectedNext: null, next: 4, rows: [attempt('b')] });
      expect(await loaded(store), part).toEqual({ next: 4, rows: [attempt('b')] });
      await remove();
    }
  });

  it('is not trusted after an outage longer than the allowance', async () => {
    const { store, clock, remove } = await openStore();
    await store.append(0, { expectedNext: null, next: 9, rows: [attempt('a')] });
    clock.advance(7 * DAY_MS);
    expect((await loaded(store)).next).toBe(9);
    clock.advance(1);
    expect(await store.append(0, { expectedNext: 9, next: 10, rows: [] })).toBe('refused');
    expect(await loaded(store)).toEqual({ next: null, rows: [] });
    await remove();
  });

  it('goes on after the functions were removed, as after a restart with an older copy', async () => {
    const { store, remove } = await openStore();
    await store.append(0, { expectedNext: null, next: 1, rows: [attempt('a')] });
    await admin.call('FUNCTION', 'FLUSH', 'SYNC');
    expect(await store.append(0, { expectedNext: 1, next: 2, rows: [attempt('b')] })).toBe('appended');
    expect((await loaded(store)).rows).toEqual([attempt('a'), attempt('b')]);
    await remove();
  });

  it('keeps installations apart that share a Redis', async () => {
    const one = await openStore();
    const two = await openStore();
    await one.store.append(0, { expectedNext: null, next: 1, rows: [attempt('one')] });
    await two.store.append(0, { expectedNext: null, next: 2, rows: [attempt('two')] });
    await one.store.clear(0);
    expect(await loaded(two.store)).toEqual({ next: 2, rows: [attempt('two')] });
    await one.remove();
    await two.remove();
  });

  it('refuses an append that is larger than one call may be', async () => {
    const { store, remove } = await openStore();
    const rows = Array.from({ length: 100_001 }, (_, i) => mark(`${i}`));
    await expect(store.append(0, { expectedNext: null, next: 1, rows })).rejects.toMatchObject({ code: 'too_large' });
    await remove();
  });

  it('says so while Redis is away, keeps nothing waiting, and goes on when it is back', async () => {
    const own = await startRedis();
    const store = await openRedisStore({ url: own.url, prefix: 'away:', logger, clock: handClock(Date.now()) });
    const change = { expectedNext: null, next: 1, rows: [attempt('a')] };
    await store.append(0, change);
    await own.kill();
    const away = expect.objectContaining({ code: 'store_unavailable', retriable: true });
    await expect(store.append(0, { expectedNext: 1, next: 2, rows: [] })).rejects.toEqual(away);
    await expect(store.load(0)).rejects.toEqual(away);
    await expect(store.ping()).rejects.toEqual(away);
    await own.restart();
    await expect
      .poll(
        async () =>
          await store.ping().then(
            () => 'back',
            () => 'away',
          ),
        { timeout: 20_000 },
      )
      .toBe('back');
    // It kept nothing on disk: whoever stood at 1 is refused.
    expect(await store.append(0, { expectedNext: 1, next: 2, rows: [] })).toBe('refused');
    expect(await store.append(0, change)).toBe('appended');
    await store.close();
    await own.stop();
  });

  it('opens while Redis is away', async () => {
    const own = await startRedis();
    await own.kill();
    const store = await openRedisStore({ url: own.url, prefix: 'away:', logger, clock: handClock(Date.now()) });
    await expect(store.load(0)).rejects.toMatchObject({ code: 'store_unavailable' });
    await own.restart();
    await expect
      .poll(
        async () =>
          await store.load(0).then(
            ({ next }) => next,
            () => 'away',
          ),
        { timeout: 20_000 },
      )
      .toBe(null);
    await store.close();
    await own.stop();
  });

  it('names a replica, writes nothing to it, and goes on by itself when it is made the primary', async () => {
    const [primary, replica] = [await startRedis(), await startRedis()];
    const side = new Redis(replica.url);
    const main = new Redis(primary.url);
    await main.config('SET', 'repl-diskless-sync-delay', '0');
    const options = { prefix: 'failover:', logger, clock: handClock(Date.now()) };
    const former = await openRedisStore({ url: primary.url, ...options });
    await former.append(0, { expectedNext: null, next: 3, rows: [attempt('a')] });
    await side.replicaof('127.0.0.1', Number(new URL(primary.url).port));
    await expect.poll(async () => await side.info('replication'), POLL).toContain('master_link_status:up');
    const store = await openRedisStore({ url: replica.url, ...options });
    const refused = expect.objectContaining({ code: 'store_unavailable', help: expect.stringMatching(/primary/) });
    await expect(store.ping()).rejects.toEqual(refused);
    const change = { expectedNext: 3, next: 4, rows: [attempt('b')] };
    await expect.poll(async () => await outcome(store.append(0, change)), POLL).toEqual(refused);
    await side.call('REPLICAOF', 'NO', 'ONE');
    // The functions have come with the data.
    await expect.poll(async () => await outcome(store.append(0, change)), POLL).toBe('appended');
    await store.ping();
    expect(await loaded(store)).toEqual({ next: 4, rows: [attempt('a'), attempt('b')] });
    for (const client of [main, side]) client.disconnect();
    for (const opened of [former, store]) await opened.close();
    for (const server of [primary, replica]) await server.stop();
  });

  it('is refused and loads nothing after Redis was flushed', async () => {
    const own = await startRedis();
    const store = await openRedisStore({ url: own.url, prefix: 'flushed:', logger, clock: handClock(Date.now()) });
    await store.append(0, { expectedNext: null, next: 3, rows: [attempt('a'), rule('r')] });
    const side = new Redis(own.url);
    await side.flushall();
    expect(await store.append(0, { expectedNext: 3, next: 4, rows: [attempt('b')] })).toBe('refused');
    expect(await side.dbsize()).toBe(0);
    expect(await loaded(store)).toEqual({ next: null, rows: [] });
    side.disconnect();
    await store.close();
    await own.stop();
  });

  it('says when Redis is full, does nothing by halves, and goes on when there is room', async () => {
    const own = await startRedis();
    const side = new Redis(own.url);
    const store = await openRedisStore({ url: own.url, prefix: 'full:', logger, clock: handClock(Date.now()) });
    await store.append(0, { expectedNext: null, next: 3, rows: [attempt('a')] });
    await side.config('SET', 'maxmemory', '1mb');
    const change = { expectedNext: 3, next: 4, rows: [attempt('b'), mark('b')] };
    const full = { code: 'store_unavailable', retriable: true, help: expect.stringMatching(/maxmemory/) };
    await expect(store.append(0, change)).rejects.toMatchObject(full);
    await expect(store.load(0)).rejects.toMatchObject(full);
    await side.config('SET', 'maxmemory', '0');
    expect(await loaded(store)).toEqual({ next: 3, rows: [attempt('a')] });
    expect(await store.append(0, change)).toBe('appended');
    side.disconnect();
    await store.close();
    await own.stop();
  });

  it('warns of a Redis that may let go of windows, and is quiet about one that may not', async () => {
    const own = await startRedis();
    const side = new Redis(own.url);
    for (const [policy, maxmemory, warnings] of [
      ['noeviction', '100mb', 0],
      ['allkeys-lru', '0', 0],
      ['volatile-ttl', '100mb', 1],
    ] as const) {
      await side.config('SET', 'maxmemory', maxmemory);
      await side.config('SET', 'maxmemory-policy', policy);
      const lines: string[] = [];
      const noting = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) });
      const store = await openRedisStore({ url: own.url, prefix: 'p:', logger: noting, clock: handClock(Date.now()) });
      // Answered after what is asked for at the start.
      await store.ping();
      expect(lines, policy).toHaveLength(warnings);
      if (warnings > 0) expect(lines[0]).toMatch(/volatile-ttl.*noeviction/);
      await store.close();
    }
    side.disconnect();
    await own.stop();
  });

  it('gives up on a frozen Redis, and what it carried out all the same counts once', async () => {
    const own = await startRedis();
    const options = { url: own.url, prefix: 'frozen:', logger, clock: handClock(Date.now()) };
    const store = await openRedisStore({ ...options, timeoutMs: 200 });
    await store.append(0, { expectedNext: null, next: 3, rows: [attempt('a')] });
    await own.pause();
    const change = { expectedNext: 3, next: 4, rows: [attempt('b')] };
    await expect(store.append(0, change)).rejects.toMatchObject({ code: 'store_unavailable', retriable: true });
    await own.resume();
    await expect.poll(async () => await outcome(store.append(0, change)), POLL).toBe('appended');
    expect(await loaded(store)).toEqual({ next: 4, rows: [attempt('a'), attempt('b')] });
    await store.close();
    await own.stop();
  });

  it('touches one slot a call, so that a cluster takes it', async () => {
    const own = await startRedis({ cluster: true });
    const side = new Redis(own.url);
    await side.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    await expect.poll(async () => await side.call('CLUSTER', 'INFO'), POLL).toContain('cluster_state:ok');
    const store = await openRedisStore({ url: own.url, prefix: 'cluster:', logger, clock: handClock(Date.now()) });
    const S = SEGMENT_OFFSETS;
    await store.append(7, { expectedNext: null, next: S, rows: [attempt('a'), rule('r'), mark('m')] });
    await store.append(7, { expectedNext: S, next: S + 1, rows: [attempt('b'), mark('m', null)] });
    expect((await loaded(store, 7)).rows).toEqual([rule('r'), attempt('a'), attempt('b')]);
    await store.expire(7, S);
    expect((await loaded(store, 7)).rows).toEqual([rule('r'), attempt('b')]);
    await store.clear(7);
    expect(await side.dbsize()).toBe(0);
    side.disconnect();
    await store.close();
    await own.stop();
  });
});

/** What became of it: the answer, or the error. */
async function outcome<T>(work: Promise<T>): Promise<unknown> {
  return await work.catch((error: unknown) => error);
}
