// What must hold between the fields of a detector (design §5). A check whose fields are missing or broken is left out:
// they are problems of their own already.
import type { GeneralSettings } from '../model/detector.ts';
import { SEVERITIES } from '../model/detector.ts';
import { compileFilter } from './cel.ts';
import type { SettingsFields } from './detector-form.ts';
import { formatDurationMs } from './durations.ts';
import type { Told } from './read-fields.ts';
import type { DetectorTest } from './test-schema.ts';

export type CheckParts = {
  readonly metadata: GeneralSettings['metadata'];
  readonly tests: readonly DetectorTest[];
  readonly told: Told;
};

export function checkDetector(fields: SettingsFields, { metadata, tests, told }: CheckParts): void {
  checkTimes(fields, told);
  checkCount(fields, told);
  checkThresholds(fields, told);
  checkEntity(fields, metadata, told);
  checkFilters(fields, told);
  checkEscalation(fields, told);
  tests.forEach((test, index) => {
    checkTest(test, { fields, metadata, told: (path, message) => told(`tests.${index}.${path}`, message) });
  });
}

function checkTimes({ window, quietFor }: SettingsFields, told: Told): void {
  if (window !== undefined && quietFor !== undefined && quietFor < window)
    told(
      'quietFor',
      `is shorter than window: two breaches within one window would be two episodes; make it at least ${formatDurationMs(window)}`,
    );
}

function checkCount({ count, of, minimum, currency }: SettingsFields, told: Told): void {
  if (count === undefined) return;
  const isRatio = count === 'ratio';
  const isSum = count === 'sum(amount)';
  belongs({ field: 'of', to: 'ratio', isWanted: isRatio, isThere: of !== undefined, need: 'what to divide by' });
  belongs({ field: 'minimum', to: 'ratio', isWanted: isRatio, isThere: minimum !== undefined, need: 'a least volume' });
  belongs({
    field: 'currency',
    to: 'sum(amount)',
    isWanted: isSum,
    isThere: currency !== undefined,
    need: 'one currency',
  });

  function belongs({ field, to, isWanted, isThere, need }: Belonging): void {
    if (isWanted && !isThere) told(field, `is missing: count: ${to} needs ${need}`);
    if (!isWanted && isThere) told(field, `belongs to count: ${to} only: remove it`);
  }
}

type Belonging = {
  readonly field: string;
  readonly to: string;
  readonly isWanted: boolean;
  readonly isThere: boolean;
  readonly need: string;
};

function checkThresholds({ thresholds, count }: SettingsFields, told: Told): void {
  if (thresholds === undefined) return;
  const steps = SEVERITIES.flatMap((severity) => {
    const value = thresholds[severity];
    return value === undefined ? [] : [{ severity, value }];
  });
  if (steps.length === 0) told('thresholds', `is empty: set at least one of ${SEVERITIES.join(', ')}`);
  steps.forEach(({ severity, value }, index) => {
    const below = steps[index - 1];
    if (below !== undefined && value <= below.value)
      told(`thresholds.${severity}`, `must be above ${below.severity} (${below.value})`);
    if (count === 'ratio' && value > 1) told(`thresholds.${severity}`, 'of a ratio is at most 1: write 40 % as 0.4');
    if (count !== undefined && count !== 'ratio' && !Number.isInteger(value))
      told(`thresholds.${severity}`, 'must be a whole number');
  });
}

function checkEntity({ per, on, count }: SettingsFields, metadata: GeneralSettings['metadata'], told: Told): void {
  const name = per?.startsWith('metadata.') ? per.slice('metadata.'.length) : null;
  if (on === 'signal') {
    if (per === 'ip' || name !== null) told('per', 'of a signal is card, customer, email or account');
    if (count === 'distinct(ip)')
      told(
        'count',
        'of signals cannot be distinct(ip): the charge it comes from is joined for card, customer and email',
      );
    return;
  }
  if (name !== null && !metadata.keys.includes(name))
    told('per', `counts on metadata that is not kept: add ${name} to metadata.keys at the top of the file`);
  if (metadata.ip !== null) return;
  const cure = 'set metadata.ip at the top of the file to the metadata key that holds the address, e.g. client_ip';
  if (per === 'ip') told('per', `counts on ip, and no address is kept: ${cure}`);
  if (count === 'distinct(ip)') told('count', `counts ip, and no address is kept: ${cure}`);
}

function checkFilters(fields: SettingsFields, told: Told): void {
  for (const field of ['where', 'of', 'at'] as const) {
    const expression = fields[field];
    if (expression === undefined) continue;
    const compiled = compileFilter(expression, fields.on ?? 'attempt', () => undefined);
    if ('problem' in compiled) told(field, `is no filter: ${compiled.problem}`);
  }
}

function checkEscalation({ escalation }: SettingsFields, told: Told): void {
  escalation?.forEach(({ after }, index) => {
    const before = escalation[index - 1];
    if (before !== undefined && after <= before.after)
      told(`escalation.${index}.after`, `must be later than the step before (${formatDurationMs(before.after)})`);
  });
}

type TestParts = { readonly fields: SettingsFields; readonly metadata: CheckParts['metadata']; readonly told: Told };

function checkTest({ attempts, signals, expect }: DetectorTest, { fields, metadata, told }: TestParts): void {
  const isSignal = fields.on === 'signal';
  if (isSignal && attempts !== undefined) told('attempts', 'belong to a detector of attempts: write signals');
  if (!isSignal && signals !== undefined) told('signals', 'belong to a detector with on: signal: write attempts');
  if ((isSignal ? signals : attempts) === undefined)
    told(isSignal ? 'signals' : 'attempts', 'is missing: say what happens in this test');
  if (expect.episodes === 0 && (expect.severity !== undefined || expect.peak !== undefined))
    told('expect', 'has no episode, so it can have no severity and no peak');
  attempts?.forEach((attempt, index) => {
    for (const name of Object.keys(attempt.metadata ?? {}))
      if (!metadata.keys.includes(name))
        told(`attempts.${index}.metadata.${name}`, 'is not kept: add it to metadata.keys at the top of the file');
    if (attempt.ip !== undefined && metadata.ip === null)
      told(`attempts.${index}.ip`, 'is not kept: set metadata.ip at the top of the file');
  });
}
