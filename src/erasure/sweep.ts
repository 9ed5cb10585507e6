// What an erase leaves to be done in the log itself: embedded, the records are rewritten where they stand and the file is
// emptied of what they were; in Kafka the compacted days are written anew. A consumer group, so that a kill only repeats it.
import type { Logger } from 'pino';
import { encode } from '../log/codec.ts';
import type { EventLog, NewRecord, StoredRecord } from '../log/event-log.ts';
import type { Rewriter } from '../log/sqlite-rewrite.ts';
import type { Clock } from '../model/clock.ts';
import type { Erasure } from '../model/erasure.ts';
import { messageOf } from '../model/errors.ts';
import type { TopicName } from '../model/topics.ts';
import { createRecordEraser, PERSONAL_TOPICS, type RecordEraser } from './erase-record.ts';
import { erasureIn, type Settled } from './erasures.ts';

export type SweepStatus = {
  /** The newest erase that is done in the log, as far as this process has seen; 0: none. */
  readonly done: number;
  readonly running: { readonly topic: TopicName; readonly records: number; readonly of: number } | null;
  /** Why it waits; null: it does not. */
  readonly problem: string | null;
};

export type Sweep = {
  status(): SweepStatus;
  /** Breaks off: it goes on at the next start. */
  close(): Promise<void>;
};

export type SweepOptions = {
  /** As it is kept. */
  readonly log: EventLog;
  /** null: the log cannot be rewritten. */
  readonly rewriter: Rewriter | null;
  readonly piiKey: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Empties windows that nobody keeps at present; null: who keeps them makes them anew. */
  readonly clearWindows: (() => Promise<void>) | null;
  /** Whether nothing in this process tells any more of who was erased by that number. Default: so it is. */
  readonly isHeard?: (number: number) => boolean;
};

const GROUP = 'erasure-sweep';
const MAX_ERASURES = 20;
const SETTLE_MS = 1_000;
const SCRUB_EVERY_MS = 1_000;
const LOOK_EVERY_MS = 100;

export async function startSweep(options: SweepOptions): Promise<Sweep> {
  const { log, clock, logger, clearWindows } = options;
  let status: SweepStatus = { done: 0, running: null, problem: null };
  const running = (now: SweepStatus['running']): void => {
    status = { ...status, running: now };
  };
  const waits = (problem: string): void => {
    if (status.problem !== problem) logger.warn({ problem }, 'an erase waits');
    status = { ...status, problem };
  };
  const consumer = await log.consume({
    topic: 'erasures',
    group: GROUP,
    maxRecords: MAX_ERASURES,
    batch: async ({ records, signal }) => {
      const erasures = records.flatMap(({ value }) => erasureIn(value) ?? []).sort((a, b) => a.number - b.number);
      if (erasures.length === 0) return null;
      const startedMs = clock.now();
      const changed = await sweep(options, { erasures, signal, running, waits });
      await clearWindows?.();
      const done = erasures.at(-1)?.number ?? status.done;
      await settle(options, done);
      status = { done: Math.max(status.done, done), running: null, problem: null };
      logger.info({ number: done, changed, tookMs: clock.now() - startedMs }, 'an erase is done in the log');
      return null;
    },
    failed: (error) => {
      status = { ...status, running: null, problem: messageOf(error) };
      logger.warn({ error: messageOf(error) }, 'an erase waits');
    },
  });
  return { status: () => status, close: () => consumer.close() };
}

/** From here on reading need not look for them any more. */
async function settle({ log, rewriter, clock }: SweepOptions, settled: number): Promise<void> {
  if (rewriter === null || settled === 0) return;
  const value = encode('erasures', { settled } satisfies Settled);
  await log.append('erasures', [{ key: 'settled', value, timeMs: clock.now() }]);
}

type Round = {
  readonly erasures: readonly Erasure[];
  readonly signal: AbortSignal;
  readonly running: (now: SweepStatus['running']) => void;
  readonly waits: (problem: string) => void;
};

/** How many records were changed. */
async function sweep(options: SweepOptions, round: Round): Promise<number> {
  const { log, rewriter, piiKey, clock } = options;
  const erase = createRecordEraser(round.erasures, piiKey);
  if (rewriter === null) return await writeDaysAnew(options, round, erase);
  let changed = 0;
  const nexts = new Map<TopicName, number>();
  for (const isLast of [false, true]) {
    if (isLast) await settled(options, round);
    for (const topic of PERSONAL_TOPICS) {
      const [{ first, next } = { first: 0, next: 0 }] = await log.ends(topic);
      const from = nexts.get(topic) ?? first;
      let records = 0;
      const onProgress = (more: number): void => {
        records += more;
        round.running({ topic, records, of: Math.max(0, next - from) });
      };
      const result = await rewriter.rewrite(topic, (record) => erase(topic, record), {
        from,
        signal: round.signal,
        onProgress,
      });
      changed += result.changed;
      nexts.set(topic, result.next);
    }
  }
  while (!(await rewriter.scrub())) {
    round.waits('another program reads the database file: what was replaced is still in its write-ahead log');
    await clock.sleep(SCRUB_EVERY_MS, round.signal);
    round.signal.throwIfAborted();
  }
  return changed;
}

/** What is on its way into the log: received before the erase, or told by who had not heard of it. */
async function settled({ clock, isHeard = () => true }: SweepOptions, { erasures, signal }: Round): Promise<void> {
  await clock.sleep(SETTLE_MS, signal);
  while (!isHeard(erasures.at(-1)?.number ?? 0)) {
    signal.throwIfAborted();
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}

/** A compacted topic forgets a record once there is a newer one of its key. */
async function writeDaysAnew({ log, clock }: SweepOptions, { signal }: Round, erase: RecordEraser): Promise<number> {
  const newest = new Map<string, StoredRecord>();
  for (const { partition, first, next } of await log.ends('daily-totals')) {
    if (first >= next) continue;
    for await (const page of log.read('daily-totals', partition, first, next)) {
      signal.throwIfAborted();
      for (const record of page) if (record.key !== null) newest.set(record.key, record);
    }
  }
  const anew = [...newest.values()].flatMap((record): NewRecord[] => {
    const after = erase('daily-totals', record);
    return after === null ? [] : [{ ...after, timeMs: clock.now() }];
  });
  for (const record of anew) await log.append('daily-totals', [record]);
  return anew.length;
}
