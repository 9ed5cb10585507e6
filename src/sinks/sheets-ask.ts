// What has to be asked of the sheet before something is written: where marks are, what a column holds, whether rows that
// nobody here remembers are this installation's.
import type { Item } from '../deliveries/sink.ts';
import { COLUMNS, OPENED_COLUMN } from './rows.ts';
import { serialOf } from './rows-cells.ts';
import type { SheetsApi } from './sheets-client.ts';
import { SheetsError } from './sheets-errors.ts';
import { byId, columnId, incidentNumber } from './sheets-layout.ts';
import { findRow, type Located, type MarkedRows, type Sorted } from './sheets-plan.ts';
import type { View } from './sheets-view.ts';

export type Asking = { readonly api: SheetsApi; readonly view: View; readonly signal: AbortSignal };

/** Where the marks of these incidents' rows are. A row whose id was overwritten still shows when its incident opened. */
export async function readMarkedRows({ api, view, signal }: Asking, items: readonly Item[]): Promise<MarkedRows> {
  const incidents = new Map(items.map(({ incident }) => [incidentNumber(incident.id) ?? 0, incident]));
  const found = await api.metadata([...incidents.keys()].map(byId), signal);
  const places = found.flatMap(({ metadataId, location }) => {
    const { sheetId, startIndex } = location?.dimensionRange ?? {};
    const tab = view.tabs.find((one) => one.tab.sheetId === (sheetId ?? 0));
    const row = startIndex ?? 0;
    const isNameless = tab !== undefined && row !== tab.headerRow && incidentNumber(tab.ids[row] ?? '') === null;
    return [{ number: metadataId ?? 0, place: isNameless ? { view: tab, row } : null }];
  });
  const nameless = places.flatMap(({ place }) => place ?? []);
  const opened = nameless.length === 0 ? null : await readColumn(api, OPENED_COLUMN, nameless, signal);
  return new Map(
    places.map(({ number, place }) => {
      const openedAt = incidents.get(number)?.openedAt ?? 0;
      const cell = place === null ? null : opened?.(place);
      const isIts = typeof cell === 'number' && isOpenedThen(cell, serialOf(openedAt, view.timeZone));
      return [number, isIts ? place : null];
    }),
  );
}

/** One read: what stands in a column, by row. */
export async function readColumn(
  api: SheetsApi,
  id: string,
  places: readonly Located[],
  signal: AbortSignal,
): Promise<(place: Located) => unknown> {
  const number = COLUMNS.find((column) => column.id === id)?.number ?? 0;
  const tabs = [...new Set(places.map(({ view }) => view))];
  const filters = tabs.map(({ tab }) => byId(columnId(tab.key, number)));
  const ranges = filters.length === 0 ? [] : await api.values(filters, signal);
  return ({ view: { tab }, row }) => {
    const wanted = columnId(tab.key, number);
    const matched = ranges.find(({ dataFilters = [] }) =>
      dataFilters.some(({ developerMetadataLookup: look }) => look?.metadataId === wanted),
    );
    return matched?.valueRange?.values?.[row]?.[0];
  };
}

/** Rows that nobody here remembers must be this installation's: the same number opened at another time is not. */
export async function refuseForeign(
  { api, view, signal }: Asking,
  { adopted }: Pick<Sorted, 'adopted'>,
): Promise<void> {
  const places = adopted.flatMap(({ incident }) => {
    const found = findRow(view, incident.id);
    return found === null ? [] : [{ incident, ...found }];
  });
  if (places.length === 0) return;
  const opened = await readColumn(api, OPENED_COLUMN, places, signal);
  for (const place of places) {
    const { incident } = place;
    if (isOpenedThen(opened(place), serialOf(incident.openedAt, view.timeZone))) continue;
    throw new SheetsError({
      code: 'sheet_of_another',
      message: `${incident.id} in this sheet is another installation’s: it opened at another time.`,
      help: 'Give this installation a sheet of its own: make one, share it, and set GOOGLE_SHEET_ID.',
      sent: 'no',
    });
  }
}

const DAY_S = 86_400;
const QUARTER_S = 900;

/** A cell that was overwritten proves nothing; one written in another time zone differs by whole quarters of an hour. */
function isOpenedThen(cell: unknown, serial: number): boolean {
  if (typeof cell !== 'number') return true;
  const apartS = Math.abs(cell - serial) * DAY_S;
  const offS = apartS % QUARTER_S;
  return apartS <= 2 || (apartS <= 27 * 3600 && Math.min(offS, QUARTER_S - offS) <= 2);
}
