// The tab of detectors, both ways: what stands in a row while settings are in force, and what an analyst's cells ask for.
// Pure.
import type { AcceptedSettings } from '../model/commands.ts';
import { type DetectorSettings, ladder, SEVERITIES, type Severity } from '../model/detector.ts';
import { valueInWords } from '../model/headline.ts';
import { currencyDigits } from '../model/money.ts';
import { readTyped, type Typed, windowText } from '../model/typed-settings.ts';
import { actorName, formatDuration } from '../model/words.ts';
import { type Cell, EMPTY, number, text } from './rows-cells.ts';

/** What Google gives of a cell: unformatted. */
export type RawCell = Typed;

/** By column id of the tab. */
export type RawRow = Readonly<Record<DetectorColumnId, RawCell>>;

export const DETECTOR_COLUMN_IDS = [
  'detector',
  'mode',
  'notice',
  'warning',
  'critical',
  'window',
  'in_force',
  'what_if',
  'status',
  'error',
  'version',
] as const;
export type DetectorColumnId = (typeof DETECTOR_COLUMN_IDS)[number];

/** The analysts' cells. `status` is both's. */
const OPEN_COLUMN_IDS = ['mode', ...SEVERITIES, 'window'] as const;

/** Chosen by analysts; the last three propose what the past suggests. */
export const STATUS_ASKS = ['apply', 'discard', 'revert', 'three a day', 'no missed dispute', 'promote'] as const;
export type StatusAsk = (typeof STATUS_ASKS)[number];
/** Written by the program. */
export const STATUS_SAYS = ['in force', 'reading', 'proposed', 'refused', 'removed'] as const;
export type StatusSays = (typeof STATUS_SAYS)[number];

/** The analysts' cells as the settings are. */
export function openCells(settings: DetectorSettings): ReadonlyMap<DetectorColumnId, Cell> {
  return new Map<DetectorColumnId, Cell>([
    ['mode', text(settings.mode)],
    ...SEVERITIES.map((severity) => [severity, thresholdCell(settings, severity)] as const),
    ['window', text(windowText(settings.windowS))],
  ]);
}

function thresholdCell(settings: DetectorSettings, severity: Severity): Cell {
  const value = settings.thresholds[severity];
  if (value === undefined) return EMPTY;
  const { count, currency } = settings;
  if (count === 'ratio') return number(value, '0.00%');
  if (count !== 'sum(amount)') return number(value, '0.##');
  const digits = currencyDigits(currency ?? '');
  const format = `#,##0${digits === 0 ? '' : `.${'0'.repeat(digits)}`}`;
  return number(value / 10 ** digits, format);
}

/** `card-declines: warning 3, critical 8 in 10 min, alert; version 4 by ana, 2026-10-01 12:00 UTC`. No other row has it. */
export function inForceWords({ rule, actor, at }: AcceptedSettings): string {
  const { settings, version } = rule;
  if (settings === null) return '';
  const steps = ladder(settings.thresholds).map(
    ({ severity, value }) => `${severity} ${valueInWords(value, settings)}`,
  );
  const time = new Date(at).toISOString().slice(0, 16).replace('T', ' ');
  const what = `${steps.join(', ')} in ${formatDuration(settings.windowS)}, ${settings.mode}`;
  return `${settings.name}: ${what}; version ${version} by ${actorName(actor)}, ${time} UTC`;
}

export type Edit =
  | { readonly kind: 'none' }
  /** In the form of detectors.yaml. */
  | { readonly kind: 'change'; readonly change: Readonly<Record<string, unknown>> }
  | { readonly kind: 'problem'; readonly message: string };

/** What the cells ask to change of these settings. */
export function editOf(row: RawRow, settings: DetectorSettings): Edit {
  const { change, problems } = readTyped(row, settings);
  if (problems.length > 0) {
    const told = problems.map(({ field, message }) => `${titled(field)} ${message}`);
    return { kind: 'problem', message: told.join('; ') };
  }
  return Object.keys(change).length === 0 ? { kind: 'none' } : { kind: 'change', change };
}

const titled = (word: string): string => `${word.charAt(0).toUpperCase()}${word.slice(1)}`;

/** What an analyst has chosen in `Status`; null: nothing. */
export function askOf({ status }: Pick<RawRow, 'status'>): StatusAsk | null {
  const word = String(status ?? '')
    .trim()
    .toLowerCase();
  return STATUS_ASKS.find((ask) => ask === word) ?? null;
}

/** The version that the row's cells were written for; null: it is not readable. */
export function versionOf({ version }: Pick<RawRow, 'version'>): number | null {
  return typeof version === 'number' && Number.isSafeInteger(version) && version > 0 ? version : null;
}

/** The analysts' cells as they stand, to know them again. */
export const openText = (row: RawRow): string => JSON.stringify(OPEN_COLUMN_IDS.map((id) => row[id] ?? ''));

/** Does the cell show this already? Google gives dates and numbers as numbers. */
export function isShown(raw: RawCell, cell: Cell): boolean {
  if (cell.kind === 'empty') return raw === undefined || raw === null || raw === '';
  if (cell.kind === 'text') return raw === cell.text;
  return cell.kind === 'number' && typeof raw === 'number' && Math.abs(raw - cell.value) <= 1e-9 * Math.abs(cell.value);
}
