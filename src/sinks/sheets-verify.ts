// Whether a write met the rows it was meant for: people move rows in the moment between reading and writing. Google shows
// in its answer what stands in the id cells and in the headers afterwards.
import type { Spreadsheet } from './sheets-client.ts';
import { incidentNumber } from './sheets-layout.ts';
import { ID_NUMBER, type Write } from './sheets-plan.ts';

export type Verified = {
  /** Incidents whose row was met. */
  readonly met: ReadonlySet<string>;
  /** Ids in whose rows another incident's cells were written. */
  readonly spoilt: ReadonlySet<string>;
  /** The columns are where they were taken to be. */
  readonly areColumnsMet: boolean;
};

export function verifyWrite({ rewrites, headers }: Write, shown: Spreadsheet | null): Verified {
  const cells = cellsOf(shown);
  const met = new Set<string>();
  const spoilt = new Set<string>();
  for (const { incident, view, rowAfter } of rewrites) {
    const id = cells.get(keyOf(view.tab.sheetId, rowAfter, view.tab.columns.get(ID_NUMBER) ?? 0)) ?? '';
    if (id === incident.id) met.add(incident.id);
    else if (incidentNumber(id) !== null) spoilt.add(id);
  }
  const areColumnsMet = headers.every(({ view, row }) =>
    view.headers.every((header, column) => (cells.get(keyOf(view.tab.sheetId, row, column)) ?? '') === header),
  );
  return { met, spoilt, areColumnsMet };
}

const keyOf = (sheetId: number, row: number, column: number): string => `${sheetId}/${row}/${column}`;

function cellsOf(shown: Spreadsheet | null): ReadonlyMap<string, string> {
  const cells = new Map<string, string>();
  for (const { properties, data = [] } of shown?.sheets ?? [])
    for (const { startRow, startColumn, rowData = [] } of data)
      rowData.forEach(({ values = [] }, down) => {
        values.forEach(({ userEnteredValue }, right) => {
          const { stringValue, numberValue, boolValue, formulaValue } = userEnteredValue ?? {};
          const text = String(stringValue ?? numberValue ?? boolValue ?? formulaValue ?? '').trim();
          cells.set(keyOf(properties?.sheetId ?? 0, (startRow ?? 0) + down, (startColumn ?? 0) + right), text);
        });
      });
  return cells;
}
