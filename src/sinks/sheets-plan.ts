// What is to be written for a batch of incidents, given how the rows stand: rewritten where the row is, inserted if it is
// new, left alone if somebody deleted the row. Pure.
import type { Item } from '../deliveries/sink.ts';
import type { DeliveryPlace } from '../model/delivery.ts';
import type { Incident } from '../model/incident.ts';
import { a1Of } from './sheets-a1.ts';
import type { Request } from './sheets-client.ts';
import { fenceAfter, incidentNumber } from './sheets-layout.ts';
import { insertRows, type Rewrite, rewriteRow, type WriteContext } from './sheets-requests.ts';
import type { TabView, View } from './sheets-view.ts';

/** A row of a tab that was read. */
export type Located = { readonly view: TabView; readonly row: number };

/**
 * Incidents whose mark is in the sheet, by number: with the row whose id somebody has overwritten; null: the mark stands at
 * another row or an empty one, as sorting may leave it.
 */
export type MarkedRows = ReadonlyMap<number, Located | null>;

export type Sorted = {
  readonly rewrites: readonly (Rewrite & { readonly item: Item | null })[];
  /** New ones. */
  readonly inserts: readonly Item[];
  /** Their row is not there by its id; whether its mark is has to be asked. */
  readonly missing: readonly Item[];
  readonly gone: readonly Item[];
  /** Found although nothing was recorded: they were written before a crash, or by another installation. */
  readonly adopted: readonly Item[];
};

export type SortContext = {
  readonly spreadsheetId: string;
  /** null: not asked yet. */
  readonly marked: MarkedRows | null;
};

/** `others`: incidents whose rows may hold what belongs to another, to be written again. */
export function sortOut(
  view: View,
  items: readonly Item[],
  { others, ...context }: SortContext & { readonly others: readonly Incident[] },
): Sorted {
  const sorted = { rewrites: [] as Sorted['rewrites'][number][], inserts: [] as Item[], missing: [] as Item[] };
  const gone: Item[] = [];
  const adopted: Item[] = [];
  for (const item of items) {
    const { incident } = item;
    const place = standingPlace(item, view, context.spreadsheetId);
    const found = findRow(view, incident.id);
    const wasMarked = context.marked?.get(incidentNumber(incident.id) ?? 0);
    if (found !== null) {
      if (place === null) adopted.push(item);
      sorted.rewrites.push({ incident, item, withId: false, ...found });
    } else if (place?.deletedAt !== undefined) gone.push(item);
    else if (place === null && wasMarked === undefined) sorted.inserts.push(item);
    else if (context.marked === null) sorted.missing.push(item);
    else {
      if (!wasMarked) gone.push(item);
      else sorted.rewrites.push({ incident, item, withId: true, ...wasMarked });
    }
  }
  const listed = new Set(items.map(({ incident }) => incident.id));
  for (const incident of others) {
    const found = listed.has(incident.id) ? null : findRow(view, incident.id);
    if (found !== null) sorted.rewrites.push({ incident, item: null, withId: false, ...found });
  }
  return { ...sorted, gone, adopted };
}

/** What is recorded of a row counts only for this spreadsheet, and while its tab is there. */
function standingPlace({ place }: Item, { known }: View, spreadsheetId: string): DeliveryPlace | null {
  if (place === null || place.spreadsheet !== spreadsheetId) return null;
  return known.some(({ sheetId }) => sheetId === place.gid) ? place : null;
}

export function findRow(view: View, id: string): Located | null {
  // The newest tab first: that is where most rows are asked for.
  for (const tab of [...view.tabs].reverse()) {
    const row = tab.rows.get(id);
    if (row !== undefined) return { view: tab, row };
  }
  return null;
}

export type Write = {
  readonly requests: readonly Request[];
  /** A1 ranges whose values the answer shows: the headers, and the id of each rewritten row. */
  readonly show: readonly string[];
  readonly rewrites: readonly (Sorted['rewrites'][number] & { readonly rowAfter: number })[];
  readonly inserts: readonly { readonly item: Item; readonly view: TabView; readonly rowAfter: number }[];
  readonly headers: readonly { readonly view: TabView; readonly row: number }[];
};

export function planWrite(view: View, { rewrites, inserts }: Sorted, context: WriteContext): Write | null {
  const last = view.tabs.at(-1);
  if (last === undefined || rewrites.length + inserts.length === 0) return null;
  // The newest incident on top.
  const ordered = [...inserts].sort((a, b) => numberOf(b) - numberOf(a));
  const shifted = rewrites.map((rewrite) => {
    const isBelow = rewrite.view === last && rewrite.row > last.headerRow;
    return { ...rewrite, rowAfter: rewrite.row + (isBelow ? ordered.length : 0) };
  });
  const touched = [...new Set([...rewrites.map(({ view: tab }) => tab), ...(ordered.length > 0 ? [last] : [])])];
  const headers = touched.map((tab) => ({ view: tab, row: tab.headerRow }));
  return {
    requests: [
      ...fenceAfter(view.fence),
      ...rewrites.flatMap((rewrite) => rewriteRow(rewrite, context)),
      ...insertRows(
        ordered.map(({ incident }) => incident),
        last,
        context,
      ),
    ],
    show: [
      ...headers.map(({ view: tab, row }) =>
        a1Of({ title: tab.title, row, endRow: row + 1, column: 0, endColumn: Math.max(1, tab.headers.length) }),
      ),
      ...shifted.map(({ view: tab, rowAfter }) => idCell(tab, rowAfter)),
    ],
    rewrites: shifted,
    inserts: ordered.map((item, n) => ({ item, view: last, rowAfter: last.headerRow + 1 + n })),
    headers,
  };
}

const numberOf = ({ incident }: Item): number => incidentNumber(incident.id) ?? 0;

export const ID_NUMBER = 1;

function idCell({ tab, title }: TabView, row: number): string {
  const column = tab.columns.get(ID_NUMBER) ?? 0;
  return a1Of({ title, row, endRow: row + 1, column, endColumn: column + 1 });
}

export function placeOf(spreadsheetId: string, { tab, title }: TabView, row: number): DeliveryPlace {
  const gid = tab.sheetId;
  const url = `https://docs.google.com/spreadsheets/d/${spreadsheetId}/edit#gid=${gid}&range=${row + 1}:${row + 1}`;
  return { spreadsheet: spreadsheetId, tab: title, gid, row: row + 1, url };
}
