// What was found late as a message: against golden files, Slack's limits, and with hostile strings.
import { describe, expect, it } from 'vitest';
import { erasedCard, lateCard } from '../../../src/alerts/blocks-late.ts';
import type { LateGroup } from '../../../src/alerts/late-groups.ts';
import type { Card } from '../../../src/alerts/notice.ts';
import { messageProblems } from '../../support/block-kit.ts';
import { expectInert, HOSTILE } from '../../support/hostile.ts';
import { sampleIncident } from '../../support/sample-incident.ts';

const consoleUrl = 'http://127.0.0.1:4243';
const AT = Date.UTC(2026, 9, 1, 12, 0, 0);

const late = (count: number, facts: Parameters<typeof sampleIncident>[0] = {}): LateGroup => ({
  subject: 'late:live:1',
  version: count,
  livemode: facts.livemode ?? true,
  incidents: Array.from({ length: count }, (_, n) =>
    sampleIncident({
      id: `INC-${n + 1}`,
      late: true,
      severity: n % 3 === 0 ? 'critical' : 'warning',
      attemptCount: 14 + n,
      firstAttemptAt: AT - 7_200_000 + n * 60_000,
      lastBreachAt: AT - 7_000_000 + n * 60_000,
      detector: n % 2 === 0 ? 'card-declines' : 'customer-cards',
      ...facts,
    }),
  ),
});

const GOLDEN: Readonly<Record<string, Card>> = {
  late: lateCard(late(3), { consoleUrl, now: AT }),
  'late-erased': erasedCard({ subject: 'late:live:1', version: 1, livemode: true, sinceMs: AT }, { consoleUrl }),
  'late-many-test': lateCard(late(25, { livemode: false }), { consoleUrl, now: AT }),
};

describe('golden notices', () => {
  it.each(Object.entries(GOLDEN))('%s', async (name, card) => {
    expect(messageProblems(card)).toEqual([]);
    await expect(`${JSON.stringify(card, null, 2)}\n`).toMatchFileSnapshot(`../../fixtures/alerts/notice-${name}.json`);
  });
});

describe('what was found late', () => {
  it('says how many, from when to when, how bad, the ten worst and where the rest is', () => {
    const text = GOLDEN['late-many-test']?.text ?? '';
    expect(text).toContain('TEST · 25 incidents found late\nFrom 2026-10-01 10:00:00 UTC to 2026-10-01 10:27:20 UTC.');
    expect(text).toContain('Severity  9 CRITICAL, 16 WARNING');
    expect(text).toContain('at most 30,862.50 EUR, 125,000 JPY');
    expect(text.match(/INC-\d+ · /g)).toHaveLength(10);
    expect(text).toContain('15 more are not listed here.');
    expect(text.indexOf('CRITICAL · 14 declines')).toBeLessThan(text.indexOf('WARNING · 14 declines'));
  });

  it('stays within Slack’s limits, and inert', () => {
    const entity = { kind: 'card', value: HOSTILE, label: HOSTILE.repeat(9) } as const;
    const card = lateCard(late(2_000, { detector: HOSTILE, title: HOSTILE, entity }), { consoleUrl, now: AT });
    expect(messageProblems(card)).toEqual([]);
    expectInert(card);
  });
});
