// Detectors and their versions as lines for a terminal.
import { clean } from '../model/mask.ts';

/** A detector's fields in the form of detectors.yaml. */
export type Form = Readonly<Record<string, unknown>>;

export type ListedDetector = {
  readonly detector: string;
  /** Null: in the file, not in force. */
  readonly version: number | null;
  /** Null: removed. */
  readonly settings: Form | null;
};

export type Version = {
  readonly version: number;
  /** ISO 8601. */
  readonly at: string;
  readonly by: { readonly kind: string; readonly id: string; readonly name: string };
  readonly why: string;
  readonly settings: Form | null;
};

export function detectorLines(detectors: readonly ListedDetector[]): readonly string[] {
  const rows = detectors.map(({ detector, version, settings }) => [
    detector,
    version === null ? '' : `v${version}`,
    String(settings?.mode ?? 'removed'),
    settings === null ? '' : `${settings.count} per ${settings.per} in ${settings.window}`,
    settings === null ? '' : thresholdsText(settings.thresholds),
    String(settings?.title ?? ''),
  ]);
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    clean(
      row.map((cell, column) => (widths[column] === 0 ? '' : cell.padEnd((widths[column] ?? 0) + 2))).join(''),
    ).trimEnd(),
  );
}

function thresholdsText(thresholds: unknown): string {
  if (thresholds === null || typeof thresholds !== 'object') return '';
  return Object.entries(thresholds)
    .map(([severity, value]) => `${severity} ${String(value)}`)
    .join(', ');
}

/** Newest first; each with what it changed against the one before. */
export function historyLines(history: readonly Version[]): readonly string[] {
  return history.flatMap(({ version, at, by, why }, index) => {
    const who = by.name || by.id || by.kind;
    const reason = why === '' || why === who ? '' : `: ${why}`;
    return [clean(`v${version}  ${at}  ${who} (${by.kind})${reason}`), ...changesOf(history.slice(index))];
  });
}

/** What the newest of these versions changed. */
export function changesOf([newest, before]: readonly Version[]): readonly string[] {
  if (newest === undefined || before === undefined) return [];
  return changesBetween(before.settings, newest.settings).map((change) => clean(`      ${change}`));
}

/** `thresholds.warning: 3 → 4`. */
function changesBetween(before: Form | null, after: Form | null): readonly string[] {
  if (before === null || after === null) return [after === null ? 'removed' : 'came back'];
  const [was, now] = [flat(before), flat(after)];
  return [...new Set([...was.keys(), ...now.keys()])]
    .filter((field) => was.get(field) !== now.get(field))
    .map((field) => `${field}: ${was.get(field) ?? 'not set'} → ${now.get(field) ?? 'not set'}`);
}

/** Thresholds one by one. */
function flat({ thresholds, ...fields }: Form): Map<string, string> {
  const entries = Object.entries(fields).map(([name, value]) => [name, shown(value)] as const);
  const steps = Object.entries((thresholds ?? {}) as object).map(
    ([severity, value]) => [`thresholds.${severity}`, shown(value)] as const,
  );
  return new Map([...entries, ...steps]);
}

const shown = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
