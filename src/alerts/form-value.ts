// What a form that was sent back holds: it comes from outside, so nothing about its shape is taken for granted.

/** The value at that path; undefined: there is none. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let current: unknown = value;
  for (const key of path) {
    if (current === null || typeof current !== 'object' || !Object.hasOwn(current, key)) return undefined;
    current = (current as Record<string, unknown>)[key];
  }
  return current;
}
