// The story told to a program in this process that ends at a chosen effect and begins again.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CrashPoint } from './crash-gate.ts';
import { startCrashProcess } from './crash-process.ts';
import { type Ending, NOWHERE, STORY_DETECTORS, type Stage, tellStory } from './crash-story.ts';
import { startLocalSheets } from './local-sheets.ts';
import { startLocalSlack } from './local-slack.ts';
import { quickClock } from './quick-clock.ts';

export type CrashRun = {
  readonly ending: Ending;
  /** What the first process ended at; null: it lived to the end. */
  readonly endedAt: string | null;
  /** Effects of the first process. */
  readonly effects: readonly string[];
};

const SPEED = 10;
/** Slack's clock is real: ours reaches it after 26 s, when a run is long over. */
const BEHIND_MS = 240_000;

/** Runs the whole story; the first process ends at `point` and another goes on. */
export async function runStory(point: CrashPoint | null): Promise<CrashRun> {
  const folder = mkdtempSync(join(tmpdir(), 'declinewatch-crash-'));
  const detectorsFile = join(folder, 'detectors.yaml');
  writeFileSync(detectorsFile, STORY_DETECTORS);
  const [slack, sheets] = await Promise.all([startLocalSlack(), startLocalSheets()]);
  sheets.state.readsPerMinute = 300;
  const clock = quickClock({ speed: SPEED, behindMs: BEHIND_MS });
  const around = { folder, detectorsFile, slack, sheets, clock };
  const first = await startCrashProcess(around, point);
  let current = first;
  let endedAt: string | null = null;
  const following = first.over.then(async (what) => {
    if (what === 'asked to stop') return;
    endedAt = what;
    current = await startCrashProcess(around, null);
  });
  try {
    const stage: Stage = { slack, sheets, current: () => current.addresses() ?? NOWHERE };
    const ending = await tellStory(stage, Math.floor(clock.now() / 1000) - 200);
    return { ending, endedAt, effects: [...first.seen] };
  } finally {
    await current.stop();
    await following;
    await first.buried();
    await Promise.all([slack.close(), sheets.close()]);
    rmSync(folder, { recursive: true, force: true });
  }
}
