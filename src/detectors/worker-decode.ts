// Records of `attempts` as they are read: what cannot be decoded becomes a dead letter and the stream goes on; what a
// newer program wrote stops it.
import { type AttemptsRecord, decodeAttemptsRecord } from '../attempts/wire.ts';
import { encode } from '../log/codec.ts';
import type { NewRecord, StoredRecord } from '../log/event-log.ts';
import type { DeadLetter } from '../model/dead-letter.ts';
import { AppError } from '../model/errors.ts';
import type { Foldable } from './fold.ts';
import { packView } from './packed-view.ts';
import type { FoldState } from './state.ts';

export type Decoded<T = AttemptsRecord> = { readonly records: T[]; readonly deadLetters: NewRecord[] };

export type DecodeOptions = {
  readonly nowMs: number;
  /** Offsets of records that could be decoded but not folded. */
  readonly poisoned: ReadonlySet<number>;
  readonly deadLettered: (reason: string) => void;
};

/** Throws `newer_schema`. */
export function decodeAll(stored: readonly StoredRecord[], options: DecodeOptions): Decoded {
  return readAll<AttemptsRecord>(stored, options, () => null);
}

/**
 * The same for the fold of a state, as packed views where that is possible; good until the next call for that state. Throws
 * `newer_schema`.
 */
export function decodeFor(
  { attempts }: Pick<FoldState, 'attempts'>,
  stored: readonly StoredRecord[],
  options: DecodeOptions,
): Decoded<Foldable> {
  const { incoming } = attempts;
  incoming.at = 0;
  return readAll<Foldable>(stored, options, (record) => {
    const { bytes } = record;
    if (bytes !== undefined) return packView(attempts, incoming, bytes, bytes.length);
    const { value } = record;
    if (value.length > LONGEST_TEXT) return null;
    return packView(attempts, incoming, text, text.write(value));
  });
}

/** Characters; a longer one is decoded. */
const LONGEST_TEXT = 4_096;
/** A record's text as bytes, of which a character takes three at most. */
const text = Buffer.alloc(LONGEST_TEXT * 3);

function readAll<T>(
  stored: readonly StoredRecord[],
  { nowMs, poisoned, deadLettered }: DecodeOptions,
  packed: (record: StoredRecord) => Exclude<T, AttemptsRecord> | null,
): Decoded<T | AttemptsRecord> {
  const records: (T | AttemptsRecord)[] = [];
  const deadLetters: NewRecord[] = [];
  const bury = (record: StoredRecord, reason: string, message: string): void => {
    deadLettered(reason);
    deadLetters.push(letter(record, { reason, message, nowMs }));
  };
  for (const record of stored) {
    if (poisoned.size > 0 && poisoned.has(record.offset)) {
      bury(record, 'cannot_be_folded', 'The detectors cannot take this record.');
      continue;
    }
    const view = packed(record);
    if (view !== null) {
      records.push(view);
      continue;
    }
    try {
      const decoded = decodeAttemptsRecord(record.value);
      if (isSound(decoded)) records.push(decoded);
      else bury(record, 'bad_record', 'A record of attempts lacks what every one has.');
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'bad_record') throw error;
      bury(record, 'bad_record', error.message);
    }
  }
  return { records, deadLetters };
}

const isSecond = (value: unknown): boolean => Number.isSafeInteger(value);
const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';

/** Only what the fold relies on: ids and times. */
function isSound(record: AttemptsRecord): boolean {
  if (record.record === 'rule') return isText(record.detector) && Number.isSafeInteger(record.version);
  const { account, receivedAt, time } = record;
  const id = record.record === 'view' ? record.attempt : record.id;
  return isText(id) && isSecond(time) && isSecond(receivedAt) && (account === null || isText(account));
}

function letter(
  { partition, offset }: StoredRecord,
  { reason, message, nowMs }: { reason: string; message: string; nowMs: number },
): NewRecord {
  const value: DeadLetter = {
    source: 'attempts',
    partition,
    offset,
    reason,
    message: message.slice(0, 500),
    tries: 1,
    at: nowMs,
    subject: null,
  };
  return { key: `attempts/${partition}/${offset}`, value: encode('dead-letters', value), timeMs: nowMs };
}
