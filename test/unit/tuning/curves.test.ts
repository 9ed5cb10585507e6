// The curve for whoever looks at it: read when it is asked for, kept while it holds, told why when it cannot be read.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CurveReading, Curves } from '../../../src/model/curve.ts';
import { AppError } from '../../../src/model/errors.ts';
import { createCurves } from '../../../src/tuning/curves.ts';
import { append, START_S } from '../../support/detect.ts';
import { type Lanes, openLanes, PII_KEY, received } from '../../support/lanes.ts';

const until = { timeout: 20_000, interval: 10 };
const NAME = 'card-declines';

let lanes: Lanes;
let curves: Curves;
let reads: number;
let failure: Error | null;

beforeEach(async () => {
  lanes = await openLanes();
  reads = 0;
  failure = null;
  const log: Lanes['log'] = {
    ...lanes.log,
    ends: async (topic) => {
      if (topic === 'attempts') reads += 1;
      if (failure !== null) throw failure;
      return await lanes.log.ends(topic);
    },
  };
  curves = createCurves({ ...lanes, log, piiKey: PII_KEY });
  await append(lanes.log, ...['a', 'b'].map((card) => received(`ch_${card}`, START_S, START_S, { card })));
  await lanes.settled();
});
afterEach(async () => {
  await curves.close();
  await lanes.close();
});

const ended = async (): Promise<CurveReading> => {
  await expect.poll(() => curves.of(NAME).progress, until).toBeNull();
  return curves.of(NAME);
};

describe('the curve of a detector', () => {
  it('is read once, however often it is looked at, and anew when asked or after a day', async () => {
    expect(curves.of(NAME)).toEqual({ surface: null, version: 0, progress: 0, problem: null });
    const first = await ended();
    expect(first).toMatchObject({ version: 1, problem: null, surface: { detector: NAME } });
    const once = reads;
    expect(curves.of(NAME).surface).toBe(first.surface);
    expect(reads).toBe(once);
    curves.readNow(NAME);
    expect(curves.of(NAME)).toMatchObject({ surface: first.surface, progress: 0 });
    const second = await ended();
    expect(second.surface).not.toBe(first.surface);
    lanes.clock.advance(86_400_001);
    expect(curves.of(NAME).progress).toBe(0);
    await ended();
  });

  it('is read again when another version is in force; until then the elder one says which it is', async () => {
    await ended();
    const current = lanes.feed.settings().find(({ rule }) => rule.detector === NAME)?.rule;
    if (!current?.settings) throw new Error('no settings');
    await lanes.setSettings({ ...current.settings, thresholds: { warning: 5 } }, current.version);
    expect(curves.of(NAME)).toMatchObject({ version: 1, progress: 0 });
    await expect.poll(() => curves.of(NAME).version, until).toBe(2);
    expect((await ended()).surface?.current.threshold).toBe(5);
  });

  it('says why it cannot be read, and tries again after a minute, not with every look', async () => {
    failure = new AppError('log_unavailable', 'The log is away.', { help: 'Wait.' });
    curves.of(NAME);
    expect((await ended()).problem).toEqual({ message: 'The log is away.', help: 'Wait.' });
    const tried = reads;
    curves.of(NAME);
    expect(reads).toBe(tried);
    failure = null;
    lanes.clock.advance(60_001);
    curves.of(NAME);
    expect(await ended()).toMatchObject({ problem: null, surface: { detector: NAME } });
  });
});
