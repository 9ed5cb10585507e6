// Whether the process gets on, for `/healthz`: a stage that has work and does not move, although what it stands on answers, is
// stuck, and only a restart helps. A log or Redis that is away is no such thing: a restart would cure nothing.
import type { Clock } from '../model/clock.ts';
import type { HealthSources } from './health.ts';

export type Stage = {
  readonly name: string;
  /** Whatever rises while it works. */
  readonly position: number;
  readonly hasWork: boolean;
};

export type ProgressHealth = {
  readonly ok: boolean;
  readonly body: { readonly ok: boolean; readonly stuck: readonly { readonly stage: string; readonly forS: number }[] };
};

export type Progress = {
  health(): ProgressHealth;
  stop(): Promise<void>;
};

const LOOK_EVERY_MS = 5_000;
/** Longer than any batch, rebuild step or handover between replicas takes. */
const STUCK_AFTER_MS = 120_000;
/** The loop itself was held up for so long: what was seen before is not judged. */
const LATE_MS = 60_000;

export function watchProgress(stages: () => readonly Stage[], clock: Clock): Progress {
  const stopping = new AbortController();
  /** By stage: where it stood, and since when (milliseconds) with work to do. */
  const seen = new Map<string, { readonly position: number; readonly sinceMs: number }>();
  let lookedAt = clock.now();
  const look = (): void => {
    const now = clock.now();
    if (now - lookedAt > LATE_MS) seen.clear();
    lookedAt = now;
    const held = stages();
    for (const name of seen.keys()) if (!held.some((stage) => stage.name === name)) seen.delete(name);
    for (const { name, position, hasWork } of held) {
      const before = seen.get(name);
      if (!hasWork || before === undefined || before.position !== position) seen.set(name, { position, sinceMs: now });
    }
  };
  const looking = (async () => {
    while (!stopping.signal.aborted) {
      look();
      await clock.sleep(LOOK_EVERY_MS, stopping.signal);
    }
  })();
  return {
    health: () => {
      const now = clock.now();
      const stuck = [...seen]
        .map(([stage, { sinceMs }]) => ({ stage, forS: Math.floor((now - sinceMs) / 1000) }))
        .filter(({ forS }) => forS * 1000 >= STUCK_AFTER_MS);
      return { ok: stuck.length === 0, body: { ok: stuck.length === 0, stuck } };
    },
    stop: async () => {
      stopping.abort();
      await looking;
    },
  };
}

/** Of this process: what says that it stands still for a reason has none of its own to be restarted for. */
export function stagesOf({ detect, manager, feed }: HealthSources): readonly Stage[] {
  const stages: Stage[] = [];
  for (const { partition, next, lag, problem } of detect?.() ?? [])
    if (next !== null)
      stages.push({ name: `detectors ${partition}`, position: next, hasWork: lag > 0 && problem === null });
  const managed = manager?.();
  if (managed?.active === true && managed.stopped === null)
    stages.push({ name: 'incident manager', position: managed.offset, hasWork: managed.behind > 0 });
  const followed = feed?.();
  if (followed !== undefined && followed.stopped === null)
    stages.push({ name: 'incident feed', position: -followed.behind, hasWork: followed.behind > 0 });
  return stages;
}
