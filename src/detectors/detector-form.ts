// One detector as people write it (design §5): fields, durations as text, thresholds by severity. Read from the file, from
// the API and from the CLI; every problem at once. The inverse shows settings in the same form.
import { z } from 'zod';
import type { DetectorSettings } from '../model/detector.ts';
import { APPROVALS, MODES, SEVERITIES } from '../model/detector.ts';
import { formatDurationMs, parseDurationMs } from './durations.ts';
import type { Fields } from './read-fields.ts';
import { testSchema } from './test-schema.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const MAX_FILTER_CHARACTERS = 4_000;

const COUNTS = [
  'attempts',
  'distinct(card)',
  'distinct(email)',
  'distinct(customer)',
  'distinct(ip)',
  'sum(amount)',
  'ratio',
] as const;

/** Milliseconds from text such as `10m`, within bounds. */
export function duration({ min, max, step = 1 }: { min: number; max: number; step?: number }) {
  const cure = 'is no duration: write a number and ms, s, m, h or d, e.g. 10m';
  return z
    .string({ error: ({ input }) => (input === undefined || input === null ? undefined : cure) })
    .transform((text, context) => {
      const ms = parseDurationMs(text);
      const problem =
        ms === null
          ? cure
          : ms < min
            ? `must be at least ${formatDurationMs(min)}`
            : ms > max
              ? `must be at most ${formatDurationMs(max)}`
              : ms % step !== 0
                ? `must be whole ${step === 1_000 ? 'seconds' : 'milliseconds'}`
                : null;
      if (problem !== null) context.addIssue({ code: 'custom', message: problem });
      return ms ?? 0;
    });
}

/** Of one severity. */
export const threshold = z
  .number()
  .max(Number.MAX_SAFE_INTEGER)
  .refine((value) => value > 0, 'must be above 0');

/** What the file's top level sets for all, and a detector may set for itself. */
export const SHARED_SHAPE = {
  settle: duration({ min: 0, max: 10 * MINUTE_MS }).optional(),
  alertMaxAge: duration({ min: MINUTE_MS, max: 30 * DAY_MS }).optional(),
  continueAfter: threshold.optional(),
  repage: z.number().min(1).max(1_000).optional(),
  escalation: z
    .array(
      z.strictObject({
        after: duration({ min: 1_000, max: 7 * DAY_MS }),
        to: z.string().regex(/^[A-Z0-9]{3,30}$/, 'is no Slack id: a user group (S…), a user (U…) or a channel (C…)'),
      }),
    )
    .max(10)
    .optional(),
  stormAfter: z.int().min(1).max(10_000).optional(),
  approval: z.enum(APPROVALS, `is one of ${APPROVALS.join(', ')}`).optional(),
};

const filter = z.string().min(1).max(MAX_FILTER_CHARACTERS);

export const SETTINGS_SHAPE = {
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'takes a-z, 0-9 and -, at most 64 characters'),
  title: z.string().min(1).max(120).optional(),
  why: z.string().min(1).max(600).optional(),
  on: z.enum(['attempt', 'signal'], 'is attempt or signal').optional(),
  count: z.enum(COUNTS, { error: ({ input }) => (input === undefined ? undefined : `is one of ${COUNTS.join(', ')}`) }),
  where: filter,
  of: filter.optional(),
  at: filter.optional(),
  minimum: z.int().min(1).max(1_000_000_000).optional(),
  currency: z
    .string()
    .regex(/^[a-z]{3}$/, 'is a currency in lower case, e.g. usd')
    .optional(),
  per: z
    .string()
    .regex(
      /^(card|customer|email|ip|account|metadata\.[^.]{1,40})$/,
      'is card, customer, email, ip, account or metadata.NAME',
    ),
  window: duration({ min: 1_000, max: 7 * DAY_MS, step: 1_000 }),
  quietFor: duration({ min: 1_000, max: 14 * DAY_MS, step: 1_000 }).optional(),
  thresholds: z.strictObject(Object.fromEntries(SEVERITIES.map((severity) => [severity, threshold.optional()]))),
  mode: z.enum(MODES, `is one of ${MODES.join(', ')}`).optional(),
  ...SHARED_SHAPE,
};

