// What the past suggests, read in the background: at once after a backfill, else once a day.
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Suggestions } from '../../../src/model/suggestions.ts';
import { startSuggestions } from '../../../src/tuning/suggestions.ts';
import { append, START_S } from '../../support/detect.ts';
import { type Lanes, openLanes, PII_KEY, received } from '../../support/lanes.ts';

let lanes: Lanes;
let suggestions: Suggestions;
beforeEach(async () => {
  lanes = await openLanes();
  suggestions = startSuggestions({ ...lanes, piiKey: PII_KEY, logger: pino({ level: 'silent' }) });
});
afterEach(async () => {
  await suggestions.close();
  await lanes.close();
});

const burst = (card: string, count: number) =>
  Array.from({ length: count }, (_, i) => received(`ch_${card}_${i}`, START_S + i, START_S + i, { card }));

describe('suggestions', () => {
  it('are read when asked, for every detector in one pass, and told', async () => {
    await append(lanes.log, ...burst('a', 2), ...burst('b', 2), ...burst('c', 3));
    await lanes.settled();
    expect(suggestions.of('card-declines')).toEqual([]);
    let told = 0;
    suggestions.subscribe(() => {
      told += 1;
    });
    await Promise.all([suggestions.runNow(), suggestions.runNow()]);
    expect(told).toBe(2);
    expect(suggestions.surfaces().map(({ detector }) => detector)).toEqual(['card-declines', 'cards-of-customer']);
    expect(suggestions.of('card-declines')).toMatchObject([
      { name: 'three_a_day', change: { thresholds: { warning: 2 } } },
    ]);
    expect(suggestions.promotions()).toEqual([]);
  });

  it('are read by themselves after ten minutes, and again after a day', async () => {
    let told = 0;
    suggestions.subscribe(() => {
      told += 1;
    });
    const passing = (ms: number) => () => {
      lanes.clock.advance(ms);
      return told;
    };
    lanes.clock.advance(599_000);
    expect(told).toBe(0);
    await expect.poll(passing(1_000), { timeout: 20_000 }).toBe(1);
    await expect.poll(passing(3_600_000), { timeout: 20_000 }).toBe(2);
  });
});
