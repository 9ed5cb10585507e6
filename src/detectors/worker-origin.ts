// Where a partition's state begins when the window store has nothing of it: far enough back in the log that every window
// and every open episode is whole, with the rules that are in force.
import { decode } from '../log/codec.ts';
import type { EventLog } from '../log/event-log.ts';
import type { AcceptedSettings } from '../model/commands.ts';
import type { Rule } from '../model/detector.ts';
import { AppError } from '../model/errors.ts';
import { fold } from './fold.ts';
import { horizonMs, liveFromS } from './retain.ts';
import type { FoldState } from './state.ts';
import type { Row } from './window-store.ts';
import { eldestOpenS, type Recalled, recall } from './worker-recall.ts';

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

export type Begun = {
  readonly origin: Origin;
  /** Rows of the rules. */
  readonly rows: readonly Row[];
  /** Where the partition ends. */
  readonly end: number;
  readonly recalled: Recalled;
};

export type OriginParts = { readonly log: EventLog; readonly partition: number; readonly nowMs: number };

export const ORIGIN_ROW = 'worker/origin';

/** Record times may go back a little, between ingesting replicas. */
const DISORDER_MS = 300_000;

/**
 * Folds the rules into a new state and says where to begin. The rules come from their own topic, which keeps them for
 * ever, and from `known`, those of a state that was just dropped.
 */
export async function findOrigin(
  { log, partition, nowMs }: OriginParts,
  state: FoldState,
  known: readonly Rule[],
): Promise<Begun> {
  const { rows } = fold(state, [...(await acceptedRules(log)), ...known]);
  const { first, next } = await endsOf(log, partition);
  const reachMs = horizonMs(state);
  const newestMs = Math.min(nowMs, (await timeAt(log, partition, next - 1)) ?? nowMs);
  const recalled = await recall({ log, partition }, newestMs - reachMs - DISORDER_MS);
  // The beginning of what is still open is needed too, however long ago it was.
  const windowS = Math.max(0, ...[...state.detectors.values()].flatMap(({ versions }) => versions.map(windowOf)));
  const openS = eldestOpenS(recalled);
  const sinceMs = Math.min(newestMs - reachMs, openS === null ? newestMs : (openS - windowS) * 1000) - DISORDER_MS;
  const from = Math.max(first, await offsetAt(log, partition, sinceMs));
  // Whether something older was there cannot be seen if the oldest record kept is itself needed.
  const oldestMs = first > 0 && from === first && first < next ? await timeAt(log, partition, first) : null;
  const exactFromS = oldestMs !== null && oldestMs > sinceMs ? Math.ceil((oldestMs + DISORDER_MS) / 1000) : null;
  const rebuildUntil = from < next ? next : null;
  return { origin: { from, rebuildUntil, exactFromS, horizonMs: reachMs }, rows, end: next, recalled };
}

const windowOf = ({ settings }: Rule): number => settings?.windowS ?? 0;

/** True if the state began too late, or has dropped too much, for the rules it has now. */
export async function needsEarlierOrigin(
  { log, partition, nowMs }: OriginParts,
  state: FoldState,
  origin: Origin,
): Promise<boolean> {
  const { first } = await endsOf(log, partition);
  const newestMs = Math.min(nowMs, state.greatestReceivedAt);
  const needed = Math.max(first, await offsetAt(log, partition, newestMs - horizonMs(state) - DISORDER_MS));
  if (needed < origin.from) return true;
  // What was dropped is dated before the cut, so it was received at most `lateness` after it.
  const latenessMs = state.greatestReceivedAt - liveFromS(state) * 1000;
  const isWhole = state.cutS === 0 || needed >= (await offsetAt(log, partition, state.cutS * 1000 + latenessMs));
  return !isWhole;
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

/** Every version ever accepted, from the topic that keeps them for ever. */
export async function acceptedRules(log: EventLog): Promise<readonly Rule[]> {
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
