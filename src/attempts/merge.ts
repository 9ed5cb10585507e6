// Merges the views of one attempt (design §4.1): per field, the greatest view that has the field gives its value. The
// state is a canonical form, a function of the set of views: any order, any grouping, any repetition gives the same.
import type { Attempt, AttemptFields, SignalView, View, ViewRank } from '../model/attempt.ts';

/** What one view says. */
type Layer = {
  readonly rank: ViewRank;
  readonly fields: AttemptFields;
};

export type MergedAttempt = {
  readonly id: string;
  readonly account: string | null;
  readonly livemode: boolean;
  readonly kind: 'payment' | 'setup';
  readonly time: number;
  readonly invoice: boolean;
  readonly firstPayment: boolean;
  /** Milliseconds: the least of its views', when it was first seen: a redelivery changes nothing. */
  readonly receivedAt: number;
  /** Greatest rank first; only those that give, or could still give, a value. */
  readonly layers: readonly Layer[];
};

export function mergeView(state: MergedAttempt | undefined, view: View): MergedAttempt {
  const single = attemptOfView(view);
  return state === undefined ? single : mergeStates(state, single);
}

/** Associative, commutative, idempotent. */
export function mergeStates(a: MergedAttempt, b: MergedAttempt): MergedAttempt {
  return {
    id: a.id,
    account: a.account,
    livemode: a.livemode,
    kind: a.kind === 'setup' && b.kind === 'setup' ? 'setup' : 'payment',
    time: Math.min(a.time, b.time),
    invoice: a.invoice || b.invoice,
    firstPayment: a.firstPayment || b.firstPayment,
    receivedAt: Math.min(a.receivedAt, b.receivedAt),
    layers: mergeLayers(a.layers, b.layers),
  };
}

export function attemptOf(state: MergedAttempt): Attempt {
  const { id, account, livemode, kind, time, layers } = state;
  return { id, account, livemode, kind, time, fields: fieldsOf(layers), dunning: state.invoice && !state.firstPayment };
}

function fieldsOf(layers: readonly Layer[]): AttemptFields {
  const [first, second] = layers;
  if (first === undefined) return {};
  if (second === undefined) return first.fields;
  const ascending = layers.toReversed();
  const merged = Object.assign({}, ...ascending.map(({ fields }) => fields)) as { metadata?: Record<string, string> };
  if (merged.metadata) merged.metadata = Object.assign({}, ...ascending.map(({ fields }) => fields.metadata ?? {}));
  return merged;
}

/** An attempt of which only that view has been seen. */
export function attemptOfView(view: View): MergedAttempt {
  const { source, created, apiVersion, event } = view;
  return {
    id: view.attempt,
    account: view.account,
    livemode: view.livemode,
    kind: view.kind,
    time: view.time,
    invoice: view.invoice,
    firstPayment: view.firstPayment,
    receivedAt: view.receivedAt,
    layers: isEmpty(view.fields) ? [] : [{ rank: { source, created, apiVersion, event }, fields: view.fields }],
  };
}

/**
 * Keeps each layer that has a field which no layer of strictly greater rank has. What is dropped could never give a value
 * again, and whoever covered it is itself covered or kept: so what is kept depends on the set alone.
 */
function mergeLayers(a: readonly Layer[], b: readonly Layer[]): readonly Layer[] {
  const kept: Layer[] = [];
  for (const layer of [...a, ...b].sort(compareLayers)) {
    const last = kept.at(-1);
    if (last !== undefined && compareLayers(last, layer) === 0) continue;
    const greater = kept.filter(({ rank }) => compareRanks(rank, layer.rank) > 0);
    if (!isCovered(layer.fields, greater)) kept.push(layer);
  }
  return kept;
}

function isCovered(fields: AttemptFields, greater: readonly Layer[]): boolean {
  for (const name in fields) {
    if (name === 'metadata') {
      for (const key in fields.metadata) if (!greater.some((layer) => hasKey(layer.fields.metadata, key))) return false;
    } else if (!greater.some((layer) => hasKey(layer.fields, name))) return false;
  }
  return true;
}

const hasKey = (object: object | undefined, key: string): boolean => object !== undefined && Object.hasOwn(object, key);

const isEmpty = (fields: AttemptFields): boolean => {
  for (const _ in fields) return false;
  return true;
};

/** Greatest first. Equal ranks (one event seen twice with other contents) go by their canonical JSON. */
function compareLayers(a: Layer, b: Layer): number {
  const byRank = compareRanks(b.rank, a.rank);
  if (byRank !== 0 || isSame(a.fields, b.fields)) return byRank;
  return compareText(canonical(b.fields), canonical(a.fields));
}

