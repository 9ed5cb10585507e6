import { describe, expect, it } from 'vitest';
import { createRevision } from '../../../src/detectors/revision.ts';
import { addRule, type DetectorRules, leastHits, ruleAt } from '../../../src/detectors/rules.ts';
import type { DetectorSettings, Rule } from '../../../src/model/detector.ts';
import { rule } from '../../support/detect.ts';

function rulesOf(...versions: readonly Rule[]): DetectorRules {
  const detectors = new Map<string, DetectorRules>();
  for (const version of versions) addRule(detectors, version);
  const [rules] = [...detectors.values()];
  if (rules === undefined) throw new Error('no rules');
  return rules;
}

const settings = (changes: Partial<DetectorSettings> = {}): DetectorSettings => {
  const made = rule(changes).settings;
  if (made === null) throw new Error('a rule without settings');
  return made;
};

describe('rules in time', () => {
  const versions = [
    rule({}, { version: 1, sinceS: 0 }),
    rule({}, { version: 3, sinceS: 200 }),
    { ...rule({}, { version: 4, sinceS: 300 }), settings: null },
    rule({}, { version: 5, sinceS: 400 }),
    rule({}, { version: 2, sinceS: 100 }),
  ];

  it('are in force from their second on, in whatever order they came; none while the detector is removed', () => {
    const rules = rulesOf(...versions);
    const at = [0, 99, 100, 199, 200, 299, 300, 399, 400].map((t) => ruleAt(rules, t)?.version ?? null);
    expect(at).toEqual([1, 1, 2, 2, 3, 3, null, null, 5]);
  });

  it('do not judge before the first', () => {
    expect(ruleAt(rulesOf(rule({}, { sinceS: 50 })), 49)).toBeNull();
  });

  it('know a version once', () => {
    const detectors = new Map<string, DetectorRules>();
    expect([
      addRule(detectors, rule()),
      addRule(detectors, rule()),
      addRule(detectors, rule({}, { version: 2 })),
    ]).toEqual([true, false, true]);
    expect(detectors.get('card-declines')).toMatchObject({ stamp: 2, versions: [{ version: 1 }, { version: 2 }] });
  });
});

describe('the least number of attempts that can breach', () => {
  it.each<[Partial<DetectorSettings>, number]>([
    [{ thresholds: { warning: 3, critical: 6 } }, 3],
    [{ thresholds: { notice: 2.5 } }, 3],
    [{ count: 'distinct(card)', thresholds: { critical: 4 } }, 4],
    [{ count: 'ratio', minimum: 20, thresholds: { warning: 0.5 } }, 20],
    [{ count: 'sum(amount)', currency: 'usd', thresholds: { warning: 90_000 } }, 1],
  ])('of %o is %d', (changes, least) => {
    const rules = rulesOf(rule(changes));
    expect(leastHits(rules, createRevision(1, settings(changes)))).toBe(least);
  });

  it('is that of the version with the lowest threshold', () => {
    const rules = rulesOf(rule(), rule({ thresholds: { notice: 2 } }, { version: 2, sinceS: 50 }));
    expect(leastHits(rules, createRevision(1, settings()))).toBe(2);
  });
});

describe('createRevision', () => {
  it('says which detector has a filter that does not compile', () => {
    expect(() => createRevision(1, settings({ where: 'nonsense ==' }))).toThrow(/filter of card-declines/);
    expect(() => createRevision(1, settings({ at: 'amount' }))).toThrow(/gives int, not true or false/);
    expect(() => createRevision(1, settings({ of: 'signal == "x"' }))).toThrow(/Unknown variable/);
  });
});
