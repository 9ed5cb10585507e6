// Records of `attempts` as they are read: what cannot be decoded becomes a dead letter and the stream goes on; what a
// newer program wrote stops it.
import { type AttemptsRecord, decodeAttemptsRecord } from '../attempts/wire.ts';
import { encode } from '../log/codec.ts';
import type { NewRecord, StoredRecord } from '../log/event-log.ts';
import type { DeadLetter } from '../model/dead-letter.ts';
import { AppError } from '../model/errors.ts';
import type { Foldable } from './fold.ts';
import { type PackedView, packView } from './packed-view.ts';
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
  const records: AttemptsRecord[] = [];
  const deadLetters = burying(options, (bury) =>
    readEach<AttemptsRecord>(stored, { ...options, bury, packed: () => null, take: (record) => records.push(record) }),
  );
  return { records, deadLetters };
}

/**
 * The same for the fold of a state, as packed views where that is possible; good until the next call for that state. Throws
 * `newer_schema`.
 */
export function decodeFor(
  state: Pick<FoldState, 'attempts'>,
  stored: readonly StoredRecord[],
  options: DecodeOptions,
): Decoded<Foldable> {
  const records: Foldable[] = [];
  const deadLetters = burying(options, (bury) =>
    readFor(state, stored, { ...options, bury, take: (record) => records.push(record) }),
  );
  return { records, deadLetters };
}

type Bury = (record: StoredRecord, reason: string, message: string) => void;

function burying({ nowMs, deadLettered }: DecodeOptions, read: (bury: Bury) => void): NewRecord[] {
  const deadLetters: NewRecord[] = [];
  read((record, reason, message) => {
    deadLettered(reason);
    deadLetters.push(letter(record, { reason, message, nowMs }));
  });
  return deadLetters;
}

export type ReadOptions<T> = Pick<DecodeOptions, 'poisoned'> & {
  /** What cannot be decoded. */
  readonly bury: Bury;
  readonly take: (record: T, stored: StoredRecord) => void;
};

/** As `decodeFor`, one after the other. */
export function readFor(
  { attempts }: Pick<FoldState, 'attempts'>,
  stored: readonly StoredRecord[],
  options: ReadOptions<Foldable>,
): void {
  const { incoming } = attempts;
  incoming.at = 0;
  const packed = (record: StoredRecord): PackedView | null => {
    const { bytes } = record;
    if (bytes !== undefined) return packView(attempts, incoming, bytes, bytes.length);
    const { value } = record;
    if (value.length > LONGEST_TEXT) return null;
    return packView(attempts, incoming, text, text.write(value));
  };
  readEach<Foldable>(stored, { ...options, packed });
}

/** Characters; a longer one is decoded. */
const LONGEST_TEXT = 4_096;
/** A record's text as bytes, of which a character takes three at most. */
const text = Buffer.alloc(LONGEST_TEXT * 3);

function readEach<T>(
  stored: readonly StoredRecord[],
  {
    poisoned,
    bury,
    packed,
    take,
  }: ReadOptions<T | AttemptsRecord> & { readonly packed: (record: StoredRecord) => Exclude<T, AttemptsRecord> | null },
): void {
  for (const record of stored) {
    if (poisoned.size > 0 && poisoned.has(record.offset)) {
      bury(record, 'cannot_be_folded', 'The detectors cannot take this record.');
      continue;
    }
    const view = packed(record);
    if (view !== null) {
      take(view, record);
      continue;
    }
    try {
      const decoded = decodeAttemptsRecord(record.value);
      if (isSound(decoded)) take(decoded, record);
      else bury(record, 'bad_record', 'A record of attempts lacks what every one has.');
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'bad_record') throw error;
      bury(record, 'bad_record', error.message);
    }
  }
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
