// Times and durations as they are written in requests. Pure.

const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DURATION = /^(\d{1,6})(s|m|h|d)$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2}))?$/;

/** Milliseconds; null: no duration such as `30m`, `2h`, `7d`. */
export function parseDuration(text: string): number | null {
  const [, count, unit = ''] = DURATION.exec(text) ?? [];
  const size = UNITS_MS[unit];
  return count === undefined || size === undefined ? null : Number(count) * size;
}

/** Milliseconds since the epoch; null: no ISO 8601 instant (a date alone is its midnight in UTC). */
export function parseInstant(text: string): number | null {
  if (!INSTANT.test(text)) return null;
  const time = Date.parse(text);
  return Number.isNaN(time) ? null : time;
}

/** An instant, or a duration before `now`. */
export function parseTime(text: string, now: number): number | null {
  const age = parseDuration(text);
  return age === null ? parseInstant(text) : now - age;
}

/** `600` seconds are `10m`: the shortest form, as detectors.yaml has it. */
export function durationText(ms: number): string {
  const units = Object.entries(UNITS_MS).reverse();
  const [unit, size] = units.find(([, each]) => ms !== 0 && ms % each === 0) ?? ['ms', 1];
  return ms === 0 ? '0s' : `${ms / size}${unit}`;
}
