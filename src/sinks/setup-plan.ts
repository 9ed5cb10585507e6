// What a spreadsheet lacks, as steps: get what is there, add what is missing, change nothing else. People restyle, rename
// and move; a second run plans nothing. Pure.

import {
  dropDown,
  headerStyle,
  openRanges,
  type Placed,
  protect,
  widthRequest,
  writeHeaders,
} from './setup-requests.ts';
import { colorRules, type TabColumn, type TabForm } from './setup-tabs.ts';
import { columnLetters } from './sheets-a1.ts';
import type { Request } from './sheets-client.ts';
import { type MarkedTab, markBook, markColumn, markHeader, markTab } from './sheets-layout.ts';

/** A tab as it is. Indices count from 0. */
export type SeenTab = {
  readonly sheetId: number;
  readonly title: string;
  readonly columnCount: number;
  /** Texts of the row that holds the headers (marked, else the first). */
  readonly headers: readonly string[];
  /** Columns whose first row under the headers has a drop-down. */
  readonly dropDowns: ReadonlySet<number>;
  readonly colorRules: number;
  /** Of the program's own protection; null: there is none. */
  readonly protection: { readonly id: number; readonly openColumns: readonly number[] } | null;
};

export type Step = { readonly what: string; readonly requests: readonly Request[] };

const FRESH_ROWS = 1_000;

export type PlanTab = {
  readonly form: TabForm;
  readonly marked: MarkedTab | null;
  readonly seen: readonly SeenTab[];
  /** The service account. */
  readonly email: string;
  /** False: only what the rows need; true: also drop-downs, protection and colours. */
  readonly isWhole: boolean;
  /** For a tab to be made: one that no tab ever had, so that what is recorded of a deleted tab is not taken for its rows. */
  readonly freshSheetId: number;
  /** In the sheet's time zone, now. */
  readonly year: number;
  /** Written once, when the tab is made, and never again: it is the analysts' from then on. */
  readonly content?: (sheetId: number) => readonly Request[];
};

export function planBook(spreadsheetId: string, book: string | null): readonly Step[] {
  if (book === spreadsheetId) return [];
  return [{ what: 'marked the sheet as this installation’s', requests: [markBook(spreadsheetId, book !== null)] }];
}

export function planTab(plan: PlanTab): readonly Step[] {
  const { form, marked, seen } = plan;
  const own = seen.find(({ sheetId }) => sheetId === marked?.sheetId);
  if (own !== undefined && marked !== null) return repair(plan, own, marked);
  const sameTitle = seen.find(({ title }) => title === form.title);
  const key = form.key;
  if (sameTitle !== undefined && isAdoptable(sameTitle, form)) {
    const empty: MarkedTab = { key, sheetId: sameTitle.sheetId, headerRow: null, columns: new Map(), year: plan.year };
    const adopt = { what: `took over the tab ${form.title}`, requests: [markTab(key, sameTitle.sheetId, plan.year)] };
    return [adopt, ...repair(plan, sameTitle, empty)];
  }
  return [create(plan, titleOf(plan))];
}

/** What the tab is called, or will be. */
export function titleOf({ form, marked, seen }: Pick<PlanTab, 'form' | 'marked' | 'seen'>): string {
  const own = seen.find(({ sheetId }) => sheetId === marked?.sheetId);
  if (own !== undefined) return own.title;
  const sameTitle = seen.find(({ title }) => title === form.title);
  return sameTitle !== undefined && isAdoptable(sameTitle, form) ? form.title : freeTitle(form.title, seen);
}

const isAdoptable = ({ headers }: SeenTab, { keyHeader }: TabForm): boolean =>
  headers.every((header) => header === '') || (keyHeader !== '' && headers.includes(keyHeader));

function freeTitle(title: string, seen: readonly SeenTab[]): string {
  const taken = new Set(seen.map((tab) => tab.title));
  if (!taken.has(title)) return title;
  for (let n = 1; ; n += 1) {
    const other = `${title} (declinewatch${n === 1 ? '' : ` ${n}`})`;
    if (!taken.has(other)) return other;
  }
}

function create(plan: PlanTab, title: string): Step {
  const { form, seen, email } = plan;
  const taken = new Set(seen.map(({ sheetId }) => sheetId));
  let sheetId = plan.freshSheetId;
  while (taken.has(sheetId)) sheetId += 1;
  const { columns, key } = form;
  const gridProperties = { rowCount: FRESH_ROWS, columnCount: Math.max(columns.length, 26), frozenRowCount: 1 };
  const placed = columns.map((column, index) => ({ column, index }));
  const at = (id: string): number | null => placed.find(({ column }) => column.id === id)?.index ?? null;
  const widths = placed.map(({ column, index }) => widthRequest(sheetId, index, column.width));
  const styles: readonly Request[] =
    columns.length === 0 ? [] : [headerStyle(sheetId, columns.length), protect(sheetId, openOf(placed), email)];
  return {
    what: `made the tab ${title}`,
    requests: [
      { addSheet: { properties: { sheetId, title, gridProperties } } },
      markTab(key, sheetId, plan.year),
      ...(columns.length === 0 ? [] : [writeHeaders(sheetId, 0, placed), markHeader(key, sheetId, 0)]),
      ...placed.map(({ column, index }) => markColumn(key, sheetId, { number: column.number, index })),
      ...widths,
      ...placed.flatMap(({ column, index }) => dropDown(sheetId, index, column)),
      ...styles,
      ...(key.name === 'incidents' ? colorRules(sheetId, at) : []),
      ...(plan.content?.(sheetId) ?? []),
    ],
  };
}

