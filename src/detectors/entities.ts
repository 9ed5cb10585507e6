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
  readonly subjectOf: (handle: number) => Subject;
  /** Called for each revision and entity whose cells have changed. */
  readonly touch: (revision: Revision, scope: number, value: string) => void;
};

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
function retract({ group, scope, value, subject }: Side, { touch }: MoveContext): boolean {
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
    touch(revision, scope, value);
  }
  return counted;
}

function assert(
  { group, scope, value, subject }: Side,
  { handle, isListed }: { readonly handle: number; readonly isListed: boolean },
  context: MoveContext,
): void {
  let entity = group.scopes[scope]?.get(value);
  let hasList = isListed;
  for (let i = 0; i < group.slots.length; i++) {
    const { revision, least } = group.slots[i] as Slot;
    const role = roleOf(revision, subject);
    if (role === 0) continue;
    if (!hasList) entity = listHit(group, scope, value, handle);
    hasList = true;
    const cells = typeof entity === 'object' ? entity.cells[i] : undefined;
    if (cells !== undefined) changeCells(cells, revision.layout, contributionOf(revision, subject, role), 1);
    else if (hitsOf(entity).length >= least) entity = makeCells({ group, scope, value }, i, context);
    else continue;
    context.touch(revision, scope, value);
  }
}

export function listHit({ scopes }: Group, scope: number, value: string, handle: number): number | Entity {
  const entities: Entities = scopes[scope] ?? new Map();
  scopes[scope] = entities;
  const known = entities.get(value);
  if (known === undefined) {
    entities.set(value, handle);
    return handle;
  }
  if (typeof known === 'object') {
    // Just the right length while it is short: most lists stay so.
    if (known.hits.length < 24) known.hits = [...known.hits, handle];
    else known.hits.push(handle);
    return known;
  }
  const entity: Entity = { hits: [known, handle], cells: [] };
  entities.set(value, entity);
  return entity;
}

export function hitsOf(entity: number | Entity | undefined): readonly number[] {
  return entity === undefined ? [] : typeof entity === 'number' ? [entity] : entity.hits;
}

type Place = { readonly group: Group; readonly scope: number; readonly value: string };

/** The cells of one revision on one entity, from all its hits as they are now. */
export function makeCells({ group, scope, value }: Place, slot: number, { subjectOf }: MoveContext): Entity {
  const entities = group.scopes[scope] as Entities;
  const known = entities.get(value);
  const entity: Entity = typeof known === 'object' ? known : { hits: [...hitsOf(known)], cells: [] };
  entities.set(value, entity);
  const { revision } = group.slots[slot] as Slot;
  const cells = createCells(revision.layout);
  for (const handle of new Set(entity.hits)) {
    const subject = subjectOf(handle);
    const role = entityOf(group.kind, subject.fields) === value ? roleOf(revision, subject) : 0;
    if (role !== 0) changeCells(cells, revision.layout, contributionOf(revision, subject, role), 1);
  }
  while (entity.cells.length < slot) entity.cells.push(undefined);
  entity.cells[slot] = cells;
  return entity;
}
