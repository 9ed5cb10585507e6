// What is accepted from outside: the detectors file with its tests, one detector by itself, a change of one. Whoever passes
// here may be put in force.
import { z } from 'zod';
import type { DetectorSettings, GeneralSettings } from '../model/detector.ts';
import { SEVERITIES } from '../model/detector.ts';
import type { ErrorDetail } from '../model/errors.ts';
import { checkDetector } from './detector-checks.ts';
import { formOf, SETTINGS_SHAPE, settingsOf, threshold, withoutNull } from './detector-form.ts';
import { collect, pathIn, readFields } from './read-fields.ts';
import { runTests } from './run-tests.ts';
import { type DetectorsFile, parseDetectors } from './schema.ts';

export type CheckedFile = { readonly file: DetectorsFile } | { readonly problems: readonly ErrorDetail[] };

/** The text of detectors.yaml: parsed, validated, its tests run. Every problem with path and cure; a failed test is one. */
export function checkDetectorsFile(text: string): CheckedFile {
  const parsed = parseDetectors(text);
  if ('problems' in parsed) return parsed;
  const failed = runTests(parsed.file).filter(({ differences }) => differences.length > 0);
  if (failed.length === 0) return parsed;
  return {
    problems: failed.map(({ detector, test, differences }) => ({
      path: `detectors.${detector}.tests`,
      message: `"${test}": ${differences.join('; ')}`,
    })),
  };
}

export type ValidSettings =
  | { readonly settings: DetectorSettings }
  /** Paths are the detector's own: `thresholds.warning`. */
  | { readonly problems: readonly ErrorDetail[] };

/** One detector on its own, for the API and the CLI. `general`: the metadata that is kept. */
export function validateSettings(form: unknown, general: GeneralSettings): ValidSettings {
  const { problems, told: toldAll } = collect();
  const told = pathIn('', toldAll);
  const fields = readFields(SETTINGS_SHAPE, form, told);
  if (fields !== null) checkDetector(fields, { metadata: general.metadata, tests: [], told });
  const settings = fields === null || problems.length > 0 ? null : settingsOf(fields, {});
  return settings === null ? { problems } : { settings };
}

/**
 * What a person asks to change: some fields in the file's form. A threshold is changed by itself; null takes a threshold
 * away, and sets any other field back to its default.
 */
export function validateChange(current: DetectorSettings, change: unknown, general: GeneralSettings): ValidSettings {
  const { problems, told } = collect();
  const partial = Object.fromEntries(Object.entries(SETTINGS_SHAPE).map(([name, type]) => [name, type.nullish()]));
  const thresholds = z.strictObject(Object.fromEntries(SEVERITIES.map((name) => [name, threshold.nullish()])));
  const read = readFields({ ...partial, thresholds: thresholds.nullish() }, change, told);
  if (read === null || problems.length > 0) return { problems };
  const given = change as Readonly<Record<string, unknown>>;
  if (given.name !== undefined && given.name !== current.name)
    return { problems: [{ path: 'name', message: `cannot be changed: this is ${current.name}` }] };
  const form: Record<string, unknown> = { ...formOf(current) };
  for (const [field, value] of Object.entries(given)) {
    if (field === 'thresholds') form.thresholds = withoutNull({ ...current.thresholds, ...(value as object) });
    else form[field] = value;
  }
  return validateSettings(withoutNull(form), general);
}
