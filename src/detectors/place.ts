// Puts attempts and signals where the detectors count them: on their entities, in every revision's cells.
import type { MergedSignal } from '../attempts/merge.ts';
import { handlesOf, scopeNumber } from './attempt-table.ts';
import type { Cells } from './cells.ts';
import {
  countOf,
  type Group,
  listHit,
  type Move,
  type MoveContext,
  makeCells,
  moveSubject,
  type Slot,
  type Touched,
} from './entities.ts';
import { cellsIn } from './keys.ts';
import { type DetectorRules, leastHits, type Revision } from './rules.ts';
import { type FoldState, groupOf, type HeldSignal, idInScope, subjectOf } from './state.ts';
import { entityOf, roleOf } from './subjects.ts';

/** Retracts what a subject was and asserts what it is, for all detectors that count its sort. */
export function place({ groups }: FoldState, on: Group['on'], move: Move, context: MoveContext): void {
  for (const group of groups.values()) if (group.on === on) moveSubject(group, move, context);
}

export function contextOf(state: FoldState, touched: MoveContext['touched']): MoveContext {
  return { subjectOf: (on, handle) => subjectOf(state, on, handle), touched };
}

/** Holds a signal, new or changed, and remembers which charge it follows. */
export function holdSignal(state: FoldState, id: string, merged: MergedSignal): HeldSignal {
  const handle = state.signals.get(id)?.handle ?? state.nextSignal++;
  const held = { merged, handle };
  state.signals.set(id, held);
  state.signalByHandle.set(handle, held);
  if (merged.charge !== null) {
    const charge = idInScope(merged, merged.charge);
    const followers = state.signalsOfCharge.get(charge) ?? new Set();
    state.signalsOfCharge.set(charge, followers.add(id));
  }
  return held;
}

/** A new revision has cells of its own, made from what the state holds. */
export function addRevision(state: FoldState, rules: DetectorRules, revision: Revision): void {
  const { on, per } = revision.settings;
  const group = openSlot(state, rules, revision);
  const others = group.slots.slice(0, -1);
  const handles = on === 'attempt' ? handlesOf(state.attempts) : state.signalByHandle.keys();
  for (const handle of handles) {
    const subject = subjectOf(state, on, handle);
    const value = entityOf(per, subject.fields);
    if (value === null || roleOf(revision, subject) === 0) continue;
    const isListed = others.some((slot) => roleOf(slot.revision, subject) !== 0);
    if (isListed) continue;
    const scope = scopeOfHandle(state, on, handle);
    listHit(group, { scope, value, known: group.scopes[scope]?.get(value) }, handle);
  }
  makeMissingCells(state, group, group.slots.length - 1);
}

/** A place for the cells of a revision, on each entity that gets some. */
export function openSlot(state: FoldState, rules: DetectorRules, revision: Revision): Group {
  const group = groupOf(state, revision.settings.on, revision.settings.per);
  rules.homes.push({ revision, group, slot: group.slots.length });
  group.slots.push({ revision, least: leastHits(rules, revision) });
  return group;
}

function scopeOfHandle(state: FoldState, on: Group['on'], handle: number): number {
  if (on === 'attempt') return state.attempts.scopeOf[handle] ?? 0;
  const signal = state.signalByHandle.get(handle);
  if (signal === undefined) throw new Error('a handle of no signal');
  return scopeNumber(state.attempts, signal.merged);
}

/** A new version may breach with fewer attempts than those before it: then more entities need cells. */
export function lowerLeast(state: FoldState, rules: DetectorRules): void {
  for (const group of state.groups.values()) {
    group.slots.forEach((slot, i) => {
      if (slot.revision.detector !== rules.name) return;
      const least = leastHits(rules, slot.revision);
      if (least >= slot.least) return;
      slot.least = least;
      makeMissingCells(state, group, i);
    });
  }
}

function makeMissingCells(state: FoldState, group: Group, slot: number): void {
  const context = contextOf(state, null);
  const { least } = group.slots[slot] as Slot;
  group.scopes.forEach((entities, scope) => {
    for (const [value, entity] of entities ?? []) {
      if (countOf(entity) < least || (typeof entity === 'object' && entity.cells[slot] !== undefined)) continue;
      makeCells({ group, scope, value }, slot, context);
    }
  });
}

/** Cells of a detector with anything at or after a second. */
export function touchFrom(state: FoldState, rules: DetectorRules, fromS: number, touched: Map<Cells, Touched>): void {
  for (const { place: where, revision, cells } of cellsIn(state)) {
    if (revision.detector !== rules.name) continue;
    const { list } = cells;
    if ((list[list.length - revision.layout.stride] ?? -1) >= fromS) touched.set(cells, { ...where, revision });
  }
}
