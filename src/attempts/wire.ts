// The compact form of `attempts` records: a JSON array in fixed order, schema version first, so that a record is 100–300
// bytes and is parsed once. Absent values at the end are left out; absent values in between are null.
import type { AttemptFields, Lane, Result, SignalKind, SignalView, View, ViewRank } from '../model/attempt.ts';
import type { Rule } from '../model/detector.ts';
import { AppError } from '../model/errors.ts';
import { TOPICS } from '../model/topics.ts';
import { type MergedAttempt, type MergedSignal, mergeView } from './merge.ts';

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

/**
 * A view as it was read. It keeps its text, so that an attempt of this view alone is stored as that; a changed copy of it is
 * an ordinary object and has none.
 */
class ReadView implements View {
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

/** The text that a view was read from; null if it was made otherwise. It is a row of the window store: `decodeMerged`. */
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

/** Field by field, by name: a loop over names costs several times as much. */
function unpackFields(tuple: readonly unknown[], at: number): AttemptFields {
  const fields: { -readonly [K in keyof AttemptFields]: AttemptFields[K] } = new Fields();
  const { length } = tuple;
  const outcome = tuple[at];
  if (outcome != null) fields.result = { outcome, code: tuple[at + 1] ?? '', class: tuple[at + 2] ?? '' } as Result;
  const amount = length > at + 3 ? (tuple[at + 3] as AttemptFields['amount'] | null) : null;
  if (amount != null) fields.amount = amount;
  const currency = length > at + 4 ? (tuple[at + 4] as AttemptFields['currency'] | null) : null;
  if (currency != null) fields.currency = currency;
  const card = length > at + 5 ? (tuple[at + 5] as AttemptFields['card'] | null) : null;
  if (card != null) fields.card = card;
  const brand = length > at + 6 ? (tuple[at + 6] as AttemptFields['brand'] | null) : null;
  if (brand != null) fields.brand = brand;
  const last4 = length > at + 7 ? (tuple[at + 7] as AttemptFields['last4'] | null) : null;
  if (last4 != null) fields.last4 = last4;
  const funding = length > at + 8 ? (tuple[at + 8] as AttemptFields['funding'] | null) : null;
  if (funding != null) fields.funding = funding;
  const country = length > at + 9 ? (tuple[at + 9] as AttemptFields['country'] | null) : null;
  if (country != null) fields.country = country;
  const customer = length > at + 10 ? (tuple[at + 10] as AttemptFields['customer'] | null) : null;
  if (customer != null) fields.customer = customer;
  const email = length > at + 11 ? (tuple[at + 11] as AttemptFields['email'] | null) : null;
  if (email != null) fields.email = email;
  const ip = length > at + 12 ? (tuple[at + 12] as AttemptFields['ip'] | null) : null;
  if (ip != null) fields.ip = ip;
  const method = length > at + 13 ? (tuple[at + 13] as AttemptFields['method'] | null) : null;
  if (method != null) fields.method = method;
  const intent = length > at + 14 ? (tuple[at + 14] as AttemptFields['intent'] | null) : null;
  if (intent != null) fields.intent = intent;
  const wallet = length > at + 15 ? (tuple[at + 15] as AttemptFields['wallet'] | null) : null;
  if (wallet != null) fields.wallet = wallet;
  const metadata = length > at + 16 ? (tuple[at + 16] as AttemptFields['metadata'] | null) : null;
  if (metadata != null) fields.metadata = metadata;
  return fields;
}

/** An object of its own kind has room for its fields from the start. */
class Fields {}

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

/** Of a row: as `encodeMerged` gives it, or the text of the only view. */
export function decodeMerged(text: string): MergedAttempt {
  const tuple = parseTuple(text);
  return tuple[1] === VIEW ? mergeView(undefined, new ReadView(tuple as ViewTuple, text)) : unpackMerged(tuple);
}

function unpackMerged(tuple: readonly unknown[]): MergedAttempt {
  const [, id, account, flags, time, receivedAt, packed] = tuple as [
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
