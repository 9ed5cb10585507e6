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
    makeNewer: async () => {
      for (const key of await keys()) if (key.endsWith(':head')) await admin.hset(key, 'schema', '99');
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

  it('refuses an append that is larger than one call may be', async () => {
    const { store, remove } = await openStore();
    const rows = Array.from({ length: 10_001 }, (_, i) => attempt(`${i}`));
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
});
