// Decided erases on their way to `erasures`, where every reader of the log hears of them. Recognised by their numbers, so doing
// it again is harmless, and is how a crash in between is repaired.
import { decode, encode } from '../log/codec.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import type { Erasure } from '../model/erasure.ts';

export type ErasureRelay = {
  /** Resolves once they are durable. After a rejection they are sent first at the next call. */
  send(erasures: readonly Erasure[]): Promise<void>;
};

/** Reads what is there already. Rejects with the log's errors. */
export async function openErasureRelay({
  log,
  clock,
}: {
  readonly log: EventLog;
  readonly clock: Clock;
}): Promise<ErasureRelay> {
  const sent = new Set<number>();
  for (const { partition, first, next } of await log.ends('erasures')) {
    if (first >= next) continue;
    for await (const page of log.read('erasures', partition, first, next))
      for (const { value } of page) sent.add(decode<Partial<Erasure>>('erasures', value).number ?? 0);
  }
  let waiting: readonly Erasure[] = [];
  return {
    send: async (erasures) => {
      waiting = [...waiting, ...erasures.filter(({ number }) => !sent.has(number))];
      for (const erasure of erasures) sent.add(erasure.number);
      while (waiting[0] !== undefined) {
        const [next] = waiting;
        const value = encode('erasures', next);
        await log.append('erasures', [{ key: String(next.number), value, timeMs: clock.now() }]);
        waiting = waiting.slice(1);
      }
    },
  };
}