/** Nearly every equal rank is the same event once more: told without making texts of both. */
function isSame(a: object, b: object): boolean {
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  for (const name in right) if (!Object.hasOwn(left, name)) return false;
  for (const name in left) {
    const [one, other] = [left[name], right[name]];
    if (one === other) continue;
    const areObjects = typeof one === 'object' && typeof other === 'object' && one !== null && other !== null;
    if (!areObjects || !isSame(one, other)) return false;
  }
  return true;
}

export function compareRanks(a: ViewRank, b: ViewRank): number {
  return (
    Number(a.source === 'charge') - Number(b.source === 'charge') ||
    a.created - b.created ||
    compareText(a.apiVersion, b.apiVersion) ||
    compareText(a.event, b.event)
  );
}

/** By code unit, as in every place where order is part of a result. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function canonical(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? '';
  const entries = Object.entries(value).sort(([a], [b]) => compareText(a, b));
  return `{${entries.map(([name, inner]) => `${JSON.stringify(name)}:${canonical(inner)}`).join(',')}}`;
}

/** What one event says of a signal. Amount and currency are one fact. */
type SignalLayer = {
  /** Rank: the later event wins. */
  readonly created: number;
  readonly event: string;
  readonly charge: string | null;
  readonly reason: string;
  readonly amount?: number;
  readonly currency?: string;
};

/** The facts, each of the latest event that has it; time and receipt are the least. */
export type MergedSignal = Pick<SignalLayer, 'charge' | 'reason' | 'amount' | 'currency'> & {
  readonly signal: SignalView['signal'];
  readonly id: string;
  readonly account: string | null;
  readonly livemode: boolean;
  readonly time: number;
  /** Milliseconds: the least of its events'. */
  readonly receivedAt: number;
  /** Greatest first; only those that give a fact: with fewer, what comes later could not be judged. */
  readonly layers: readonly SignalLayer[];
};

export function mergeSignal(state: MergedSignal | undefined, view: SignalView): MergedSignal {
  const single = fromSignalView(view);
  return state === undefined ? single : mergeSignalStates(state, single);
}

/** Associative, commutative, idempotent. */
export function mergeSignalStates(a: MergedSignal, b: MergedSignal): MergedSignal {
  const { signal, id, account, livemode } = a;
  const layers = mergeSignalLayers([...a.layers, ...b.layers]);
  return {
    signal,
    id,
    account,
    livemode,
    time: Math.min(a.time, b.time),
    receivedAt: Math.min(a.receivedAt, b.receivedAt),
    ...signalFacts(layers),
    layers,
  };
}

function fromSignalView(view: SignalView): MergedSignal {
  const { signal, id, account, livemode, time, receivedAt, created, event, charge, reason, amount, currency } = view;
  const money = amount === undefined && currency === undefined ? {} : moneyOf({ amount, currency });
  const layers = mergeSignalLayers([{ created, event, charge, reason, ...money }]);
  return { signal, id, account, livemode, time, receivedAt, ...signalFacts(layers), layers };
}

type Money = { readonly amount?: number; readonly currency?: string };

const moneyOf = ({ amount, currency }: { amount: number | undefined; currency: string | undefined }): Money => ({
  ...(amount === undefined ? {} : { amount }),
  ...(currency === undefined ? {} : { currency }),
});

const SIGNAL_FACTS: readonly ((layer: SignalLayer) => boolean)[] = [
  ({ charge }) => charge !== null,
  ({ reason }) => reason !== '',
  ({ amount, currency }) => amount !== undefined || currency !== undefined,
];

/** Keeps each layer that has a fact which no greater one has; so at most as many as there are facts. */
function mergeSignalLayers(layers: readonly SignalLayer[]): readonly SignalLayer[] {
  const kept: SignalLayer[] = [];
  for (const layer of layers.toSorted(compareSignalLayers))
    if (SIGNAL_FACTS.some((has) => has(layer) && !kept.some(has))) kept.push(layer);
  return kept;
}

/** Greatest first. */
function compareSignalLayers(a: SignalLayer, b: SignalLayer): number {
  return b.created - a.created || compareText(b.event, a.event) || compareText(canonical(b), canonical(a));
}

function signalFacts(layers: readonly SignalLayer[]): Pick<MergedSignal, 'charge' | 'reason' | 'amount' | 'currency'> {
  const [hasCharge, hasReason, hasMoney] = SIGNAL_FACTS.map((has) => layers.find(has));
  return {
    charge: hasCharge?.charge ?? null,
    reason: hasReason?.reason ?? '',
    ...moneyOf({ amount: hasMoney?.amount, currency: hasMoney?.currency }),
  };
}
