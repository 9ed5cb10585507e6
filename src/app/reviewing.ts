// What looks back over the log: the nightly verify, totals and grades, months, and tuning.
import type { Months } from '../model/month.ts';
import { startTuning, type Tuning } from '../tuning/tuning.ts';
import { startVerifyJob, type VerifyJob } from '../tuning/verify-job.ts';
import type { Core } from './core.ts';
import { startGrades } from './report-operations.ts';

export type Reviewing = {
  readonly verification: VerifyJob;
  /** null: this process does not respond. */
  readonly months: Months | null;
  readonly tuning: Tuning | null;
};

/** `runHistory`: what waits for the history lane is evaluated before anything is verified. */
export function startReviewing(core: Core, runHistory: () => Promise<void>): Reviewing {
  const { log, feed, piiKey, clock, dataFolder, erasing, sources, teardown, child, has } = core;
  const common = { log, feed, piiKey, clock };
  const isResponding = has('respond');
  const verifying = { ...common, logger: child('verify'), settle: runHistory };
  const verification = startVerifyJob(isResponding ? verifying : { ...verifying, everyMs: null });
  teardown.push('verification', () => verification.close());
  sources.verification = verification.status;
  if (!isResponding) return { verification, months: null, tuning: null };
  const grades = startGrades({ ...common, logger: child('grades'), dataFolder });
  teardown.push('grades', () => grades.close());
  const tuning = startTuning({ ...common, logger: child('tuning'), erased: erasing.erasures.newest });
  teardown.push('tuning', () => tuning.close());
  return { verification, months: grades.months, tuning };
}
