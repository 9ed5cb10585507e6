// A member for the evidence, read off the bytes in which it is held: of thousands of members all are counted, and ten are told of.
import type { AttemptFields, Outcome } from '../model/attempt.ts';
import type { PackedSubject } from './packed-subject.ts';
import type { MemberFacts } from './tally.ts';

/** Good as long as its subject is. */
export class PackedFacts implements MemberFacts {
  readonly packed: PackedSubject;

  constructor(packed: PackedSubject) {
    this.packed = packed;
  }

  get id(): string {
    return this.packed.id;
  }
  get at(): number {
    return this.packed.time;
  }
  get outcome(): Outcome | undefined {
    return this.packed.hasResult ? (this.packed.resultWord(0) as Outcome) : undefined;
  }
  get code(): string {
    return this.packed.resultWord(1);
  }
  get fields(): AttemptFields {
    return this.packed.fields;
  }
}
