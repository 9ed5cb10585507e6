// Delivering, for as long as this process holds the right to: takes what is due, hands it to the sink, records what
// became of it. Ordered per incident; incidents side by side; patient without limit, at a bounded rate.
import type { Logger } from 'pino';
import type { EventLog, Hold } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import type { DeliveryOutput } from '../model/delivery.ts';
import type { Incident } from '../model/incident.ts';
import { createBell } from './bell.ts';
import { createQueue } from './queue.ts';
import type { Receipts } from './receipts.ts';
import { createMind, createRunner, type Due } from './runner.ts';
import type { Sink } from './sink.ts';
import type { DeliveryMetrics, DeliveryStatus } from './status.ts';

export type SessionOptions = {
  readonly output: DeliveryOutput;
  readonly log: EventLog;
  readonly receipts: Receipts;
  readonly sink: Sink;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: DeliveryMetrics;
  readonly recheckMs: number;
  readonly hold: Hold;
};

export type Session = {
  offer(incident: Incident): void;
  refresh(incident: Incident): void;
  status(): DeliveryStatus;
  /** Resolves when the calls under way have returned and are recorded. */
  stop(): Promise<void>;
};

const SHOWN_FAILED = 200;

export function startSession(options: SessionOptions): Session {
  const { output, receipts, sink, clock } = options;
  const queue = createQueue();
  const stop = new AbortController();
  const mind = createMind(receipts, sink.slot);
  const bell = createBell();
  const runner = createRunner({ ...options, queue, mind, signal: stop.signal });
  const driving = (async () => {
    const calls = new Set<Promise<void>>();
    while (!stop.signal.aborted) {
      const waitMs = startDue((due) => {
        const call = runner.run(due).finally(() => {
          calls.delete(call);
          mind.running -= 1;
          bell.ring();
        });
        calls.add(call);
      });
      await bell.wait(waitMs, clock, stop.signal);
    }
    await Promise.all(calls);
  })();

  /** Starts what may start now; answers how long to wait unless the bell rings (null: until it rings). */
  function startDue(start: (due: readonly Due[]) => void): number | null {
    for (;;) {
      const now = clock.now();
      if (mind.running >= sink.parallel) return null;
      const nextAt = queue.nextAt();
      if (nextAt === null) return null;
      const at = Math.max(nextAt, mind.pausedUntil, mind.nextBatchAt);
      if (at > now) return at - now;
      // While the output fails, one call at a time finds out whether it is back.
      if (mind.outputTries > 0 && mind.running > 0) return null;
      const due = takeDue(now);
      if (due.length === 0) continue;
      mind.nextBatchAt = now + sink.batch.everyMs;
      mind.running += 1;
      start(due);
    }
  }

  /** What needs no call costs no place in the batch. */
  function takeDue(now: number): readonly Due[] {
    const due: Due[] = [];
    while (due.length < sink.batch.maxSize) {
      const work = queue.take(now);
      if (work === null) break;
      const planned = runner.plan(work);
      if (planned !== null) due.push(planned);
    }
    return due;
  }

  return {
    offer: (incident) => {
      if (queue.offer(incident, clock.now())) bell.ring();
    },
    refresh: (incident) => {
      queue.refresh(incident, clock.now());
      bell.ring();
    },
    status: () => {
      const { count, oldestAt } = queue.pending();
      const failed = [...mind.failed.values()].sort((a, b) => b.at - a.at);
      return {
        output,
        active: true,
        pending: count,
        oldestPendingAt: oldestAt,
        lastDeliveredAt: mind.lastDeliveredAt,
        lastError: mind.lastError,
        pausedUntil: mind.pausedUntil > clock.now() ? mind.pausedUntil : null,
        failed: failed.slice(0, SHOWN_FAILED),
        failedCount: failed.length,
      };
    },
    stop: async () => {
      stop.abort();
      await driving;
    },
  };
}
