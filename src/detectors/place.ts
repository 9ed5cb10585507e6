// Puts attempts and signals where the detectors count them: on their entities, in every revision's cells.
import type { MergedSignal } from '../attempts/merge.ts';
import { takeWaiting, type Waiting } from './ahead.ts';
import { handlesOf } from './attempt-table.ts';
import {
  assertJudged,
  type Group,
  isPlain,
  judge,
  listJudged,
  type MoveContext,
  makeCells,
  mayBreach,
  type Place,
  retract,
  type Slot,
  type Touched,
  watch,
} from './entities.ts';
import { addHit, capacityOf, countOf, isListed, newestHit, noteOf } from './hit-table.ts';
import { cellsIn } from './keys.ts';
import type { Revision } from './revision.ts';
import { type DetectorRules, leastHits } from './rules.ts';
import { type FoldState, groupOf, type HeldSignal, idInScope, scopeOfHandle, subjectOf, timeOf } from './state.ts';
import { entityOf, roleOf, type Subject } from './subjects.ts';

/** For all detectors that count its sort; while the state still holds the subject as it was before. */
export function retractAll(
  { groups }: FoldState,
  on: Group['on'],
  place: Place,
  change: { readonly before: Subject; readonly after: Subject },
  context: MoveContext,
): void {
  for (const group of groups.values()) if (group.on === on) retract(group, place, change, context);
}

/** For all detectors that count its sort; once the state holds the subject as it is now. Attempts must not be waiting. */
export function assertAll(
  { groups }: FoldState,
  on: Group['on'],
  place: Place,
  subject: Subject,
  context: MoveContext,
): void {
  for (const group of groups.values()) {
    if (group.on !== on) continue;
    judge(group, 0, place.scope, subject);
    assertJudged(group, 0, { place, subject }, context);
  }
}

/** The same for attempts that wait. */
export function assertWaiting({ groups }: FoldState, waiting: Waiting, context: MoveContext): void {
  takeWaiting(groups.values(), waiting, (group, at, place, subject) =>
    assertJudged(group, at, { place, subject }, context),
  );
}

/** Attempts that wait, before the cells are made. */
export function listWaiting({ groups }: FoldState, waiting: Waiting): void {
  takeWaiting(groups.values(), waiting, (group, at, { handle }) => listJudged(group, at, handle));
}

/** A signal, before the cells are made. */
export function listSignal({ groups }: FoldState, { handle, scope }: Place, subject: Subject): void {
  for (const group of groups.values()) {
    if (group.on !== 'signal') continue;
    judge(group, 0, scope, subject);
    listJudged(group, 0, handle);
  }
}

/** The cells of whatever has enough hits for some, and none yet. */
export function makeAllCells(state: FoldState): void {
  for (const group of state.groups.values())
    for (let slot = 0; slot < group.slots.length; slot++) makeMissingCells(state, group, slot);
}

export function contextOf(state: FoldState, touched: MoveContext['touched']): MoveContext {
  return {
    subjectOf: (on, handle) => subjectOf(state, on, handle),
    timeOf: (on, handle) => timeOf(state, on, handle),
    touched,
    batch: state.batch,
  };
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
  const { hits } = group;
  const slot = group.slots.length - 1;
  const handles = on === 'attempt' ? handlesOf(state.attempts) : state.signalByHandle.keys();
  for (const handle of handles) {
    const subject = subjectOf(state, on, handle);
    const value = entityOf(per, subject.fields);
    const role = value === null ? 0 : roleOf(revision, subject);
    if (value === null || role === 0) continue;
    const scope = scopeOfHandle(state, on, handle);
    // The bits of what was not listed before are nobody's.
    if (!isListed(hits, handle)) hits.bits[handle] = 0;
    addHit(hits, handle, scope, value);
    if (isPlain(revision, role, slot)) hits.bits[handle] = (hits.bits[handle] ?? 0) | (1 << slot);
  }
  makeMissingCells(state, group, slot);
}

/** A place for the cells of a revision, on each entity that gets some. */
export function openSlot(state: FoldState, rules: DetectorRules, revision: Revision): Group {
  const group = groupOf(state, revision.settings.on, revision.settings.per);
  rules.homes.push({ revision, group, slot: group.slots.length });
  group.slots.push({ revision, least: leastHits(rules, revision) });
  return group;
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
  const { on, kind, hits, watched } = group;
  const end = capacityOf(hits);
  for (let number = 0; number < end; number++) {
    // Numbers without hits are no entities.
    if (countOf(hits, number) < Math.max(least, 1)) continue;
    if (watched[noteOf(hits, number)]?.cells[slot] !== undefined) continue;
    if (!mayBreach(group, number, { slot, least, around: null }, context)) continue;
    const newest = newestHit(hits, number);
    const value = entityOf(kind, subjectOf(state, on, newest).fields);
    if (value === null) throw new Error('a hit on no entity');
    watch(group, number, scopeOfHandle(state, on, newest), value);
    makeCells(group, number, slot, context);
  }
}

/** Cells of a detector with anything at or after a second. */
export function touchFrom(state: FoldState, rules: DetectorRules, fromS: number, touched: Touched[]): void {
  for (const { group, entity, revision, cells } of cellsIn(state)) {
    if (revision.detector !== rules.name) continue;
    const { list } = cells;
    if ((list[list.length - revision.layout.stride] ?? -1) < fromS || cells.touchedIn === state.batch) continue;
    cells.touchedIn = state.batch;
    touched.push({ group, entity, revision });
  }
}
