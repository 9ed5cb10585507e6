// What one Stripe event becomes in the log: itself without secrets, the view or signal that it holds, or a dead letter.
// Pure: the time of receipt is given.
import { encodeAttemptsRecord } from '../attempts/wire.ts';
import { encode } from '../log/codec.ts';
import type { NewRecord } from '../log/event-log.ts';
import type { SignalView, View } from '../model/attempt.ts';
import { scopeId } from '../model/scope.ts';
import { isJson, textOf } from './json.ts';
import { normalise } from './normalise.ts';
import type { BadReason, IgnoredReason, NormaliseContext, UnstampedSignal, UnstampedView } from './normalised.ts';
import { redact } from './redact.ts';

/** Furthest that a view may be dated ahead of its receipt (design §4.3). */
const MAX_AHEAD_MS = 300_000;

export type DeadReason = BadReason | 'dated_ahead';

/** What became of an event. The reason is the metric's label and the log's field. */
export type Accepted =
  | { readonly kind: 'view' | 'signal'; readonly reason: '' }
  | { readonly kind: 'ignored'; readonly reason: IgnoredReason }
  | { readonly kind: 'dead_letter'; readonly reason: DeadReason; readonly message: string };

export type EventRecords = {
  readonly accepted: Accepted;
  /** The record of `attempts`; null if the event is neither a view nor a signal. */
  readonly attempts: NewRecord | null;
  /** The record of `stripe-events`: `{ v, event, cut?, via? }`. */
  readonly stored: NewRecord;
  /** Event id; null if there is none. */
  readonly subject: string | null;
};

export type RecordsOptions = {
  /** Milliseconds. */
  readonly receivedAt: number;
  readonly context: NormaliseContext;
  /** Design §4.3: a view that is older than this at its receipt is of the history lane. */
  readonly latenessMs: number;
  /** Absent: Stripe sent it, or it was found lacking. */
  readonly via?: 'backfill';
};

/** Takes any JSON value, never throws. */
export function recordsOf(event: unknown, options: RecordsOptions): EventRecords {
  const subject = isJson(event) ? textOf(event.id) : null;
  const { value, isCut } = redact(event);
  const stored: NewRecord = {
    key: subject,
    value: encode('stripe-events', {
      event: value,
      ...(isCut ? { cut: true } : {}),
      ...(options.via === undefined ? {} : { via: options.via }),
    }),
    timeMs: options.receivedAt,
  };
  const { accepted, attempts } = countable(event, options);
  return { accepted, attempts, stored, subject };
}

function countable(event: unknown, options: RecordsOptions): Pick<EventRecords, 'accepted' | 'attempts'> {
  const found = normalise(event, options.context);
  switch (found.kind) {
    case 'view':
      return stamped(found.view, options);
    case 'signal':
      return stamped(found.signal, options);
    case 'ignored':
      return { accepted: { kind: 'ignored', reason: found.reason }, attempts: null };
    case 'bad':
      return dead(found.reason, found.message);
  }
}

function stamped(
  fact: UnstampedView | UnstampedSignal,
  options: RecordsOptions,
): Pick<EventRecords, 'accepted' | 'attempts'> {
  const { receivedAt, latenessMs } = options;
  const ageMs = receivedAt - fact.time * 1000;
  if (ageMs < -MAX_AHEAD_MS) return dead('dated_ahead', 'The event is dated more than 5 minutes ahead of its receipt.');
  const record = { ...fact, receivedAt, lane: ageMs <= latenessMs ? 'live' : 'history' } as View | SignalView;
  const value = encodeAttemptsRecord(record);
  return {
    accepted: { kind: record.record, reason: '' },
    attempts: { key: scopeId(fact), value, timeMs: receivedAt },
  };
}

const dead = (reason: DeadReason, message: string): Pick<EventRecords, 'accepted' | 'attempts'> => ({
  accepted: { kind: 'dead_letter', reason, message },
  attempts: null,
});
