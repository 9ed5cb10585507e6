// The crash matrix over Kafka and Redis: real processes, killed with -9 before or after a seeded write or call, with
// sessions of 6 s. CRASH_POINTS=all tries twenty of them, CI two (one of the log or the store, one of Slack or Google).
import { expect, it } from 'vitest';
import { seededRandom } from '../../src/simulate/random.ts';
import { runStoryOnServices, type ServicesPoint } from '../support/crash-services.ts';
import { sharedKafka, sharedRedis } from '../support/services.ts';

const { CRASH_POINTS, CRASH_SEED = '1' } = process.env;
const POINTS = CRASH_POINTS === 'all' ? 20 : 2;
const LIMIT_MS = 1_800_000;

it('killed with -9 anywhere: the same incidents, messages and rows as undisturbed, nothing posted twice', {
  timeout: LIMIT_MS,
}, async () => {
  const services = { brokers: (await sharedKafka()).brokers, redisUrl: (await sharedRedis()).url };
  const { ending, writes, calls, wasKilled } = await runStoryOnServices(services, null);
  expect(wasKilled).toBe(false);
  expect(ending.postsReceived).toBe(8);
  const random = seededRandom(Number(CRASH_SEED));
  const wrong: unknown[] = [];
  let killed = 0;
  for (let index = 0; index < POINTS; index += 1) {
    const where = index % 4 === 1 ? 'outside' : 'inside';
    const effect = random.between(1, where === 'inside' ? writes : calls);
    const point: ServicesPoint = { where, of: null, effect, side: random.pick(['before', 'after']) };
    try {
      const run = await runStoryOnServices(services, point);
      if (run.wasKilled) killed += 1;
      expect(run.ending).toEqual(ending);
    } catch (error) {
      wrong.push({ point, error: String(error) });
    }
  }
  expect(wrong).toEqual([]);
  // A run may take fewer writes than the first one: several events then shared a batch.
  expect(killed).toBeGreaterThanOrEqual(POINTS * 0.5);
});
