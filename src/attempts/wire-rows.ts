// Merged attempts and signals as rows of the window store: JSON arrays like the records of the log (wire.ts).
import type { ViewRank } from '../model/attempt.ts';
import { TOPICS } from '../model/topics.ts';
import { type MergedAttempt, type MergedSignal, mergeView } from './merge.ts';
import { parseTuple, ReadView, VIEW, type ViewTuple } from './wire.ts';
import { packFields, SOURCES, unpackFields } from './wire-fields.ts';

const SCHEMA = TOPICS.attempts.schema;

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
