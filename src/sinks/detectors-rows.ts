// The tab of detectors, both ways: what stands in a row while settings are in force, and what an analyst's cells ask for.
// Pure.
import type { AcceptedSettings } from '../model/commands.ts';
import { type DetectorSettings, ladder, MODES, SEVERITIES, type Severity } from '../model/detector.ts';
import { valueInWords } from '../model/headline.ts';
import { currencyDigits } from '../model/money.ts';
import { actorName, formatDuration } from '../model/words.ts';
import { type Cell, EMPTY, number, text } from './rows-cells.ts';

/** What Google gives of a cell: unformatted. */
export type RawCell = string | number | boolean | null | undefined;

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

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['m', 60],
  ['s', 1],
] as const;

/** `10m`, as in detectors.yaml. */
export function windowText(seconds: number): string {
  const unit = UNITS.find(([, size]) => seconds % size === 0) ?? UNITS[3];
  return `${seconds / unit[1]}${unit[0]}`;
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
  const problems: string[] = [];
  const change: Record<string, unknown> = {};
  const mode = String(row.mode ?? '')
    .trim()
    .toLowerCase();
  if (!MODES.some((one) => one === mode)) problems.push(`Mode is one of ${MODES.join(', ')}, not ${quoted(row.mode)}`);
  else if (mode !== settings.mode) change.mode = mode;
  const thresholds: Record<string, number | null> = {};
  for (const severity of SEVERITIES) {
    const read = readThreshold(row[severity], settings);
    if (typeof read === 'string') problems.push(`${titled(severity)} ${read}`);
    else if (read !== (settings.thresholds[severity] ?? null)) thresholds[severity] = read;
  }
  if (Object.keys(thresholds).length > 0) change.thresholds = thresholds;
  const windowS = readWindow(row.window);
  if (typeof windowS === 'string') problems.push(`Window ${windowS}`);
  else if (windowS !== settings.windowS) {
    change.window = `${windowS}s`;
    // An episode cannot fall apart within its own window.
    if (windowS > settings.quietForS) change.quietFor = `${windowS}s`;
  }
  if (problems.length > 0) return { kind: 'problem', message: problems.join('; ') };
  return Object.keys(change).length === 0 ? { kind: 'none' } : { kind: 'change', change };
}

const titled = (word: string): string => `${word.charAt(0).toUpperCase()}${word.slice(1)}`;

const SHOWN = 40;

/** As much of it as helps to find it. */
function quoted(cell: RawCell): string {
  const shown = String(cell ?? '').trim();
  if (shown === '') return 'empty';
  return `“${shown.length <= SHOWN ? shown : `${shown.slice(0, SHOWN).replace(/[\ud800-\udbff]$/, '')}…`}”`;
}

const WHAT = 'takes a number or nothing, not';

/** In the settings' own unit; null: none; a text: what is wrong. */
function readThreshold(cell: RawCell, { count, currency }: DetectorSettings): number | null | string {
  if (cell === null || cell === undefined || (typeof cell === 'string' && cell.trim() === '')) return null;
  const value = typeof cell === 'number' ? cell : typeof cell === 'string' ? readNumber(cell, count === 'ratio') : null;
  if (typeof value === 'string') return value;
  if (value === null || !Number.isFinite(value)) return `${WHAT} ${quoted(cell)}`;
  const own = count === 'sum(amount)' ? Math.round(value * 10 ** currencyDigits(currency ?? '')) : value;
  return own > 0 ? own : 'must be above 0';
}

/** `4`, `4.5`, `4,5`, of a ratio `40 %`. null: no number; a text: it could be two. */
function readNumber(cell: string, isRatio: boolean): number | null | string {
  const digits = cell.replace(/[\s\u00a0\u202f]/g, '');
  const [, sign, whole = '', separator, fraction = '', percent] =
    /^([+-]?)(\d{1,15})(?:([.,])(\d{1,9}))?(%?)$/.exec(digits) ?? [];
  if (sign === undefined || (percent === '%' && !isRatio)) return null;
  if (separator !== undefined && fraction.length === 3 && whole !== '0')
    return `${quoted(cell)} could be a thousand or a fraction: write it without a separator`;
  const value = Number(`${sign}${whole}.${fraction || '0'}`);
  return percent === '%' ? value / 100 : value;
}

const WORDS: Readonly<Record<string, number>> = {
  s: 1,
  sec: 1,
  m: 60,
  min: 60,
  h: 3_600,
  d: 86_400,
  day: 86_400,
  days: 86_400,
};

/** Seconds, or what is wrong. */
function readWindow(cell: RawCell): number | string {
  const [, count, unit = ''] = /^(\d{1,7})\s*([a-z]{1,4})$/i.exec(String(cell ?? '').trim()) ?? [];
  const size = WORDS[unit.toLowerCase()];
  const seconds = Number(count) * (size ?? 0);
  if (count === undefined || size === undefined || seconds < 1)
    return `takes a number and s, m, h or d, such as 10m, not ${quoted(cell)}`;
  return seconds;
}

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
