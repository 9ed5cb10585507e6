// The month of fraud as a message: against golden files, Slack's limits, and with hostile strings.
import { describe, expect, it } from 'vitest';
import { monthCard } from '../../../src/alerts/blocks-month.ts';
import type { Card } from '../../../src/alerts/notice.ts';
import type { Month, MonthOfScope } from '../../../src/model/month.ts';
import { messageProblems } from '../../support/block-kit.ts';
import { expectInert, HOSTILE } from '../../support/hostile.ts';

const consoleUrl = 'http://127.0.0.1:4243';

const scopeOf = (facts: Partial<MonthOfScope> = {}): MonthOfScope => {
  const money = { usd: { count: 56, amount: 1_240_000 }, jpy: { count: 2, amount: 5_000 } };
  const count = (n: number) => ({ count: n, amounts: n === 0 ? {} : money });
  return {
    scope: { account: null, livemode: true },
    days: 31,
    partialDays: [],
    payments: {
      all: count(12_345),
      succeeded: count(12_000),
      declined: count(300),
      blocked: count(40),
      authentication_failed: count(5),
      invalid: count(0),
    },
    saves: {},
    proofs: { dispute: count(3), early_fraud_warning: count(2), refund: count(0) },
    incidents: {
      opened: 60,
      alerts: 41,
      severities: { warning: 30, critical: 11 },
      verdicts: { fraud: 12, customer_trouble: 3, none: 26 },
      toAcknowledgeMs: { count: 20, median: 240_000, p90: 1_500_000 },
      toResolveMs: null,
    },
    grades: [
      {
        detector: 'card-declines',
        incidents: 41,
        graded: 15,
        coverage: 0.4,
        fraud: 12,
        verdicts: {},
        corrected: 1,
        precision: { value: 0.8, low: 0.55, high: 0.93 },
      },
    ],
    estimates: [
      {
        programme: 'VAMP',
        network: 'visa',
        numerator: 5,
        denominator: 9_000,
        ratio: 5 / 9_000,
        unknownBrand: 0,
        thresholds: [],
        reached: null,
      },
      {
        programme: 'ECM',
        network: 'mastercard',
        numerator: 120,
        denominator: 6_000,
        ratio: 0.02,
        unknownBrand: 1,
        thresholds: [],
        reached: 'ECM',
      },
    ],
    ...facts,
  };
};

const test = { scope: { account: 'acct_1Connected', livemode: false }, partialDays: ['2026-10-01'] } as const;
const MONTHS: Readonly<Record<string, Month>> = {
  month: { month: '2026-10', scopes: [scopeOf(), scopeOf(test)] },
  'month-test': { month: '2026-10', scopes: [scopeOf({ ...test, days: 0, grades: [], estimates: [] })] },
};

const GOLDEN: Readonly<Record<string, Card>> = {
  ...Object.fromEntries(Object.entries(MONTHS).map(([name, month]) => [name, monthCard(month, { consoleUrl })])),
};

describe('golden notices', () => {
  it.each(Object.entries(GOLDEN))('%s', async (name, card) => {
    expect(messageProblems(card)).toEqual([]);
    await expect(`${JSON.stringify(card, null, 2)}\n`).toMatchFileSnapshot(`../../fixtures/alerts/notice-${name}.json`);
  });
});

describe('the month', () => {
  it('says the headline figures, marks TEST, and where the rest is', () => {
    const text = GOLDEN.month?.text ?? '';
    expect(text).toContain(
      'Month of fraud 2026-10\nown account\nPayments: 12,345 attempts, 300 declined by the bank (12,400.00 USD, 5,000 JPY)',
    );
    expect(text).toContain('acct_1Connected (TEST)');
    expect(text).toContain('Precision: 12 of 15 graded were fraud (80 %)');
    expect(text).toContain('ECM (mastercard): 2.000 %, 120 of 6,000, REACHED: ECM');
    expect(GOLDEN['month-test']?.text).toMatch(/^TEST · Month of fraud/);
  });

  it('stays within Slack’s limits, and inert', () => {
    const scope = { account: HOSTILE.repeat(9), livemode: true };
    const scopes = Array.from({ length: 80 }, () => scopeOf({ scope, partialDays: Array(31).fill(HOSTILE) }));
    const card = monthCard({ month: '2026-10', scopes }, { consoleUrl });
    expect(messageProblems(card)).toEqual([]);
    expectInert(card);
  });
});
