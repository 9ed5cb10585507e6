// The fold's state as it comes back from the window store: rows first, then everything that follows from them.
import type { Rule } from '../model/detector.ts';
import { noneWaiting, wait } from './ahead.ts';
import { restoreAttempts, restoreWord } from './attempt-rows.ts';
import { attemptAt, handlesOf, scopeAt, scopeNumber } from './attempt-table.ts';
import { packedSubject } from './packed-subject.ts';
import { listSignal, listWaiting, makeAllCells, openSlot } from './place.ts';
import { dropSubjects, HEAD_ROW, heldFromS } from './retain.ts';
import { createRevision } from './revision.ts';
import { addRule } from './rules.ts';
import { CLOCK_ROW, type FoldState, type HeldHead, subjectOfSignal } from './state.ts';
import { attemptSubject } from './subjects.ts';
import type { KeptRow, Row } from './window-store.ts';

/** Takes rows of the store, in the order it gives them and in any pages; `finishRestore` makes the cells. */
export function restoreRows(state: FoldState, rows: readonly Row[]): void {
  for (const row of rows) {
    if (row.kind === 'attempts') restoreAttempts(state, row.bytes);
    else if (row.kind === 'mark') restoreMark(state, row);
    else if (row.value !== null) addRule(state.detectors, JSON.parse(row.value) as Rule);
  }
}

function restoreMark(state: FoldState, { id, value }: KeptRow): void {
  if (restoreWord(state, id, value)) return;
  if (id === CLOCK_ROW && value !== null) Object.assign(state, JSON.parse(value));
  else if (id.startsWith(HEAD_ROW)) restoreHead(state, id.slice(HEAD_ROW.length), value);
}

function restoreHead(state: FoldState, id: string, value: string | null): void {
  if (value === null) state.heads.delete(id);
  else state.heads.set(id, JSON.parse(value) as HeldHead);
}

/** Makes the cells of everything restored. */
export function finishRestore(state: FoldState): void {
  dropSubjects(state, heldFromS(state));
  for (const rules of state.detectors.values()) {
    for (const { settings, revision: number } of rules.versions) {
      if (settings === null || rules.revisions.has(number)) continue;
      const revision = createRevision(number, settings);
      rules.revisions.set(number, revision);
      openSlot(state, rules, revision);
    }
  }
  const waiting = noneWaiting();
  for (const handle of handlesOf(state.attempts)) {
    const scope = scopeAt(state.attempts, handle);
    const subject = packedSubject(state.attempts, handle) ?? attemptSubject(attemptAt(state.attempts, handle, true));
    if (wait(waiting, { handle, scope }, subject)) listWaiting(state, waiting);
  }
  listWaiting(state, waiting);
  for (const [handle, { merged }] of state.signalByHandle) {
    const scope = scopeNumber(state.attempts, merged);
    listSignal(state, { handle, scope }, subjectOfSignal(state, merged));
  }
  makeAllCells(state);
}
