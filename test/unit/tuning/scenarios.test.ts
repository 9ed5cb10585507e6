// The shipped thresholds against simulated traffic: attacks are seen within a minute, an ordinary day is nearly silent.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkDetectorsFile } from '../../../src/detectors/detectors-file.ts';
import { eventsOf } from '../../../src/simulate/events.ts';
import { seededRandom } from '../../../src/simulate/random.ts';
import { type ScenarioName, scenario } from '../../../src/simulate/scenarios.ts';
import { createBacktest, type EpisodeLine } from '../../../src/tuning/backtest.ts';

const START_S = 1_790_000_000;
const SEEDS = [1, 2, 3];

const shipped = (() => {
  const checked = checkDetectorsFile(readFileSync(join(import.meta.dirname, '../../../detectors.yaml'), 'utf8'));
  if ('problems' in checked) throw new Error(JSON.stringify(checked.problems));
  return checked.file;
})();

type Traffic = {
  readonly name: ScenarioName;
  readonly seed: number;
  readonly everyS: number;
  readonly seconds: number;
};

function episodesIn({ name, seed, everyS, seconds }: Traffic): readonly EpisodeLine[] {
  const random = seededRandom(seed);
  const next = scenario(name, random);
  const backtest = createBacktest(shipped);
  for (let elapsed = 0; elapsed < seconds; elapsed += everyS) {
    const attempt = next(START_S + Math.floor(elapsed), elapsed * 1_000);
    for (const event of eventsOf(attempt, random)) expect(backtest.addLine(JSON.stringify(event))).toBeNull();
  }
  return [...backtest.episodes()];
}

describe('the shipped detectors', () => {
  it.each([
    ['card-testing', ['customer-declines', 'email-declines', 'email-cards', 'small-amounts']],
    ['one-card', ['card-declines']],
    ['card-saving', ['card-saves', 'customer-cards']],
    ['radar-blocks', ['radar-blocks', 'radar-burst']],
  ] as const)('see %s within a minute', (name, expected) => {
    for (const seed of SEEDS) {
      const found = new Set(episodesIn({ name, seed, everyS: 1, seconds: 60 }).map(({ detector }) => detector));
      for (const detector of expected) expect([...found], `seed ${seed}`).toContain(detector);
    }
  });

  it('say less than three things on an ordinary day', () => {
    for (const seed of SEEDS) {
      const episodes = episodesIn({ name: 'ordinary', seed, everyS: 10, seconds: 86_400 });
      expect(episodes.length, `seed ${seed}`).toBeLessThan(3);
    }
  });
});
