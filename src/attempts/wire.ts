// The compact form of `attempts` records: a JSON array in fixed order, schema version first, so that a record is 100–300
// bytes and is parsed once. Absent values at the end are left out; absent values in between are null.
import type { AttemptFields, Lane, Result, SignalKind, SignalView, View, ViewRank } from '../model/attempt.ts';
import type { Rule } from '../model/detector.ts';
import { AppError } from '../model/errors.ts';
import { TOPICS } from '../model/topics.ts';
import type { MergedAttempt, MergedSignal } from './merge.ts';

export type AttemptsRecord = View | SignalView | Rule;

const SCHEMA = TOPICS.attempts.schema;
const VIEW = 0;
const SIGNAL = 1;
const RULE = 2;

const SOURCES = ['charge', 'intent', 'setup'] as const;

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
  const [, , receivedAt, lane, livemode, setup, invoice, account, attempt, source, created, apiVersion, event, age] =
    tuple;
  return {
    record: 'view',
    receivedAt,
    lane: laneOf(lane),
    livemode: livemode === 1,
    kind: setup === 1 ? 'setup' : 'payment',
    invoice: (invoice & 1) === 1,
    firstPayment: (invoice & 2) === 2,
    account,
    attempt,
    source: SOURCES[source] ?? 'intent',
    created,
    apiVersion,
    event,
    time: created + age,
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

/** The order of the fields on the wire. Append only: a record of an older program ends earlier. */
const FIELDS = [
  'amount',
  'currency',
  'card',
  'brand',
  'last4',
  'funding',
  'country',
  'customer',
  'email',
  'ip',
  'method',
  'intent',
  'wallet',
  'metadata',
] as const satisfies readonly Exclude<keyof AttemptFields, 'result'>[];

function packFields(fields: AttemptFields): readonly unknown[] {
  const { result } = fields;
  const packed: unknown[] = [result?.outcome, result?.code, result?.class];
  for (const name of FIELDS) packed.push(fields[name]);
  return packed;
}

function unpackFields(tuple: readonly unknown[], at: number): AttemptFields {
  const fields: Record<string, unknown> = {};
  const outcome = tuple[at];
  if (outcome !== null && outcome !== undefined)
    fields.result = { outcome, code: tuple[at + 1] ?? '', class: tuple[at + 2] ?? '' } as Result;
  for (let i = 0, from = at + 3; i < FIELDS.length && from + i < tuple.length; i++) {
    const value = tuple[from + i];
    const name = FIELDS[i];
    if (value !== null && value !== undefined && name !== undefined) fields[name] = value;
  }
  return fields as AttemptFields;
}

/** JSON text without the absent values at the end. */
function tuple(values: unknown[]): string {
  let length = values.length;
  while (length > 0 && (values[length - 1] === undefined || values[length - 1] === null)) length -= 1;
  return JSON.stringify(values.slice(0, length));
}

function parseTuple(text: string): unknown[] {
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

/** A merged attempt as a row of the window store. */
export function encodeMerged(state: MergedAttempt): string {
  const { id, account, livemode, kind, time, invoice, firstPayment, receivedAt, layers } = state;
  const flags = (livemode ? 1 : 0) + (kind === 'setup' ? 2 : 0) + (invoice ? 4 : 0) + (firstPayment ? 8 : 0);
  const packed = layers.map(({ rank, fields }) => [
    SOURCES.indexOf(rank.source),
    rank.created,
    rank.apiVersion,
    rank.event,
    ...packFields(fields),
  ]);
  return JSON.stringify([SCHEMA, id, account, flags, time, receivedAt, packed]);
}

const LAYER_FIELDS_AT = 4;

export function decodeMerged(text: string): MergedAttempt {
  const [, id, account, flags, time, receivedAt, packed] = parseTuple(text) as [
    number,
    string,
    string | null,
    number,
    number,
    number,
    [number, number, string, string, ...unknown[]][],
  ];
  return {
    id,
    account,
    livemode: (flags & 1) !== 0,
    kind: (flags & 2) !== 0 ? 'setup' : 'payment',
    time,
    invoice: (flags & 4) !== 0,
    firstPayment: (flags & 8) !== 0,
    receivedAt,
    layers: packed.map((layer) => {
      const [source, created, apiVersion, event] = layer;
      const rank: ViewRank = { source: SOURCES[source] ?? 'intent', created, apiVersion, event };
      return { rank, fields: unpackFields(layer, LAYER_FIELDS_AT) };
    }),
  };
}

export function encodeMergedSignal(state: MergedSignal): string {
  return JSON.stringify([SCHEMA, state]);
}

export function decodeMergedSignal(text: string): MergedSignal {
  return parseTuple(text)[1] as MergedSignal;
}
