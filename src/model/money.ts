// Amounts for people. Stripe gives minor units; how many digits they are is the currency's, by Stripe's own table.

/** Stripe: "Zero-decimal currencies". ISK and UGX are sent with two decimals that are always zero. */
const ZERO_DECIMAL = new Set('bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf'.split(' '));
/** Stripe: "Three-decimal currencies". */
const THREE_DECIMAL = new Set('bhd jod kwd omr tnd'.split(' '));
/** Sent with two decimals, shown with none. */
const SHOWN_WHOLE = new Set(['isk', 'ugx']);

/** 0, 2 or 3: minor units of one unit of the currency (lower-case ISO 4217), as a power of ten. */
export function currencyDigits(currency: string): number {
  if (ZERO_DECIMAL.has(currency)) return 0;
  return THREE_DECIMAL.has(currency) ? 3 : 2;
}

/**
 * `1,234.50 EUR`, `5,000 JPY`, `1.234 KWD`. Exact for every safe integer: no division in floating point.
 * What is no currency code is shown as `minor units`.
 */
export function formatMoney(amountMinor: number, currency: string): string {
  if (!Number.isSafeInteger(amountMinor)) return `? ${label(currency)}`;
  const lower = currency.toLowerCase();
  if (!/^[a-z]{3}$/.test(lower)) return `${group(String(Math.abs(amountMinor)), amountMinor < 0)} minor units`;
  const digits = currencyDigits(lower);
  const text = String(Math.abs(amountMinor)).padStart(digits + 1, '0');
  const whole = text.slice(0, text.length - digits);
  const fraction = text.slice(text.length - digits);
  const isShownWhole = SHOWN_WHOLE.has(lower) && /^0*$/.test(fraction);
  const tail = digits === 0 || isShownWhole ? '' : `.${fraction}`;
  return `${group(whole, amountMinor < 0)}${tail} ${label(currency)}`;
}

const label = (currency: string): string => (/^[a-z]{3}$/i.test(currency) ? currency.toUpperCase() : 'minor units');

function group(digits: string, isNegative: boolean): string {
  return `${isNegative ? '-' : ''}${digits.replace(/\B(?=(\d{3})+$)/g, ',')}`;
}
