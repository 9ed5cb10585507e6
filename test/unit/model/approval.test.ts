import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { approvalProblem, isSamePerson, looserFields, secondPersonNeeded } from '../../../src/model/approval.ts';
import {
  type DetectorSettings,
  ladder,
  SEVERITIES,
  type Severity,
  type Thresholds,
} from '../../../src/model/detector.ts';
import type { Actor } from '../../../src/model/incident.ts';
import { detectorSettings } from '../../support/decider.ts';

const base = detectorSettings({ approval: 'loosening', escalation: [{ afterMs: 600_000, to: 'S0' }] });
const ratio = detectorSettings({ count: 'ratio', of: 'true', minimum: 20, thresholds: { warning: 0.4 } });
const looser = (change: Partial<DetectorSettings>, from = base): readonly string[] =>
  looserFields(from, { ...from, ...change });

describe('looserFields', () => {
  it.each<[string, Partial<DetectorSettings>, readonly string[]]>([
    ['nothing', {}, []],
    ['other words', { title: 'Other', why: 'Other words.' }, []],
    ['a higher threshold', { thresholds: { warning: 4, critical: 8 } }, ['thresholds.warning']],
    ['a lower threshold', { thresholds: { warning: 2, critical: 7 } }, []],
    ['a threshold taken away', { thresholds: { warning: 3 } }, ['thresholds.critical']],
    ['the lowest threshold taken away', { thresholds: { critical: 8 } }, ['thresholds.warning']],
    ['the same number, milder', { thresholds: { notice: 3, critical: 8 } }, ['thresholds.warning']],
    ['the same number, graver', { thresholds: { critical: 3 } }, []],
    ['a further threshold', { thresholds: { notice: 2, warning: 3, critical: 8 } }, []],
    ['shadow', { mode: 'shadow' }, ['mode']],
    ['off', { mode: 'off' }, ['mode']],
    ['a shorter window', { windowS: 300 }, ['window']],
    ['a longer window', { windowS: 900 }, []],
    ['more time between episodes', { quietForS: 7_200 }, ['quietFor']],
    ['less time between episodes', { quietForS: 1_800 }, []],
    ['another filter', { where: 'outcome == "blocked"' }, ['where']],
    ['another entity', { per: 'email' }, ['per']],
    ['another count', { count: 'distinct(card)' }, ['count']],
    ['what may breach', { at: 'amount > 100' }, ['at']],
    ['a longer settle', { settleMs: 60_000 }, ['settle']],
    ['sooner late', { alertMaxAgeMs: 60_000 }, ['alertMaxAge']],
    ['growth that must be larger', { continueAfter: 10 }, ['continueAfter']],
    ['growth that may be smaller', { continueAfter: 1 }, []],
    ['speaking again later', { repage: 3 }, ['repage']],
    ['speaking again sooner', { repage: 1.5 }, []],
    ['no escalation', { escalation: [] }, ['escalation']],
    ['a later escalation', { escalation: [{ afterMs: 900_000, to: 'S0' }] }, ['escalation']],
    [
      'a sooner one, and one more',
      {
        escalation: [
          { afterMs: 1, to: 'S0' },
          { afterMs: 2, to: 'S1' },
        ],
      },
      [],
    ],
    ['storms from fewer incidents', { stormAfter: 5 }, ['stormAfter']],
    ['storms from more incidents', { stormAfter: 50 }, []],
    ['more approval', { approval: 'all' }, []],
  ])('%s', (_, change, fields) => {
    expect(looser(change)).toEqual(fields);
  });

  it('names less approval, and a detector that goes', () => {
    const { approval: _, ...none } = base;
    expect(looserFields(base, none)).toEqual(['approval']);
    expect(looserFields(detectorSettings({ approval: 'all' }), base)).toContain('approval');
    expect(looserFields(base, null)).toEqual(['detector']);
  });

  it('takes no other window of a share for louder, and a larger minimum for quieter', () => {
    expect(looser({ windowS: 300 }, ratio)).toEqual(['window']);
    expect(looser({ windowS: 900 }, ratio)).toEqual(['window']);
    expect(looser({ minimum: 30 }, ratio)).toEqual(['minimum']);
    expect(looser({ minimum: 10 }, ratio)).toEqual([]);
  });

  it('names thresholds exactly when some value would have a milder severity', () => {
    const steps = fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 3 }).chain((values) =>
      fc.shuffledSubarray([...SEVERITIES], { minLength: values.length, maxLength: values.length }).map((names) => {
        const sorted = [...values].sort((a, b) => a - b);
        const own = SEVERITIES.filter((severity) => names.includes(severity));
        return Object.fromEntries(own.map((severity, index) => [severity, sorted[index] ?? 0])) as Thresholds;
      }),
    );
    const rank = (value: number, thresholds: Thresholds): number => {
      const reached: Severity | undefined = ladder(thresholds).findLast((step) => value >= step.value)?.severity;
      return reached === undefined ? -1 : SEVERITIES.indexOf(reached);
    };
    fc.assert(
      fc.property(steps, steps, (was, is) => {
        const values = Array.from({ length: 15 }, (_, value) => value);
        const isMilder = values.some((value) => rank(value, is) < rank(value, was));
        const named = looser({ thresholds: is }, { ...base, thresholds: was });
        expect(named.some((field) => field.startsWith('thresholds.'))).toBe(isMilder);
      }),
      { numRuns: 500 },
    );
  });
});

