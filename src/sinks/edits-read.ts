// What an analyst's edit asks for: the cells of a row compared with what was taken from them before. Pure.
import type { IncidentAction } from '../model/commands.ts';
import { type Incident, NOTE_MAX_CHARACTERS, VERDICTS, type Verdict } from '../model/incident.ts';
import { VERDICT_WORDS } from '../model/words.ts';
import type { WrittenRow } from './sheets-view.ts';

export type EditedColumn = 'verdict' | 'owner' | 'notes';

/** What was taken last from each of the cells of a row: a command, or a refusal that its author can see. */
export type Taken = Readonly<Record<EditedColumn, string>>;

export type Edit =
  /** Commands to be appended in this order. */
  | { readonly column: EditedColumn; readonly value: string; readonly asks: readonly IncidentAction[] }
  /** For the author, in the row's status. */
  | { readonly column: EditedColumn; readonly value: string; readonly problem: string };

type SheetChange = { readonly type: string; readonly data: Readonly<Record<string, unknown>> };

/** From the incident's timeline: what the sheet has asked for by the end of it. For a process that starts. */
export function takenOf(changes: Iterable<SheetChange>): Taken {
  let taken: Taken = { verdict: '', owner: '', notes: '' };
  for (const { type, data } of changes) {
    if (type === 'resolved') taken = { ...taken, verdict: String(data.verdict ?? '') };
    else if (type === 'assigned') taken = { ...taken, owner: String(data.owner ?? '') };
    else if (type === 'noted') taken = { ...taken, notes: String(data.note ?? '') };
  }
  return taken;
}

/** As it is compared: a verdict by its code, however it was written. */
function cellValue(row: WrittenRow, column: EditedColumn): string {
  return column === 'verdict' ? (verdictOf(row.verdict) ?? row.verdict) : row[column];
}

const COLUMNS: readonly EditedColumn[] = ['owner', 'notes', 'verdict'];

/** Owner and note first: the verdict may end the incident. */
export function editsOf(row: WrittenRow, incident: Incident, taken: Taken): readonly Edit[] {
  return COLUMNS.flatMap((column): readonly Edit[] => {
    const value = cellValue(row, column);
    return value === taken[column] ? [] : [editOf(column, value, incident)];
  });
}

function editOf(column: EditedColumn, value: string, incident: Incident): Edit {
  if (column === 'verdict') return verdictEdit(value, incident);
  if (column === 'owner') {
    const owner = value === '' ? null : value;
    const asks: readonly IncidentAction[] =
      owner === incident.owner ? [] : [{ type: 'assign', incident: incident.id, owner }];
    return { column, value, asks };
  }
  if ([...value].length > NOTE_MAX_CHARACTERS)
    return { column, value, problem: `Notes: at most ${NOTE_MAX_CHARACTERS} characters` };
  // What was said stays said: clearing the cell takes nothing back.
  return { column, value, asks: value === '' ? [] : [{ type: 'note', incident: incident.id, note: value }] };
}

function verdictEdit(value: string, { id, status, resolved }: Incident): Edit {
  const column = 'verdict';
  if (value === '') return { column, value, asks: [] };
  const verdict = VERDICTS.find((one) => one === value);
  if (verdict === undefined) {
    const choices = VERDICTS.map((one) => VERDICT_WORDS[one]).join(', ');
    return { column, value, problem: `Verdict “${value.slice(0, 60)}” is none of: ${choices}` };
  }
  const resolve: IncidentAction = { type: 'resolve', incident: id, verdict, note: '' };
  if (status !== 'resolved') return { column, value, asks: [resolve] };
  if (resolved?.verdict === verdict) return { column, value, asks: [] };
  return { column, value, asks: [{ type: 'reopen', incident: id }, resolve] };
}

const plain = (text: string): string =>
  text
    .trim()
    .toLowerCase()
    .replace(/[\s_]+/g, ' ');

/** By its code or its words, in any case; null: it is none. */
function verdictOf(text: string): Verdict | null {
  const wanted = plain(text);
  return VERDICTS.find((verdict) => plain(verdict) === wanted || plain(VERDICT_WORDS[verdict]) === wanted) ?? null;
}
