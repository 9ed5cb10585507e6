// What happened on each entity: the handles of the attempts (or signals) that count for any detector, and, for each revision
// that could breach by their number, its cells. Most entities see one or two attempts and never get cells.
import type { EntityKind } from '../model/detector.ts';
import { type Cells, changeCells, createCells } from './cells.ts';
import type { Revision } from './rules.ts';
import { contributionOf, entityOf, roleOf, type Subject } from './subjects.ts';

export type Entity = {
  /** Handles, in the order of arrival; one that has moved to another entity may still be among them. */
  hits: number[];
  /** By slot of the revision; absent: too few hits so far. */
  cells: (Cells | undefined)[];
};

/** One hit alone is just its handle. */
export type Entities = Map<string, number | Entity>;

/** The revisions that count the same things on the same kind of entity. */
export type Group = {
  readonly on: 'attempt' | 'signal';
  readonly kind: EntityKind;
  readonly slots: Slot[];
  /** By number of the scope. */
  readonly scopes: (Entities | undefined)[];
};

export type Slot = { readonly revision: Revision; least: number };

export type Move = {
  readonly handle: number;
  /** Number of the scope. */
  readonly scope: number;
  readonly before: Subject | null;
  readonly after: Subject;
};

export type MoveContext = {
  /** The subject of a handle as it is now. */
  readonly subjectOf: (on: Group['on'], handle: number) => Subject;
  /** Cells that have changed, and whose they are; null: nobody asks. */
  readonly touched: Map<Cells, Touched> | null;
};

export type Touched = Place & { readonly revision: Revision };

/** Retracts what a subject was to the group's detectors, and asserts what it is now. */
export function moveSubject(group: Group, move: Move, context: MoveContext): void {
  const { handle, scope, before, after } = move;
  const from = before === null ? null : entityOf(group.kind, before.fields);
  const to = entityOf(group.kind, after.fields);
  const wasListed =
    before !== null && from !== null && retract({ group, scope, value: from, subject: before }, context);
  if (to === null) return;
  assert({ group, scope, value: to, subject: after }, { handle, isListed: wasListed && from === to }, context);
}

type Side = { readonly group: Group; readonly scope: number; readonly value: string; readonly subject: Subject };

/** Whether it counted for any detector. */
function retract({ group, scope, value, subject }: Side, { touched }: MoveContext): boolean {
  const entity = group.scopes[scope]?.get(value);
  let counted = false;
  for (let i = 0; i < group.slots.length; i++) {
    const { revision } = group.slots[i] as Slot;
    const role = roleOf(revision, subject);
    if (role === 0) continue;
    counted = true;
    const cells = typeof entity === 'object' ? entity.cells[i] : undefined;
    if (cells === undefined) continue;
    changeCells(cells, revision.layout, contributionOf(revision, subject, role), -1);
    if (touched?.has(cells) === false) touched.set(cells, { group, scope, value, revision });
  }
  return counted;
}

function assert(
  { group, scope, value, subject }: Side,
  { handle, isListed }: { readonly handle: number; readonly isListed: boolean },
  context: MoveContext,
): void {
  const { touched } = context;
  let entity = group.scopes[scope]?.get(value);
  let hasList = isListed;
  for (let i = 0; i < group.slots.length; i++) {
    const { revision, least } = group.slots[i] as Slot;
    const role = roleOf(revision, subject);
    if (role === 0) continue;
    if (!hasList) entity = listHit(group, { scope, value, known: entity }, handle);
    hasList = true;
    let cells = typeof entity === 'object' ? entity.cells[i] : undefined;
    if (cells !== undefined) changeCells(cells, revision.layout, contributionOf(revision, subject, role), 1);
    else if (countOf(entity) >= least) {
      cells = makeCells({ group, scope, value }, i, context);
      entity = group.scopes[scope]?.get(value);
    } else continue;
    if (touched?.has(cells) === false) touched.set(cells, { group, scope, value, revision });
  }
}

type Listing = { readonly scope: number; readonly value: string; readonly known: number | Entity | undefined };

/** Notes a handle on an entity, of which `known` is held so far. */
export function listHit({ scopes }: Group, { scope, value, known }: Listing, handle: number): number | Entity {
  if (typeof known === 'object') {
    // Of just the right length while it is short: most lists stay so.
    if (known.hits.length < 24) known.hits = known.hits.concat(handle);
    else known.hits.push(handle);
    return known;
  }
  const entities: Entities = scopes[scope] ?? new Map();
  scopes[scope] = entities;
  const entity = known === undefined ? handle : { hits: [known, handle], cells: [] };
  entities.set(value, entity);
  return entity;
}

export function countOf(entity: number | Entity | undefined): number {
  return entity === undefined ? 0 : typeof entity === 'number' ? 1 : entity.hits.length;
}

export function hitsOf(entity: number | Entity | undefined): readonly number[] {
  return entity === undefined ? [] : typeof entity === 'number' ? [entity] : entity.hits;
}

/** `scope`: its number. */
export type Place = { readonly group: Group; readonly scope: number; readonly value: string };

/** The cells of one revision on one entity, from all its hits as they are now. */
export function makeCells({ group, scope, value }: Place, slot: number, { subjectOf }: MoveContext): Cells {
  const entities = group.scopes[scope] as Entities;
  const known = entities.get(value);
  const entity: Entity = typeof known === 'object' ? known : { hits: [...hitsOf(known)], cells: [] };
  entities.set(value, entity);
  const { revision } = group.slots[slot] as Slot;
  const cells = createCells(revision.layout);
  for (const handle of new Set(entity.hits)) {
    const subject = subjectOf(group.on, handle);
    const role = entityOf(group.kind, subject.fields) === value ? roleOf(revision, subject) : 0;
    if (role !== 0) changeCells(cells, revision.layout, contributionOf(revision, subject, role), 1);
  }
  // Of just the right length: there are many of them.
  entity.cells = group.slots.map((_, i) => (i === slot ? cells : entity.cells[i]));
  return cells;
}
