// Reads a Stripe object of any API version without trusting its shape: what is not of the expected type is absent.

export type Json = Readonly<Record<string, unknown>>;

/** Longest text taken over from outside into an attempt; Stripe's own ids and codes are far shorter. */
const MAX_TEXT = 512;

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about.
const CONTROL = /[\u0000-\u001f\u007f]/g;

/** The object's own alone: a name like `constructor` finds nothing that JSON did not hold. */
export function objectAt(parent: Json | null, name: string): Json | null {
  const value = parent !== null && Object.hasOwn(parent, name) ? parent[name] : null;
  return isJson(value) ? value : null;
}

/**
 * A non-empty text, at most 512 characters, fit to be a key anywhere: what is half a character or a control character (our
 * own keys are joined with one) becomes U+FFFD. Null otherwise.
 */
export function textAt(parent: Json | null, name: string): string | null {
  const value = parent !== null && Object.hasOwn(parent, name) ? parent[name] : null;
  if (typeof value !== 'string' || value === '') return null;
  const text = value.length > MAX_TEXT ? value.slice(0, MAX_TEXT) : value;
  return text.toWellFormed().replace(CONTROL, '\ufffd');
}

/** A safe whole number; null otherwise. */
export function wholeAt(parent: Json | null, name: string): number | null {
  const value = parent?.[name];
  return Number.isSafeInteger(value) ? (value as number) : null;
}

/** A time in seconds since the epoch; null if it is none. */
export function secondAt(parent: Json | null, name: string): number | null {
  const value = wholeAt(parent, name);
  return value === null || value < 0 ? null : value;
}

/** The id of a field that is an id or an expanded object. */
export function idAt(parent: Json | null, name: string): string | null {
  return textAt(parent, name) ?? textAt(objectAt(parent, name), 'id');
}

export function isJson(value: unknown): value is Json {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** Leaves out what is null, so that absent stays absent. */
export function compact<T extends object>(fields: { readonly [K in keyof T]: T[K] | null | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined)) as T;
}
