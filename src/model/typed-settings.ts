// What people type for a detector's mode, thresholds and window, in the sheet and in Slack, and how these are shown there:
// shares in per cent, sums in units of their currency. Pure.
import { type DetectorSettings, MODES, SEVERITIES, type Severity } from './detector.ts';
import { currencyDigits } from './money.ts';

/** What is given of a cell or a field: unformatted. */
export type Typed = string | number | boolean | null | undefined;

export type TypedField = 'mode' | Severity | 'window';
export type TypedFields = Readonly<Record<TypedField, Typed>>;

export type TypedChange = {
  /** In the form of detectors.yaml; empty: it is as the settings are. */
  readonly change: Readonly<Record<string, unknown>>;
  /** Of each field that cannot be read: what is wrong. */
  readonly problems: readonly { readonly field: TypedField; readonly message: string }[];
};

/** What is typed asks to change of these settings. A field that shows what is set changes nothing. */
export function readTyped(typed: TypedFields, settings: DetectorSettings): TypedChange {
  const problems: TypedChange['problems'][number][] = [];
  const change: Record<string, unknown> = {};
  const mode = String(typed.mode ?? '')
    .trim()
    .toLowerCase();
  if (!MODES.some((one) => one === mode))
    problems.push({ field: 'mode', message: `is one of ${MODES.join(', ')}, not ${quoted(typed.mode)}` });
  else if (mode !== settings.mode) change.mode = mode;
  const thresholds: Record<string, number | null> = {};
  for (const severity of SEVERITIES) {
    if (isAsShown(typed[severity], thresholdText(settings.thresholds[severity], settings))) continue;
    const read = readThreshold(typed[severity], settings);
    if (typeof read === 'string') problems.push({ field: severity, message: read });
    else if (read !== (settings.thresholds[severity] ?? null)) thresholds[severity] = read;
  }
  if (Object.keys(thresholds).length > 0) change.thresholds = thresholds;
  const windowS = readWindow(typed.window);
  if (typeof windowS === 'string') problems.push({ field: 'window', message: windowS });
  else if (windowS !== settings.windowS) {
    change.window = `${windowS}s`;
    // An episode cannot fall apart within its own window.
    if (windowS > settings.quietForS) change.quietFor = `${windowS}s`;
  }
  return { change, problems };
}

/** A rounded share that nobody has touched is no new threshold. */
const isAsShown = (typed: Typed, shown: string): boolean =>
  typeof typed === 'string' && typed.trim() !== '' && typed.trim() === shown;

/** As it would be typed: `3`, `40 %`, `1500.50`; '' if there is none. */
export function thresholdText(
  value: number | undefined,
  { count, currency }: Pick<DetectorSettings, 'count' | 'currency'>,
): string {
  if (value === undefined) return '';
  if (count === 'ratio') return `${Math.round(value * 10_000) / 100} %`;
  if (count !== 'sum(amount)') return String(value);
  const digits = currencyDigits(currency ?? '');
  return (value / 10 ** digits).toFixed(digits);
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

const SHOWN = 40;

/** As much of it as helps to find it. */
function quoted(typed: Typed): string {
  const shown = String(typed ?? '').trim();
  if (shown === '') return 'empty';
  return `“${shown.length <= SHOWN ? shown : `${shown.slice(0, SHOWN).replace(/[\ud800-\udbff]$/, '')}…`}”`;
}

const WHAT = 'takes a number or nothing, not';

/** In the settings' own unit; null: none; a text: what is wrong. */
function readThreshold(typed: Typed, { count, currency }: DetectorSettings): number | null | string {
  if (typed === null || typed === undefined || (typeof typed === 'string' && typed.trim() === '')) return null;
  const value =
    typeof typed === 'number' ? typed : typeof typed === 'string' ? readNumber(typed, count === 'ratio') : null;
  if (typeof value === 'string') return value;
  if (value === null || !Number.isFinite(value)) return `${WHAT} ${quoted(typed)}`;
  const own = count === 'sum(amount)' ? Math.round(value * 10 ** currencyDigits(currency ?? '')) : value;
  return own > 0 ? own : 'must be above 0';
}

/** `4`, `4.5`, `4,5`, of a ratio `40 %`. null: no number; a text: it could be two. */
function readNumber(typed: string, isRatio: boolean): number | null | string {
  const digits = typed.replace(/[\s\u00a0\u202f]/g, '');
  const [, sign, whole = '', separator, fraction = '', percent] =
    /^([+-]?)(\d{1,15})(?:([.,])(\d{1,9}))?(%?)$/.exec(digits) ?? [];
  if (sign === undefined || (percent === '%' && !isRatio)) return null;
  if (separator !== undefined && fraction.length === 3 && whole !== '0')
    return `${quoted(typed)} could be a thousand or a fraction: write it without a separator`;
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
function readWindow(typed: Typed): number | string {
  const [, count, unit = ''] = /^(\d{1,7})\s*([a-z]{1,4})$/i.exec(String(typed ?? '').trim()) ?? [];
  const size = WORDS[unit.toLowerCase()];
  const seconds = Number(count) * (size ?? 0);
  if (count === undefined || size === undefined || seconds < 1)
    return `takes a number and s, m, h or d, such as 10m, not ${quoted(typed)}`;
  return seconds;
}
