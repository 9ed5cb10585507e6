// A held attempt of one view as filters and counters see it, read off its bytes where they lie: of most attempts a filter asks
// for the outcome, and a hit table for the hash of a value or two. Good as long as the attempt is not changed.
import { attemptOf, type MergedAttempt } from '../attempts/merge.ts';
import type { Attempt, AttemptFields } from '../model/attempt.ts';
import type { EntityKind } from '../model/detector.ts';
import { BITS, skipRank } from './attempt-pack.ts';
import { type AttemptTable, attemptAt, packedAt } from './attempt-table.ts';
import { type Cursor, endOfNumber, endOfText, endOfWord, readNumber, readWord, skipText, skipWord } from './bytes.ts';
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
    return (this.#mask & BITS.amount) === 0 ? undefined : readNumber({ bytes: this.#bytes, at: this.#amountAt() });
  }
  get currency(): string | undefined {
    if ((this.#mask & BITS.currency) === 0) return undefined;
    return readWord({ bytes: this.#bytes, at: this.#currencyAt() }, this.#table.dictionary);
  }

  get hasResult(): boolean {
    return (this.#mask & BITS.result) !== 0;
  }

  /** Outcome, code, class: its first, second, third word; '' if it has no result. */
  resultWord(index: 0 | 1 | 2): string {
    if (!this.hasResult) return '';
    const from = { bytes: this.#bytes, at: this.#at };
    for (let i = 0; i < index; i++) skipWord(from);
    return readWord(from, this.#table.dictionary);
  }

  has(name: PackedKind): boolean {
    return (this.#mask & BITS[name]) !== 0;
  }

  /** Where its texts lie. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Where the text of a field that it has begins. Quickest in the order of the fields. */
  textAt(name: PackedKind): number {
    const wanted = BITS[name];
    const bytes = this.#bytes;
    const mask = this.#mask;
    let bit = this.#walked;
    let at = this.#walkedTo;
    if (bit === 0 || bit > wanted) {
      bit = BITS.currency;
      at = this.#currencyAt();
    }
    for (; bit < wanted; bit <<= 1)
      if ((mask & bit) !== 0) at = (WORDS & bit) !== 0 ? endOfWord(bytes, at) : endOfText(bytes, at);
    this.#walked = wanted;
    this.#walkedTo = at;
    return at;
  }

  #amountAt(): number {
    const bytes = this.#bytes;
    const at = this.#at;
    return this.hasResult ? endOfWord(bytes, endOfWord(bytes, endOfWord(bytes, at))) : at;
  }

  #currencyAt(): number {
    const at = this.#amountAt();
    return (this.#mask & BITS.amount) === 0 ? at : endOfNumber(this.#bytes, at);
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
