// The whole curve from one pass, against a what-if for each of its points.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeAttemptsRecord } from '../../../src/attempts/wire.ts';
import { detailsOf, episodesOf, fold, keysOf } from '../../../src/detectors/fold.ts';
import { createState, partsOf } from '../../../src/detectors/state.ts';
import { submitCommand } from '../../../src/feed/submit.ts';
import { surfaceOf } from '../../../src/tuning/surface.ts';
import { suggestionsOf } from '../../../src/tuning/surface-suggest.ts';
import { chainsOf, valuesOver } from '../../../src/tuning/surface-values.ts';
import { ANA, detectorSettings } from '../../support/decider.ts';
import { append, rule, START_S, view } from '../../support/detect.ts';
import { DAY_S, type Lanes, openLanes, PII_KEY, received } from '../../support/lanes.ts';

const COUNTS = [
  { count: 'attempts' as const },
  { count: 'distinct(customer)' as const },
  { count: 'sum(amount)' as const, currency: 'usd' },
  { count: 'ratio' as const, of: 'outcome == "succeeded"', minimum: 2 },
];
const attemptArb = fc.record({
  time: fc.integer({ min: 0, max: 400 }),
  customer: fc.constantFrom('cus_1', 'cus_2', 'cus_3'),
  amount: fc.integer({ min: 1, max: 9 }),
  isDeclined: fc.boolean(),
});

describe('values over many windows from the cells of one', () => {
  it('are those that the fold has with that window, and so are the episodes', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...COUNTS),
        fc.array(attemptArb, { maxLength: 30 }),
        fc.integer({ min: 1, max: 120 }),
        fc.integer({ min: 1, max: 6 }),
        (counted, attempts, windowS, threshold) => {
          const lowest = counted.count === 'ratio' ? threshold / 7 : threshold;
          const minimum = counted.minimum ?? 0;
          const own = rule({
            ...counted,
            name: 'own',
            windowS,
            quietForS: windowS + 30,
            thresholds: { notice: lowest },
          });
          const state = createState({ lane: 'all' });
          const each = { name: 'seconds', windowS: 1, thresholds: { notice: 0.000_001 } };
          const seconds = rule({ ...counted, ...each, quietForS: windowS + 30, minimum: minimum === 0 ? null : 1 });
          fold(state, [seconds, own]);
          const views = attempts.map(({ time, customer, amount, isDeclined }, i) =>
            view(`ch_${i}`, START_S + time, {
              fields: {
                customer,
                amount,
                ...(isDeclined ? {} : { result: { outcome: 'succeeded', code: '', class: '' } as const }),
              },
            }),
          );
          fold(state, views);
          const keys = [...keysOf(state)];
          const told = keys
            .filter(({ detector }) => detector === 'own')
            .flatMap((key) => episodesOf(state, key).map((episode) => ({ key, episode })));
          const chains = keys
            .filter(({ detector }) => detector === 'seconds')
            .flatMap((key) => partsOf(state, key).map((part) => valuesOver(part, { windowS, minimum })))
            .flatMap((instants) => ({
              instants,
              found: chainsOf(instants, { threshold: lowest, windowS, quietForS: windowS + 30 }),
            }));
          expect(
            chains.flatMap(({ found }) =>
              found.map(({ firstBreachAt, lastBreachAt }) => [firstBreachAt, lastBreachAt]),
            ),
          ).toEqual(told.map(({ episode }) => [episode.firstBreachAt, episode.lastBreachAt]));
          const breaching = chains.flatMap(({ instants }) => instants.filter(({ value }) => value >= lowest));
          expect(breaching).toEqual(
            told.flatMap(({ key, episode }) => detailsOf(state, key, episode.firstBreachAt)?.values ?? []),
          );
        },
      ),
    );
  });
});

