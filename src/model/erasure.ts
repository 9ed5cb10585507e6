// What an erase has taken out (docs/erase.md): subjects by one-way tokens, and the names that stand in their places. A record
// of `erasures`.
import type { EntityKind } from './detector.ts';
import type { Incident } from './incident.ts';

export type ErasedSubject = {
  readonly kind: EntityKind;
  /** Of the entity as incidents have it (`tokenOf`): one way, for customer and card too. */
  readonly token: string;
  /** What the windows count on in its place (`erasedName`). */
  readonly as: string;
};

export type Erasure = {
  /** 1, 2, 3, … in the order of the commands. */
  readonly number: number;
  /** Of its command in `commands`. */
  readonly offset: number;
  /** Milliseconds: what was received before it is read with the names in place of the subjects. */
  readonly at: number;
  readonly subjects: readonly ErasedSubject[];
  /** Ids of the attempts that the subjects were on, as far as they are known: evidence names some. */
  readonly attempts: readonly string[];
};

/** Asks to take a person out. The incidents that the manager still has are found by their entities. */
export type EraseCommand = {
  readonly type: 'erase';
  readonly subjects: readonly ErasedSubject[];
  readonly attempts: readonly string[];
  /** Further incidents that tell of the attempts. */
  readonly incidents: readonly string[];
  /** Incidents that the manager may have let go of, erased already, so that what was told of them follows. */
  readonly closed: readonly Incident[];
};

/** Bounds of one command; more make more commands. */
export const MAX_SUBJECTS = 1_000;
export const MAX_ERASED_ATTEMPTS = 5_000;
export const MAX_ERASED_INCIDENTS = 2_000;
export const MAX_ERASED_CLOSED = 100;
