// The tab Curve: what each threshold over each window would have led to, for every detector, written anew whenever it was read.
// The program's alone: it is written whole, so that whatever people did to it is gone the next day.
import type { Logger } from 'pino';
import { createBell } from '../deliveries/bell.ts';
import type { Clock } from '../model/clock.ts';
import type { Surface, SurfacePoint } from '../model/curve.ts';
import { messageOf } from '../model/errors.ts';
import type { Suggestions } from '../model/suggestions.ts';
import { windowText } from '../model/typed-settings.ts';
import { type Cell, cellData, EMPTY, number, text, WRITTEN_FIELDS } from './rows-cells.ts';
import type { Request, SheetsApi } from './sheets-client.ts';
import { fenceAfter, freshSheetId, markTab, readMarks, type TabKey } from './sheets-layout.ts';
import type { SheetsSink } from './sheets-sink.ts';

const HEADERS = [
  'Detector',
  'Window',
  'Lowest threshold',
  'Alerts a week',
  'Precision',
  'from',
  'to',
  'Judged',
  'Missed disputes',
  'Missed warnings',
  'Is',
];
const KEY: TabKey = { name: 'curve', serial: 0 };
const TITLES = ['Curve', 'Curve (declinewatch)', 'Curve (declinewatch 2)'];
/** About 1 MB of requests. */
const ROWS_PER_WRITE = 1_000;
const MOST_ROWS = 20_000;
const SHARE = '0%';

/** The header and one row for each point that alerts. Pure. */
export function curveRows(surfaces: readonly Surface[]): readonly (readonly Cell[])[] {
  const rows = surfaces.flatMap((surface) =>
    surface.points
      .filter((point) => point.alerts > 0 || isSame(point, surface.current))
      .map((point) => rowOf(surface, point)),
  );
  return [HEADERS.map((header) => text(header)), ...rows.slice(0, MOST_ROWS)];
}

const isSame = (a: SurfacePoint, b: SurfacePoint): boolean => a.windowS === b.windowS && a.threshold === b.threshold;

function rowOf({ detector, current, suggestions }: Surface, point: SurfacePoint): readonly Cell[] {
  const { windowS, threshold, perWeek, precision, judged, missedDisputes, missedWarnings } = point;
  const marks = [
    ...(isSame(point, current) ? ['in force'] : []),
    ...suggestions.flatMap(({ name, point: one }) => (isSame(point, one) ? [name.replaceAll('_', ' ')] : [])),
  ];
  const share = (value: number | undefined): Cell => (value === undefined ? EMPTY : number(value, SHARE));
  return [
    text(detector),
    text(windowText(windowS)),
    number(threshold, '0.######'),
    number(perWeek, '0.0'),
    ...[share(precision?.value), share(precision?.low), share(precision?.high)],
    ...[number(judged), number(missedDisputes), number(missedWarnings)],
    text(marks.join(', ')),
  ];
}

/** Makes the tab if it lacks. Rejects with a SheetsError. */
async function writeCurveTab(api: SheetsApi, rows: readonly (readonly Cell[])[], signal: AbortSignal): Promise<void> {
  const marks = await readMarks(api, signal);
  const { sheets = [] } = await api.get('sheets(properties(sheetId,title))', signal);
  const marked = marks.tabs.find(({ key }) => key.name === KEY.name);
  const known = sheets.find(({ properties }) => marked !== undefined && (properties?.sheetId ?? 0) === marked.sheetId);
  const sheetId = known === undefined ? freshSheetId(KEY, marks.fence) : (marked?.sheetId ?? 0);
  const title = TITLES.find((one) => sheets.every(({ properties }) => properties?.title !== one)) ?? `Curve ${sheetId}`;
  const make: readonly Request[] =
    known === undefined ? [{ addSheet: { properties: { sheetId, title } } }, markTab(KEY, sheetId, 0)] : [];
  const gridProperties = { rowCount: rows.length + 1, frozenRowCount: 1 };
  const fields = 'gridProperties.rowCount,gridProperties.frozenRowCount';
  const size: Request = { updateSheetProperties: { properties: { sheetId, gridProperties }, fields } };
  let { fence } = marks;
  for (let from = 0; from < rows.length; from += ROWS_PER_WRITE) {
    const part = rows.slice(from, from + ROWS_PER_WRITE);
    const cells: Request = {
      updateCells: {
        start: { sheetId, rowIndex: from, columnIndex: 0 },
        rows: part.map((row) => ({ values: row.map((cell) => cellData(cell, 'UTC')) })),
        fields: WRITTEN_FIELDS,
      },
    };
    await api.write([...fenceAfter(fence), ...(from === 0 ? [...make, size] : []), cells], [], signal);
    fence += 1;
  }
}

export type CurveTabOptions = {
  readonly sink: Pick<SheetsSink, 'apart'>;
  readonly suggestions: Suggestions;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly isActive: () => boolean;
};

const AGAIN_MS = 600_000;

/** Writes what was read, and again later if that fails. */
export function startCurveTab({ sink, suggestions, clock, logger, isActive }: CurveTabOptions) {
  const stop = new AbortController();
  const bell = createBell();
  const unhear = suggestions.subscribe(bell.ring);
  const running = (async () => {
    let isOwing = false;
    while (!stop.signal.aborted) {
      await bell.wait(isOwing ? AGAIN_MS : null, clock, stop.signal);
      if (stop.signal.aborted || !isActive()) continue;
      const rows = curveRows(suggestions.surfaces());
      isOwing = await sink
        .apart(async (api) => await writeCurveTab(api, rows, stop.signal))
        .then(
          () => false,
          (error: unknown) => {
            logger.warn({ error: messageOf(error) }, 'the tab of curves is written later');
            return true;
          },
        );
    }
  })();
  return {
    close: async (): Promise<void> => {
      unhear();
      stop.abort();
      await running;
    },
  };
}