describe('suggestions', () => {
  const point = (threshold: number, perWeek: number, missedDisputes: number, windowS = 600) => ({
    ...{ windowS, threshold, alerts: perWeek, perWeek, judged: 0, fraud: 0, precision: null },
    ...{ missedDisputes, missedWarnings: 0 },
  });
  const points = [point(1, 900, 0), point(2, 60, 1), point(3, 20, 2), point(8, 2, 4), point(2, 70, 0, 3_600)];

  it('are about three alerts a day, and the fewest alerts that miss no dispute, with their price', () => {
    const settings = detectorSettings({ thresholds: { warning: 8, critical: 16 } });
    const current = point(8, 2, 4);
    expect(suggestionsOf({ settings, current, points })).toMatchObject([
      {
        name: 'three_a_day',
        change: { thresholds: { warning: 3, critical: 16 } },
        words: '3 in 10 min: 2.9 alerts a day (now 0.3), nobody has judged any of them yet, 2 disputes missed (now 4)',
      },
      {
        name: 'no_missed_dispute',
        change: { thresholds: { warning: 2, critical: 16 }, window: '3600s' },
        words: expect.stringContaining('10 alerts a day (now 0.3)'),
      },
    ]);
  });

  it('keep the ladder rising, and say nothing where nothing is better', () => {
    const settings = detectorSettings({ thresholds: { warning: 2, critical: 3 } });
    expect(suggestionsOf({ settings, current: point(2, 60, 0), points })[0]?.change).toEqual({
      thresholds: { warning: 3, critical: 5 },
    });
    expect(suggestionsOf({ settings, current: point(3, 20, 0), points })).toEqual([]);
    const flat = [point(2, 0.25, 0), point(3, 0.25, 0), point(9, 0.25, 0)];
    expect(suggestionsOf({ settings, current: point(2, 0.25, 0), points: flat })).toEqual([]);
  });
});

describe('the whole curve', () => {
  let lanes: Lanes;
  beforeEach(async () => {
    lanes = await openLanes();
  });
  afterEach(async () => await lanes.close());
  const burst = (card: string, count: number, fromS: number, stepS = 1) =>
    Array.from({ length: count }, (_, i) =>
      received(`ch_${card}_${fromS}_${i}`, fromS + i * stepS, fromS + i * stepS, { card }),
    );

  it('has alerts, precision and what is missed for each threshold and window', async () => {
    await append(
      lanes.log,
      ...burst('quick', 5, START_S),
      ...burst('slow', 5, START_S, 400),
      ...burst('paid', 2, START_S),
    );
    const value = encodeAttemptsRecord({
      ...{ record: 'signal', account: null, livemode: true, signal: 'dispute', id: 'dp_1', reason: 'fraudulent' },
      ...{ charge: `ch_paid_${START_S}_1`, event: 'evt_dp', created: START_S + 50, time: START_S + 50 },
      ...{ receivedAt: START_S * 1000 + 50_000, lane: 'live' },
    });
    await lanes.log.append('attempts', [{ key: 'self/live', value, timeMs: START_S * 1000, partition: 0 }]);
    await lanes.settled();
    const quick = lanes.standing().find(({ entity }) => entity.value === 'quick')?.id ?? '';
    const body = { type: 'resolve', incident: quick, verdict: 'dunning', note: '' } as const;
    const { id } = await submitCommand(lanes, { actor: ANA, body });
    await lanes.feed.waitForCommand(id, 10_000);

    const surface = await surfaceOf(
      { ...lanes, piiKey: PII_KEY },
      { detector: 'card-declines', sinceMs: (START_S - DAY_S) * 1000 },
    );
    const at = (windowS: number, threshold: number) =>
      surface.points.find((point) => point.windowS === windowS && point.threshold === threshold);
    expect(surface).toMatchObject({ disputes: 1, warnings: 0, current: { windowS: 600, threshold: 3, alerts: 1 } });
    expect(surface.thresholds.slice(0, 50)).toEqual(Array.from({ length: 50 }, (_, n) => n + 1));
    expect([surface.windows[0], surface.windows.at(-1)]).toEqual([300, 604_800]);
    expect(at(600, 3)).toMatchObject({ judged: 1, fraud: 0, missedDisputes: 1, precision: { value: 0 } });
    expect(at(600, 2)).toMatchObject({ alerts: 3, judged: 2, fraud: 1, missedDisputes: 0 });
    expect(at(3_600, 3)).toMatchObject({ alerts: 2 });
    expect(at(604_800, 5)).toMatchObject({ alerts: 2, missedDisputes: 1 });
    expect(at(604_800, 6)).toMatchObject({ alerts: 0, precision: null });
    expect(surface.suggestions.map(({ name }) => name)).toContain('no_missed_dispute');
  });
});
