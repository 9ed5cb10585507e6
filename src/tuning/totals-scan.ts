// What `attempts` says of whole days: each attempt once, whatever views of it there are and whenever they came. In passes,
// each over a share of the attempts, so that memory is bounded however many a day has.
import { type MergedAttempt, mergeView } from '../attempts/merge.ts';
import { recordsIn } from '../detectors/replay.ts';
import type { EventLog } from '../log/event-log.ts';
import type { View } from '../model/attempt.ts';
import { DAY_S, dayOf, dayStartS, totalsId } from '../model/daily-totals.ts';
import type { Scope } from '../model/scope.ts';
import { addAttempt, type DayFigures, noFigures } from './totals-days.ts';

/** Seconds: the views of one attempt may be dated that far apart. */
const APART_S = 3_600;
/** Milliseconds that a view may be received before its own time by a wrong clock. */
export const AHEAD_MS = 300_000;

/** Attempts held at once. */
const MAX_HELD = 200_000;
const MOST_PASSES = 256;

export type ScopeDay = { readonly scope: Scope; readonly day: string };

export type DaysQuestion = {
  readonly log: Pick<EventLog, 'read'>;
  readonly partition: number;
  readonly range: { readonly from: number; readonly to: number };
  /** By totalsId. */
  readonly days: ReadonlyMap<string, ScopeDay>;
  readonly maxHeld?: number;
  readonly signal?: AbortSignal | undefined;
};

/** By totalsId; a day without an attempt has empty figures. */
export async function figuresOfDays(question: DaysQuestion): Promise<Map<string, DayFigures>> {
  for (let passes = 1; passes <= MOST_PASSES; passes *= 2) {
    const figures = await inPasses(question, passes);
    if (figures !== null) return figures;
  }
  throw new Error(`A stretch of days has more than ${MAX_HELD * MOST_PASSES} attempts.`);
}

/** null: more attempts than can be held at once. */
async function inPasses(question: DaysQuestion, passes: number): Promise<Map<string, DayFigures> | null> {
  const figures = new Map([...question.days.keys()].map((id) => [id, noFigures()]));
  for (let pass = 0; pass < passes; pass += 1) {
    const held = await attemptsIn(question, (attempt) => passes === 1 || hashOf(attempt) % passes === pass);
    if (held === null) return null;
    for (const merged of held.values()) {
      const of = figures.get(totalsId({ scope: merged, day: dayOf(merged.time) }));
      if (of !== undefined) addAttempt(of, merged);
    }
  }
  return figures;
}

async function attemptsIn(
  { log, partition, range, days, maxHeld = MAX_HELD, signal }: DaysQuestion,
  isOfPass: (attempt: string) => boolean,
): Promise<Map<string, MergedAttempt> | null> {
  const held = new Map<string, MergedAttempt>();
  const input = { log, partition, ranges: [range], ...(signal === undefined ? {} : { signal }) };
  for await (const slice of recordsIn(input)) {
    for (const { record } of slice) {
      if (record.record !== 'view' || !isOfPass(record.attempt)) continue;
      if (!daysNear(record).some((day) => days.has(totalsId({ scope: record, day })))) continue;
      const id = `${record.account ?? ''}\u001f${record.livemode}\u001f${record.attempt}`;
      held.set(id, mergeView(held.get(id), needed(record)));
      if (held.size > maxHeld) return null;
    }
  }
  return held;
}

/** The days that an attempt with a view of that time may be of. */
export function daysNear({ time }: { readonly time: number }): readonly string[] {
  const days = [dayOf(time)];
  const begin = dayStartS(days[0] ?? '');
  if (time - APART_S < begin) days.push(dayOf(time - APART_S));
  if (time + APART_S >= begin + DAY_S) days.push(dayOf(time + APART_S));
  return days;
}

/** Merging is per field: the others need not be held. */
function needed(view: View): View {
  const { result, amount, currency, brand } = view.fields;
  const fields = {
    ...(result === undefined ? {} : { result }),
    ...(amount === undefined ? {} : { amount }),
    ...(currency === undefined ? {} : { currency }),
    ...(brand === undefined ? {} : { brand }),
  };
  return { ...view, fields };
}

function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
}
