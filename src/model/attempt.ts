// Attempts and the views they are merged from (design §2, §4.1). A view is one Stripe event's account of an attempt.
import type { Scope } from './scope.ts';

export const OUTCOMES = ['succeeded', 'declined', 'blocked', 'authentication_failed', 'invalid'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** F fraud, T card testing, G ambiguous, B benign, X authentication; '' for a success. Table: src/attempts/codes.ts. */
export type CodeClass = 'F' | 'T' | 'G' | 'B' | 'X' | '';

export type Lane = 'live' | 'history';

/** Outcome, code and class are one field in a merge: they come from the same view. */
export type Result = { readonly outcome: Outcome; readonly code: string; readonly class: CodeClass };

/** Facts of an attempt that merge one by one. Absent means unknown: a missing value never beats a present one. */
export type AttemptFields = {
  readonly result?: Result;
  /** Minor units of `currency`. */
  readonly amount?: number;
  /** Lower-case ISO 4217. */
  readonly currency?: string;
  /** Fingerprint of the card. */
  readonly card?: string;
  readonly brand?: string;
  readonly last4?: string;
  readonly funding?: string;
  readonly country?: string;
  readonly wallet?: string;
  readonly customer?: string;
  /** Trimmed, lower-cased. */
  readonly email?: string;
  /** First public address of the configured metadata key; IPv6 as its /64, e.g. `2001:db8:1:2::/64`. */
  readonly ip?: string;
  /** Payment method type: `card`, `sepa_debit`, … */
  readonly method?: string;
  /** Intent id (`pi_…`, `seti_…`), for links. */
  readonly intent?: string;
  /** Configured metadata keys only; merged key by key. */
  readonly metadata?: Readonly<Record<string, string>>;
};

/** What decides between two views' values of a field, greatest first: a charge view beats any other, then these in order. */
export type ViewRank = {
  readonly source: 'charge' | 'intent' | 'setup';
  /** `event.created`, seconds. */
  readonly created: number;
  /** `event.api_version`, '' if none. */
  readonly apiVersion: string;
  /** Event id. */
  readonly event: string;
};

export type View = Scope &
  ViewRank & {
    readonly record: 'view';
    /** Attempt id: `ch_…`, `py_…`, `setatt_…`, `pi_…:pm_…:evt_…` or an event id (design §4.1). */
    readonly attempt: string;
    readonly kind: 'payment' | 'setup';
    /** Seconds: the charge's `created` of a card's charge view, else the event's. */
    readonly time: number;
    readonly fields: AttemptFields;
    /** This view names an invoice. */
    readonly invoice: boolean;
    /** This view is a first subscription payment. */
    readonly firstPayment: boolean;
    /** Milliseconds; when ingest received it. */
    readonly receivedAt: number;
    readonly lane: Lane;
  };

export const SIGNALS = ['early_fraud_warning', 'dispute', 'review', 'refund'] as const;
export type SignalKind = (typeof SIGNALS)[number];

/** One Stripe event's account of a signal. Card, customer and e-mail come from its charge, joined in the fold. */
export type SignalView = Scope & {
  readonly record: 'signal';
  readonly signal: SignalKind;
  /** Id of the Stripe object: `issfr_…`, `dp_…`, `prv_…`, `re_…` (the charge id for `charge.refunded`). */
  readonly id: string;
  readonly charge: string | null;
  readonly reason: string;
  readonly amount?: number;
  readonly currency?: string;
  readonly event: string;
  /** Seconds, `event.created`. */
  readonly created: number;
  /** Seconds: this event's `created`; the signal's time is the least of its events'. */
  readonly time: number;
  readonly receivedAt: number;
  readonly lane: Lane;
};

/** A merged attempt, as detectors and people see it. */
export type Attempt = Scope & {
  readonly id: string;
  readonly kind: 'payment' | 'setup';
  /** Seconds: the least of its views'. */
  readonly time: number;
  readonly fields: AttemptFields;
  /** Some view names an invoice and none is a first payment. */
  readonly dunning: boolean;
};
