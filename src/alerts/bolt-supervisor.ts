// Keeps the thread of Bolt running: starts it, starts it again when it dies with growing pauses, ends it.
import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import type { Clock } from '../model/clock.ts';
import { messageOf } from '../model/errors.ts';
import type { FromWorker, ToWorker, WorkerData } from './bolt-protocol.ts';

export type SupervisorStatus = {
  readonly state: 'starting' | 'running' | 'restarting' | 'stopped';
  /** Socket Mode connections that are open. */
  readonly connections: number;
  readonly restarts: number;
  readonly lastError: { readonly at: number; readonly message: string } | null;
};

export type Supervisor = {
  status(): SupervisorStatus;
  /** False: no thread runs now. */
  send(message: ToWorker): boolean;
  close(): Promise<void>;
};

export type SupervisorOptions = {
  readonly data: WorkerData;
  readonly onMessage: (message: FromWorker) => void;
  /** The thread has ended: what it was asked will not be answered. */
  readonly onDown: () => void;
  readonly clock: Clock;
  readonly logger: Logger;
};

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 60_000;
/** A thread that ran so long had a good start: the pauses begin anew. */
const STABLE_MS = 60_000;
const STOP_MS = 3_000;
const MAX_HEAP_MB = 256;

type Life = { -readonly [K in keyof SupervisorStatus]: SupervisorStatus[K] } & { worker: Worker | null };

/** Answers at once; whether the thread has come up is in `status()`. */
export function superviseBolt(options: SupervisorOptions): Supervisor {
  const { clock } = options;
  const stop = new AbortController();
  const life: Life = { state: 'starting', connections: 0, restarts: 0, lastError: null, worker: null };
  const supervising = supervise(options, life, stop.signal);
  return {
    status: () => {
      const { state, connections, restarts, lastError } = life;
      return { state, connections, restarts, lastError };
    },
    send: (message) => {
      life.worker?.postMessage(message);
      return life.worker !== null;
    },
    close: async () => {
      stop.abort();
      const { worker } = life;
      worker?.postMessage({ type: 'stop' } satisfies ToWorker);
      const waited = new AbortController();
      await Promise.race([supervising, clock.sleep(STOP_MS, waited.signal)]);
      waited.abort();
      await worker?.terminate();
      await supervising;
    },
  };
}

async function supervise(options: SupervisorOptions, life: Life, signal: AbortSignal): Promise<void> {
  const { clock, logger } = options;
  let pauseMs = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    const startedAt = clock.now();
    await runOnce(options, life);
    if (signal.aborted) break;
    if (clock.now() - startedAt >= STABLE_MS) pauseMs = FIRST_PAUSE_MS;
    life.state = 'restarting';
    life.restarts += 1;
    const error = life.lastError?.message;
    logger.error({ from: 'slack', error, pauseMs, restarts: life.restarts }, 'the Slack thread has ended');
    await clock.sleep(pauseMs, signal);
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }
  life.state = 'stopped';
}

/** One life of the thread: resolves when it has ended, for whatever reason. */
async function runOnce({ data, onMessage, onDown, clock }: SupervisorOptions, life: Life): Promise<void> {
  const worker = new Worker(new URL('./bolt-worker.ts', import.meta.url), {
    workerData: data,
    name: 'slack',
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
  });
  life.worker = worker;
  worker.on('message', (message: FromWorker) => {
    if (message.type === 'ready') life.state = 'running';
    if (message.type === 'connections') life.connections = message.open;
    onMessage(message);
  });
  await new Promise<void>((resolve) => {
    worker.on('error', (error) => {
      life.lastError = { at: clock.now(), message: messageOf(error).slice(0, 300) };
    });
    worker.on('exit', () => resolve());
  });
  life.worker = null;
  life.connections = 0;
  onDown();
}
