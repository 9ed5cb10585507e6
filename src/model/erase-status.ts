// An erase while it is looked for, confirmed and done: what is asked, how far it is, what was found. Nothing of the person but in
// what is asked.
import type { ErrorCode } from './error-codes.ts';
import type { Actor } from './incident.ts';
import { plural } from './words.ts';

export const ERASE_KINDS = ['customer', 'email', 'card'] as const;
export type EraseKind = (typeof ERASE_KINDS)[number];

/** Who is asked for. */
export type Asked = { readonly kind: EraseKind; readonly value: string };

export type EraseStatus = {
  readonly id: string;
  /** What was asked by; never the value. */
  readonly by: EraseKind;
  readonly actor: Actor;
  /** ISO 8601. */
  readonly askedAt: string;
  readonly dryRun: boolean;
  readonly state: 'waiting' | 'looking' | 'asking' | 'redacting' | 'done' | 'failed';
  /** Of the state it is in: records looked at or rewritten. */
  readonly progress: { readonly what: string; readonly records: number; readonly of: number } | null;
  /** null: not known yet. */
  readonly found: FoundFacts | null;
  /** Messages and rows that are not told anew yet. */
  readonly outstanding: { readonly messages: number; readonly rows: number };
  readonly error: { readonly code: ErrorCode; readonly message: string; readonly help: string } | null;
};

/** Counts and incident numbers: nothing of the person. */
export type FoundFacts = {
  readonly isKnown: boolean;
  readonly attempts: number;
  /** By kind. */
  readonly values: Readonly<Record<string, number>>;
  readonly incidents: readonly string[];
  readonly messages: number;
  readonly rows: number;
  /** Days of the daily totals. */
  readonly days: number;
  /** Stored events of Stripe's. */
  readonly events: number;
  /** Of those, the ones that wait as dead letters. */
  readonly deadLetters: number;
};

export const isEraseOver = ({ state }: Pick<EraseStatus, 'state'>): boolean => state === 'done' || state === 'failed';

export const ERASE_KIND_WORDS: Readonly<Record<EraseKind, string>> = {
  customer: 'customer',
  email: 'e-mail',
  card: 'card',
};

export const ERASE_STATE_WORDS: Readonly<Record<EraseStatus['state'], string>> = {
  waiting: 'waits for another erase',
  looking: 'looks for the person',
  asking: 'asks the incident manager',
  redacting: 'takes them out',
  done: 'done',
  failed: 'failed',
};

/** `1 customer, 2 e-mails, 1 value of metadata.user`. */
export function valueWords({ values }: Pick<FoundFacts, 'values'>): string {
  const words = Object.entries(values).map(([kind, count]) =>
    plural(count, NAMES[kind] ?? `value of ${kind}`, NAMES_OF_MANY[kind] ?? `values of ${kind}`),
  );
  return words.join(', ');
}

/** 0 to 1. */
export const shareOf = ({ records, of }: NonNullable<EraseStatus['progress']>): number =>
  of === 0 ? 1 : Math.min(1, records / of);

const NAMES: Readonly<Record<string, string>> = { ...ERASE_KIND_WORDS, ip: 'address' };
const NAMES_OF_MANY: Readonly<Record<string, string>> = {
  customer: 'customers',
  email: 'e-mails',
  card: 'cards',
  ip: 'addresses',
};
