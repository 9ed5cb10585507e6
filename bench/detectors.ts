// The detectors of the benchmarks, as rules of the fold and as a file.
import type { DetectorSettings, EntityKind, Rule } from '../src/model/detector.ts';

export type DetectorPlan = {
  readonly name: string;
  readonly per: EntityKind;
  readonly threshold: number;
  readonly windowS: number;
};

/** The job that is compared with other engines. */
export const THREE: readonly DetectorPlan[] = [
  { name: 'card-declines', per: 'card', threshold: 3, windowS: 600 },
  { name: 'customer-declines', per: 'customer', threshold: 5, windowS: 3_600 },
  { name: 'email-declines', per: 'email', threshold: 8, windowS: 3_600 },
];

/** As many as wanted: the three again and again, each time with another threshold and window. */
export function detectorsUpTo(count: number): readonly DetectorPlan[] {
  return Array.from({ length: count }, (_, i) => {
    const plan = THREE[i % THREE.length] as DetectorPlan;
    const turn = Math.floor(i / THREE.length);
    const { name, threshold, windowS } = plan;
    return { ...plan, name: `${name}-${turn}`, threshold: threshold + turn, windowS: windowS + 60 * turn };
  });
}

export function rulesOf(plans: readonly DetectorPlan[]): readonly Rule[] {
  return plans.map((plan) => ({
    record: 'rule',
    detector: plan.name,
    version: 1,
    revision: 1,
    sinceS: 0,
    latenessMs: 72 * 3_600_000,
    settings: settingsOf(plan),
  }));
}

export function settingsOf({ name, per, threshold, windowS }: DetectorPlan): DetectorSettings {
  return {
    name,
    title: name,
    why: 'A benchmark.',
    on: 'attempt',
    count: 'attempts',
    where: 'outcome == "declined"',
    of: null,
    at: null,
    minimum: null,
    currency: null,
    per,
    windowS,
    quietForS: Math.max(3_600, windowS),
    thresholds: { warning: threshold },
    mode: 'alert',
    settleMs: 2_000,
    alertMaxAgeMs: 3_600_000,
    continueAfter: null,
    repage: 2,
    escalation: [],
    stormAfter: 10,
  };
}

/** The same as a `detectors.yaml`; `more` goes to its top level. */
export function fileOf(plans: readonly DetectorPlan[], more = ''): string {
  const detectors = plans.map(
    ({ name, per, threshold, windowS }) => `  - name: ${name}
    title: ${name}
    why: A benchmark.
    count: attempts
    where: outcome == "declined"
    per: ${per}
    window: ${windowS}s
    quietFor: ${Math.max(3_600, windowS)}s
    thresholds: { warning: ${threshold} }
    mode: alert
`,
  );
  return `${more}detectors:\n${detectors.join('')}`;
}
