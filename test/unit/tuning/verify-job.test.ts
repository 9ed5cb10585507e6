// One verification at a time, its progress, its last result; at night by itself.
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startVerifyJob, type VerifyJob, type VerifyJobOptions } from '../../../src/tuning/verify-job.ts';
import { append, START_S } from '../../support/detect.ts';
import { type Lanes, openLanes, PII_KEY, received } from '../../support/lanes.ts';

const logger = pino({ level: 'silent' });
const DAY_MS = 86_400_000;

let lanes: Lanes;
let jobs: VerifyJob[];
beforeEach(async () => {
  lanes = await openLanes();
  jobs = [];
  await append(lanes.log, ...[0, 1, 2].map((i) => received(`ch_${i}`, START_S + i, START_S + i)));
  await lanes.settled();
});
afterEach(async () => {
  for (const job of jobs) await job.close();
  await lanes.close();
});

function start(parts: Partial<VerifyJobOptions> = {}): VerifyJob {
  const job = startVerifyJob({ ...lanes, logger, piiKey: PII_KEY, everyMs: null, ...parts });
  jobs.push(job);
  return job;
}

describe('the verification of a running service', () => {
  it('runs one at a time, after what waits is settled, and keeps its result', async () => {
    let settle = (): void => {};
    const settled = new Promise<void>((resolve) => {
      settle = resolve;
    });
    const job = start({ settle: async () => await settled });
    expect(job.status()).toEqual({ running: null, last: null });
    expect(job.start({ sinceMs: 7 * DAY_MS, rounds: 2 })).toBe(true);
    expect(job.start({ sinceMs: 7 * DAY_MS })).toBe(false);
    expect(job.status().running).toMatchObject({ round: 0, rounds: 2 });
    settle();
    await expect.poll(() => job.status().running).toBeNull();
    const { last } = job.status();
    expect(last).toMatchObject({ error: null, result: { checked: 1, rounds: 2, differences: [] } });
    expect(job.start({ sinceMs: DAY_MS })).toBe(true);
    await expect.poll(() => job.status().running).toBeNull();
  });

  it('says why there is no result, and can be asked again', async () => {
    const job = start({
      settle: async () => {
        throw new Error('the store is away');
      },
    });
    job.start({ sinceMs: DAY_MS });
    await expect.poll(() => job.status().last).toMatchObject({ result: null, error: 'the store is away' });
    expect(job.start({ sinceMs: DAY_MS })).toBe(true);
    await expect.poll(() => job.status().running).toBeNull();
  });

  it('runs by itself once a day', async () => {
    const job = start({ everyMs: DAY_MS });
    expect(job.status().last).toBeNull();
    lanes.clock.advance(DAY_MS);
    await expect.poll(() => job.status().last?.result?.differences).toEqual([]);
  });

  it('stops in the middle when the service does', async () => {
    const job = start({ settle: async () => void (await Promise.resolve()) });
    job.start({ sinceMs: 7 * DAY_MS, rounds: 100 });
    await job.close();
    expect(job.status()).toMatchObject({ running: null, last: { result: null, error: 'the service stops' } });
    expect(job.start({ sinceMs: DAY_MS })).toBe(false);
  });
});
