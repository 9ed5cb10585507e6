// Detectors put together: attempts in, reports out; at once for what comes in time, later for what comes late.
import { startHistoryLane } from '../detectors/history.ts';
import { type DetectWorker, startDetectWorker } from '../detectors/worker.ts';
import type { Core } from './core.ts';
import { watchStateLimit } from './state-limit.ts';

export type Detecting = {
  readonly worker: DetectWorker;
  /** Evaluates what waits for the history lane. */
  readonly runHistory: () => Promise<void>;
};

export async function startDetecting(core: Core): Promise<Detecting> {
  const { log, feed, clock, piiKey, sources, metrics, teardown, child } = core;
  const { store } = core.storage;
  const erased = core.erasing.erasures.newest;
  const common = { log, store, clock, piiKey, erased };
  const worker = await startDetectWorker({ ...common, logger: child('detectors'), metrics: metrics.detect });
  teardown.push('detectors', () => worker.close());
  sources.detect = worker.status;
  const limit = watchStateLimit({ partitions: worker.status, log, feed, clock, logger: child('detectors') });
  teardown.push('state limit', () => limit.stop());
  const history = await startHistoryLane({ ...common, logger: child('history') });
  teardown.push('history lane', () => history.close());
  sources.history = history.status;
  return { worker, runHistory: history.runNow };
}
