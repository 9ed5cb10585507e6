// Reads a Stripe object of any API version without trusting its shape: what is not of the expected type is absent.

export type Json = Readonly<Record<string, unknown>>;

/** Longest text taken over from outside into an attempt; Stripe's own ids and codes are far shorter. */
const MAX_TEXT = 512;

export function objectAt(parent: Json | null, name: string): Json | null {
  const value = parent?.[name];
  return isJson(value) ? value : null;
}

/** A non-empty text, at most 512 characters; null otherwise. */
export function textAt(parent: Json | null, name: string): string | null {
  const value = parent?.[name];
  return typeof value === 'string' && value !== '' ? value.slice(0, MAX_TEXT) : null;
}

/** A safe whole number; null otherwise. */
export function wholeAt(parent: Json | null, name: string): number | null {
  const value = parent?.[name];
  return Number.isSafeInteger(value) ? (value as number) : null;
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
