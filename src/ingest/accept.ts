// The one way into the log for Stripe events, of the webhook and of a backfill. Calls that arrive while an append is on
// its way go together in the next one.
import { encode } from '../log/codec.ts';
import type { EventLog, NewRecord, Position } from '../log/event-log.ts';
import type { DeadLetter } from '../model/dead-letter.ts';
import { AppError, messageOf } from '../model/errors.ts';
import type { NormaliseContext } from './normalised.ts';
import { type Accepted, type EventRecords, recordsOf } from './records.ts';

export type AcceptorOptions = {
  readonly log: Pick<EventLog, 'append'>;
  /** Which metadata are in use now. */
  readonly context: () => NormaliseContext;
  /** Milliseconds; the lateness in force now. */
  readonly latenessMs: () => number;
};

export type Acceptor = {
  /**
   * Parsed Stripe events (any JSON values) received at `receivedAt` (milliseconds). Resolves once the log has them all,
   * with what became of each. Rejects with AppError `log_unavailable` (retriable) if the log cannot be written or too many
   * wait already; then some may be there, and to send them again changes nothing. What an aborted signal finds still
   * waiting is let go.
   */
  accept(events: readonly unknown[], options: AcceptOptions): Promise<readonly Accepted[]>;
  status(): AcceptorStatus;
  /** Resolves when nothing waits any more. What is accepted later is refused. */
  close(): Promise<void>;
};

type AcceptOptions = {
  readonly receivedAt: number;
  /** The past, taken in on request: what is found in it is nobody's news. */
  readonly via?: 'backfill';
  readonly signal?: AbortSignal;
};

type AcceptorStatus = { readonly waiting: number };

/** Bounds of what waits, and of what is appended together. */
const MAX_WAITING_EVENTS = 5_000;
const MAX_WAITING_CHARACTERS = 64_000_000;
const MAX_BATCH_EVENTS = 500;
const MAX_BATCH_CHARACTERS = 4_000_000;

type Call = {
  readonly records: readonly EventRecords[];
  readonly characters: number;
  readonly receivedAt: number;
  readonly signal: AbortSignal | undefined;
  resolve(): void;
  reject(error: AppError): void;
};

export function createAcceptor({ log, context, latenessMs }: AcceptorOptions): Acceptor {
  const waiting: Call[] = [];
  const load = { events: 0, characters: 0 };
  let running: Promise<void> | null = null;
  let isClosed = false;

  const refusal = (call: Pick<Call, 'records' | 'characters'>): AppError | null => {
    if (isClosed) return unavailable('Events are no longer taken: the program is stopping.');
    const events = load.events + call.records.length;
    const isFull = events > MAX_WAITING_EVENTS || load.characters + call.characters > MAX_WAITING_CHARACTERS;
    return isFull && load.events > 0 ? unavailable(`${load.events} events wait for the log already.`) : null;
  };
  const add = (call: Call): void => {
    waiting.push(call);
    load.events += call.records.length;
    load.characters += call.characters;
    running ??= run();
  };
  const run = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = takeBatch(waiting);
      const wanted = batch.filter(({ signal }) => signal?.aborted !== true);
      await appendCalls(log, wanted);
      for (const { records, characters } of batch) {
        load.events -= records.length;
        load.characters -= characters;
      }
    }
    // In the same breath as the look at what waits: what is added a moment later starts the next run.
    running = null;
  };
  return {
    accept: async (events, { receivedAt, via, signal }) => {
      const options = {
        receivedAt,
        context: context(),
        latenessMs: latenessMs(),
        ...(via === undefined ? {} : { via }),
      };
      const records = events.map((event) => recordsOf(event, options));
      if (records.length === 0) return [];
      const characters = records.reduce(
        (sum, { stored, attempts }) => sum + stored.value.length + (attempts?.value.length ?? 0),
        0,
      );
      const refused = refusal({ records, characters });
      if (refused !== null) throw refused;
      const done = Promise.withResolvers<void>();
      const giveUp = (): void => done.reject(unavailable('Nobody waits for it any more.'));
      signal?.addEventListener('abort', giveUp, { once: true });
      add({ records, characters, receivedAt, signal, resolve: done.resolve, reject: done.reject });
      try {
        await done.promise;
      } finally {
        // Who is answered aborts what still waits: that must not make an error that nobody sees.
        signal?.removeEventListener('abort', giveUp);
      }
      return records.map(({ accepted }) => accepted);
    },
    status: () => ({ waiting: load.events }),
    close: async () => {
      isClosed = true;
      await running;
    },
  };
}

/** At least one call; more while they fit. */
function takeBatch(waiting: Call[]): readonly Call[] {
  let events = 0;
  let characters = 0;
  let count = 0;
  for (const call of waiting) {
    events += call.records.length;
    characters += call.characters;
    if (count > 0 && (events > MAX_BATCH_EVENTS || characters > MAX_BATCH_CHARACTERS)) break;
    count += 1;
  }
  return waiting.splice(0, count);
}

/** Never rejects: each call is told. */
async function appendCalls(log: Pick<EventLog, 'append'>, calls: readonly Call[]): Promise<void> {
  if (calls.length === 0) return;
  try {
    await appendRecords(
      log,
      calls.flatMap(({ records, receivedAt }) => records.map((record) => ({ record, receivedAt }))),
    );
    for (const { resolve } of calls) resolve();
  } catch (cause) {
    const error = unavailable(`The log cannot be written: ${messageOf(cause)}`, cause);
    for (const { reject } of calls) reject(error);
  }
}

type Received = { readonly record: EventRecords; readonly receivedAt: number };

/**
 * Attempts first, so that an event which `stripe-events` has is one that the detectors have. Killed in between, it was not
 * answered: Stripe (or the backfill) sends it again, and a view that is there twice counts once.
 */
async function appendRecords(log: Pick<EventLog, 'append'>, received: readonly Received[]): Promise<void> {
  const attempts = received.flatMap(({ record }) => record.attempts ?? []);
  if (attempts.length > 0) await log.append('attempts', attempts);
  const positions = await log.append(
    'stripe-events',
    received.map(({ record }) => record.stored),
  );
  const letters = received.flatMap(({ record, receivedAt }, index) => {
    const position = positions[index];
    return position === undefined ? [] : letterOf(record, position, receivedAt);
  });
  if (letters.length > 0) await log.append('dead-letters', letters);
}

/** Points at the record of `stripe-events`, which holds the body. */
function letterOf(
  { accepted, subject }: EventRecords,
  { partition, offset }: Position,
  at: number,
): readonly NewRecord[] {
  if (accepted.kind !== 'dead_letter') return [];
  const { reason, message } = accepted;
  const letter: DeadLetter = { source: 'stripe-events', partition, offset, reason, message, tries: 1, at, subject };
  return [{ key: `stripe-events/${partition}/${offset}`, value: encode('dead-letters', letter), timeMs: at }];
}

function unavailable(message: string, cause?: unknown): AppError {
  const help = 'Events are taken again as soon as the log can be written; Stripe sends them again for three days.';
  return new AppError('log_unavailable', message, { help, retriable: true, cause });
}
