// The versions of one detector in time: which rule is in force at an instant, and which versions share cells.
import { type DetectorSettings, ladder, type Rule } from '../model/detector.ts';
import { compileFilter, type Filter } from './cel.ts';
import type { Cells } from './cells.ts';

/** What decides about cells; versions that agree in it share them. */
export type CellSettings = Pick<
  DetectorSettings,
  'on' | 'count' | 'where' | 'of' | 'at' | 'per' | 'windowS' | 'currency'
>;

export type Revision = {
  readonly number: number;
  readonly settings: DetectorSettings;
  readonly where: Filter;
  readonly of: Filter | null;
  readonly at: Filter | null;
  /** By scope and entity value. */
  readonly keys: Map<string, Cells>;
  /** Filters that failed at run time. */
  errors: number;
};

export type DetectorRules = {
  readonly name: string;
  /** In the order of their versions. */
  readonly versions: Rule[];
  readonly revisions: Map<number, Revision>;
};

/** The rule in force at second `t`: the newest version whose `since` is not after it; null if none or removed. */
export function ruleAt(rules: DetectorRules, t: number): Rule | null {
  for (let i = rules.versions.length - 1; i >= 0; i--) {
    const rule = rules.versions[i];
    if (rule !== undefined && rule.sinceS <= t) return rule.settings === null ? null : rule;
  }
  return null;
}

/** Throws a plain Error if a filter does not compile: rules are validated before they are accepted. */
export function createRevision(number: number, settings: DetectorSettings): Revision {
  const revision: Revision = {
    number,
    settings,
    where: compiled(settings.where),
    of: settings.of === null ? null : compiled(settings.of),
    at: settings.at === null ? null : compiled(settings.at),
    keys: new Map(),
    errors: 0,
  };
  function compiled(expression: string): Filter {
    const result = compileFilter(expression, settings.on, () => {
      revision.errors += 1;
    });
    if ('filter' in result) return result.filter;
    throw new Error(`The filter of ${settings.name} ${result.problem}.`);
  }
  return revision;
}

export type Ladder = ReturnType<typeof ladder>;

const ladders = new WeakMap<object, Ladder>();

/** The thresholds of a rule, lowest first. */
export function ladderOf(settings: DetectorSettings): Ladder {
  const known = ladders.get(settings);
  if (known !== undefined) return known;
  const steps = ladder(settings.thresholds);
  ladders.set(settings, steps);
  return steps;
}
