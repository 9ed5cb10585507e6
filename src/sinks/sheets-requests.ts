// Requests that put rows into a tab: inserted under the header together with their marks, or rewritten where they stand.
// Only the program's own columns are written, each run of neighbours by one request. Pure.
import type { Incident } from '../model/incident.ts';
import { APP_COLUMNS, COLUMNS, type Column, ID_COLUMN, rowOf, VERDICT_COLUMN } from './rows.ts';
import { cellData, EMPTY, WRITTEN_FIELDS } from './rows-cells.ts';
import { choiceRule } from './setup-requests.ts';
import { VERDICT_CHOICES } from './setup-tabs.ts';
import type { Request } from './sheets-client.ts';
import { incidentNumber, markRow } from './sheets-layout.ts';
import type { TabView } from './sheets-view.ts';

export type WriteContext = {
  readonly consoleUrl: string;
  readonly timeZone: string;
  /** What is wrong with what analysts wrote beside an incident; null: nothing. */
  readonly problemOf: (id: string) => string | null;
};

/** One row to be rewritten. `withId`: also its id, which somebody has overwritten. */
export type Rewrite = {
  readonly incident: Incident;
  readonly view: TabView;
  readonly row: number;
  readonly withId: boolean;
};

export function rewriteRow({ incident, view, row, withId }: Rewrite, context: WriteContext): readonly Request[] {
  const columns = withId ? APP_COLUMNS : APP_COLUMNS.filter(({ id }) => id !== ID_COLUMN);
  return writeRows([incident], columns, { view, row, context });
}

/** New rows in the order given, the first one directly under the header. All or none, and never twice. */
export function insertRows(incidents: readonly Incident[], view: TabView, context: WriteContext): readonly Request[] {
  if (incidents.length === 0) return [];
  const { sheetId } = view.tab;
  const row = view.headerRow + 1;
  const endIndex = row + incidents.length;
  const verdict = columnIndex(view, VERDICT_COLUMN);
  return [
    {
      insertDimension: {
        range: { sheetId, dimension: 'ROWS', startIndex: row, endIndex },
        // Formats come from the row below, not from the header, unless there is none.
        inheritFromBefore: row >= view.rowCount,
      },
    },
    ...writeRows(incidents, APP_COLUMNS, { view, row, context }),
    ...(verdict === null
      ? []
      : [
          {
            setDataValidation: {
              range: {
                sheetId,
                startRowIndex: row,
                endRowIndex: endIndex,
                startColumnIndex: verdict,
                endColumnIndex: verdict + 1,
              },
              rule: choiceRule(VERDICT_CHOICES),
            },
          },
        ]),
    ...incidents.flatMap(({ id }, n) => {
      const number = incidentNumber(id);
      return number === null ? [] : [markRow(number, sheetId, row + n)];
    }),
  ];
}

function columnIndex({ tab }: Pick<TabView, 'tab'>, columnId: string): number | null {
  const column = COLUMNS.find(({ id }) => id === columnId);
  return column === undefined ? null : (tab.columns.get(column.number) ?? null);
}

type Place = { readonly view: TabView; readonly row: number; readonly context: WriteContext };

function writeRows(
  incidents: readonly Incident[],
  columns: readonly Column[],
  { view, row, context }: Place,
): readonly Request[] {
  const rows = incidents.map((incident) => rowOf(incident, { ...context, problem: context.problemOf(incident.id) }));
  return runsOf(view, columns).map(({ start, ids }) => ({
    updateCells: {
      start: { sheetId: view.tab.sheetId, rowIndex: row, columnIndex: start },
      rows: rows.map((cells) => ({ values: ids.map((id) => cellData(cells.get(id) ?? EMPTY, context.timeZone)) })),
      fields: WRITTEN_FIELDS,
    },
  }));
}

type Run = { readonly start: number; readonly ids: string[] };

/** The columns as they stand in the tab, neighbours together. */
function runsOf({ tab }: TabView, columns: readonly Column[]): readonly Run[] {
  const placed = columns
    .flatMap(({ id, number }) => {
      const index = tab.columns.get(number);
      return index === undefined ? [] : [{ id, index }];
    })
    .sort((a, b) => a.index - b.index);
  const runs: Run[] = [];
  for (const { id, index } of placed) {
    const run = runs.at(-1);
    if (run !== undefined && run.start + run.ids.length === index) run.ids.push(id);
    else runs.push({ start: index, ids: [id] });
  }
  return runs;
}
