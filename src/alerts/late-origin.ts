// Whether an incident that was found late came of a backfill: the event that completed it is in `stripe-events`, received in
// the very millisecond that the incident names, and says so.
import { decode } from '../log/codec.ts';
import type { EventLog } from '../log/event-log.ts';

type Log = Pick<EventLog, 'offsetsAt' | 'read'>;

/** Records of one partition that are looked at: a page of a backfill is received in one millisecond. */
const MOST_READ = 5_000;

/** Rejects with the log's errors. */
export async function cameByBackfill(log: Log, receivedAt: number): Promise<boolean> {
  const looks = [];
  for (const place of await log.offsetsAt('stripe-events', receivedAt))
    looks.push(await lookFrom(log, { ...place, receivedAt }));
  const exact = looks.filter(({ isExact }) => isExact);
  // A process that was killed in the midst of a page took it again a moment later: then what follows says what it was.
  return (exact.length > 0 ? exact : looks).some(({ isBackfill }) => isBackfill);
}

type Place = { readonly partition: number; readonly offset: number; readonly receivedAt: number };
type Look = { readonly isExact: boolean; readonly isBackfill: boolean };

/** The records of that millisecond; without any, the one that follows. */
async function lookFrom(log: Log, { partition, offset, receivedAt }: Place): Promise<Look> {
  let look: Look = { isExact: false, isBackfill: false };
  for await (const page of log.read('stripe-events', partition, offset, offset + MOST_READ))
    for (const { timeMs, value } of page) {
      const isExact = timeMs === receivedAt;
      if (!isExact && look.isExact) return look;
      const isBackfill = decode<{ readonly via?: unknown }>('stripe-events', value).via === 'backfill';
      look = { isExact, isBackfill: isBackfill || look.isBackfill };
      if (!isExact || isBackfill) return look;
    }
  return look;
}
