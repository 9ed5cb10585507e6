// What the log has of Stripe's events received since a time: their ids, and the connected accounts that were seen.
import type { EventLog } from '../log/event-log.ts';
import type { TopicName } from '../model/topics.ts';

type Log = Pick<EventLog, 'read' | 'offsetsAt' | 'ends'>;

/** About 100 MB. Beyond it an event may look as if it lacked; to take it once more changes nothing. */
const MAX_IDS = 1_000_000;

/** The keys of `stripe-events` are the event ids. */
export async function idsSince(log: Log, sinceMs: number, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for await (const key of keysIn(log, 'stripe-events', sinceMs)) {
    if (signal.aborted || ids.size >= MAX_IDS) break;
    ids.add(key);
  }
  return ids;
}

/** The keys of `attempts` are scopes: `acct_1/live`, `self/test`. */
export async function accountsSince(log: Log, sinceMs: number, livemode: boolean | null): Promise<ReadonlySet<string>> {
  const accounts = new Set<string>();
  for await (const key of keysIn(log, 'attempts', sinceMs)) {
    const [account = '', mode] = key.split('/');
    if (account !== 'self' && (livemode === null || (mode === 'live') === livemode)) accounts.add(account);
  }
  return accounts;
}

/** Milliseconds: when the newest of `stripe-events` was received; null: there is none. */
export async function newestReceivedAt(log: Log): Promise<number | null> {
  let newest: number | null = null;
  for (const { partition, first, next } of await log.ends('stripe-events')) {
    if (next <= first) continue;
    for await (const page of log.read('stripe-events', partition, next - 1, next))
      for (const { timeMs } of page) newest = Math.max(newest ?? timeMs, timeMs);
  }
  return newest;
}

async function* keysIn(log: Log, topic: TopicName, sinceMs: number): AsyncGenerator<string> {
  for (const { partition, offset } of await log.offsetsAt(topic, sinceMs))
    for await (const page of log.read(topic, partition, offset))
      for (const { key } of page) if (key !== null) yield key;
}
