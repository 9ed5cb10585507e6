// The compact form of `attempts` records: a JSON array in fixed order, schema version first, so that a record is 100–300
// bytes and is parsed once. Absent values at the end are left out; absent values in between are null.
import type { Lane, SignalKind, SignalView, View } from '../model/attempt.ts';
import type { Rule } from '../model/detector.ts';
import { AppError } from '../model/errors.ts';
import { TOPICS } from '../model/topics.ts';
import { packFields, SOURCES, unpackFields } from './wire-fields.ts';

export type AttemptsRecord = View | SignalView | Rule;

const SCHEMA = TOPICS.attempts.schema;
/** The second value of a record. */
const VIEW = 0;
const SIGNAL = 1;
const RULE = 2;

export function encodeAttemptsRecord(record: AttemptsRecord): string {
  if (record.record === 'rule') return JSON.stringify([SCHEMA, RULE, record]);
  const lane = record.lane === 'live' ? 0 : 1;
  if (record.record === 'signal') {
    const { signal, id, account, livemode, charge, reason, event, created, time, receivedAt, amount, currency } =
      record;
    const flags = [lane, livemode ? 1 : 0];
    return tuple([
      SCHEMA,
      SIGNAL,
      receivedAt,
      ...flags,
      account,
      signal,
      id,
      charge,
      reason,
      event,
      created,
      time,
      amount,
      currency,
    ]);
  }
  const {
    receivedAt,
    livemode,
    account,
    attempt,
    source,
    created,
    apiVersion,
    event,
    kind,
    time,
    invoice,
    firstPayment,
  } = record;
  const flags = [lane, livemode ? 1 : 0, kind === 'setup' ? 1 : 0, (invoice ? 1 : 0) + (firstPayment ? 2 : 0)];
  const rank = [SOURCES.indexOf(source), created, apiVersion, event];
  return tuple([
    SCHEMA,
    VIEW,
    receivedAt,
    ...flags,
    account,
    attempt,
    ...rank,
    time - created,
    ...packFields(record.fields),
  ]);
}

/** Throws AppError `newer_schema` or `bad_record`. */
export function decodeAttemptsRecord(text: string): AttemptsRecord {
  const tuple = parseTuple(text);
  switch (tuple[1]) {
    case VIEW:
      return decodeView(tuple as ViewTuple);
    case SIGNAL:
      return decodeSignal(tuple as SignalTuple);
    case RULE:
      return tuple[2] as Rule;
    default:
      throw new AppError('bad_record', 'A record of attempts is of an unknown kind.');
  }
}

type Flag = 0 | 1;
type ViewTuple = [
  schema: number,
  record: number,
  receivedAt: number,
  lane: Flag,
  livemode: Flag,
  setup: Flag,
  invoice: number,
  account: string | null,
  attempt: string,
  source: number,
  created: number,
  apiVersion: string,
  event: string,
  age: number,
  ...fields: unknown[],
];
type SignalTuple = [
  schema: number,
  record: number,
  receivedAt: number,
  lane: Flag,
  livemode: Flag,
  account: string | null,
  signal: SignalKind,
  id: string,
  charge: string | null,
  reason: string,
  event: string,
  created: number,
  time: number,
  amount?: number | null,
  currency?: string | null,
];

const VIEW_FIELDS_AT = 14;

function decodeView(tuple: ViewTuple): View {
  return {
    record: 'view',
    receivedAt: tuple[2],
    lane: laneOf(tuple[3]),
    livemode: tuple[4] === 1,
    kind: tuple[5] === 1 ? 'setup' : 'payment',
    invoice: (tuple[6] & 1) === 1,
    firstPayment: (tuple[6] & 2) === 2,
    account: tuple[7],
    attempt: tuple[8],
    source: SOURCES[tuple[9]] ?? 'intent',
    created: tuple[10],
    apiVersion: tuple[11],
    event: tuple[12],
    time: tuple[10] + tuple[13],
    fields: unpackFields(tuple, VIEW_FIELDS_AT),
  };
}

function decodeSignal(tuple: SignalTuple): SignalView {
  const [, , receivedAt, lane, livemode, account, signal, id, charge, reason, event, created, time, amount, currency] =
    tuple;
  return {
    record: 'signal',
    receivedAt,
    lane: laneOf(lane),
    livemode: livemode === 1,
    account,
    signal,
    id,
    charge,
    reason,
    event,
    created,
    time,
    ...(typeof amount === 'number' ? { amount } : {}),
    ...(typeof currency === 'string' ? { currency } : {}),
  };
}

const laneOf = (lane: Flag): Lane => (lane === 0 ? 'live' : 'history');

/** JSON text without the absent values at the end. */
function tuple(values: unknown[]): string {
  let length = values.length;
  while (length > 0 && (values[length - 1] === undefined || values[length - 1] === null)) length -= 1;
  return JSON.stringify(values.slice(0, length));
}

export function parseTuple(text: string): unknown[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new AppError('bad_record', 'A record of attempts is not JSON.', { cause });
  }
  if (!Array.isArray(parsed) || typeof parsed[0] !== 'number')
    throw new AppError('bad_record', 'A record of attempts is no array with a schema version.');
  if (parsed[0] > SCHEMA) {
    throw new AppError(
      'newer_schema',
      `attempts holds a record of schema ${parsed[0]}; this program knows ${SCHEMA}.`,
      {
        help: 'A newer declinewatch has written to this log: run that version or a later one.',
      },
    );
  }
  return parsed;
}
