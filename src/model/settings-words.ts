// What a change of a detector's settings changes, in words: the same in Slack and in the console. Pure.
import type { AcceptedSettings } from './commands.ts';
import { type DetectorSettings, SEVERITIES } from './detector.ts';
import { valueInWords } from './headline.ts';
import { actorName, formatDuration } from './words.ts';

const MAX_SHOWN = 120;

/** `warning 3 → 5`, `window 10 min → 20 min`, each field that differs; what is not set is `none`. */
export function changeInWords(before: DetectorSettings, after: DetectorSettings): readonly string[] {
  const was = new Map(fieldsInWords(before));
  return fieldsInWords(after).flatMap(([field, to]) => {
    const from = was.get(field) ?? NONE;
    return from === to ? [] : [`${field} ${from} → ${to}`];
  });
}

/** Why what was made from another version cannot be. */
export function overtakenInWords({ rule, actor, at }: Omit<AcceptedSettings, 'position'>, basedOn: number): string {
  const time = `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  return `${rule.detector} is at version ${rule.version} since ${time} (${actorName(actor)}); this was made from version ${basedOn}. Look at what is in force and change it again.`;
}

const NONE = 'none';

function fieldsInWords(settings: DetectorSettings): readonly (readonly [field: string, words: string])[] {
  const { thresholds, escalation } = settings;
  const time = (seconds: number): string => (seconds < 1 ? `${seconds * 1000} ms` : formatDuration(seconds));
  return [
    ['mode', settings.mode],
    ...SEVERITIES.map((severity) => {
      const value = thresholds[severity];
      return [severity, value === undefined ? NONE : valueInWords(value, settings)] as const;
    }),
    ['window', time(settings.windowS)],
    ['quietFor', time(settings.quietForS)],
    ...PLAIN.map((field) => [field, shown(settings[field])] as const),
    ['settle', time(settings.settleMs / 1000)],
    ['alertMaxAge', time(settings.alertMaxAgeMs / 1000)],
    ['escalation', escalation.map(({ afterMs, to }) => `${to} after ${time(afterMs / 1000)}`).join(', ') || NONE],
  ];
}

const PLAIN = [
  'title',
  'why',
  'on',
  'count',
  'where',
  'of',
  'at',
  'per',
  'minimum',
  'currency',
  'continueAfter',
  'repage',
  'stormAfter',
  'approval',
] as const;

function shown(value: string | number | null | undefined): string {
  const text = String(value ?? NONE);
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}
