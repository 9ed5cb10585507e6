// Reads a stretch of `attempts` for one scope: by record time to find it, by event time to choose from it.
import { decodeAttemptsRecord } from '../attempts/wire.ts';
import type { EventLog } from '../log/event-log.ts';
import type { SignalView, View } from '../model/attempt.ts';
import { AppError } from '../model/errors.ts';
import type { Scope } from '../model/scope.ts';

export type Stretch = {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
};

export type ReadLog = Pick<EventLog, 'read' | 'ends' | 'offsetsAt'>;

/** Most records that are looked at in one scan; of a longer stretch the newest. */
const MAX_SCANNED = 1_000_000;

export type Times = {
  /** Milliseconds of record time. */
  readonly receivedFromMs: number;
  /** Null: to the end. */
  readonly receivedToMs: number | null;
  /** Offsets from here on are not read. */
  readonly below: number;
};

/** `isWhole`: false if older records may be missing, because the log has let go of them or they are too many. */
export async function findStretch(
  log: ReadLog,
  partition: number,
  times: Times,
): Promise<Stretch & { readonly isWhole: boolean }> {
  const { first, next } = (await log.ends('attempts')).find((ends) => ends.partition === partition) ?? {
    first: 0,
    next: 0,
  };
  const wanted = await offsetAt(log, partition, times.receivedFromMs);
  const end = times.receivedToMs === null ? next : await offsetAt(log, partition, times.receivedToMs);
  const to = Math.min(end, times.below, next);
  const from = Math.max(first, Math.min(wanted, to), to - MAX_SCANNED);
  // If the oldest record kept is itself wanted, an older one may have been wanted too.
  const isWhole = from === wanted && !(first > 0 && wanted === first);
  return { partition, from, to, isWhole };
}

async function offsetAt(log: ReadLog, partition: number, timeMs: number): Promise<number> {
  const positions = await log.offsetsAt('attempts', Math.max(0, timeMs));
  return positions.find((position) => position.partition === partition)?.offset ?? 0;
}

/** Views and signals of the scope, in log order. What cannot be decoded was made a dead letter long ago. Throws `newer_schema`. */
export async function* scan(
  log: ReadLog,
  { partition, from, to }: Stretch,
  scope: Scope,
): AsyncGenerator<View | SignalView> {
  if (from >= to) return;
  for await (const page of log.read('attempts', partition, from, to)) {
    for (const { value } of page) {
      const record = decoded(value);
      if (record === null || record.record === 'rule') continue;
      if (record.account === scope.account && record.livemode === scope.livemode) yield record;
    }
  }
}

function decoded(value: string): ReturnType<typeof decodeAttemptsRecord> | null {
  try {
    return decodeAttemptsRecord(value);
  } catch (error) {
    if (error instanceof AppError && error.code === 'bad_record') return null;
    throw error;
  }
}
