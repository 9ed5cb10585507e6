// Where a partition's state begins when the window store has nothing of it: far enough back in the log that every window
// and every open episode is whole, with the rules that are in force.
import { decode } from '../log/codec.ts';
import type { EventLog } from '../log/event-log.ts';
import type { AcceptedSettings } from '../model/commands.ts';
import type { Rule } from '../model/detector.ts';
import { AppError } from '../model/errors.ts';
import { fold } from './fold.ts';
import { horizonMs } from './retain.ts';
import type { FoldState } from './state.ts';
import type { Row } from './window-store.ts';

/** Kept as a row, so that a rebuild that is interrupted goes on as one. */
export type Origin = {
  /** Offset from which on the state has seen every record. */
  readonly from: number;
  /** Until the state has come so far it is being rebuilt, and nothing is reported; null: it is whole. */
  readonly rebuildUntil: number | null;
  /** Seconds: attempts before it may be missing, the log no longer had them; null: none is. */
  readonly exactFromS: number | null;
  /** Milliseconds: the horizon that it was made for. */
  readonly horizonMs: number;
};

export const ORIGIN_ROW = 'worker/origin';

/** Record times may go back a little, between ingesting replicas. */
const DISORDER_MS = 300_000;

/**
 * Folds the rules into a new state and says where to begin. The rules come from their own topic, which keeps them for
 * ever, and from `known`, those of a state that was just dropped.
 */
export async function findOrigin(
  { log, partition, nowMs }: { readonly log: EventLog; readonly partition: number; readonly nowMs: number },
  state: FoldState,
  known: readonly Rule[],
): Promise<{ readonly origin: Origin; readonly rows: readonly Row[]; readonly end: number }> {
  const { rows } = fold(state, [...(await acceptedRules(log)), ...known]);
  const { first, next } = await endsOf(log, partition);
  const newestMs = Math.min(nowMs, (await timeAt(log, partition, next - 1)) ?? nowMs);
  const reachMs = horizonMs(state);
  const sinceMs = newestMs - reachMs - DISORDER_MS;
  const from = Math.max(first, await offsetAt(log, partition, sinceMs));
  // Whether something older was there cannot be seen if the oldest record kept is itself needed.
  const oldestMs = first > 0 && from === first && first < next ? await timeAt(log, partition, first) : null;
  const exactFromS = oldestMs !== null && oldestMs > sinceMs ? Math.ceil((oldestMs + DISORDER_MS) / 1000) : null;
  return { origin: { from, rebuildUntil: from < next ? next : null, exactFromS, horizonMs: reachMs }, rows, end: next };
}

/** True if the state began too late, or has dropped too much, for the rules it has now. */
export async function needsEarlierOrigin(
  { log, partition, nowMs }: { readonly log: EventLog; readonly partition: number; readonly nowMs: number },
  state: FoldState,
  origin: Origin,
): Promise<boolean> {
  const { first } = await endsOf(log, partition);
  if (state.cutS > 0) return true;
  const needed = await offsetAt(log, partition, nowMs - horizonMs(state) - DISORDER_MS);
  return Math.max(first, needed) < origin.from;
}

export async function endsOf(log: EventLog, partition: number): Promise<{ first: number; next: number }> {
  const ends = (await log.ends('attempts')).find((end) => end.partition === partition);
  if (ends === undefined) throw new AppError('topic_mismatch', `attempts has no partition ${partition}.`);
  return ends;
}

export async function offsetAt(log: EventLog, partition: number, timeMs: number): Promise<number> {
  const positions = await log.offsetsAt('attempts', Math.max(0, timeMs));
  return positions.find((position) => position.partition === partition)?.offset ?? 0;
}

async function timeAt(log: EventLog, partition: number, offset: number): Promise<number | null> {
  if (offset < 0) return null;
  for await (const page of log.read('attempts', partition, offset, offset + 1)) return page[0]?.timeMs ?? null;
  return null;
}

async function acceptedRules(log: EventLog): Promise<readonly Rule[]> {
  const rules: Rule[] = [];
  for (let partition = 0; partition < log.partitions('detector-settings'); partition++) {
    const ends = (await log.ends('detector-settings')).find((end) => end.partition === partition);
    for await (const page of log.read('detector-settings', partition, ends?.first ?? 0))
      for (const { value } of page) rules.push(...readable(value));
  }
  return rules;
}

/** What the manager could not have written is no rule; a newer program's is an error. */
function readable(value: string): readonly Rule[] {
  try {
    const { rule } = decode<AcceptedSettings>('detector-settings', value);
    return rule?.record === 'rule' ? [rule] : [];
  } catch (error) {
    if (error instanceof AppError && error.code === 'bad_record') return [];
    throw error;
  }
}
