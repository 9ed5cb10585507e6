// The one place that tries again what Stripe or the log could not do now: with pauses that double, and a bound.
import type { Clock } from '../model/clock.ts';
import { AppError } from '../model/errors.ts';

export type PersistOptions = {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told before each pause. */
  readonly waiting?: (error: AppError, pauseMs: number) => void;
  /** Most tries; default: 12, about seven minutes. */
  readonly maxTries?: number;
};

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
const MAX_TRIES = 12;

/**
 * Rejects with what is not retriable, with the last error once the tries are used up, and with `stopped` when the signal is
 * aborted, whatever is under way then: its answer is ignored.
 */
export async function persist<T>(attempt: () => Promise<T>, options: PersistOptions): Promise<T> {
  const { clock, signal, waiting, maxTries = MAX_TRIES } = options;
  for (let tries = 1; ; tries += 1) {
    try {
      return await unlessStopped(attempt, signal);
    } catch (error) {
      if (!(error instanceof AppError) || !error.retriable || tries >= maxTries || signal.aborted) throw error;
      const pauseMs = pauseAfter(tries);
      waiting?.(error, pauseMs);
      await clock.sleep(pauseMs, signal);
      if (signal.aborted) throw stopped();
    }
  }
}

async function unlessStopped<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) throw stopped();
  const stop = Promise.withResolvers<never>();
  const abort = (): void => stop.reject(stopped());
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([attempt(), stop.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

export function stopped(): AppError {
  return new AppError('stopped', 'Stopped before it was done.', { help: 'It goes on at the next start.' });
}

/** Spread by half, so that replicas that failed together do not try together. */
function pauseAfter(tries: number): number {
  const longest = Math.min(FIRST_PAUSE_MS * 2 ** (tries - 1), LONGEST_PAUSE_MS);
  return Math.round(longest * (0.5 + Math.random() / 2));
}
