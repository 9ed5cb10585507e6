// The days that `daily-totals` keeps, read whole: a record a day and scope, and how far each partition is in them.
import { decode } from '../log/codec.ts';
import type { EventLog } from '../log/event-log.ts';
import { type DailyTotals, type TotalsRecord, totalsId } from '../model/daily-totals.ts';
import { AppError } from '../model/errors.ts';

export type KeptTotals = {
  /** By totalsId. */
  readonly days: Map<string, DailyTotals>;
  /** By partition of `attempts`: everything below is in them. */
  readonly marks: Map<number, number>;
};

export async function readTotals(log: Pick<EventLog, 'read' | 'ends'>): Promise<KeptTotals> {
  const kept: KeptTotals = { days: new Map(), marks: new Map() };
  for (const { partition, first, next } of await log.ends('daily-totals')) {
    if (first >= next) continue;
    for await (const page of log.read('daily-totals', partition, first, next))
      for (const { value } of page) take(kept, value);
  }
  return kept;
}

/** Two that count at once write the same days: who has read further knows better. */
function take({ days, marks }: KeptTotals, value: string): void {
  const record = decoded(value);
  if (record === null) return;
  if ('mark' in record) {
    const { partition, next } = record.mark;
    marks.set(partition, Math.max(marks.get(partition) ?? 0, next));
    return;
  }
  const { totals } = record;
  const id = totalsId(totals);
  if ((days.get(id)?.asOf ?? -1) <= totals.asOf) days.set(id, totals);
}

function decoded(value: string): TotalsRecord | null {
  try {
    return decode<TotalsRecord>('daily-totals', value);
  } catch (error) {
    if (error instanceof AppError && error.code === 'bad_record') return null;
    throw error;
  }
}
