// The tabs as they should be: names, columns, drop-downs, colours. What setup.ts compares a spreadsheet with.
import { MODES } from '../model/detector.ts';
import { VERDICTS } from '../model/incident.ts';
import { SEVERITY_WORDS, VERDICT_WORDS } from '../model/words.ts';
import { STATUS_ASKS, STATUS_SAYS } from './detectors-rows.ts';
import { COLUMNS } from './rows.ts';
import type { Request } from './sheets-client.ts';
import type { TabKey, TabName } from './sheets-layout.ts';

export type TabColumn = {
  readonly number: number;
  readonly id: string;
  readonly header: string;
  readonly width: number;
  /** People write here. */
  readonly isOpen: boolean;
  /** What may be chosen; empty: anything. */
  readonly choices: readonly string[];
};

export type TabForm = {
  readonly key: TabKey;
  readonly title: string;
  readonly columns: readonly TabColumn[];
  /** Of the column that tells a tab of this form from any other of its name. */
  readonly keyHeader: string;
};

export const VERDICT_CHOICES: readonly string[] = VERDICTS.map((verdict) => VERDICT_WORDS[verdict]);

const incidentColumns: readonly TabColumn[] = COLUMNS.map(({ number, id, header, width, cell }) => {
  return { number, id, header, width, isOpen: cell === null, choices: id === 'verdict' ? VERDICT_CHOICES : [] };
});

const open = { isOpen: true, choices: [] } as const;
const own = { isOpen: false, choices: [] } as const;

const detectorColumns: readonly TabColumn[] = [
  { number: 1, id: 'detector', header: 'Detector', width: 180, ...own },
  { number: 2, id: 'mode', header: 'Mode', width: 80, isOpen: true, choices: MODES },
  { number: 3, id: 'notice', header: 'Notice', width: 80, ...open },
  { number: 4, id: 'warning', header: 'Warning', width: 80, ...open },
  { number: 5, id: 'critical', header: 'Critical', width: 80, ...open },
  { number: 6, id: 'window', header: 'Window', width: 90, ...open },
  { number: 7, id: 'in_force', header: 'In force', width: 260, ...own },
  { number: 8, id: 'what_if', header: 'What if', width: 320, ...own },
  { number: 9, id: 'status', header: 'Status', width: 110, isOpen: true, choices: [...STATUS_ASKS, ...STATUS_SAYS] },
  { number: 10, id: 'error', header: 'Error', width: 260, ...own },
  { number: 11, id: 'version', header: 'Version', width: 70, ...own },
];

const TITLES: Readonly<Record<TabName, string>> = {
  incidents: 'Incidents',
  detectors: 'Detectors',
  summary: 'Summary',
  curve: 'Curve',
};

export function formOf(key: TabKey): TabForm {
  const { name, serial } = key;
  const title = serial === 0 ? TITLES[name] : `${TITLES[name]} ${serial + 1}`;
  if (name === 'incidents') return { key, title, columns: incidentColumns, keyHeader: 'Incident' };
  if (name === 'detectors') return { key, title, columns: detectorColumns, keyHeader: 'Detector' };
  return { key, title, columns: [], keyHeader: '' };
}

type Color = { readonly red: number; readonly green: number; readonly blue: number };

const rgb = (hex: string): Color => {
  const part = (at: number): number => Math.round((Number.parseInt(hex.slice(at, at + 2), 16) / 255) * 1000) / 1000;
  return { red: part(0), green: part(2), blue: part(4) };
};

/** Words carry the meaning; colours only repeat it. */
const COLORED: readonly { readonly column: string; readonly word: string; readonly color: Color }[] = [
  { column: 'severity', word: SEVERITY_WORDS.critical, color: rgb('f4c7c3') },
  { column: 'severity', word: SEVERITY_WORDS.warning, color: rgb('fce8b2') },
  { column: 'status', word: 'open', color: rgb('fce8b2') },
  { column: 'status', word: 'resolved', color: rgb('d9ead3') },
];

/** Colours by severity and status, for a tab that has none. `at`: where a column is. */
export function colorRules(sheetId: number, at: (columnId: string) => number | null): readonly Request[] {
  return COLORED.flatMap(({ column, word, color }, index): readonly Request[] => {
    const position = at(column);
    if (position === null) return [];
    const ranges = [{ sheetId, startRowIndex: 1, startColumnIndex: position, endColumnIndex: position + 1 }];
    const booleanRule = {
      condition: { type: 'TEXT_EQ', values: [{ userEnteredValue: word }] },
      format: { backgroundColor: color },
    };
    return [{ addConditionalFormatRule: { index, rule: { ranges, booleanRule } } }];
  });
}
