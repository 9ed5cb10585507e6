// The attack library and the shipped thresholds: every attack is seen within a minute of where it is evident, ordinary days
// are nearly silent, and labels are the play's own.
import { describe, expect, it } from 'vitest';
import { failuresOf, GOAL, perDay, runDays, runPlay, shippedDetectors } from '../../../bench/detection.ts';
import { PLAYS, type PlayName } from '../../../src/simulate/attacks.ts';
import { seededRandom } from '../../../src/simulate/random.ts';
import { SCENARIOS, scenario, scenarioLines } from '../../../src/simulate/scenarios.ts';

const START_S = 1_790_000_000;
const shipped = shippedDetectors();
const names = Object.keys(PLAYS) as readonly PlayName[];
const attacks = names.filter((name) => PLAYS[name].isAttack);

describe('the shipped detectors', () => {
  it.each(attacks)('see %s within a minute of where it is evident', (name) => {
    const result = runPlay(name, 11, shipped);
    expect(result.fromEvidentS).toBeLessThan(GOAL.alertS);
    expect(result.acts).toBeGreaterThan(0);
  });

  it('leave the first of the month alone', () => {
    expect(runPlay('dunning-wave', 11, shipped).alerts).toBe(0);
  });

  it('say less than three things on an ordinary day', () => {
    const days = runDays(11, 2, shipped);
    expect(perDay([days])).toBeLessThan(GOAL.falseADay);
  });
});

describe('the judge of detection', () => {
  it('takes an attack for missed when no detector counts it', () => {
    const blind = { ...shipped, detectors: shipped.detectors.filter(({ name }) => name === 'dispute') };
    const result = runPlay('one-card', 1, blind);
    expect(result).toMatchObject({ fromFirstS: null, fromEvidentS: null, acts: null, firstDetector: null, alerts: 0 });
    expect(failuresOf([result], [])).toEqual(['one-card (seed 1): not seen']);
  });

  it('counts the false alerts of all days', () => {
    const alert = { detector: 'x' } as never;
    expect(
      perDay([
        { seed: 1, days: 2, alerts: [alert, alert, alert] },
        { seed: 2, days: 2, alerts: [alert] },
      ]),
    ).toBe(1);
    expect(failuresOf([], [{ seed: 1, days: 1, alerts: [alert, alert, alert] }])).toEqual(['3.00 false alerts a day']);
  });
});

describe('a scenario', () => {
  it.each(SCENARIOS)('%s gives the same acts for the same seed, and others for another', (name) => {
    const acts = (seed: number): string => {
      const next = scenario(name, seededRandom(seed));
      return JSON.stringify(Array.from({ length: 60 }, (_, i) => next(START_S + i, i * 1_000)));
    };
    expect(acts(5)).toBe(acts(5));
    expect(acts(5)).not.toBe(acts(6));
  });

  it.each(names)('%s labels its own acts, with ordinary traffic in between', (name) => {
    const next = scenario(name, seededRandom(3));
    const labels = Map.groupBy(
      Array.from({ length: 300 }, (_, i) => next(START_S + i, i * 1_000)),
      ({ label }) => label,
    );
    expect([...labels.keys()].sort()).toEqual([name, 'ordinary'].sort());
    expect(labels.get(name)?.length).toBeGreaterThan(150);
  });

  it('of the demo is calm at first, and under attack afterwards', () => {
    const next = scenario('demo', seededRandom(1));
    const labels = (fromMs: number): Set<string> =>
      new Set(Array.from({ length: 100 }, (_, i) => next(START_S, fromMs + i).label));
    expect(labels(0)).toEqual(new Set(['ordinary']));
    expect(labels(10_000)).toEqual(new Set(['ordinary', 'card-testing']));
    expect(labels(100_000)).toEqual(new Set(['ordinary']));
  });

  it('has a line for people', () => {
    expect(scenarioLines().map(({ name }) => name)).toEqual([...SCENARIOS]);
    for (const { about } of scenarioLines()) expect(about.length).toBeGreaterThan(30);
  });
});
