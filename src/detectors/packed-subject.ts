// A held attempt of one view as filters and counters see it, read off its bytes where they lie: of most attempts a filter asks
// for the outcome, and a hit table for the hash of a value or two. Good as long as the attempt is not changed.
import { attemptOf, type MergedAttempt } from '../attempts/merge.ts';
import type { Attempt, AttemptFields } from '../model/attempt.ts';
import type { EntityKind } from '../model/detector.ts';
import { BITS, skipRank } from './attempt-pack.ts';
import { type AttemptTable, attemptAt, packedAt } from './attempt-table.ts';
import { type Cursor, readNumber, readWord, skipNumber, skipText, skipWord } from './bytes.ts';
import { AttemptVariables, type FilterVariables } from './cel.ts';

/** null: it has several views, or none that says anything. */
export function packedSubject(table: AttemptTable, handle: number): PackedSubject | null {
  const from = packedAt(table, handle);
  skipText(from);
  return from.bytes[from.at + 1] === 1 ? new PackedSubject(table, handle, from) : null;
}

/** Kinds of entities whose values are found without unpacking the rest. */
type PackedKind = 'card' | 'customer' | 'email' | 'ip';

export const isPackedKind = (per: EntityKind): per is PackedKind =>
  per === 'card' || per === 'customer' || per === 'email' || per === 'ip';

/** Fields that are words: those beside them, from the currency on, are texts. */
const WORDS = BITS.currency | BITS.brand | BITS.last4 | BITS.funding | BITS.country | BITS.wallet | BITS.method;

/** Both a Subject and its Attempt: what is asked for seldom is unpacked when it is. */
export class PackedSubject implements Attempt {
  /** Seconds. */
  readonly time: number;
  /** Milliseconds. */
  readonly receivedAt: number;
  readonly reason = '';
  readonly variables: FilterVariables;
  readonly #table: AttemptTable;
  readonly #handle: number;
  readonly #flags: number;
  readonly #bytes: Buffer;
  /** Which fields there are, and where the first begins. */
  readonly #mask: number;
  readonly #at: number;
  /** The field that was looked for last, and where it begins; 0: none was. */
  #walked = 0;
  #walkedTo = 0;
  #merged: MergedAttempt | null = null;
  #fields: AttemptFields | null = null;

  /** `from`: behind its id; it is moved on. */
  constructor(table: AttemptTable, handle: number, from: Cursor) {
    const { bytes } = from;
    this.#table = table;
    this.#handle = handle;
    this.#bytes = bytes;
    this.#flags = bytes[from.at] as number;
    this.time = table.times[handle] as number;
    from.at += 2;
    this.receivedAt = readNumber(from) + this.time * 1_000;
    skipRank(from);
    this.#mask = (bytes[from.at] as number) | ((bytes[from.at + 1] as number) << 8);
    this.#at = from.at + 2;
    this.variables = new PackedVariables(this) as unknown as FilterVariables;
  }

  get kind(): Attempt['kind'] {
    return (this.#flags & 1) !== 0 ? 'setup' : 'payment';
  }
  get dunning(): boolean {
    return (this.#flags & 6) === 2;
  }
  get id(): string {
    return this.#whole().id;
  }
  get account(): string | null {
    return this.#whole().account;
  }
  get livemode(): boolean {
    return this.#whole().livemode;
  }
  get fields(): AttemptFields {
    this.#fields ??= attemptOf(this.#whole()).fields;
    return this.#fields;
  }
  get amount(): number | undefined {
    return this.fields.amount;
  }
  get currency(): string | undefined {
    return this.fields.currency;
  }

  /** Outcome, code, class: its first, second, third word; '' if it has no result. */
  resultWord(index: 0 | 1 | 2): string {
    if ((this.#mask & BITS.result) === 0) return '';
    const from = { bytes: this.#bytes, at: this.#at };
    for (let i = 0; i < index; i++) skipWord(from);
    return readWord(from, this.#table.dictionary);
  }

  has(name: PackedKind): boolean {
    return (this.#mask & BITS[name]) !== 0;
  }

  /** Where the text of a field that it has lies packed. Quickest in the order of the fields. */
  textAt(name: PackedKind): Cursor {
    const wanted = BITS[name];
    const mask = this.#mask;
    const from = { bytes: this.#bytes, at: this.#walkedTo };
    let bit = this.#walked;
    if (bit === 0 || bit > wanted) {
      from.at = this.#at;
      if ((mask & BITS.result) !== 0) for (let i = 0; i < 3; i++) skipWord(from);
      if ((mask & BITS.amount) !== 0) skipNumber(from);
      bit = BITS.currency;
    }
    for (; bit < wanted; bit <<= 1) {
      if ((mask & bit) === 0) continue;
      if ((WORDS & bit) !== 0) skipWord(from);
      else skipText(from);
    }
    this.#walked = wanted;
    this.#walkedTo = from.at;
    return from;
  }

  #whole(): MergedAttempt {
    this.#merged ??= attemptAt(this.#table, this.#handle);
    return this.#merged;
  }
}

/** What filters ask for most, without unpacking the rest. */
class PackedVariables extends AttemptVariables {
  readonly #subject: PackedSubject;

  constructor(subject: PackedSubject) {
    super(subject);
    this.#subject = subject;
  }
  override get outcome(): string {
    return this.#subject.resultWord(0);
  }
  override get code(): string {
    return this.#subject.resultWord(1);
  }
  override get class(): string {
    return this.#subject.resultWord(2);
  }
  override get benign(): boolean {
    return this.class === 'B';
  }
}
