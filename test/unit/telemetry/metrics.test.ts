// Every metric has a name by the rules, a help text and labels from closed lists; what the dashboard and the alert rules name is
// there; each alarm is explained.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createMetrics, type Readings } from '../../../src/telemetry/metrics.ts';

const ROOT = join(import.meta.dirname, '../../..');
const text = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

const READINGS: Readings = {
  lag: { detect: 4, incidents: 0, feed: 0, silence: 0 },
  attempts: 7,
  keys: 3,
  fill: 0.25,
  filterErrors: { 'card-declines': 2 },
  incidents: 5,
  unresolved: 1,
  deliveries: [{ output: 'slack', pending: 2, oldestAt: 40_000 }],
  parts: [{ name: 'log', isFine: true }],
  deadLetters: new Map([['attempts', 6]]),
  accounts: { watched: 9, silent: 1 },
  verified: { at: 30_000, differences: 0 },
  agreedUntil: 20_000,
  now: 100_000,
};

type Sample = { readonly name: string; readonly labels: Readonly<Record<string, string>>; readonly value: number };

/** With every label used once. */
async function scrape(readings: Readings = READINGS): Promise<string> {
  const metrics = createMetrics();
  metrics.ingest.answered('view');
  metrics.ingest.deadLettered('no_id');
  metrics.detect.folded(10, 5);
  metrics.detect.reported('opened');
  metrics.detect.refused();
  metrics.manager.change('report', 'opened');
  metrics.delivery.count('slack', 'posted');
  metrics.opened(12);
  metrics.alerted('slack', 2_500);
  return await metrics.text(readings);
}

function samplesOf(scraped: string): Sample[] {
  return scraped.split('\n').flatMap((line) => {
    const [, name, labels = '', value] = /^([a-z_0-9]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined) return [];
    return {
      name,
      value: Number(value),
      labels: Object.fromEntries([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, k, v]) => [k, v])),
    };
  });
}

const sampleOf = (samples: readonly Sample[], name: string, labels: Readonly<Record<string, string>> = {}) =>
  samples.find(
    (one) => one.name === name && Object.entries(labels).every(([label, value]) => one.labels[label] === value),
  )?.value;

describe('metrics', () => {
  it('have names by the rules, each with its help', async () => {
    const scraped = await scrape();
    const declared = [...scraped.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => ({
      name,
      type,
    }));
    expect(declared.length).toBeGreaterThan(30);
    for (const { name, type } of declared) {
      expect(name).toMatch(/^declinewatch_[a-z][a-z0-9_]*$/);
      expect(scraped).toMatch(new RegExp(`^# HELP ${name} \\S.{10,}$`, 'm'));
      if (type === 'counter') expect(name).toMatch(/_total$/);
      if (type === 'histogram') expect(name).toMatch(/_seconds$/);
    }
  });

  it('say what they were told', async () => {
    const samples = samplesOf(await scrape());
    expect(sampleOf(samples, 'declinewatch_lag_records', { stage: 'detect' })).toBe(4);
    expect(sampleOf(samples, 'declinewatch_delivery_oldest_seconds', { output: 'slack' })).toBe(60);
    expect(sampleOf(samples, 'declinewatch_decline_to_alert_seconds_sum', { output: 'slack' })).toBe(2.5);
    expect(sampleOf(samples, 'declinewatch_dead_letters_waiting', { source: 'attempts' })).toBe(6);
    expect(sampleOf(samples, 'declinewatch_filter_errors', { detector: 'card-declines' })).toBe(2);
    expect(sampleOf(samples, 'declinewatch_accounts_silent')).toBe(1);
    expect(sampleOf(samples, 'declinewatch_verify_differences')).toBe(0);
    expect(sampleOf(samples, 'declinewatch_window_fill_ratio')).toBe(0.25);
    expect(sampleOf(samples, 'declinewatch_reconciled_until_timestamp_seconds')).toBe(20);
  });

  it('let go of what is no more, and say that a verification failed', async () => {
    const metrics = createMetrics();
    await metrics.text(READINGS);
    const samples = samplesOf(
      await metrics.text({
        ...READINGS,
        deadLetters: new Map(),
        filterErrors: {},
        verified: { at: 1, differences: null },
      }),
    );
    expect(sampleOf(samples, 'declinewatch_dead_letters_waiting')).toBeUndefined();
    expect(sampleOf(samples, 'declinewatch_filter_errors')).toBeUndefined();
    expect(sampleOf(samples, 'declinewatch_verify_differences')).toBe(-1);
  });
});

type Rule = {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string };
};
const rules = (parse(text('ops/alerts.yaml')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);
type Panel = { readonly title: string; readonly targets?: readonly { readonly expr: string }[] };
const panels = (JSON.parse(text('ops/grafana-dashboard.json')) as { panels: Panel[] }).panels;
const expressions = [
  ...rules.map(({ expr }) => expr),
  ...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
];

describe('dashboard and alert rules', () => {
  it('name only metrics that there are, with labels that they have', async () => {
    const samples = samplesOf(await scrape());
    const labelsOf = (name: string): Set<string> =>
      new Set(samples.filter((one) => one.name === name).flatMap(({ labels }) => Object.keys(labels)));
    expect(expressions.length).toBeGreaterThan(35);
    for (const expression of expressions) {
      const named = [...expression.matchAll(/\b(declinewatch_\w+)(?:\{([^}]*)\})?/g)];
      expect([expression, named.length > 0]).toEqual([expression, true]);
      const grouped = [...expression.matchAll(/by \(([^)]*)\)/g)].flatMap(([, labels = '']) => labels.split(/,\s*/));
      const known = new Set(['instance', ...named.flatMap(([, name = '']) => [...labelsOf(name)])]);
      expect([expression, grouped.filter((label) => !known.has(label))]).toEqual([expression, []]);
      for (const [, name = '', matchers = ''] of named) {
        expect([name, samples.some((one) => one.name === name)]).toEqual([name, true]);
        for (const [, label = ''] of matchers.matchAll(/(\w+)[!=]~?"/g))
          expect([expression, label, labelsOf(name).has(label)]).toEqual([expression, label, true]);
      }
    }
  });

  it('show every metric of this program', async () => {
    const scraped = await scrape();
    const own = [...scraped.matchAll(/^# TYPE (declinewatch_\S+) /gm)].map(([, name = '']) => name);
    const shown = expressions.join('\n');
    const hidden = own.filter((name) => !/_(process|nodejs)_/.test(name) && !shown.includes(name));
    expect(hidden).toEqual(['declinewatch_incidents_held']);
  });

  it('each alarm has a severity, a sentence, and a heading with its cure in docs/operations.md', () => {
    const page = text('docs/operations.md');
    const sections = page.split(/^### /m).filter((section) => section.startsWith('Declinewatch'));
    expect(sections.map((section) => section.split('\n')[0])).toEqual(rules.map(({ alert }) => alert));
    for (const section of sections) expect(section).toContain('**Cure:**');
    for (const { labels, annotations } of rules) {
      expect(['info', 'warning', 'critical']).toContain(labels.severity);
      expect(annotations.summary).toMatch(/\.$/);
    }
  });
});
