// What is to be counted waits until there are a few dozen: then where all of it lies in the tables is looked at, and then it is
// counted in its turn. The tables are larger than any cache, and memory answers many such looks in the time of one.
import type { AttemptTable } from './attempt-table.ts';
import { type Group, judge, lookAhead, MOST_JUDGED, type Place } from './entities.ts';
import { glanceInto, type HandleIndex } from './handle-index.ts';
import { type Packed, putPacked } from './packed-attempts.ts';
import type { PackedView } from './packed-view.ts';
import type { Subject } from './subjects.ts';

/** Attempts that are held and not counted yet. */
export type Waiting = {
  readonly places: Place[];
  readonly subjects: Subject[];
  /** What the looks have seen: kept, so that none is found to be without effect and left out. */
  seen: number;
};

export const noneWaiting = (): Waiting => ({ places: [], subjects: [], seen: 0 });

/** True: there is no room for another one until these are counted. */
export function wait({ places, subjects }: Waiting, place: Place, subject: Subject): boolean {
  places.push(place);
  return subjects.push(subject) === MOST_JUDGED;
}

/** Hands over each that waits, judged, in its turn; then none does. */
export function takeWaiting(
  groups: Iterable<Group>,
  waiting: Waiting,
  take: (group: Group, at: number, place: Place, subject: Subject) => void,
): void {
  const { places, subjects } = waiting;
  const all = [...groups].filter(({ on }) => on === 'attempt');
  const count = places.length;
  for (let i = 0; i < count; i++)
    for (const group of all) judge(group, i, (places[i] as Place).scope, subjects[i] as Subject);
  for (const group of all) waiting.seen ^= lookAhead(group, count);
  for (let i = 0; i < count; i++) for (const group of all) take(group, i, places[i] as Place, subjects[i] as Subject);
  places.length = 0;
  subjects.length = 0;
}

type MaybePacked = PackedView | { readonly record: 'view' | 'signal' | 'rule' };

/** Before each so many records: where their ids are looked for. */
export function lookForIds(waiting: Waiting, index: HandleIndex, records: readonly MaybePacked[], at: number): void {
  if (at % MOST_JUDGED !== 0) return;
  const end = Math.min(records.length, at + MOST_JUDGED);
  for (let i = at; i < end; i++) {
    const record = records[i] as MaybePacked;
    if (record.record === 'packed') waiting.seen ^= glanceInto(index, record.hash);
  }
}

/** Stores attempts a few dozen at a time: where their ids are looked for is looked at first. */
export function packedAhead(table: AttemptTable) {
  let waiting: Packed[] = [];
  let seen = 0;
  const end = (): number => {
    for (const { hash } of waiting) seen ^= glanceInto(table.index, hash);
    for (const packed of waiting) putPacked(table, packed);
    waiting = [];
    return seen;
  };
  return {
    put: (packed: Packed): void => {
      if (waiting.push(packed) === MOST_JUDGED) end();
    },
    /** Stores the rest. */
    end,
  };
}