export const DETECTOR_SHAPE = { ...SETTINGS_SHAPE, tests: z.array(testSchema).max(100).optional() };

export type SettingsFields = Fields<typeof SETTINGS_SHAPE>;
export type SharedFields = Fields<typeof SHARED_SHAPE>;

/** A detector in the file's form; JSON and YAML alike. */
export type DetectorForm = Readonly<Record<string, unknown>>;

/** A field that is null is a field that is not there. */
export const withoutNull = (values: object): object =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));

/** Settings in the file's form, every field filled in; what is not set is left out. `validateSettings` gives them back. */
export function formOf(settings: DetectorSettings): DetectorForm {
  const { on, windowS, quietForS, settleMs, alertMaxAgeMs, escalation, ...plain } = settings;
  const form: Record<string, unknown> = {
    name: plain.name,
    title: plain.title,
    why: plain.why,
    on: on === 'signal' ? on : null,
    count: plain.count,
    where: plain.where,
    of: plain.of,
    at: plain.at,
    minimum: plain.minimum,
    currency: plain.currency,
    per: plain.per,
    window: formatDurationMs(windowS * 1_000),
    quietFor: formatDurationMs(quietForS * 1_000),
    thresholds: { ...plain.thresholds },
    mode: plain.mode,
    settle: formatDurationMs(settleMs),
    alertMaxAge: formatDurationMs(alertMaxAgeMs),
    continueAfter: plain.continueAfter,
    repage: plain.repage,
    escalation: escalation.map(({ afterMs, to }) => ({ after: formatDurationMs(afterMs), to })),
    stormAfter: plain.stormAfter,
    approval: plain.approval ?? null,
  };
  return withoutNull(form) as DetectorForm;
}

const HOUR_S = 3_600;

/** Null if a field that has no default is missing. `shared`: what the file's top level sets. */
export function settingsOf(fields: SettingsFields, shared: SharedFields): DetectorSettings | null {
  const { name, count, where, per, window, thresholds } = fields;
  if (name === undefined || count === undefined || where === undefined) return null;
  if (per === undefined || window === undefined || thresholds === undefined) return null;
  const windowS = window / 1_000;
  const approval = fields.approval ?? shared.approval ?? 'none';
  const title = fields.title ?? name;
  return {
    name,
    title,
    why: fields.why ?? title,
    on: fields.on ?? 'attempt',
    count,
    where,
    of: fields.of ?? null,
    at: fields.at ?? null,
    minimum: fields.minimum ?? null,
    currency: fields.currency ?? null,
    per: per as DetectorSettings['per'],
    windowS,
    quietForS: fields.quietFor === undefined ? Math.max(windowS, HOUR_S) : fields.quietFor / 1_000,
    thresholds: Object.fromEntries(
      SEVERITIES.flatMap((severity) => (thresholds[severity] === undefined ? [] : [[severity, thresholds[severity]]])),
    ),
    mode: fields.mode ?? 'alert',
    settleMs: fields.settle ?? shared.settle ?? 2_000,
    alertMaxAgeMs: fields.alertMaxAge ?? shared.alertMaxAge ?? HOUR_S * 1_000,
    continueAfter: fields.continueAfter ?? shared.continueAfter ?? null,
    repage: fields.repage ?? shared.repage ?? 2,
    escalation: (fields.escalation ?? shared.escalation ?? []).map(({ after, to }) => ({ afterMs: after, to })),
    stormAfter: fields.stormAfter ?? shared.stormAfter ?? 10,
    ...(approval === 'none' ? {} : { approval }),
  };
}
