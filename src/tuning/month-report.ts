// The questions of reports, answered from the log: the month of fraud, grades, and what was missed.
import type { EventLog } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import { AppError } from '../model/errors.ts';
import type { Incident } from '../model/incident.ts';
import type { Grade, Month } from '../model/month.ts';
import { type Correction, gradesOf } from './grades.ts';
import { correctionsOf, proofsIn } from './grades-join.ts';
import { type Missed, missedFraud } from './missed.ts';
import { monthOf, monthRange } from './month.ts';
import { incidentsOpened } from './month-incidents.ts';
import { updateTotals } from './totals.ts';
import type { WhatIfParts } from './what-if.ts';

export type ReportParts = {
  readonly log: EventLog;
  readonly feed: WhatIfParts['feed'];
  readonly piiKey: string;
  readonly clock: Clock;
};

/** Throws `invalid_request` for what is no month, or one that has not begun. Without one: the month that it is. */
export function readMonth(query: URLSearchParams, nowMs: number): string {
  const unknown = [...query.keys()].filter((name) => name !== 'month');
  const now = new Date(nowMs).toISOString().slice(0, 7);
  const month = query.get('month') ?? now;
  const [name] = unknown;
  if (name !== undefined) throw invalid(name, 'is unknown');
  if (!/^2\d{3}-(0[1-9]|1[0-2])$/.test(month)) throw invalid('month', 'must be a month such as 2026-10');
  if (month > now) throw invalid('month', 'has not begun yet (UTC)');
  return month;
}

const invalid = (path: string, message: string): AppError =>
  new AppError('invalid_request', `${path.slice(0, 100)} ${message}.`, {
    help: 'declinewatch report --help says what can be asked.',
    details: [{ path, message }],
  });

export async function monthReport(parts: ReportParts, month: string, signal?: AbortSignal): Promise<Month> {
  const { days } = await updateTotals({ ...parts, signal });
  const incidents = await incidentsOpened(parts.log, monthRange(month));
  const corrections = await correctionsOf({ log: parts.log, incidents, days: days.values() });
  return monthOf({ month, days: days.values(), incidents, corrections });
}

export type GradesReport = {
  readonly grades: readonly Grade[];
  /** Incidents that a dispute, warning or refund as fraud spoke of later; newest first, at most 200. */
  readonly corrections: readonly Correction[];
};

const LISTED = 200;
const DAY_MS = 86_400_000;
/** Incidents are kept that long. */
const KEPT_MS = 400 * DAY_MS;
/** What the log of attempts still holds. */
const HELD_MS = 34 * DAY_MS;

type Joined = {
  readonly incidents: readonly Incident[];
  readonly corrections: Map<string, Correction>;
  readonly days: Awaited<ReturnType<typeof updateTotals>>['days'];
};

export async function joinAll(parts: ReportParts, signal?: AbortSignal): Promise<Joined> {
  const { days } = await updateTotals({ ...parts, signal });
  const nowMs = parts.clock.now();
  const incidents = await incidentsOpened(parts.log, { fromMs: nowMs - KEPT_MS, toMs: Number.POSITIVE_INFINITY });
  const corrections = await correctionsOf({ log: parts.log, incidents, days: days.values() });
  return { incidents, corrections, days };
}

export async function gradesReport(parts: ReportParts, signal?: AbortSignal): Promise<GradesReport> {
  const { incidents, corrections } = await joinAll(parts, signal);
  return {
    grades: gradesOf(incidents, corrections),
    corrections: [...corrections.values()].reverse().slice(0, LISTED),
  };
}

export async function missedReport(
  parts: ReportParts,
  signal?: AbortSignal,
): Promise<{ readonly missed: readonly Missed[]; readonly counts: Readonly<Record<Missed['result'], number>> }> {
  const { incidents, corrections, days } = await joinAll(parts, signal);
  const missed = await missedFraud(parts, {
    proofs: proofsIn(days.values()),
    incidents,
    corrections,
    sinceMs: parts.clock.now() - HELD_MS,
    ...(signal === undefined ? {} : { signal }),
  });
  const counts = { announced: 0, catchable: 0, nothing_to_see: 0, out_of_range: 0 };
  for (const { result } of missed) counts[result] += 1;
  return { missed: missed.slice(0, LISTED), counts };
}