describe('isSamePerson', () => {
  const actor = (kind: Actor['kind'], id: string, name = id): Actor => ({ kind, id, name });

  it.each<[Actor, Actor, boolean]>([
    [actor('slack', 'U1', 'ana'), actor('slack', 'U1', 'ana g'), true],
    [actor('slack', 'U1', 'ana'), actor('slack', 'U2', 'ana'), false],
    [actor('console', 'ana'), actor('cli', 'ana'), true],
    [actor('console', 'local', 'console'), actor('cli', 'local', 'cli'), true],
    [actor('api', 'ana'), actor('console', 'bo'), false],
    [actor('slack', 'U1', 'Ana '), actor('api', 'ana'), true],
    [actor('slack', 'U1', ''), actor('api', 'x', ''), false],
    [actor('sheet', 'sheet', 'the sheet'), actor('sheet', 'sheet', 'the sheet'), true],
    [actor('sheet', 'sheet', 'the sheet'), actor('slack', 'U1', 'the sheet'), false],
  ])('%j, %j: %s', (a, b, is) => {
    expect(isSamePerson(a, b)).toBe(is);
    expect(isSamePerson(b, a)).toBe(is);
  });
});

describe('approvalProblem', () => {
  const ana: Actor = { kind: 'slack', id: 'U1', name: 'ana' };
  const bo: Actor = { kind: 'slack', id: 'U2', name: 'bo' };
  const file: Actor = { kind: 'file', id: 'detectors.yaml', name: '' };
  const quieter = { ...base, thresholds: { warning: 5, critical: 8 } };
  const louder = { ...base, thresholds: { warning: 2, critical: 8 } };
  const problem = (after: DetectorSettings | null, by: Actor, proposedBy: Actor | null, before = base) =>
    approvalProblem({ detector: 'card-declines', before, after, by, proposedBy });

  it('lets a second person apply what makes it quieter, and nobody alone', () => {
    expect(problem(quieter, ana, null)).toMatch(
      /^This makes card-declines quieter \(thresholds\.warning\), which needs a second person \(approval: loosening\)\. Propose it/,
    );
    expect(problem(quieter, ana, ana)).toMatch(/Ana proposed it, so somebody else must apply it\.$/);
    expect(problem(quieter, bo, ana)).toBeNull();
    expect(problem(null, ana, null)).toContain('(detector)');
    expect(problem(louder, ana, null)).toBeNull();
  });

  it('asks for one at each change, or at none, as the settings in force say', () => {
    const all = detectorSettings({ approval: 'all' });
    expect(problem(louder, ana, null, all)).toMatch(
      /^Each change of card-declines needs a second person \(approval: all\)/,
    );
    expect(problem(quieter, ana, null, detectorSettings())).toBeNull();
    expect(secondPersonNeeded({ detector: 'new', before: null, after: all })).toBeNull();
  });

  it('does not ask the file', () => {
    expect(problem(quieter, file, null)).toBeNull();
    expect(problem(null, file, null)).toBeNull();
  });
});
