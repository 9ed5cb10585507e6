// One partition while this member has it: where it starts, that its batches come one after another and without a gap,
// what happens when a handler fails, and that it is given up only after its last batch.
import type { KafkaMessage } from 'kafkajs';
import type { Logger } from 'pino';
import type { Clock } from '../model/clock.ts';
import { AppError, messageOf } from '../model/errors.ts';
import { TOPICS } from '../model/topics.ts';
import type { ConsumerOptions, Hold } from './event-log.ts';
import { checkGap } from './gap.ts';
import type { KafkaAdmin } from './kafka-admin.ts';
import type { Lease } from './kafka-lease.ts';
import { endOf } from './kafka-reader.ts';
import { KafkaRecord } from './kafka-record.ts';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5_000;
const DEFAULT_MAX_RECORDS = 1_000;
/** Who carries its own position needs no stored offset; lag tools do, and one a second is enough for them while it catches up. */
const HINT_EVERY_MS = 1_000;

export type SessionParts = {
  readonly partition: number;
  readonly options: ConsumerOptions;
  readonly groupId: string;
  readonly lease: Lease;
  readonly admin: KafkaAdmin;
  readonly logger: Logger;
  readonly clock: Clock;
  /** The consumer's part: fetch from this offset; fetch nothing; fetch again. */
  readonly seek: (offset: number) => void;
  readonly pause: () => void;
  readonly resume: () => void;
};

type Fetched = {
  /** Made records a batch at a time: what waits stays as it came. */
  readonly messages: readonly KafkaMessage[];
  /** Where the partition ended when this was fetched. */
  readonly next: number;
  /** What is fetched next goes on there. */
  readonly resolve: (next: number) => void;
  /** Stores the offset for the group. */
  readonly commit: (next: number) => Promise<void>;
};

export type Session = {
  /** Hands over what belongs here now. Resolves when it was handled, refused or put off. Rejects only if `commit` does. */
  handle(fetched: Fetched): Promise<void>;
  /** Asks the handler to stop early and takes no further batch; resolves when the running one has returned and is counted. */
  drain(): Promise<void>;
  /** The partition is no longer ours: what runs is not counted. Resolves after it has returned, and after `revoked`. */
  end(): Promise<void>;
};

