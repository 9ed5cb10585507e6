// What the metrics read at a scrape, from the same sources as health.
import type { Readings } from '../telemetry/metrics.ts';
import type { Health, HealthSources } from './health.ts';

export function readingsOf(
  { detect, manager, feed, deliveries, silence, deadLetters, reconciliation, verification }: HealthSources,
  { parts }: Health,
  now: number,
): Readings {
  const partitions = detect?.() ?? [];
  const sum = (value: (one: (typeof partitions)[number]) => number): number =>
    partitions.reduce((total, one) => total + value(one), 0);
  const managed = manager?.();
  const followed = feed?.();
  const heard = silence?.();
  const verified = verification?.().last ?? null;
  const through = reconciliation?.().through ?? null;
  const filterErrors: Record<string, number> = {};
  for (const partition of partitions)
    for (const [detector, errors] of Object.entries(partition.filterErrors))
      filterErrors[detector] = (filterErrors[detector] ?? 0) + errors;
  return {
    lag: {
      detect: sum(({ lag }) => lag),
      incidents: managed?.behind ?? 0,
      feed: followed?.behind ?? 0,
      silence: heard?.behind ?? 0,
    },
    fill: Math.max(0, ...partitions.map(({ held, maxHeld }) => held / maxHeld)),
    filterErrors,
    deadLetters: deadLetters?.() ?? new Map(),
    accounts: { watched: heard?.watched ?? 0, silent: heard?.silent ?? 0 },
    verified: verified && { at: verified.at, differences: verified.result?.differences.length ?? null },
    agreedUntil: through === null ? null : Date.parse(through),
    attempts: sum(({ attempts }) => attempts),
    keys: sum(({ keys }) => keys),
    incidents: followed?.incidents ?? 0,
    unresolved: followed?.unresolved ?? 0,
    deliveries: deliveries.map((status) => {
      const { output, pending, oldestPendingAt } = status();
      return { output, pending, oldestAt: oldestPendingAt };
    }),
    parts: parts.map(({ name, state }) => ({ name, isFine: state === 'fine' })),
    now,
  };
}
