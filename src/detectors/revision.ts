// One way to count: the compiled filters of a detector's settings and how its cells are laid out. Versions that differ in
// thresholds or quietFor alone share it.
import type { DetectorSettings } from '../model/detector.ts';
import { compileFilter, type Filter } from './cel.ts';
import { type Layout, layoutOf } from './cells.ts';

export type Revision = {
  readonly detector: string;
  readonly number: number;
  readonly settings: DetectorSettings;
  readonly where: Filter;
  readonly of: Filter | null;
  readonly at: Filter | null;
  readonly layout: Layout;
  /** Filters that failed at run time. */
  errors: number;
};

/** Throws a plain Error if a filter does not compile: rules are validated before they are accepted. */
export function createRevision(number: number, settings: DetectorSettings): Revision {
  const revision: Revision = {
    detector: settings.name,
    number,
    settings,
    where: compiled(settings.where),
    of: settings.of === null ? null : compiled(settings.of),
    at: settings.at === null ? null : compiled(settings.at),
    layout: layoutOf(settings),
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
