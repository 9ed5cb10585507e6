// What counts on each entity: its hits (hit-table.ts), and, once it has enough of them within one window to breach, the cells
// of each revision. Most entities see one or two attempts, or more far apart, and never get cells.
import type { EntityKind } from '../model/detector.ts';
import { type Cells, type Contribution, changeCells, createCells } from './cells.ts';
import { isDense } from './dense.ts';
import {
  addHitOf,
  countOf,
  entityAt,
  glanceAt,
  type HitTable,
  hitsOn,
  isListed,
  noteOf,
  removeHit,
  setNote,
} from './hit-table.ts';
import type { Revision } from './revision.ts';
import { changeRunning } from './running.ts';
import { contributionOf, entityOf, hashEntity, isOn, roleOf, type Subject } from './subjects.ts';
import type { TextHash } from './text-hash.ts';

/** The revisions that count the same things on the same kind of entity. */
export type Group = {
  readonly on: 'attempt' | 'signal';
  readonly kind: EntityKind;
  readonly slots: Slot[];
  /** Whatever counts for any detector of the group; what does not count any more may still be listed. */
  readonly hits: HitTable;
  /** Entities with cells, by the note that the table has of each; places to be used again. */
  readonly watched: (Watched | undefined)[];
  readonly unused: number[];
  readonly judged: Judged;
};

export type Slot = { readonly revision: Revision; least: number };

/** An entity with enough hits in one window to breach. */
export type Watched = {
  /** Its number. */
  readonly scope: number;
  readonly value: string;
  /** By slot of the revision; absent: too few hits in any window for that. */
  cells: (Cells | undefined)[];
};

export type Touched = { readonly group: Group; readonly entity: Watched; readonly revision: Revision };

export type MoveContext = {
  /** The subject of a handle as it is now. */
  readonly subjectOf: (on: Group['on'], handle: number) => Subject;
  /** Its time alone, seconds. */
  readonly timeOf: (on: Group['on'], handle: number) => number;
  /** Cells that have changed, each once; null: nobody asks. */
  readonly touched: Touched[] | null;
  /** Of this batch: cells that bear it are among the touched. */
  readonly batch: number;
};

/** One thing that is counted: its handle, and the number of its scope. */
export type Place = { readonly handle: number; readonly scope: number };

/** Takes back what a subject was to the group's detectors. `after`: what it will be; it leaves an entity that is not its own any more. */
export function retract(
  group: Group,
  { handle, scope }: Place,
  { before, after }: { readonly before: Subject; readonly after: Subject },
  context: MoveContext,
): void {
  const { on, kind, slots, hits, watched } = group;
  const value = entityOf(kind, before.fields);
  if (value === null || !isListed(hits, handle)) return;
  const number = entityAt(hits, scope, value);
  const note = noteOf(hits, number);
  const entity = note === 0 ? undefined : watched[note];
  for (let i = 0; entity !== undefined && i < slots.length; i++) {
    const { revision } = slots[i] as Slot;
    const cells = entity.cells[i];
    const role = cells === undefined ? 0 : roleOf(revision, before);
    if (cells === undefined || role === 0) continue;
    changeCells(cells, revision.layout, contributionOf(revision, before, role), -1);
    touch(context, cells, group, entity, revision);
    if (cells.running !== null) changeRunning(cells.running, { on, subject: before, role }, -1);
  }
  const leaves = entityOf(kind, after.fields) !== value;
  if (leaves && removeHit(hits, number, handle)) unwatch(group, note);
}

/** So many subjects may be judged before they are counted. */
export const MOST_JUDGED = 64;

/** What is counted next by a group: of each subject the hash of its entity, and what it is to each slot. */
export type Judged = { readonly hashes: readonly TextHash[]; roles: Uint8Array };

export const noneJudged = (): Judged => ({
  hashes: Array.from({ length: MOST_JUDGED }, (): TextHash => [0, 0, 0]),
  roles: new Uint8Array(0),
});

/** `at`: its place among the judged, below MOST_JUDGED. */
export function judge({ kind, slots, judged }: Group, at: number, scope: number, subject: Subject): void {
  const { length } = slots;
  if (judged.roles.length < MOST_JUDGED * length) judged.roles = new Uint8Array(MOST_JUDGED * length);
  const { roles, hashes } = judged;
  const isCounted = isOn(kind, subject);
  let any = 0;
  for (let i = 0; i < length; i++) {
    const role = isCounted ? roleOf((slots[i] as Slot).revision, subject) : 0;
    roles[at * length + i] = role;
    any |= role;
  }
  if (any !== 0) hashEntity(hashes[at] as TextHash, kind, scope, subject);
}

/** Looks at where the entities of the first so many judged are, so that it is at hand when they are counted. */
export function lookAhead({ hits, judged: { hashes } }: Group, count: number): number {
  let seen = 0;
  for (let i = 0; i < count; i++) seen ^= glanceAt(hits, hashes[i] as TextHash);
  return seen;
}

/**
 * Lists what was judged on its entity if it is anything to the group's detectors, and makes no cells: whoever lists many makes
 * those that are missing after the last.
 */
