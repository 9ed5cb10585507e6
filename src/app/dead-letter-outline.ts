// The content of a record for people, with what could tell of a person left out: keys that look like a program's, and only values
// that are ids, codes, amounts or times both by their key and by their form. Pure.
import { plural } from '../model/words.ts';

/** Of what Stripe calls by an id of its own; a person's or a merchant's own id is of another form. */
const STRIPE_ID = /^(evt|ch|py|pi|seti|setatt|in|acct|txn|re|pyr|dp|du|issfr|prv|req)_[A-Za-z0-9_]{1,200}$/;
const WORD = /^[a-z_]{1,60}$/;
const TYPE = /^[a-z0-9_.-]{1,80}$/;

/** Keys whose values may be shown if they look as they should. */
const SHOWN: ReadonlyMap<string, RegExp> = new Map([
  ...['id', 'charge', 'payment_intent', 'latest_charge', 'setup_intent', 'invoice', 'account', 'request'].map(
    (key) => [key, STRIPE_ID] as const,
  ),
  ...['type', 'object', 'api_version'].map((key) => [key, TYPE] as const),
  ...['status', 'code', 'decline_code', 'failure_code', 'reason', 'outcome', 'kind', 'lane', 'verdict'].map(
    (key) => [key, WORD] as const,
  ),
  ['currency', /^[a-z]{3}$/],
  ['incident', /^INC-\d{1,15}$/],
]);
/** Numbers of these keys, and no others: a number may be a telephone's. */
const NUMBERS = new Set(['amount', 'amount_refunded', 'created', 'time', 'receivedAt', 'at', 'version', 'v', 'schema']);
const KEY = /^[A-Za-z][A-Za-z0-9_]{0,39}$/;
/** Below these a merchant has chosen the keys. */
const FOREIGN = new Set(['metadata', 'previous_attributes']);

const MAX_LINES = 200;
const MAX_DEPTH = 8;
const MAX_ITEMS = 3;

/** Lines such as `  failure_code: "card_declined"`; null: it is no JSON. */
export function outlineOf(content: string): string | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(content);
  } catch {
    return null;
  }
  const lines: string[] = [];
  write(lines, parsed, { key: '', depth: 0 });
  const shown = lines.slice(0, MAX_LINES);
  return [...shown, ...(lines.length > MAX_LINES ? ['…'] : [])].join('\n');
}

type Place = { readonly key: string; readonly depth: number };

function write(lines: string[], value: unknown, { key, depth }: Place): void {
  if (lines.length > MAX_LINES) return;
  const label = `${'  '.repeat(depth)}${key === '' ? '' : `${key}: `}`;
  if (value === null || typeof value !== 'object') {
    lines.push(`${label}${plainValue(key, value)}`);
    return;
  }
  const isList = Array.isArray(value);
  const entries = isList ? value.map((item) => ['-', item] as const) : Object.entries(value);
  const size = plural(entries.length, isList ? 'item' : 'field');
  if (depth >= MAX_DEPTH || FOREIGN.has(key) || entries.length === 0) {
    lines.push(`${label}(${size})`);
    return;
  }
  lines.push(label === '' ? `(${size})` : `${label.trimEnd()} (${size})`);
  for (const [name, item] of isList ? entries.slice(0, MAX_ITEMS) : entries)
    write(lines, item, { key: KEY.test(name) || name === '-' ? name : '(a key)', depth: depth + 1 });
  if (isList && entries.length > MAX_ITEMS) lines.push(`${'  '.repeat(depth + 1)}…`);
}

function plainValue(key: string, value: unknown): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return NUMBERS.has(key) ? String(value) : '(a number)';
  const text = String(value);
  if (SHOWN.get(key)?.test(text) === true) return JSON.stringify(text);
  return `(text of ${plural(text.length, 'character')})`;
}
