// What the metrics read at a scrape, from the same sources as health.
import type { Readings } from '../telemetry/metrics.ts';
import type { Health, HealthSources } from './health.ts';

export function readingsOf(
  { detect, manager, feed, deliveries }: HealthSources,
  { parts }: Health,
  now: number,
): Readings {
  const partitions = detect?.() ?? [];
  const sum = (value: (one: (typeof partitions)[number]) => number): number =>
    partitions.reduce((total, one) => total + value(one), 0);
  const managed = manager?.();
  const followed = feed?.();
  return {
    lag: { detect: sum(({ lag }) => lag), incidents: managed?.behind ?? 0, feed: followed?.behind ?? 0 },
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
