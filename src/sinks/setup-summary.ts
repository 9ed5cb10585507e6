// What the Summary tab begins with: counts by formulas over the rows, and a chart. Written once; the analysts' from then on.
import { SEVERITIES } from '../model/detector.ts';
import { STATUSES } from '../model/incident.ts';
import { SEVERITY_WORDS, STATUS_WORDS } from '../model/words.ts';
import { VERDICT_CHOICES } from './setup-tabs.ts';
import { columnLetters } from './sheets-a1.ts';
import type { Request } from './sheets-client.ts';

export type SummarySource = {
  /** Of the tab with the rows. */
  readonly title: string;
  /** Index of a column of it. */
  readonly at: (columnId: string) => number | null;
};

type Block = { readonly heading: string; readonly column: string; readonly words: readonly string[] };

const BLOCKS: readonly Block[] = [
  { heading: 'By severity', column: 'severity', words: SEVERITIES.map((severity) => SEVERITY_WORDS[severity]) },
  { heading: 'By status', column: 'status', words: STATUSES.map((status) => STATUS_WORDS[status]) },
  { heading: 'By resolution', column: 'resolution', words: VERDICT_CHOICES },
];

type CellValue = { readonly stringValue: string } | { readonly formulaValue: string };

/** The only formulas that the program writes: they hold no text from outside. */
export function summaryContent(sheetId: number, source: SummarySource): readonly Request[] {
  const lines: (readonly CellValue[])[] = [];
  const charts: Request[] = [];
  for (const { heading, column, words } of BLOCKS) {
    const index = source.at(column);
    if (index === null) continue;
    const first = lines.length;
    lines.push([{ stringValue: heading }, { stringValue: 'Incidents' }]);
    for (const word of words) lines.push([{ stringValue: word }, { formulaValue: countIf(source.title, index, word) }]);
    charts.push(chart(sheetId, heading, { first, last: lines.length, column: charts.length }));
    lines.push([]);
  }
  const rows = lines.map((line) => ({ values: line.map((userEnteredValue) => ({ userEnteredValue })) }));
  return [
    { updateCells: { start: { sheetId, rowIndex: 0, columnIndex: 0 }, rows, fields: 'userEnteredValue' } },
    ...charts,
  ];
}

/** Arguments parted by a semicolon: that is understood in every locale, also where the comma is the decimal sign. */
function countIf(title: string, index: number, word: string): string {
  const letters = columnLetters(index);
  return `=COUNTIF('${title.replaceAll("'", "''")}'!${letters}:${letters};"${word}")`;
}

type ChartPlace = { readonly first: number; readonly last: number; readonly column: number };

function chart(sheetId: number, title: string, { first, last, column }: ChartPlace): Request {
  const source = (index: number) => ({
    sourceRange: {
      sources: [
        { sheetId, startRowIndex: first, endRowIndex: last, startColumnIndex: index, endColumnIndex: index + 1 },
      ],
    },
  });
  return {
    addChart: {
      chart: {
        spec: {
          title,
          basicChart: {
            chartType: 'BAR',
            legendPosition: 'NO_LEGEND',
            headerCount: 1,
            domains: [{ domain: source(0) }],
            series: [{ series: source(1), targetAxis: 'BOTTOM_AXIS' }],
          },
        },
        position: {
          overlayPosition: {
            anchorCell: { sheetId, rowIndex: column * 16, columnIndex: 3 },
            widthPixels: 480,
            heightPixels: 300,
          },
        },
      },
    },
  };
}
