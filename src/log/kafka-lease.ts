// How long a member of a group may be certain that nobody else has its partitions: for the session's time from the sending of
// its last heartbeat that the group accepted. A process that was frozen wakes up uncertain, whatever it was about to do.
import type { Consumer } from 'kafkajs';

export type Lease = {
  /** Resolves with true while it is certain, at once or after the next heartbeat; with false once `signal` is aborted. */
  certain(signal: AbortSignal): Promise<boolean>;
  /** It has joined anew. To be said once whatever it had before knows that it has ended. */
  joined(): void;
};

/** What lies between the check and the call that follows it. */
const MARGIN_MS = 500;
const RENEWING: readonly string[] = ['Heartbeat', 'SyncGroup'];

/** By the machine's clock, as the requests are: one that is set forward only makes it ask again. */
export function watchLease(consumer: Consumer, sessionTimeoutMs: number): Lease {
  let sentAtMs = 0;
  let renewedAtMs = 0;
  let waiting: (() => void)[] = [];
  const renew = (): void => {
    renewedAtMs = sentAtMs;
    const told = waiting;
    waiting = [];
    for (const tell of told) tell();
  };
  consumer.on(consumer.events.REQUEST, ({ payload }) => {
    if (RENEWING.includes(payload.apiName)) sentAtMs = payload.sentAt;
  });
  consumer.on(consumer.events.HEARTBEAT, renew);
  const isCertain = (): boolean => {
    const ageMs = Date.now() - renewedAtMs;
    return ageMs >= 0 && ageMs < sessionTimeoutMs - MARGIN_MS;
  };
  return {
    joined: renew,
    certain: async (signal) => {
      while (!signal.aborted && !isCertain()) await next(signal);
      return !signal.aborted;
    },
  };

  async function next(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        signal.removeEventListener('abort', done);
        resolve();
      };
      waiting.push(done);
      signal.addEventListener('abort', done, { once: true });
    });
  }
}
