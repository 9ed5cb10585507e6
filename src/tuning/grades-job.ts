// In the running service, every hour: daily totals are brought up to date before the log lets go of anything, notes are
// written on incidents that banks spoke of since, and a month that is over is handed on.
import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import type { IncidentFeed } from '../feed/feed.ts';
import { submitCommand } from '../feed/submit.ts';
import { type DailyTotals, totalsId } from '../model/daily-totals.ts';
import { messageOf } from '../model/errors.ts';
import type { Incident } from '../model/incident.ts';
import type { Correction } from './grades.ts';
import { GRADER, notesFor } from './grades-note.ts';
import { previousMonth } from './month.ts';
import { joinAll, type ReportParts } from './month-report.ts';

export type GradesJobOptions = ReportParts & {
  readonly feed: ReportParts['feed'] & Pick<IncidentFeed, 'timeline' | 'waitForCommand'>;
  readonly logger: Logger;
  /** Milliseconds between runs; default: an hour. */
  readonly everyMs?: number;
  /** Told in each run which month is over, once nothing comes to it any more: that it is written once is up to it. */
  readonly monthEnded?: (month: string) => Promise<void>;
};

export type GradesJob = {
  /** Runs now, after a run that is on its way; rejects with its error. */
  runNow(): Promise<{ readonly notes: number }>;
  close(): Promise<void>;
};

const HOUR_MS = 3_600_000;
/** After a start everything else comes first. */
const FIRST_MS = 60_000;
const MAX_NOTES_A_RUN = 500;
const WAIT_MS = 5_000;
/** After midnight some events of the day before are still to come. */
const LATE_MS = 6 * HOUR_MS;
/** So many runs later it is told although something still comes. */
const MOST_RUNS = 24;

export function startGradesJob(options: GradesJobOptions): GradesJob {
  const { clock, logger, everyMs = HOUR_MS } = options;
  const stop = new AbortController();
  const isStill = createStill();
  let running: Promise<unknown> = Promise.resolve();
  const runNow = async (): Promise<{ readonly notes: number }> => {
    const run = running.then(async () => await runOnce(options, { isStill, signal: stop.signal }));
    running = run.catch(() => undefined);
    return await run;
  };
  const hourly = (async (): Promise<void> => {
    for (let pauseMs = Math.min(FIRST_MS, everyMs); ; pauseMs = everyMs) {
      await clock.sleep(pauseMs, stop.signal);
      if (stop.signal.aborted) return;
      await runNow().catch((error: unknown) => {
        if (!stop.signal.aborted)
          logger.warn({ error: messageOf(error) }, 'totals and grades are brought up to date later');
      });
    }
  })();
  return {
    runNow,
    close: async () => {
      stop.abort(new Error('the service stops'));
      await Promise.all([running, hourly]);
    },
  };
}

type Run = { readonly isStill: ReturnType<typeof createStill>; readonly signal: AbortSignal };

async function runOnce(options: GradesJobOptions, { isStill, signal }: Run): Promise<{ readonly notes: number }> {
  const { incidents, corrections, days } = await joinAll(options, signal);
  let notes = 0;
  for (const incident of incidents) {
    const correction = corrections.get(incident.id);
    if (correction === undefined || notes >= MAX_NOTES_A_RUN) continue;
    notes += await writeNotes(options, incident, correction);
  }
  const month = previousMonth(new Date(options.clock.now() - LATE_MS).toISOString().slice(0, 7));
  if (isStill(month, days.values())) await options.monthEnded?.(month);
  return { notes };
}

/** Whether nothing was added to the month since the run before: a backfill or an outage may be filling it at this moment. */
function createStill() {
  let before: { readonly month: string; readonly mark: string; readonly runs: number } | null = null;
  return (month: string, days: Iterable<DailyTotals>): boolean => {
    const own = [...days].filter(({ day }) => day.startsWith(`${month}-`));
    const marks = own.map((day) => `${totalsId(day)} ${day.asOf}`).sort();
    const mark = createHash('sha256').update(marks.join('\n')).digest('base64');
    const known = before?.month === month ? before : null;
    before = { month, mark, runs: (known?.runs ?? 0) + 1 };
    return known?.mark === mark || before.runs > MOST_RUNS;
  };
}

/** One after the other: each is there before the next is asked for. */
async function writeNotes(options: GradesJobOptions, incident: Incident, correction: Correction): Promise<number> {
  const { feed } = options;
  const told = feed.timeline(incident.id).flatMap(({ type, actor, data }) => {
    return type === 'noted' && actor.id === GRADER.id && typeof data.note === 'string' ? [data.note] : [];
  });
  let written = 0;
  for (const command of notesFor(incident, correction, told)) {
    const { id } = await submitCommand(options, command);
    const change = await feed.waitForCommand(id, WAIT_MS);
    if (change?.refusal === null) written += 1;
  }
  return written;
}
