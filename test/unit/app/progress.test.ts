import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Progress, type Stage, stagesOf, watchProgress } from '../../../src/app/progress.ts';
import { type HandClock, handClock } from '../../support/hand-clock.ts';

let clock: HandClock;
let stages: Stage[];
let progress: Progress;

beforeEach(() => {
  clock = handClock();
  stages = [];
  progress = watchProgress(() => stages, clock);
});
afterEach(async () => await progress.stop());

/** Seconds, in the steps in which it looks. */
async function pass(seconds: number, each: () => void = () => undefined): Promise<void> {
  for (let second = 0; second < seconds; second += 5) {
    each();
    clock.advance(5_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('progress', () => {
  it('is there while a stage moves, and while it has nothing to do', async () => {
    let position = 0;
    await pass(600, () => {
      position += 1;
      stages = [
        { name: 'busy', position, hasWork: true },
        { name: 'idle', position: 7, hasWork: false },
      ];
    });
    expect(progress.health()).toEqual({ ok: true, body: { ok: true, stuck: [] } });
  });

  it('is lacking once a stage with work has not moved for two minutes, and back when it moves', async () => {
    stages = [{ name: 'detectors 0', position: 5, hasWork: true }];
    await pass(115);
    expect(progress.health().ok).toBe(true);
    await pass(15);
    expect(progress.health()).toMatchObject({ ok: false, body: { stuck: [{ stage: 'detectors 0' }] } });
    stages = [{ name: 'detectors 0', position: 6, hasWork: true }];
    await pass(5);
    expect(progress.health().ok).toBe(true);
  });

  it('of a stage that has gone elsewhere is not asked for', async () => {
    stages = [{ name: 'detectors 0', position: 5, hasWork: true }];
    await pass(200);
    stages = [];
    await pass(5);
    expect(progress.health().ok).toBe(true);
  });

  it('after the process itself was frozen is judged anew', async () => {
    stages = [{ name: 'detectors 0', position: 5, hasWork: true }];
    await pass(60);
    clock.advance(600_000);
    await new Promise((resolve) => setImmediate(resolve));
    expect(progress.health().ok).toBe(true);
  });

  it('is not asked of what says why it stands still: a restart would cure nothing', () => {
    const partition = {
      partition: 1,
      next: 4,
      lag: 9,
      attempts: 0,
      keys: 0,
      held: 0,
      maxHeld: 1,
      filterErrors: {},
      rebuilding: null,
      erased: 0,
    };
    const problem = { code: 'store_unavailable', message: 'Redis is away.', help: '' };
    const sources = { log: {} as never, store: {} as never, deliveries: [] };
    const detect = (found: typeof problem | null) =>
      stagesOf({ ...sources, detect: () => [{ ...partition, problem: found }] });
    expect(detect(null)).toEqual([{ name: 'detectors 1', position: 4, hasWork: true }]);
    expect(detect(problem)).toEqual([{ name: 'detectors 1', position: 4, hasWork: false }]);
    const manager = { active: false, offset: 3, behind: 5, incidents: 0, unresolved: 0, stopped: null };
    expect(stagesOf({ ...sources, manager: () => manager })).toEqual([]);
    expect(stagesOf({ ...sources, manager: () => ({ ...manager, active: true }) })).toEqual([
      { name: 'incident manager', position: 3, hasWork: true },
    ]);
  });
});
