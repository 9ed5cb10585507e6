// Erasing put together: the log as everybody reads it, what is left to be done in it, and the jobs that ask for it.
import type { Logger } from 'pino';
import type { DetectWorker } from '../detectors/worker.ts';
import { erasingLog } from '../erasure/erasing-log.ts';
import { type Erasures, openErasures } from '../erasure/erasures.ts';
import { type Sweep, type SweepStatus, startSweep } from '../erasure/sweep.ts';
import type { IncidentFeed } from '../feed/feed.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import type { DeadLetter } from '../model/dead-letter.ts';
import type { Delivery } from '../model/delivery.ts';
import { createEraseJobs, type EraseJobs } from './erase-jobs.ts';
import type { Storage } from './storage.ts';
import type { Teardown } from './teardown.ts';

type Common = { readonly piiKey: string; readonly clock: Clock; readonly logger: Logger };

export type ErasingLog = { readonly log: EventLog; readonly erasures: Erasures };

/** The stored log, read without those who were erased. */
export async function openErasingLog(
  storage: Storage,
  { piiKey, logger }: Pick<Common, 'piiKey' | 'logger'>,
  teardown: Teardown,
): Promise<ErasingLog> {
  const group = storage.kind === 'embedded' ? { group: 'erasures' } : {};
  const erasures = await openErasures({ log: storage.log, logger, ...group });
  teardown.push('erasures', () => erasures.close());
  return { log: erasingLog(storage.log, erasures, piiKey), erasures };
}

export type ErasingParts = Common & {
  readonly storage: Storage;
  readonly erasing: ErasingLog;
  readonly feed: IncidentFeed;
  /** null: this process does not detect. */
  readonly detect: DetectWorker | null;
  /** What the history lane evaluates now may have been read before. */
  readonly isHistoryRunning: () => boolean;
  /** This process decides and tells: what is left to be done in the log is done here. */
  readonly isResponding: boolean;
  readonly deliveriesOf: (incident: string) => readonly Delivery[];
  readonly deadLetters: () => readonly DeadLetter[];
};

export async function startErasing(
  parts: ErasingParts,
  teardown: Teardown,
): Promise<{ readonly erases: EraseJobs; readonly status: (() => SweepStatus) | undefined }> {
  const { storage, erasing, feed, detect, isHistoryRunning, isResponding, piiKey, clock, logger } = parts;
  const { store, rewriter = null } = storage;
  let sweep: Sweep | null = null;
  if (isResponding) {
    // Embedded windows that no worker keeps at present: it makes them anew from the log at the next start.
    const clearWindows = rewriter !== null && detect === null ? async () => await store.clear(0) : null;
    const isHeard = (number: number): boolean =>
      erasing.erasures.newest() >= number &&
      (detect?.status() ?? []).every(({ erased }) => erased === null || erased >= number) &&
      !isHistoryRunning();
    const started = await startSweep({ log: storage.log, rewriter, piiKey, clock, logger, clearWindows, isHeard });
    teardown.push('erasure sweep', () => started.close());
    sweep = started;
  }
  const jobs = createEraseJobs({
    log: erasing.log,
    feed,
    piiKey,
    clock,
    logger,
    erasures: erasing.erasures,
    sweep: rewriter === null ? null : sweep,
    partitions: () => detect?.status() ?? [],
    deliveriesOf: parts.deliveriesOf,
    deadLetters: parts.deadLetters,
  });
  teardown.push('erases', () => jobs.close());
  return { erases: jobs, status: sweep?.status };
}