export function listJudged({ slots, hits, judged: { hashes, roles } }: Group, at: number, handle: number): void {
  let bits = 0;
  let counts = false;
  for (let i = 0; i < slots.length; i++) {
    const role = roles[at * slots.length + i] as number;
    counts ||= role !== 0;
    if (isPlain((slots[i] as Slot).revision, role, i)) bits |= 1 << i;
  }
  if (!counts) return;
  addHitOf(hits, handle, hashes[at] as TextHash);
  hits.bits[handle] = bits;
}

/** Counts what was judged for the group's detectors. */
export function assertJudged(
  group: Group,
  at: number,
  { place: { handle, scope }, subject }: { readonly place: Place; readonly subject: Subject },
  context: MoveContext,
): void {
  const { on, kind, slots, hits, watched } = group;
  const { hashes, roles } = group.judged;
  let number = -1;
  let entity: Watched | undefined;
  let bits = 0;
  for (let i = 0; i < slots.length; i++) {
    const role = roles[at * slots.length + i] as number;
    if (role === 0) continue;
    const { revision, least } = slots[i] as Slot;
    if (isPlain(revision, role, i)) bits |= 1 << i;
    if (number < 0) {
      number = addHitOf(hits, handle, hashes[at] as TextHash);
      const note = noteOf(hits, number);
      if (note !== 0) entity = watched[note];
    }
    let cells = entity?.cells[i];
    if (cells !== undefined) {
      changeCells(cells, revision.layout, contributionOf(revision, subject, role), 1);
      if (cells.running !== null) changeRunning(cells.running, { on, subject, role }, 1);
    } else if (
      countOf(hits, number) >= least &&
      mayBreach(group, number, { slot: i, least, around: subject.time }, context)
    ) {
      // Made from all that is listed: the bits must be right before.
      hits.bits[handle] = bits;
      entity = watch(group, number, scope, entityOf(kind, subject.fields) ?? '');
      cells = makeCells(group, number, i, context);
    } else continue;
    if (entity !== undefined) touch(context, cells, group, entity, revision);
  }
  if (number >= 0 || isListed(hits, handle)) hits.bits[handle] = bits;
}

type Where = { readonly slot: number; readonly least: number; readonly around: number | null };

/** Whether a window of a slot's revision may hold enough for a breach; `around`: only those that contain that second are new. */
export function mayBreach(
  { on, slots, hits }: Group,
  number: number,
  { slot, least, around }: Where,
  context: MoveContext,
): boolean {
  const { windowS } = (slots[slot] as Slot).revision.layout;
  return isDense(hits, number, { least, windowS, around, timeOf: (handle) => context.timeOf(on, handle) });
}

/** What counts as one and no more, which is nearly everything, is a bit of its own: it need not be judged again. */
export function isPlain({ layout }: Revision, role: number, slot: number): boolean {
  return slot < 8 && role !== 0 && !layout.hasMore && !layout.hasAt;
}

function touch({ touched, batch }: MoveContext, cells: Cells, group: Group, entity: Watched, revision: Revision): void {
  if (touched === null || cells.touchedIn === batch) return;
  cells.touchedIn = batch;
  touched.push({ group, entity, revision });
}

/** The entity of that scope and value, if it has cells. */
export function watchedAt({ hits, watched }: Group, scope: number, value: string): Watched | undefined {
  const number = entityAt(hits, scope, value);
  return number < 0 ? undefined : watched[noteOf(hits, number)];
}

/** The first place is nobody's: a note of 0 says that an entity is not watched. */
export const noWatched = (): (Watched | undefined)[] => [undefined];

export function watch({ hits, watched, unused }: Group, number: number, scope: number, value: string): Watched {
  const known = watched[noteOf(hits, number)];
  if (known !== undefined) return known;
  const entity: Watched = { scope, value, cells: [] };
  const note = unused.pop() ?? watched.length;
  watched[note] = entity;
  setNote(hits, number, note);
  return entity;
}

export function unwatch({ watched, unused }: Group, note: number): void {
  if (note === 0) return;
  watched[note] = undefined;
  unused.push(note);
}

/** The cells of one revision on one watched entity, from all its hits as they are now. */
export function makeCells(
  { on, slots, hits, watched }: Group,
  number: number,
  slot: number,
  context: MoveContext,
): Cells {
  const entity = watched[noteOf(hits, number)] as Watched;
  const { revision } = slots[slot] as Slot;
  const cells = createCells(revision.layout);
  const handles = hitsOn(hits, number);
  const arePlain = isPlain(revision, 1, slot);
  // The eldest first: then each cell is the last one.
  for (let i = handles.length - 1; i >= 0; i--) {
    const handle = handles[i] as number;
    if (arePlain) {
      const counts = ((hits.bits[handle] ?? 0) & (1 << slot)) !== 0;
      if (counts) changeCells(cells, revision.layout, { ...PLAIN, time: context.timeOf(on, handle) }, 1);
      continue;
    }
    const subject = context.subjectOf(on, handle);
    const role = roleOf(revision, subject);
    if (role !== 0) changeCells(cells, revision.layout, contributionOf(revision, subject, role), 1);
  }
  // Of just the right length: there are many of them.
  entity.cells = slots.map((_, i) => (i === slot ? cells : entity.cells[i]));
  return cells;
}

const PLAIN: Omit<Contribution, 'time'> = { matching: 1, counted: 0, eligible: 1, amount: 0, value: null };
