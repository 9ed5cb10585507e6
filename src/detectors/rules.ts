// The versions of one detector in time: which rule is in force at an instant, and which versions share cells.
import { type DetectorSettings, ladder, type Rule } from '../model/detector.ts';
import type { Group } from './entities.ts';
import type { Revision } from './revision.ts';

/** The group that a revision counts in, and its slot there. */
export type Home = { readonly revision: Revision; readonly group: Group; readonly slot: number };

export type DetectorRules = {
  readonly name: string;
  /** In the order of their versions. */
  readonly versions: Rule[];
  readonly revisions: Map<number, Revision>;
  /** Where each revision's cells are. */
  readonly homes: Home[];
  /** Grows with each change: what was read off the cells before no longer holds. */
  stamp: number;
};

/** False: that version was known. */
export function addRule(detectors: Map<string, DetectorRules>, rule: Rule): boolean {
  let rules = detectors.get(rule.detector);
  if (rules === undefined) {
    rules = { name: rule.detector, versions: [], revisions: new Map(), homes: [], stamp: 0 };
    detectors.set(rule.detector, rules);
  }
  if (rules.versions.some(({ version }) => version === rule.version)) return false;
  rules.versions.push(rule);
  rules.versions.sort((a, b) => a.version - b.version);
  rules.stamp += 1;
  return true;
}

/** The rule in force at second `t`: the newest version whose `since` is not after it; null if none or removed. */
export function ruleAt({ versions }: DetectorRules, t: number): Rule | null {
  for (let i = versions.length - 1; i >= 0; i--) {
    const rule = versions[i];
    if (rule !== undefined && rule.sinceS <= t) return rule.settings === null ? null : rule;
  }
  return null;
}

/** With fewer attempts than this no version of a revision can breach: its cells need not exist. */
export function leastHits({ versions }: DetectorRules, revision: Revision): number {
  let least = Number.POSITIVE_INFINITY;
  for (const { settings, revision: number } of versions) {
    if (settings === null || number !== revision.number) continue;
    const { count, minimum } = settings;
    const lowest = Math.min(...ladderOf(settings).map(({ value }) => value));
    const own = count === 'ratio' ? (minimum ?? 1) : count === 'sum(amount)' ? 1 : lowest;
    least = Math.min(least, Math.max(1, Math.ceil(own)));
  }
  return least;
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
