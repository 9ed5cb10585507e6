// The compact form of `attempts` records: a JSON array in fixed order, schema version first, so that a record is 100–300
// bytes and is parsed once. Absent values at the end are left out; absent values in between are null.
import type { AttemptFields, Lane, SignalKind, SignalView, View } from '../model/attempt.ts';
import type { Rule } from '../model/detector.ts';
import { AppError } from '../model/errors.ts';
import { TOPICS } from '../model/topics.ts';
import { packFields, SOURCES, unpackFields } from './wire-fields.ts';

export type AttemptsRecord = View | SignalView | Rule;

const SCHEMA = TOPICS.attempts.schema;
/** The second value of a record. */
export const VIEW = 0;
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
      return new ReadView(tuple as ViewTuple, text);
    case SIGNAL:
      return decodeSignal(tuple as SignalTuple);
    case RULE:
      return tuple[2] as Rule;
    default:
      throw new AppError('bad_record', 'A record of attempts is of an unknown kind.');
  }
}

type Flag = 0 | 1;
export type ViewTuple = [
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

/**
 * A view as it was read. It keeps its text, so that an attempt of this view alone is stored as that; a changed copy of it is
 * an ordinary object and has none.
 */
export class ReadView implements View {
  declare readonly record: 'view';
  declare readonly receivedAt: number;
  declare readonly lane: Lane;
  declare readonly livemode: boolean;
  declare readonly kind: View['kind'];
  declare readonly invoice: boolean;
  declare readonly firstPayment: boolean;
  declare readonly account: string | null;
  declare readonly attempt: string;
  declare readonly source: View['source'];
  declare readonly created: number;
  declare readonly apiVersion: string;
  declare readonly event: string;
  declare readonly time: number;
  declare readonly fields: AttemptFields;
  readonly #text: string;

  constructor(tuple: ViewTuple, text: string) {
    this.#text = text;
    this.record = 'view';
    this.receivedAt = tuple[2];
    this.lane = laneOf(tuple[3]);
    this.livemode = tuple[4] === 1;
    this.kind = tuple[5] === 1 ? 'setup' : 'payment';
    this.invoice = (tuple[6] & 1) === 1;
    this.firstPayment = (tuple[6] & 2) === 2;
    this.account = tuple[7];
    this.attempt = tuple[8];
    this.source = SOURCES[tuple[9]] ?? 'intent';
    this.created = tuple[10];
    this.apiVersion = tuple[11];
    this.event = tuple[12];
    this.time = tuple[10] + tuple[13];
    this.fields = unpackFields(tuple, VIEW_FIELDS_AT);
  }

  static textOf(view: View): string | null {
    return #text in view ? view.#text : null;
  }
}

/** The text that a view was read from; null if it was made otherwise. It is a row of the window store: `decodeMerged` (wire-rows.ts). */
export function textOfView(view: View): string | null {
  return ReadView.textOf(view);
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
