import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DETECTOR_SHAPE, formOf } from '../../../src/detectors/detector-form.ts';
import { checkDetectorsFile, validateChange, validateSettings } from '../../../src/detectors/detectors-file.ts';
import { runTests } from '../../../src/detectors/run-tests.ts';
import { parseDetectors } from '../../../src/detectors/schema.ts';
import type { DetectorSettings, GeneralSettings } from '../../../src/model/detector.ts';

const TEXT = readFileSync(join(import.meta.dirname, '../../../detectors.yaml'), 'utf8');
const GENERAL: GeneralSettings = { latenessMs: 1, metadata: { ip: 'client_ip', keys: ['plan'] } };

const shipped = (() => {
  const checked = checkDetectorsFile(TEXT);
  if ('problems' in checked) throw new Error(JSON.stringify(checked.problems, null, 2));
  return checked.file;
})();

describe('the shipped detectors', () => {
  it('are all there, each with its reason and with tests for and against it', () => {
    expect(shipped.detectors.map(({ name }) => name)).toEqual([
      'card-declines',
      'customer-declines',
      'email-declines',
      'ip-declines',
      'customer-cards',
      'email-cards',
      'card-emails',
      'card-saves',
      'decline-ratio',
      'wrong-card-data',
      'small-amounts',
      'success-after-declines',
      'card-guessed',
      'fraud-codes',
      'radar-blocks',
      'radar-burst',
      'early-fraud-warning',
      'dispute',
      'customer-refunds',
    ]);
    for (const { name, title, why } of shipped.detectors) {
      const tests = shipped.tests.get(name) ?? [];
      expect(why.length, name).toBeGreaterThan(60);
      expect(title, name).not.toBe(name);
      expect(
        tests.some(({ expect: { episodes } }) => episodes > 0),
        name,
      ).toBe(true);
      expect(
        tests.some(({ expect: { episodes } }) => episodes === 0),
        name,
      ).toBe(true);
    }
  });

  it('have tests that notice when a detector changes', () => {
    for (const settings of shipped.detectors) {
      const lowest = Math.min(...Object.values(settings.thresholds));
      for (const factor of [0.5, 2]) {
        const value = settings.count === 'ratio' ? Math.min(1, lowest * factor) : Math.floor(lowest * factor);
        if (value === lowest || value === 0) continue;
        const detectors = [{ ...settings, thresholds: { notice: value } }];
        const failed = runTests({ ...shipped, detectors }).filter(({ differences }) => differences.length > 0);
        expect(failed.length, `${settings.name} with a threshold of ${value}`).toBeGreaterThan(0);
      }
    }
  });

  it('leave dunning out of everything that counts declines of payments', () => {
    const counting = shipped.detectors.filter(
      ({ on, where }) => on === 'attempt' && where.includes('declined') && !where.includes('setup'),
    );
    expect(counting.length).toBeGreaterThan(7);
    for (const { name, where } of counting) expect(where, name).toContain('!dunning');
  });
});

describe('checkDetectorsFile', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/detectors.md'), 'utf8');

  it('is documented field by field', () => {
    for (const field of Object.keys(DETECTOR_SHAPE)) expect(page, field).toContain(`\`${field}\``);
  });

  it('takes the examples of the documentation', () => {
    const examples = [...page.matchAll(/```yaml\n(.*?)```/gs)].map(([, text]) => text ?? '');
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) expect(checkDetectorsFile(example)).toHaveProperty('file');
    for (const { name } of shipped.detectors) expect(page).toContain(`\`${name}\``);
  });

  it('refuses a file whose tests fail, by name', () => {
    const broken = TEXT.replace('thresholds: { warning: 3, critical: 8 }', 'thresholds: { warning: 4, critical: 8 }');
    expect(broken).not.toBe(TEXT);
    const checked = checkDetectorsFile(broken);
    expect('problems' in checked && checked.problems).toContainEqual({
      path: 'detectors.card-declines.tests',
      message:
        '"three quick declines breach": expected 1 episode, got 0; expected severity warning, got none; expected peak 3, got none',
    });
  });

  it('runs no tests of a file that is not sound', () => {
    expect(checkDetectorsFile('detectors: [{ name: a }]')).toEqual(parseDetectors('detectors: [{ name: a }]'));
  });
});

