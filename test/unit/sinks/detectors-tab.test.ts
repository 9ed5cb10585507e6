// What is written into a row of the tab of detectors, and what is left alone because analysts were there since.
import { describe, expect, it } from 'vitest';
import { DETECTOR_COLUMN_IDS, type DetectorColumnId, type RawRow } from '../../../src/sinks/detectors-rows.ts';
import { type DetectorTab, detectorRequests } from '../../../src/sinks/detectors-tab.ts';
import { type Cell, text } from '../../../src/sinks/rows-cells.ts';
import { formOf } from '../../../src/sinks/setup-tabs.ts';

const KEY = { name: 'detectors', serial: 0 } as const;
const NUMBERS = DETECTOR_COLUMN_IDS.map((id) => formOf(KEY).columns.find((column) => column.id === id)?.number ?? 0);
const EMPTY = Object.fromEntries(DETECTOR_COLUMN_IDS.map((id) => [id, ''])) as RawRow;
const DECIDED: RawRow = { ...EMPTY, detector: 'x', status: 'proposed', mode: 'alert', what_if: 'old' };

/** Each column lies where its number says. */
const tabOf = (cells: RawRow): DetectorTab => ({
  tab: { key: KEY, sheetId: 7, year: null, headerRow: 0, columns: new Map(NUMBERS.map((at) => [at, at])) },
  rows: [{ name: 'x', row: 1, cells }],
  nameless: [],
  endRow: 2,
  rowCount: 10,
});

const CELLS = new Map<DetectorColumnId, Cell>([
  ['mode', text('shadow')],
  ['what_if', text('new')],
  ['status', text('in force')],
]);

/** The columns that are written, where others stand by now than at the decision. */
function written(since: Partial<RawRow>, decided: Partial<RawRow> = {}): (DetectorColumnId | undefined)[] {
  const decidedOn = { ...DECIDED, ...decided };
  const requests = detectorRequests(tabOf({ ...decidedOn, ...since }), [{ name: 'x', cells: CELLS, decidedOn }], 'UTC');
  return requests.map(({ updateCells }) => DETECTOR_COLUMN_IDS[NUMBERS.indexOf(updateCells?.start?.columnIndex ?? -1)]);
}

describe('a row of the tab of detectors', () => {
  it('is written as decided while nobody was there', () => {
    expect(written({})).toEqual(['mode', 'what_if', 'status']);
    expect(written({}, { status: 'apply' })).toEqual(['mode', 'what_if', 'status']);
  });

  it('keeps what was chosen in Status since, another choice too', () => {
    expect(written({ status: 'apply' })).toEqual(['mode', 'what_if']);
    expect(written({ status: 'Discard ' }, { status: 'apply' })).toEqual(['mode', 'what_if']);
  });

  it('keeps the cells that were edited since, and heals a Status that asks nothing', () => {
    expect(written({ mode: 'off' })).toEqual(['what_if', 'status']);
    expect(written({ status: 'whatever' })).toEqual(['mode', 'what_if', 'status']);
  });
});
