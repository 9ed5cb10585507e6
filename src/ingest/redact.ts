// What is kept of a Stripe event in `stripe-events`: no secrets, nothing about a person that fraud work does not need
// (name, street, phone, …), bounded in size. Pure; the normaliser reads the same from the result as from the event.

export type Redacted = {
  readonly value: unknown;
  /** True if a bound cut something off. */
  readonly isCut: boolean;
};

/** Bounds of what is kept. Stripe's events are 1–12 kB, invoices with many lines more. */
const MAX_CHARACTERS = 262_144;
const MAX_DEPTH = 24;
const MAX_ITEMS = 200;
const MAX_NAMES = 500;
const MAX_TEXT = 4_096;
const MAX_NAME = 128;

const REMOVED = '[removed]';

/** Secrets, and links that open a payment or an invoice to whoever has them: never kept, at any depth. */
const SECRET_NAMES: ReadonlySet<string> = new Set([
  'client_secret',
  'secret',
  'ephemeral_key',
  'ephemeral_key_secret',
  'customer_session_client_secret',
  'api_key',
  'access_token',
  'refresh_token',
  'next_action',
  'invoice_pdf',
  'number',
  'cvc',
]);

/** About a person, and not needed to see fraud. Metadata are the merchant's own words and keep their names. */
const PERSONAL_NAMES: ReadonlySet<string> = new Set([
  'name',
  'first_name',
  'last_name',
  'cardholder_name',
  'customer_name',
  'individual_name',
  'business_name',
  'verified_name',
  'account_holder_name',
  'payer_name',
  'phone',
  'customer_phone',
  'verified_phone',
  'line1',
  'line2',
  'address_line1',
  'address_line2',
  'street',
  'dob',
  'individual',
  'company',
  'external_accounts',
  'tax_id',
  'tax_ids',
  'customer_tax_ids',
  'id_number',
  'ssn_last_4',
  'iban',
  'account_number',
  'routing_number',
  'signature',
]);

/** Of a dispute's evidence (letters, receipts, addresses as text) only what the windows count on. */
const EVIDENCE_NAMES: ReadonlySet<string> = new Set(['customer_email_address', 'customer_purchase_ip']);

/** API keys, webhook secrets, client secrets: wherever they stand, also inside a link or a sentence. */
const SECRET_TEXT = /\b(?:[sr]k|ek)_(?:live|test)_\w+|\bwhsec_[\w+/=]+|\b\w+_secret_\w+/g;
const MAY_BE_SECRET = /[sre]k_|whsec_|_secret_/;
/** 13 to 19 digits in groups, as a card number is written. */
const DIGITS = /(?<![\w.])\d(?:[ -]?\d){12,18}(?![\w.])/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON writes each of them as six characters.
const MAY_NEED_ESCAPE = /["\\\u0000-\u001f\ud800-\udfff]/;
const MAY_BE_NUMBER = /\d[\d -]{11,}\d/;

export function redact(value: unknown): Redacted {
  const budget: Budget = { left: MAX_CHARACTERS, isCut: false };
  const kept = keep(value, { budget, depth: 0, within: '' });
  return { value: kept === undefined ? null : kept, isCut: budget.isCut };
}

type Budget = { left: number; isCut: boolean };
type Place = { readonly budget: Budget; readonly depth: number; readonly within: string };

/** Undefined if the bounds leave no room for it. */
function keep(value: unknown, place: Place): unknown {
  const { budget } = place;
  if (typeof value === 'string') return keepText(value, budget);
  if (value === null || typeof value !== 'object') return spend(budget, String(value).length) ? value : undefined;
  if (place.depth >= MAX_DEPTH || !spend(budget, 2)) return cut(budget);
  return Array.isArray(value) ? keepList(value, place) : keepObject(value as Readonly<Record<string, unknown>>, place);
}

function keepList(values: readonly unknown[], { budget, depth, within }: Place): unknown[] {
  if (values.length > MAX_ITEMS) budget.isCut = true;
  const inner = { budget, depth: depth + 1, within };
  return values.slice(0, MAX_ITEMS).flatMap((value) => {
    const kept = keep(value, inner);
    return kept === undefined ? [] : [kept];
  });
}

/** Plain values before objects and lists, so that an event that is too large keeps its id, type and time. */
function keepObject(object: Readonly<Record<string, unknown>>, { budget, depth, within }: Place): object {
  const names = Object.keys(object);
  if (names.length > MAX_NAMES) budget.isCut = true;
  const kept: [string, unknown][] = [];
  const bounded = names.slice(0, MAX_NAMES).filter((name) => isKept(name, within));
  for (const isPlainTurn of [true, false]) {
    for (const name of bounded) {
      const value = object[name];
      const isPlain = value === null || typeof value !== 'object';
      if (isPlain !== isPlainTurn || isLink(name, value)) continue;
      if (name.length > MAX_NAME || !spend(budget, costOf(name) + 2)) {
        budget.isCut = true;
        continue;
      }
      const inner = keep(value, { budget, depth: depth + 1, within: within === 'metadata' ? within : name });
      if (inner !== undefined) kept.push([name, inner]);
    }
  }
  return Object.fromEntries(kept);
}

function isKept(name: string, within: string): boolean {
  if (SECRET_NAMES.has(name)) return false;
  if (within === 'evidence') return EVIDENCE_NAMES.has(name);
  return within === 'metadata' || !PERSONAL_NAMES.has(name);
}

/** A path of the API (`/v1/charges`) is none. */
const isLink = (name: string, value: unknown): boolean =>
  name.endsWith('_url') || (name === 'url' && typeof value === 'string' && !value.startsWith('/'));

function keepText(text: string, budget: Budget): string | undefined {
  const short = text.length > MAX_TEXT ? text.slice(0, MAX_TEXT) : text;
  if (short !== text) budget.isCut = true;
  const kept = withoutSecrets(short);
  return spend(budget, costOf(kept) + 1) ? kept : undefined;
}

/** The text with keys, client secrets and card numbers taken out. */
export function withoutSecrets(text: string): string {
  const bare = MAY_BE_SECRET.test(text) ? text.replace(SECRET_TEXT, REMOVED) : text;
  if (!MAY_BE_NUMBER.test(bare)) return bare;
  return bare.replace(DIGITS, (digits) => (isCardNumber(digits) ? REMOVED : digits));
}

/** Characters as JSON, with quotes and escapes. */
const costOf = (text: string): number => (MAY_NEED_ESCAPE.test(text) ? JSON.stringify(text).length : text.length + 2);

/** By its check digit (Luhn). */
function isCardNumber(text: string): boolean {
  const digits = text.replace(/\D/g, '');
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i]);
    const doubled = i % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

function spend(budget: Budget, characters: number): boolean {
  if (characters > budget.left) {
    budget.isCut = true;
    return false;
  }
  budget.left -= characters;
  return true;
}

function cut(budget: Budget): undefined {
  budget.isCut = true;
  return undefined;
}
