// What every benchmark needs: figures over several rounds, and jobs in processes of their own, so that one never warms up, or
// spoils, what the next one measures.
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export type Figures = Readonly<Record<string, number>>;

/** What runs in a process of its own. */
type Job = (params: JobParams, link: Link) => Promise<Figures>;
export type Link = {
  /** Tells the parent something, once: that it is ready, and where. */
  readonly ready: (word: string) => void;
  /** Resolves when the parent wants the figures of a job that has no end of its own. */
  readonly stopped: Promise<void>;
};
export type JobParams = Readonly<Record<string, unknown>>;
export type Jobs = Readonly<Record<string, Job>>;

export type FigureSpec = {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly better: 'lower' | 'higher';
  /** What must be reached; null: it is only shown. */
  readonly target: number | null;
};

export type Figure = FigureSpec & { readonly values: readonly number[] };

/** A ratio is to a base that was measured in the same round: what `--check` compares. */
export const isRatio = ({ unit }: Pick<FigureSpec, 'unit'>): boolean => unit === '×';

export type Sizes = { readonly quick: boolean; readonly rounds: number };

export type Services = {
  kafka(): Promise<readonly string[]>;
  redis(): Promise<string>;
};

export type Bench = {
  readonly sizes: Sizes;
  readonly services: Services;
  /** A folder of the run's own, removed at its end. */
  readonly folder: string;
  /** Runs a job of this suite to its end. */
  job(name: string, params?: JobParams): Promise<Figures>;
  /** Starts one that goes on until it is told to stop. */
  start(name: string, params?: JobParams): RunningJob;
  /** One value of a figure; those of all rounds together are the figure. */
  record(spec: FigureSpec, value: number): void;
  progress(text: string): void;
};

export type Suite = {
  readonly name: string;
  readonly title: string;
  readonly jobs: Jobs;
  readonly run: (bench: Bench) => Promise<void>;
};

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? Number.NaN) + high) / 2;
}

/** `share` of the values are at or below it. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? Number.NaN;
}

const JOB_TIMEOUT_MS = 600_000;

export type JobCall = { readonly suite: string; readonly job: string; readonly params: JobParams };

export type RunningJob = {
  /** What it said when it was ready. */
  readonly ready: Promise<string>;
  /** Rejects with what the job said if it fails, ends early, or takes longer than ten minutes. */
  readonly figures: Promise<Figures>;
  stop(): Promise<Figures>;
};

type Message = { readonly ready: string } | { readonly figures: Figures } | { readonly error: string };

export function startJob({ suite, job, params }: JobCall): RunningJob {
  const child: ChildProcess = fork(
    fileURLToPath(new URL('./child.ts', import.meta.url)),
    [suite, job, JSON.stringify(params)],
    {
      execArgv: ['--expose-gc', '--max-old-space-size=8192', '--disable-warning=TimeoutNegativeWarning'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    },
  );
  const timer = setTimeout(() => child.kill('SIGKILL'), JOB_TIMEOUT_MS);
  const ready = Promise.withResolvers<string>();
  const figures = Promise.withResolvers<Figures>();
  const fail = (why: string): void => {
    const error = new Error(`${suite} ${job}: ${why}`);
    ready.reject(error);
    figures.reject(error);
  };
  ready.promise.catch(() => undefined);
  figures.promise.catch(() => undefined);
  child.on('message', (message: Message) => {
    if ('ready' in message) ready.resolve(message.ready);
    else if ('figures' in message) figures.resolve(message.figures);
    else fail(message.error);
  });
  child.once('error', (error) => fail(error.message));
  child.once('exit', (code, signal) => {
    clearTimeout(timer);
    fail(`ended with ${signal ?? code}`);
  });
  return {
    ready: ready.promise,
    figures: figures.promise,
    stop: async () => {
      if (child.connected) child.send('stop');
      return await figures.promise;
    },
  };
}

/** Microseconds of processor time of this process, its threads included. */
export function cpuMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function collectGarbage(): void {
  if (globalThis.gc === undefined) throw new Error('start it with --expose-gc');
  for (let i = 0; i < 3; i++) globalThis.gc();
}

/** Bytes of this process: its heap and what the heap refers to outside it. */
export function heldBytes(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Every so many milliseconds, until it holds. */
export async function until(what: string, holds: () => Promise<boolean> | boolean, timeoutMs = 300_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