describe('formOf and validateSettings', () => {
  it('are each other’s inverse for the shipped set', () => {
    for (const settings of shipped.detectors)
      expect(validateSettings(JSON.parse(JSON.stringify(formOf(settings))), GENERAL)).toEqual({ settings });
  });

  it('are each other’s inverse for any durations and thresholds', () => {
    const [base] = shipped.detectors as [DetectorSettings];
    const windowS = fc.integer({ min: 1, max: 604_800 });
    const settings = fc.record({
      windowS,
      quietForS: fc.integer({ min: 604_800, max: 1_209_600 }),
      settleMs: fc.integer({ min: 0, max: 600_000 }),
      alertMaxAgeMs: fc.integer({ min: 60_000, max: 2_592_000_000 }),
      continueAfter: fc.option(fc.integer({ min: 1, max: 1_000 })),
      repage: fc.integer({ min: 1, max: 10 }),
      stormAfter: fc.integer({ min: 1, max: 10_000 }),
      mode: fc.constantFrom('off', 'shadow', 'alert'),
      escalation: fc.constantFrom([], [{ afterMs: 61_000, to: 'S012' }]),
    });
    fc.assert(
      fc.property(settings, (changes) => {
        const whole = { ...base, ...changes } as DetectorSettings;
        expect(validateSettings(formOf(whole), GENERAL)).toEqual({ settings: whole });
      }),
    );
  });
});

describe('validateSettings', () => {
  it('tells every problem with the detector’s own paths', () => {
    const validated = validateSettings({ name: 'a', count: 'attempts', where: 'x', per: 'card', window: 5 }, GENERAL);
    const paths = 'problems' in validated ? validated.problems.map(({ path }) => path).sort() : [];
    expect(paths).toEqual(['thresholds', 'where', 'window']);
  });

  it.each([null, 7, 'text', [], { tests: [] }])('refuses %j', (value) => {
    expect(validateSettings(value, GENERAL)).toHaveProperty('problems');
  });
});

describe('validateChange', () => {
  const [current] = shipped.detectors as [DetectorSettings];
  const changed = (change: unknown) => validateChange(current, change, GENERAL);

  it('changes what is named and nothing else', () => {
    expect(changed({ thresholds: { warning: 4 }, mode: 'shadow', window: '20m' })).toEqual({
      settings: { ...current, thresholds: { warning: 4, critical: 8 }, mode: 'shadow', windowS: 1_200 },
    });
  });

  it('takes away a threshold, and sets back to a default', () => {
    const wide = { ...current, escalation: [{ afterMs: 60_000, to: 'S012' }], stormAfter: 50, at: 'amount > 1' };
    const result = validateChange(
      wide,
      { thresholds: { critical: null }, escalation: null, stormAfter: null, at: null },
      GENERAL,
    );
    expect(result).toEqual({ settings: { ...current, thresholds: { warning: 3 } } });
  });

  it.each([
    [{ thresholds: { warning: 9 } }, 'thresholds.critical'],
    [{ thresholds: { warning: null, critical: null } }, 'thresholds'],
    [{ thresholds: { warning: '4' } }, 'thresholds.warning'],
    [{ threshold: 4 }, 'threshold'],
    [{ name: 'other' }, 'name'],
    [{ quietFor: '1m' }, 'quietFor'],
    [{ where: 'nonsense' }, 'where'],
    [{ per: null }, 'per'],
    [{ tests: [] }, 'tests'],
    ['thresholds', ''],
  ])('refuses %j', (change, path) => {
    const result = changed(change);
    expect('problems' in result && result.problems.map((problem) => problem.path)).toContain(path);
  });
});
