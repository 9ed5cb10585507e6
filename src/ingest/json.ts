// Reads a Stripe object of any API version without trusting its shape: what is not of the expected type is absent. Names are
// written out (`textOf(charge.currency)`), which none of those are that every object inherits; others go through `ownAt`.

export type Json = Readonly<Record<string, unknown>>;

/** Longest text taken over from outside into an attempt; Stripe's own ids and codes are far shorter. */
const MAX_TEXT = 512;

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about.
const CONTROL = /[\u0000-\u001f\u007f]/g;

/** By a name that comes from outside: one like `constructor` finds nothing that JSON did not hold. */
export function ownAt(parent: Json | null, name: string): unknown {
  return parent !== null && Object.hasOwn(parent, name) ? parent[name] : null;
}

export function objectOf(value: unknown): Json | null {
  return isJson(value) ? value : null;
}

/**
 * A non-empty text, at most 512 characters, fit to be a key anywhere: what is half a character or a control character (our
 * own keys are joined with one) becomes U+FFFD. Null otherwise.
 */
export function textOf(value: unknown): string | null {
  if (typeof value !== 'string' || value === '') return null;
  const text = value.length > MAX_TEXT ? value.slice(0, MAX_TEXT) : value;
  return isFit(text) ? text : text.toWellFormed().replace(CONTROL, '\ufffd');
}

/** Nearly every text is, and to see it costs a fraction of making it so. A pair of halves may well be whole: that is seen there. */
function isFit(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 || unit === 0x7f || (unit & 0xf800) === 0xd800) return false;
  }
  return true;
}

/** A safe whole number; null otherwise. */
export function wholeOf(value: unknown): number | null {
  return Number.isSafeInteger(value) ? (value as number) : null;
}

/** A time in seconds since the epoch; null if it is none. */
export function secondOf(value: unknown): number | null {
  const whole = wholeOf(value);
  return whole === null || whole < 0 ? null : whole;
}

/** The id of a field that is an id or an expanded object. */
export function idOf(value: unknown): string | null {
  return textOf(value) ?? textOf(objectOf(value)?.id);
}

export function isJson(value: unknown): value is Json {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
