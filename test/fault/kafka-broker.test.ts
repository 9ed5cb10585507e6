// The log over a broker that is killed, frozen and comes back: nothing that was acknowledged is lost, nobody waits for
// ever, and everything goes on by itself.
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EventLog } from '../../src/log/event-log.ts';
import { openKafkaLog } from '../../src/log/kafka.ts';
import type { AppError } from '../../src/model/errors.ts';
import { collect, numberOf, record } from '../contract/event-log.ts';
import { SHORT_SESSION_MS } from '../support/log-child.ts';
import { type KafkaService, startKafka } from '../support/services.ts';

const DEADLINE = { timeout: 60_000, interval: 50 };
const LIMIT_MS = 180_000;

describe('a broker that fails', () => {
  let kafka: KafkaService;
  beforeAll(async () => {
    kafka = await startKafka();
  }, LIMIT_MS);
  afterAll(async () => await kafka.stop());
  const open = async (topicPrefix: string): Promise<EventLog> => {
    const { brokers } = kafka;
    const log = await openKafkaLog({
      brokers,
      topicPrefix,
      clientId: 'test',
      sessionTimeoutMs: SHORT_SESSION_MS,
      logger: pino({ level: 'silent' }),
    });
    await log.ensureTopics();
    return log;
  };

  it('kill -9 and restart: what was acknowledged is there once, in order, and reading goes on', {
    timeout: LIMIT_MS,
  }, async () => {
    const log = await open('killed.');
    const seen = await collect(log, { group: 'g' });
    const acknowledged: number[] = [];
    let refused = 0;
    let isDone = false;
    const writing = (async () => {
      for (let n = 0; !isDone; n += 1) {
        try {
          await log.append('commands', [record(null, n)]);
          acknowledged.push(n);
        } catch (error) {
          expect(error).toMatchObject({ code: 'log_unavailable', retriable: true });
          refused += 1;
        }
      }
    })();
    await expect.poll(() => acknowledged.length, DEADLINE).toBeGreaterThan(200);
    await kafka.kill();
    await expect(log.ping()).rejects.toMatchObject({ code: 'log_unavailable' });
    await expect.poll(() => refused, DEADLINE).toBeGreaterThan(0);
    await kafka.restart();
    const before = acknowledged.length;
    await expect.poll(() => acknowledged.length, DEADLINE).toBeGreaterThan(before + 200);
    isDone = true;
    await writing;
    await log.ping();
    await expect.poll(() => new Set(seen.numbers()).size, DEADLINE).toBeGreaterThanOrEqual(acknowledged.length);
    const stored: number[] = [];
    for await (const page of log.read('commands', 0, 0)) stored.push(...page.map(numberOf));
    // A refused one may be there; an acknowledged one must be, once, and in its place.
    expect(stored.filter((n) => acknowledged.includes(n))).toEqual(acknowledged);
    expect(new Set(seen.numbers())).toEqual(new Set(stored));
    await log.close();
  });

  it('frozen: appends are refused in time, and none is mistaken for another afterwards', {
    timeout: LIMIT_MS,
  }, async () => {
    const log = await open('frozen.');
    await log.append('commands', [record(null, 0)]);
    await kafka.pause();
    // The signal takes a moment to reach every thread of the broker. What was given up on waits in its socket: it may be
    // in the log all the same.
    let n = 0;
    const tried = async (): Promise<string> => {
      n += 1;
      return await log.append('commands', [record(null, n)]).then(
        () => 'taken',
        (error: AppError) => error.code,
      );
    };
    await expect.poll(tried, DEADLINE).toBe('log_unavailable');
    expect(await tried()).toBe('log_unavailable');
    await kafka.resume();
    const acknowledged: number[] = [];
    await expect
      .poll(async () => {
        const next = 100 + acknowledged.length;
        await log.append('commands', [record(null, next)]).then(
          () => acknowledged.push(next),
          () => undefined,
        );
        return acknowledged.length;
      }, DEADLINE)
      .toBe(20);
    const stored: number[] = [];
    for await (const page of log.read('commands', 0, 0)) stored.push(...page.map(numberOf));
    expect(stored.filter((n) => n >= 100)).toEqual(acknowledged);
    await log.close();
  });
});
