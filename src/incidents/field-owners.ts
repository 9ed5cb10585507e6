// Who set a field of a detector last: a person's field stays until it is reset (design §5). Pure.
import type { AcceptedSettings } from '../model/commands.ts';
import type { DetectorSettings } from '../model/detector.ts';

/** Each field with its value; a threshold is a field of its own, `thresholds.warning`. Without `name`. */
export function fieldsOf({ name: _, thresholds, ...plain }: DetectorSettings): Map<string, unknown> {
  const fields = new Map<string, unknown>(Object.entries(plain));
  for (const [severity, value] of Object.entries(thresholds)) fields.set(`thresholds.${severity}`, value);
  return fields;
}

/** The settings with these fields instead; undefined takes a threshold away. */
export function withFields(settings: DetectorSettings, fields: ReadonlyMap<string, unknown>): DetectorSettings {
  const thresholds: Record<string, unknown> = { ...settings.thresholds };
  const plain: Record<string, unknown> = { ...settings };
  for (const [field, value] of fields) {
    const severity = field.startsWith('thresholds.') ? field.slice('thresholds.'.length) : null;
    if (severity === null) plain[field] = value;
    else if (value === undefined) delete thresholds[severity];
    else thresholds[severity] = value;
  }
  return { ...plain, thresholds } as DetectorSettings;
}

/**
 * Of each field that a person set last, the version that did. `detector` is the detector itself, added or removed.
 * `history`: oldest first.
 */
export function ownersOf(history: readonly AcceptedSettings[]): ReadonlyMap<string, AcceptedSettings> {
  const owners = new Map<string, AcceptedSettings>();
  let before: DetectorSettings | null = null;
  let isFirst = true;
  for (const accepted of history) {
    const { settings } = accepted.rule;
    for (const field of changedFields(before, settings, isFirst)) {
      if (isPerson(accepted)) owners.set(field, accepted);
      else owners.delete(field);
    }
    before = settings;
    isFirst = false;
  }
  return owners;
}

const isPerson = ({ actor }: AcceptedSettings): boolean => actor.kind !== 'file' && actor.kind !== 'engine';

function changedFields(
  before: DetectorSettings | null,
  after: DetectorSettings | null,
  isFirst: boolean,
): readonly string[] {
  if (after === null) return ['detector'];
  const now = fieldsOf(after);
  const was = before === null ? new Map<string, unknown>() : fieldsOf(before);
  const fields = new Set([...was.keys(), ...now.keys()]);
  const changed = [...fields].filter((field) => canonical(was.get(field)) !== canonical(now.get(field)));
  return before === null || isFirst ? ['detector', ...changed] : changed;
}

/** Equal for equal values, whatever the order of their fields; undefined is a value of its own. */
export function canonical(value: unknown): string {
  const text: string | undefined = JSON.stringify(value, (_, part: unknown) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
  return text ?? 'undefined';
}
