// Durations as people write them in detectors.yaml: `90s`, `10m`, `1h`, `7d`.

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const;

/** Milliseconds, or null if the text is no duration. */
export function parseDurationMs(text: string): number | null {
  const parts = /^(\d{1,12}(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(text.trim());
  const unit = UNITS.find(([name]) => name === parts?.[2]);
  return parts === null || unit === undefined ? null : Math.round(Number(parts[1]) * unit[1]);
}

/** The shortest whole number of a unit: 600,000 ms are `10m`. */
export function formatDurationMs(ms: number): string {
  const unit = ms === 0 ? UNITS[3] : UNITS.find(([, size]) => ms % size === 0);
  return unit === undefined ? `${ms}ms` : `${ms / unit[1]}${unit[0]}`;
}
