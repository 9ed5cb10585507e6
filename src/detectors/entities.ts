// What counts on each entity: its hits (hit-table.ts), and, once it has enough of them within one window to breach, the cells
// of each revision. Most entities see one or two attempts, or more far apart, and never get cells.
import type { EntityKind } from '../model/detector.ts';
import { type Cells, type Contribution, changeCells, createCells } from './cells.ts';
import { isDense } from './dense.ts';
import {
  addHitOf,
  countOf,
  entityAt,
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

/**
 * Lists a subject on its entity if it is anything to the group's detectors, and makes no cells: whoever lists many makes those
 * that are missing after the last.
 */
export function list({ kind, slots, hits }: Group, { handle, scope }: Place, subject: Subject): void {
  if (!isOn(kind, subject)) return;
  let bits = 0;
  let counts = false;
  for (let i = 0; i < slots.length; i++) {
    const { revision } = slots[i] as Slot;
    const role = roleOf(revision, subject);
    counts ||= role !== 0;
    if (isPlain(revision, role, i)) bits |= 1 << i;
  }
  if (!counts) return;
  hashEntity(hash, kind, scope, subject);
  addHitOf(hits, handle, hash);
  hits.bits[handle] = bits;
}

/** Of the entity that is looked for. */
const hash: TextHash = [0, 0, 0];

/** Counts a subject for the group's detectors as it is now. */
export function assert(group: Group, { handle, scope }: Place, subject: Subject, context: MoveContext): void {
  const { on, kind, slots, hits, watched } = group;
  if (!isOn(kind, subject)) return;
  let number = -1;
  let entity: Watched | undefined;
  let bits = 0;
  for (let i = 0; i < slots.length; i++) {
    const { revision, least } = slots[i] as Slot;
    const role = roleOf(revision, subject);
    if (role === 0) continue;
    if (isPlain(revision, role, i)) bits |= 1 << i;
    if (number < 0) {
      hashEntity(hash, kind, scope, subject);
      number = addHitOf(hits, handle, hash);
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
  if (isListed(hits, handle)) hits.bits[handle] = bits;
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