/** Headers, columns and, if asked for, what makes it comfortable. */
function repair(plan: PlanTab, seen: SeenTab, marked: MarkedTab): readonly Step[] {
  const { form, isWhole } = plan;
  if (form.columns.length === 0) return [];
  const { sheetId } = seen;
  const header = headerOf(form, seen, marked);
  const steps: Step[] = header.step === null ? [] : [header.step];
  const { placed, lacking } = place(form, seen, marked);
  const unmarked = placed.filter(({ column }) => !marked.columns.has(column.number));
  const added = lacking.map((column, n) => ({ column, index: header.firstFree + n }));
  if (added.length > 0) {
    const end = header.firstFree + added.length;
    const missing = end - seen.columnCount;
    const grow: readonly Request[] =
      missing > 0 ? [{ appendDimension: { sheetId, dimension: 'COLUMNS', length: missing } }] : [];
    steps.push({
      what: `added to ${seen.title}: ${added.map(({ column }) => column.header).join(', ')}`,
      requests: [
        ...grow,
        writeHeaders(sheetId, header.row, added),
        ...added.map(({ column, index }) => widthRequest(sheetId, index, column.width)),
      ],
    });
  }
  const marks = [...unmarked, ...added].map(({ column, index }) =>
    markColumn(form.key, sheetId, { number: column.number, index }),
  );
  if (marks.length > 0) steps.push({ what: `marked ${marks.length} columns of ${seen.title}`, requests: marks });
  if (isWhole) steps.push(...comfort(plan, seen, { placed: [...placed, ...added], headerRow: header.row }));
  return steps;
}

type Header = {
  readonly row: number;
  /** The first column that nobody uses. */
  readonly firstFree: number;
  readonly step: Step | null;
};

function headerOf(form: TabForm, seen: SeenTab, marked: MarkedTab): Header {
  const { sheetId, title, headers } = seen;
  const used =
    Math.max(
      headers.findLastIndex((header) => header !== ''),
      ...marked.columns.values(),
      -1,
    ) + 1;
  if (marked.headerRow !== null) return { row: marked.headerRow, firstFree: used, step: null };
  if (headers.includes(form.keyHeader) || headers.every((header) => header === ''))
    return {
      row: 0,
      firstFree: used,
      step: { what: `marked the headers of ${title}`, requests: [markHeader(form.key, sheetId, 0)] },
    };
  // The header row was deleted: what is first now is a row of somebody's.
  const known = form.columns.flatMap((column) => {
    const index = marked.columns.get(column.number);
    return index === undefined ? [] : [{ column, index }];
  });
  return {
    row: 0,
    firstFree: used,
    step: {
      what: `put the headers back into ${title}`,
      requests: [
        {
          insertDimension: {
            range: { sheetId, dimension: 'ROWS', startIndex: 0, endIndex: 1 },
            inheritFromBefore: false,
          },
        },
        ...known.map((one) => writeHeaders(sheetId, 0, [one])),
        markHeader(form.key, sheetId, 0),
        {
          updateSheetProperties: {
            properties: { sheetId, gridProperties: { frozenRowCount: 1 } },
            fields: 'gridProperties.frozenRowCount',
          },
        },
      ],
    },
  };
}

/** Where each column stands: by its mark, else by its header if that is not another's. */
function place(
  form: TabForm,
  seen: SeenTab,
  marked: MarkedTab,
): { readonly placed: readonly Placed[]; readonly lacking: readonly TabColumn[] } {
  const taken = new Set(marked.columns.values());
  const placed: Placed[] = [];
  const lacking: TabColumn[] = [];
  for (const column of form.columns) {
    const byMark = marked.columns.get(column.number);
    const byHeader = seen.headers.findIndex((header, index) => header === column.header && !taken.has(index));
    const index = byMark ?? (byHeader === -1 ? null : byHeader);
    if (index === null) lacking.push(column);
    else {
      taken.add(index);
      placed.push({ column, index });
    }
  }
  return { placed, lacking };
}

const openOf = (placed: readonly Placed[]): readonly number[] =>
  placed
    .filter(({ column }) => column.isOpen)
    .map(({ index }) => index)
    .sort((a, b) => a - b);

function comfort(
  { form, email }: PlanTab,
  seen: SeenTab,
  { placed, headerRow }: { readonly placed: readonly Placed[]; readonly headerRow: number },
): readonly Step[] {
  const { sheetId, title } = seen;
  const steps: Step[] = [];
  for (const { column, index } of placed) {
    if (column.choices.length === 0 || seen.dropDowns.has(index)) continue;
    steps.push({
      what: `put the drop-down into ${title} column ${columnLetters(index)}`,
      requests: dropDown(sheetId, index, column, headerRow),
    });
  }
  const open = openOf(placed);
  if (seen.protection === null)
    steps.push({ what: `protected the program’s columns of ${title}`, requests: [protect(sheetId, open, email)] });
  else if (open.join() !== seen.protection.openColumns.join())
    steps.push({
      what: `opened the analysts’ columns of ${title}`,
      requests: [
        {
          updateProtectedRange: {
            protectedRange: { protectedRangeId: seen.protection.id, unprotectedRanges: openRanges(sheetId, open) },
            fields: 'unprotectedRanges',
          },
        },
      ],
    });
  const at = (id: string): number | null => placed.find(({ column }) => column.id === id)?.index ?? null;
  if (form.key.name === 'incidents' && seen.colorRules === 0)
    steps.push({ what: `coloured ${title} by severity and status`, requests: colorRules(sheetId, at) });
  return steps;
}
