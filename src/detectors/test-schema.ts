// The `tests:` block beside a detector: attempts or signals as an analyst writes them, and what is expected of them.
import { z } from 'zod';
import { OUTCOMES, SIGNALS } from '../model/attempt.ts';
import { SEVERITIES } from '../model/detector.ts';
import { parseDurationMs } from './durations.ts';

const CURE = 'is no offset: write whole seconds after the beginning of the test, e.g. 0s, 90s, 2m';
/** A test that spans more than window and quietFor can ever be tests nothing more. */
const MAX_OFFSET_MS = 60 * 86_400_000;

/** Seconds after the test's beginning. */
const offset = z
  .string({ error: ({ input }) => (input === undefined || input === null ? undefined : CURE) })
  .transform((text, context) => {
    const ms = parseDurationMs(text);
    if (ms === null || ms % 1_000 !== 0 || ms > MAX_OFFSET_MS) context.addIssue({ code: 'custom', message: CURE });
    return (ms ?? 0) / 1_000;
  });

const text = z.string().min(1).max(200).optional();
const currency = z
  .string()
  .regex(/^[a-z]{3}$/, 'is a currency in lower case, e.g. usd')
  .optional();
const amount = z.int().min(0).optional();
/** So many like this one, each a second after the other. */
const times = z.int().min(1).max(1_000).optional();

const attemptSchema = z.strictObject({
  at: offset,
  outcome: z.enum(OUTCOMES, `is one of ${OUTCOMES.join(', ')}`).optional(),
  code: text,
  kind: z.enum(['payment', 'setup'], 'is payment or setup').optional(),
  card: text,
  customer: text,
  email: text,
  ip: text,
  amount,
  currency,
  brand: text,
  funding: text,
  country: text,
  wallet: text,
  method: text,
  dunning: z.boolean().optional(),
  livemode: z.boolean().optional(),
  metadata: z.record(z.string().max(40), z.string().max(500)).optional(),
  times,
});

const signalSchema = z.strictObject({
  at: offset,
  signal: z.enum(SIGNALS, `is one of ${SIGNALS.join(', ')}`),
  reason: z.string().max(200).optional(),
  card: text,
  customer: text,
  email: text,
  amount,
  currency,
  livemode: z.boolean().optional(),
  times,
});

export const testSchema = z.strictObject({
  name: z.string().min(1).max(200),
  attempts: z.array(attemptSchema).min(1).max(1_000).optional(),
  signals: z.array(signalSchema).min(1).max(1_000).optional(),
  expect: z.strictObject({
    episodes: z.int().min(0).max(100_000),
    /** The highest of all episodes. */
    severity: z.enum(SEVERITIES, `is one of ${SEVERITIES.join(', ')}`).optional(),
    /** The largest of all episodes. */
    peak: z.number().optional(),
  }),
});

export type DetectorTest = z.infer<typeof testSchema>;
export type TestAttempt = z.infer<typeof attemptSchema>;
export type TestSignal = z.infer<typeof signalSchema>;
