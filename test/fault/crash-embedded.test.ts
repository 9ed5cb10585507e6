// The crash matrix of an embedded installation: the process ends before and after every write of its file and every call to
// Slack and Google that changes something, and begins again; what came of it is what comes of a run that nothing disturbs.
import { isDeepStrictEqual } from 'node:util';
import { expect, it } from 'vitest';
import { chosenPoints } from '../support/crash-points.ts';
import { runStory } from '../support/crash-scenario.ts';

const LIMIT_MS = 1_800_000;
/** Runs side by side: they mostly wait. */
const SIDE = 5;

it('ends anywhere: the same incidents, messages and rows as undisturbed, nothing posted twice', {
  timeout: LIMIT_MS,
}, async () => {
  const { ending, effects } = await runStory(null);
  expect(ending.incidents).toMatchObject([
    { name: 'card-declines fp_a', status: 'acknowledged', peak: 6 },
    { name: 'card-declines fp_b', status: 'open', continues: 'card-declines fp_b' },
    { name: 'card-declines fp_b', status: 'resolved', verdict: 'fraud' },
    { name: 'customer-declines cus_1', status: 'open', peak: 12 },
  ]);
  // Four alerts; in their threads: acknowledged, resolved, got worse twice.
  expect(ending.postsReceived).toBe(8);

  const points = [...chosenPoints(effects)];
  const wrong: unknown[] = [];
  let ended = 0;
  const runner = async (): Promise<void> => {
    for (let point = points.pop(); point !== undefined; point = points.pop()) {
      try {
        const run = await runStory(point);
        if (run.endedAt !== null) ended += 1;
        if (!isDeepStrictEqual(run.ending, ending)) wrong.push({ point, endedAt: run.endedAt, ending: run.ending });
      } catch (error) {
        wrong.push({ point, error: String(error) });
      }
    }
  };
  const count = points.length;
  await Promise.all(Array.from({ length: SIDE }, runner));
  expect(wrong).toEqual([]);
  // A run may take fewer writes than the first one: several events then shared a batch.
  expect(ended).toBeGreaterThan(count * 0.8);
});
