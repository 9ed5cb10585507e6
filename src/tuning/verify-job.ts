// Verification in the running service: one at a time, asked for by a person or by the night, its progress and last result to
// be looked at.
import type { Logger } from 'pino';
import type { Clock } from '../model/clock.ts';
import { messageOf } from '../model/errors.ts';
import { type VerifyOptions, type VerifyProgress, type VerifyResult, verifyIncidents } from './verify.ts';

export type VerifyJobOptions = Pick<VerifyOptions, 'log' | 'feed' | 'piiKey'> & {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Before it begins: evaluates what waits for the history lane. */
  readonly settle?: () => Promise<void>;
  /** Milliseconds between runs by itself; null: only on demand. Default: a day. */
  readonly everyMs?: number | null;
};

export type VerifyQuestion = {
  /** Milliseconds back from now. */
  readonly sinceMs: number;
  readonly rounds?: number;
};

export type VerifyStatus = {
  /** null: none runs. */
  readonly running: VerifyProgress | null;
  /** The last that ended; null: none yet. */
  readonly last: {
    /** Milliseconds. */
    readonly at: number;
    readonly tookMs: number;
    readonly result: VerifyResult | null;
    /** Why there is no result. */
    readonly error: string | null;
  } | null;
};

export type VerifyJob = {
  /** Begins; false: another one runs, which goes on. */
  start(question: VerifyQuestion): boolean;
  status(): VerifyStatus;
  close(): Promise<void>;
};

const DAY_MS = 86_400_000;
const NIGHTLY: VerifyQuestion = { sinceMs: 7 * DAY_MS, rounds: 2 };

export function startVerifyJob(options: VerifyJobOptions): VerifyJob {
  const { clock, logger, everyMs = DAY_MS } = options;
  const stop = new AbortController();
  let status: VerifyStatus = { running: null, last: null };
  let run: Promise<void> = Promise.resolve();
  const start = (question: VerifyQuestion): boolean => {
    if (status.running !== null || stop.signal.aborted) return false;
    const startedMs = clock.now();
    status = { ...status, running: { round: 0, rounds: question.rounds ?? 0, done: 0, total: 0 } };
    run = (async (): Promise<void> => {
      let result: VerifyResult | null = null;
      let error: string | null = null;
      try {
        await options.settle?.();
        result = await verify(options, question, {
          signal: stop.signal,
          onProgress: (running) => {
            status = { ...status, running };
          },
        });
        tell(logger, result);
      } catch (cause) {
        error = messageOf(cause);
        if (!stop.signal.aborted) logger.warn({ error }, 'verification failed');
      }
      const at = clock.now();
      status = { running: null, last: { at, tookMs: at - startedMs, result, error } };
    })();
    return true;
  };
  const nightly = (async (): Promise<void> => {
    while (everyMs !== null && !stop.signal.aborted) {
      await clock.sleep(everyMs, stop.signal);
      if (!stop.signal.aborted) start(NIGHTLY);
    }
  })();
  return {
    start,
    status: () => status,
    close: async () => {
      stop.abort(new Error('the service stops'));
      await Promise.all([run, nightly]);
    },
  };
}

async function verify(
  { log, feed, piiKey, clock }: VerifyJobOptions,
  { sinceMs, rounds }: VerifyQuestion,
  watch: Required<Pick<VerifyOptions, 'signal' | 'onProgress'>>,
): Promise<VerifyResult> {
  const nowMs = clock.now();
  const asked = rounds === undefined ? {} : { rounds };
  return await verifyIncidents({ log, feed, piiKey, nowMs, sinceMs: nowMs - sinceMs, ...asked, ...watch });
}

function tell(logger: Logger, { checked, records, differences }: VerifyResult): void {
  if (differences.length === 0) logger.info({ checked, records }, 'the incidents are what the log says');
  else
    logger.error(
      { checked, records, differences: differences.length, first: differences[0]?.kind },
      'incidents differ from what the log says: declinewatch verify names them',
    );
}
