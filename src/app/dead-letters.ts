// Dead letters in the hands of a person: each goes back through the door that it came by, or is dropped. What became of it
// is recorded beside it, so that only what is left is listed.
import { encodeAttemptsRecord } from '../attempts/wire.ts';
import { decodeAll } from '../detectors/worker-decode.ts';
import { readCommand } from '../incidents/read-command.ts';
import type { Acceptor } from '../ingest/accept.ts';
import { recordsOf } from '../ingest/records.ts';
import { decode, encode } from '../log/codec.ts';
import type { EventLog, StoredRecord } from '../log/event-log.ts';
import type { Clock } from '../model/clock.ts';
import {
  type DeadLetter,
  deadLetterId,
  isOfOutput,
  type LetterResult,
  type RecordFacts,
  type Settled,
} from '../model/dead-letter.ts';
import type { GeneralSettings } from '../model/detector.ts';
import { AppError, messageOf } from '../model/errors.ts';
import type { Actor } from '../model/incident.ts';
import { scopeId } from '../model/scope.ts';
import { TOPICS, type TopicName } from '../model/topics.ts';
import { outlineOf } from './dead-letter-outline.ts';

export type DeadLetterParts = {
  readonly log: Pick<EventLog, 'append' | 'read' | 'ends'>;
  readonly acceptor: Pick<Acceptor, 'accept'>;
  readonly clock: Clock;
  readonly general: () => GeneralSettings;
};

/** Tried once more. Rejects with the log's errors; then it waits as before. */
export async function retryLetter(parts: DeadLetterParts, letter: DeadLetter, by: Actor): Promise<LetterResult> {
  const id = deadLetterId(letter);
  if (isOfOutput(letter))
    return {
      id,
      outcome: 'waits',
      message: 'It is tried again by itself every 5 minutes, and whenever the incident changes.',
    };
  const record = await recordOf(parts.log, letter);
  if (record === null)
    return { id, outcome: 'waits', message: 'The log no longer has its record: it can only be dropped.' };
  const again = await handAgain(parts, letter, record);
  if (again.became === null) {
    await write(parts, { ...letter, ...again.why, tries: letter.tries + 1, at: parts.clock.now() });
    return { id, outcome: 'still_dead', message: again.why.message };
  }
  await settle(parts, letter, { how: 'retried', at: parts.clock.now(), by, result: again.became });
  return { id, outcome: 'retried', message: again.became };
}

export async function dropLetter(parts: DeadLetterParts, letter: DeadLetter, by: Actor): Promise<LetterResult> {
  await settle(parts, letter, { how: 'dropped', at: parts.clock.now(), by, result: '' });
  return { id: deadLetterId(letter), outcome: 'dropped', message: '' };
}

/** What can be shown of its record without showing a person's data; null: the log no longer has it, or it has none. */
export async function recordFacts(
  { log }: Pick<DeadLetterParts, 'log'>,
  letter: DeadLetter,
): Promise<RecordFacts | null> {
  const record = isOfOutput(letter) ? null : await recordOf(log, letter);
  if (record === null) return null;
  const { value, timeMs } = record;
  return {
    receivedAt: new Date(timeMs).toISOString(),
    bytes: Buffer.byteLength(value),
    type: typeOf(letter, value),
    outline: outlineOf(value),
  };
}

type Again =
  | { readonly became: string }
  | { readonly became: null; readonly why: Pick<DeadLetter, 'reason' | 'message'> };

async function handAgain(parts: DeadLetterParts, letter: DeadLetter, record: StoredRecord): Promise<Again> {
  switch (letter.source) {
    case 'stripe-events':
      return await eventAgain(parts, record);
    case 'attempts':
      return await attemptAgain(parts, record);
    case 'commands':
      return await commandAgain(parts, record);
    default:
      return { became: null, why: { reason: 'unknown_source', message: 'This program knows no way back for it.' } };
  }
}

