// What a cell can be, and the two forms it takes: Google's (typed, never a live formula) and text for people.
import { formatCount } from '../model/words.ts';

/** `format` is a number format of Google Sheets; `shown` how the number looks with it. */
export type Cell =
  | { readonly kind: 'empty' }
  | { readonly kind: 'text'; readonly text: string; readonly link?: string }
  | { readonly kind: 'number'; readonly value: number; readonly format: string; readonly shown: string }
  /** Milliseconds. */
  | { readonly kind: 'date'; readonly ms: number };

/** The part of Google's CellData that is written. */
export type CellData = {
  readonly userEnteredValue?: { readonly stringValue: string } | { readonly numberValue: number };
  readonly userEnteredFormat?: {
    readonly numberFormat?: { readonly type: 'NUMBER' | 'DATE_TIME' | 'TEXT'; readonly pattern: string };
    readonly textFormat?: { readonly link: { readonly uri: string } };
  };
};

/** What a write of cells touches: the value, its number format and its link. How people style cells is left alone. */
export const WRITTEN_FIELDS = 'userEnteredValue,userEnteredFormat.numberFormat,userEnteredFormat.textFormat.link';

/** Google allows 50,000 characters in a cell; nothing here needs more than this. */
export const TEXT_MAX = 2_000;
const LINK_MAX = 2_000;
const DATE_PATTERN = 'yyyy-mm-dd hh:mm:ss';
const COUNT_FORMAT = '#,##0';
/** C0 and C1 controls, bidirectional marks, zero-width and other invisible format characters, lone surrogates. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\u2028\u2029]+/gu;

export const EMPTY: Cell = { kind: 'empty' };

/** One visible line of at most 2,000 characters; empty text is an empty cell. Only http(s) links are kept. */
export function text(value: string, link?: string): Cell {
  const line = value
    .slice(0, TEXT_MAX * 4)
    .replace(/\s+/g, ' ')
    .replace(INVISIBLE, '')
    .trim();
  const cut = line.length <= TEXT_MAX ? line : `${line.slice(0, TEXT_MAX - 1).replace(/[\ud800-\udbff]$/, '')}…`;
  if (cut === '') return EMPTY;
  return link === undefined || !/^https?:\/\/\S+$/.test(link) || link.length > LINK_MAX
    ? { kind: 'text', text: cut }
    : { kind: 'text', text: cut, link };
}

/** What is no number (a defect elsewhere) is shown as a question mark, never written as one. */
export function number(value: number, format = COUNT_FORMAT, shown = formatCount(value)): Cell {
  return Number.isFinite(value) ? { kind: 'number', value, format, shown } : text('?');
}

/** A time in milliseconds that no calendar holds is shown as a question mark. */
export function date(ms: number | null): Cell {
  if (ms === null) return EMPTY;
  return Number.isFinite(ms) && Math.abs(ms) < 8e15 ? { kind: 'date', ms } : text('?');
}

/** Google's form. Dates are serial numbers in the sheet's own time zone. An empty cell clears what stood there. */
export function cellData(cell: Cell, timeZone: string): CellData {
  if (cell.kind === 'empty') return {};
  if (cell.kind === 'number')
    return {
      userEnteredValue: { numberValue: cell.value },
      userEnteredFormat: { numberFormat: { type: 'NUMBER', pattern: cell.format } },
    };
  if (cell.kind === 'date')
    return {
      userEnteredValue: { numberValue: serialOf(cell.ms, timeZone) },
      userEnteredFormat: { numberFormat: { type: 'DATE_TIME', pattern: DATE_PATTERN } },
    };
  // A stringValue is text whatever it begins with; the TEXT format keeps it text if somebody presses Enter in the cell.
  return {
    userEnteredValue: { stringValue: cell.text },
    userEnteredFormat: {
      numberFormat: { type: 'TEXT', pattern: '@' },
      ...(cell.link === undefined ? {} : { textFormat: { link: { uri: cell.link } } }),
    },
  };
}

/** As a reader of the sheet sees it. */
export function shownCell(cell: Cell, timeZone: string): string {
  if (cell.kind === 'empty') return '';
  if (cell.kind === 'text') return cell.text;
  if (cell.kind === 'number') return cell.shown;
  const local = new Date(Math.floor((cell.ms + offsetMs(cell.ms, timeZone)) / 1000) * 1000).toISOString();
  return local.slice(0, 19).replace('T', ' ');
}

const DAY_MS = 86_400_000;
/** 30 December 1899: day 0 of a spreadsheet. */
const EPOCH_MS = Date.UTC(1899, 11, 30);

/** Days since 1899-12-30, in the wall time of the zone, whole seconds. */
export function serialOf(ms: number, timeZone: string): number {
  const local = Math.floor((ms + offsetMs(ms, timeZone)) / 1000) * 1000;
  return (local - EPOCH_MS) / DAY_MS;
}

/** The year on the wall there. */
export function yearIn(ms: number, timeZone: string): number {
  return new Date(ms + offsetMs(ms, timeZone)).getUTCFullYear();
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Offsets by zone and quarter of an hour: none changes within one, and asking for it is slow. */
const offsets = new Map<string, number>();
const MOST_OFFSETS = 10_000;
const QUARTER_MS = 900_000;

/** What the zone's wall clock is ahead of UTC at that instant; an unknown zone counts as UTC. */
function offsetMs(ms: number, timeZone: string): number {
  const quarter = Math.floor(ms / QUARTER_MS);
  const key = `${timeZone} ${quarter}`;
  const known = offsets.get(key);
  if (known !== undefined) return known;
  if (offsets.size >= MOST_OFFSETS) offsets.clear();
  const offset = computeOffsetMs(quarter * QUARTER_MS, timeZone);
  offsets.set(key, offset);
  return offset;
}

function computeOffsetMs(ms: number, timeZone: string): number {
  const parts = formatOf(timeZone).formatToParts(ms);
  const part = (type: string): number => Number(parts.find((one) => one.type === type)?.value ?? 0);
  return Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second')) - ms;
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  const format = makeFormat(timeZone) ?? makeFormat('UTC') ?? new Intl.DateTimeFormat('en-US');
  formats.set(timeZone, format);
  return format;
}

function makeFormat(timeZone: string): Intl.DateTimeFormat | null {
  const numeric = 'numeric';
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: numeric,
      month: numeric,
      day: numeric,
      hour: numeric,
      minute: numeric,
      second: numeric,
    });
  } catch {
    return null;
  }
}