/** Begins after `before` (the same partition's former session), and with the partition paused. */
export function openSession(parts: SessionParts, before: Promise<void>): Session {
  const { partition, options, admin, clock, lease, seek, pause, resume } = parts;
  const { topic } = options;
  const ended = new AbortController();
  const stopping = new AbortController();
  /** Offset of the next record to handle; null: not known yet. */
  let expected: number | null = null;
  /** Told that the partition is here, so to be told when it is given up. */
  let isTaken = false;
  let pauseMs = FIRST_PAUSE_MS;
  let holeAt: number | null = null;
  let carriesOffset = false;
  let hintedAtMs = 0;
  let running: Promise<void> = Promise.resolve();

  const putOff = async (): Promise<void> => {
    await clock.sleep(pauseMs, ended.signal);
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  };

  // What a member is given by the next join is no answer to who had it before.
  const hold: Hold = { certain: async (signal) => await lease.certain(AbortSignal.any([signal, ended.signal])) };

  const startHere = async (): Promise<number> => {
    const assigned = (await options.assigned?.(partition, hold)) ?? null;
    carriesOffset = assigned !== null;
    return assigned ?? (await storedStart(parts));
  };

  /** Whether the offset is to be stored for the group now; `next`: where the partition ended. */
  const isCommitDue = (stand: number, next: number): boolean => {
    const nowMs = clock.now();
    if (carriesOffset && stand < next && Math.abs(nowMs - hintedAtMs) < HINT_EVERY_MS) return false;
    hintedAtMs = nowMs;
    return true;
  };

  const opened = (async () => {
    await before;
    let start: number | null = null;
    while (!ended.signal.aborted) {
      try {
        start ??= await startHere();
        isTaken = true;
        checkGap(topic, start, endOf(await admin.ends(topic), partition));
        expected = start;
        if (ended.signal.aborted) return;
        seek(start);
        resume();
        return;
      } catch (error) {
        if (ended.signal.aborted) return;
        tell(parts, error);
        await putOff();
      }
    }
  })();

  /** The partition rests while the others go on; then it is fetched again from where it stood. */
  const rest = (error: unknown): void => {
    tell(parts, error);
    pause();
    if (expected !== null) seek(expected);
    void putOff().then(() => {
      if (!ended.signal.aborted) resume();
    });
  };

  /** From where we stand on; null if something is missing and it was asked for again. */
  const fitting = async (messages: readonly KafkaMessage[], stand: number): Promise<readonly KafkaMessage[] | null> => {
    const isFirst = messages[0] !== undefined && Number(messages[0].offset) === stand;
    const due = isFirst ? messages : messages.filter(({ offset }) => Number(offset) >= stand);
    const first = due[0] === undefined ? undefined : Number(due[0].offset);
    if (first === stand) return due;
    if (first !== undefined && (TOPICS[topic].cleanup === 'compact' || holeAt === stand)) return due;
    checkGap(topic, stand, endOf(await admin.ends(topic), partition));
    // Another position than ours was fetched; or a marker stands there, then the second time it is the same.
    holeAt = first === undefined ? null : stand;
    seek(stand);
    return null;
  };

  const run = async ({ messages, next, resolve, commit }: Fetched): Promise<void> => {
    if (expected === null || stopping.signal.aborted) return;
    let stand: number = expected;
    try {
      const wanted = await fitting(messages, stand);
      if (wanted === null) return;
      const size = options.maxRecords ?? DEFAULT_MAX_RECORDS;
      for (let at = 0; at < wanted.length && !stopping.signal.aborted; at += size) {
        const records = wanted.slice(at, at + size).map((message) => new KafkaRecord(partition, message));
        const after = (records.at(-1)?.offset ?? stand) + 1;
        const back = await options.batch({ topic, partition, records, next, signal: stopping.signal });
        pauseMs = FIRST_PAUSE_MS;
        stand = back ?? after;
        expected = stand;
        if (ended.signal.aborted) return;
        resolve(stand);
        if (isCommitDue(stand, next))
          await commit(stand).catch((error: unknown) => {
            throw new CommitFailed(error);
          });
        if (back === null) continue;
        seek(back);
        return;
      }
    } catch (error) {
      if (error instanceof CommitFailed) throw error.cause;
      if (!stopping.signal.aborted) rest(error);
    }
  };

  return {
    handle: async (fetched) => {
      await opened;
      running = run(fetched);
      await running;
    },
    drain: async () => {
      stopping.abort();
      await running.catch(() => undefined);
    },
    end: async () => {
      ended.abort();
      stopping.abort();
      await opened;
      await running.catch(() => undefined);
      if (isTaken) await revoke(parts);
    },
  };
}

/** Told apart from a handler's failure: the group has gone on without us, so kafkajs must see it. */
class CommitFailed extends Error {
  constructor(cause: unknown) {
    super('The offset was not stored.', { cause });
  }
}

async function storedStart({ partition, options, groupId, admin }: SessionParts): Promise<number> {
  const committed = await admin.committed(groupId, options.topic, partition);
  return committed ?? endOf(await admin.ends(options.topic), partition).first;
}

async function revoke({ partition, options, logger }: SessionParts): Promise<void> {
  try {
    await options.revoked?.(partition);
  } catch (error) {
    const { topic, group } = options;
    logger.warn({ topic, group, partition, error: messageOf(error) }, 'giving up a partition failed');
  }
}

function tell({ partition, options, logger }: SessionParts, error: unknown): void {
  const { topic, group } = options;
  const code = error instanceof AppError ? error.code : undefined;
  const line = { topic, group, partition, code, error: messageOf(error) };
  if (code === 'log_gap') logger.error(line, 'records are missing, reading stands still');
  else logger.warn(line, 'batch failed, will be delivered again');
  options.failed?.(error);
}