const MAX_MESSAGE = 500;
const dead = (reason: string, message: string): Again => ({
  became: null,
  why: { reason, message: message.slice(0, MAX_MESSAGE) },
});

/** As if Stripe had sent it now; looked at first, so that one that is as bad as before is not taken in twice. */
async function eventAgain({ acceptor, clock, general }: DeadLetterParts, { value }: StoredRecord): Promise<Again> {
  let event: unknown;
  try {
    event = decode<{ readonly event: unknown }>('stripe-events', value).event;
  } catch (error) {
    return dead(badRecord(error), messageOf(error));
  }
  const receivedAt = clock.now();
  const options = { receivedAt, context: general(), latenessMs: general().latenessMs };
  const { accepted } = recordsOf(event, options);
  if (accepted.kind === 'dead_letter') return dead(accepted.reason, accepted.message);
  await acceptor.accept([event], { receivedAt });
  return { became: accepted.kind === 'ignored' ? `ignored: ${accepted.reason}` : accepted.kind };
}

/** Received anew, so its lane is that of now: what was to be counted in time may be late by now. */
async function attemptAgain({ log, clock, general }: DeadLetterParts, stored: StoredRecord): Promise<Again> {
  const now = clock.now();
  const { records, deadLetters } = decodeAll([stored], {
    nowMs: now,
    poisoned: new Set(),
    deadLettered: () => undefined,
  });
  const [record] = records;
  if (record === undefined) {
    const letter = deadLetters[0] === undefined ? null : decode<DeadLetter>('dead-letters', deadLetters[0].value);
    return dead(letter?.reason ?? 'bad_record', letter?.message ?? 'It cannot be read.');
  }
  if (record.record === 'rule') return dead('bad_record', 'Rules are repeated by themselves: drop this one.');
  const lane = now - record.time * 1000 <= general().latenessMs ? 'live' : 'history';
  const again = { ...record, receivedAt: now, lane } as typeof record;
  await log.append('attempts', [{ key: scopeId(record), value: encodeAttemptsRecord(again), timeMs: now }]);
  return { became: record.record };
}

/** Under its own id: if it has been decided after all, it is recognised and changes nothing. */
async function commandAgain({ log, clock }: DeadLetterParts, { value }: StoredRecord): Promise<Again> {
  try {
    const { body } = readCommand(value);
    await log.append('commands', [{ key: null, value, timeMs: clock.now() }]);
    return { became: body.type };
  } catch (error) {
    return dead(badRecord(error), messageOf(error));
  }
}

/** Rethrows what is not the record's fault. */
function badRecord(error: unknown): string {
  if (error instanceof AppError && error.code === 'bad_record') return error.code;
  throw error;
}

/** null: retention has removed it. */
async function recordOf(log: Pick<EventLog, 'read' | 'ends'>, letter: DeadLetter): Promise<StoredRecord | null> {
  const { source, partition, offset } = letter;
  if (!(source in TOPICS)) return null;
  const topic = source as TopicName;
  const end = (await log.ends(topic)).find((one) => one.partition === partition);
  if (end === undefined || offset < end.first || offset >= end.next) return null;
  for await (const page of log.read(topic, partition, offset, offset + 1))
    for (const record of page) if (record.offset === offset) return record;
  return null;
}

function typeOf({ source }: DeadLetter, value: string): string | null {
  if (source !== 'stripe-events') return null;
  try {
    const { event } = decode<{ readonly event?: { readonly type?: unknown } | null }>('stripe-events', value);
    return typeof event?.type === 'string' ? event.type.slice(0, 100) : null;
  } catch {
    return null;
  }
}

const settle = async (parts: DeadLetterParts, letter: DeadLetter, settled: Settled): Promise<void> =>
  await write(parts, { ...letter, settled });

async function write({ log, clock }: DeadLetterParts, letter: DeadLetter): Promise<void> {
  const key = deadLetterId(letter);
  await log.append('dead-letters', [{ key, value: encode('dead-letters', letter), timeMs: clock.now() }]);
}
