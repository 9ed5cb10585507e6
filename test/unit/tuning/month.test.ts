// The month of fraud: sums over its days, what became of its incidents, programmes at their thresholds, and its page.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DailyTotals, Proof } from '../../../src/model/daily-totals.ts';
import type { Incident } from '../../../src/model/incident.ts';
import { monthOf, monthRange, previousMonth } from '../../../src/tuning/month.ts';
import { monthHtml } from '../../../src/tuning/month-html.ts';
import { estimatesOf } from '../../../src/tuning/month-programmes.ts';
import { readMonth } from '../../../src/tuning/month-report.ts';
import { monthText } from '../../../src/tuning/month-words.ts';
import { ANA } from '../../support/decider.ts';
import { sampleIncident } from '../../support/sample-incident.ts';

const LIVE = { account: null, livemode: true };

const proof = (id: string, more: Partial<Proof> = {}): Proof => ({
  id,
  kind: 'dispute',
  charge: null,
  reason: 'fraudulent',
  at: 0,
  amount: 500,
  currency: 'usd',
  said: { created: 1, event: 'evt_1' },
  paid: { at: 0, brand: 'visa', entities: [] },
  ...more,
});

const day = (name: string, more: Partial<DailyTotals> = {}): DailyTotals => ({
  scope: LIVE,
  day: name,
  asOf: 1,
  whole: true,
  outcomes: {},
  saves: {},
  brands: {},
  proofs: [],
  ...more,
});

const month = (days: readonly DailyTotals[], incidents: readonly Incident[] = []) =>
  monthOf({ month: '2026-10', days, incidents, corrections: new Map() });

describe('the month of fraud', () => {
  it('is the sum of its days, and of no others', () => {
    const figures = fc.record({
      day: fc.integer({ min: 1, max: 31 }),
      declined: fc.nat({ max: 50 }),
      amount: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(figures, { maxLength: 40 }), (all) => {
        const days = all.map(({ day: number, declined, amount }, i) =>
          day(`2026-${i % 4 === 3 ? '09' : '10'}-${String(number).padStart(2, '0')}`, {
            outcomes: { declined: { count: declined, amounts: { usd: { count: declined, amount } } } },
          }),
        );
        const own = days.filter(({ day: name }) => name.startsWith('2026-10'));
        const [part] = month(days).scopes;
        const sum = (of: (one: DailyTotals) => number): number => own.reduce((total, one) => total + of(one), 0);
        expect(part?.payments.declined.count ?? 0).toBe(sum(({ outcomes }) => outcomes.declined?.count ?? 0));
        expect(part?.payments.all.amounts.usd?.amount ?? 0).toBe(
          sum(({ outcomes }) => outcomes.declined?.amounts.usd?.amount ?? 0),
        );
      }),
    );
  });

  it('counts what was reported, with its money by currency', () => {
    const proofs = [
      proof('dp_1'),
      proof('dp_2', { currency: 'jpy', amount: 900 }),
      proof('issfr_1', { kind: 'early_fraud_warning', amount: null, currency: null }),
      proof('re_1', { kind: 'refund' }),
    ];
    const [part] = month([
      day('2026-10-01', { proofs: proofs.slice(0, 2) }),
      day('2026-10-31', { proofs: proofs.slice(2) }),
    ]).scopes;
    expect(part?.proofs).toEqual({
      dispute: { count: 2, amounts: { usd: { count: 1, amount: 500 }, jpy: { count: 1, amount: 900 } } },
      early_fraud_warning: { count: 1, amounts: {} },
      refund: { count: 1, amounts: { usd: { count: 1, amount: 500 } } },
    });
  });

  it('says how fast people were, and what they said', () => {
    const opened = sampleIncident().openedAt;
    const handled = (id: string, afterMs: number): Incident => {
      const { peak, severity, attemptCount, ...rest } = sampleIncident({ id });
      const by = { by: ANA, at: opened + afterMs, peak, severity };
      return {
        ...rest,
        peak,
        severity,
        attemptCount,
        status: 'resolved',
        acknowledged: by,
        resolved: { ...by, at: opened + 2 * afterMs, verdict: 'fraud', note: '', attemptCount },
      };
    };
    const incidents = [1, 2, 3, 4, 10].map((minutes) => handled(`INC-${minutes}`, minutes * 60_000));
    const more = [sampleIncident({ id: 'INC-20' }), sampleIncident({ id: 'INC-21', status: 'merged' })];
    const [part] = month([], [...incidents, ...more]).scopes;
    expect(part?.incidents).toMatchObject({
      opened: 7,
      alerts: 6,
      severities: { critical: 6 },
      verdicts: { fraud: 5, none: 1 },
      toAcknowledgeMs: { count: 5, median: 180_000, p90: 600_000 },
      toResolveMs: { count: 5, median: 360_000, p90: 1_200_000 },
    });
  });

  it('keeps scopes apart, live mode first', () => {
    const test = { account: null, livemode: false };
    const connected = { account: 'acct_1', livemode: true };
    const days = [test, connected, LIVE].map((scope) => day('2026-10-01', { scope }));
    expect(month(days).scopes.map(({ scope }) => scope)).toEqual([LIVE, connected, test]);
  });

  it('names the days that are not whole', () => {
    const [part] = month([day('2026-10-02', { whole: false }), day('2026-10-01')]).scopes;
    expect(part).toMatchObject({ days: 2, partialDays: ['2026-10-02'] });
  });

  it('knows the month before, and where a month begins and ends', () => {
    expect([previousMonth('2026-01'), previousMonth('2026-10')]).toEqual(['2025-12', '2026-09']);
    expect(monthRange('2026-12')).toEqual({ fromMs: Date.UTC(2026, 11, 1), toMs: Date.UTC(2027, 0, 1) });
  });
});

describe('the programmes', () => {
  const visa = (count: number, kind: Proof['kind'] = 'dispute', brand = 'visa'): readonly Proof[] =>
    Array.from({ length: count }, (_, i) => proof(`${kind}_${i}`, { kind, paid: { at: 0, brand, entities: [] } }));
  const estimates = (
    proofs: readonly Proof[],
    brands: Record<string, number>,
    before: Record<string, number> | null = {},
  ) => estimatesOf({ proofs, brands, brandsBefore: before });

  it('VAMP counts disputes and warnings of Visa by its payments of the month, and needs both parts of a threshold', () => {
    const four = [
      ...visa(2),
      ...visa(2, 'early_fraud_warning'),
      ...visa(9, 'refund'),
      ...visa(9, 'dispute', 'mastercard'),
    ];
    expect(estimates(four, { visa: 100 })[0]).toMatchObject({
      numerator: 4,
      denominator: 100,
      ratio: 0.04,
      reached: null,
    });
    expect(estimates([...visa(5)], { visa: 1_000 })[0]).toMatchObject({ ratio: 0.005, reached: 'non-compliant' });
    expect(estimates([...visa(5)], { visa: 1_001 })[0]?.reached).toBeNull();
    expect(estimates([...visa(1_500)], { visa: 100_000 })[0]?.reached).toBe('excessive');
    expect(estimates([...visa(1_499)], { visa: 10_000 })[0]?.reached).toBe('non-compliant');
  });

  it('ECM divides disputes of Mastercard by the payments of the month before', () => {
    const disputes = [...visa(100, 'dispute', 'mastercard'), ...visa(50, 'early_fraud_warning', 'mastercard')];
    const [, ecm] = estimates(disputes, { mastercard: 1 }, { mastercard: 5_000 });
    expect(ecm).toMatchObject({ numerator: 100, denominator: 5_000, ratio: 0.02, reached: 'ECM' });
    expect(estimates(disputes, {}, null)[1]).toMatchObject({ denominator: null, ratio: null, reached: null });
    const many = visa(300, 'dispute', 'mastercard');
    expect(estimates(many, {}, { mastercard: 10_000 })[1]?.reached).toBe('HECM');
  });

  it('say how many reports could not be told apart', () => {
    expect(estimates([proof('dp_1', { paid: null })], { visa: 10 })[0]).toMatchObject({
      numerator: 0,
      unknownBrand: 1,
    });
  });
});

describe('the page and the text', () => {
  const figures = day('2026-10-01', {
    outcomes: {
      declined: { count: 3, amounts: { usd: { count: 3, amount: 123_450 }, jpy: { count: 1, amount: 5_000 } } },
    },
    proofs: [proof('dp_1')],
    scope: { account: '<script>alert(1)</script>', livemode: false },
  });

  it('name each figure', () => {
    const text = monthText(month([figures], [sampleIncident()]));
    expect(text).toContain('3, 1,234.50 USD, 5,000 JPY');
    expect(text).toContain('(TEST)');
    expect(text).toMatch(/card-declines +not graded yet, 0 of 1 graded/);
    expect(text).toMatch(/VAMP \(visa\) +no payments to divide by: 1 of 0; below/);
    expect(monthText(month([]))).toContain('Nothing is known of this month.');
  });

  it('say that a programme is reached', () => {
    const proofs = Array.from({ length: 5 }, (_, i) => proof(`dp_${i}`));
    expect(monthText(month([day('2026-10-01', { proofs, brands: { visa: 100 } })]))).toContain(
      'REACHED: non-compliant',
    );
  });

  it('have no live markup of what came from outside', () => {
    const page = monthHtml(month([figures]));
    expect(page).not.toContain('<script');
    expect(page).toContain('&lt;script&gt;alert(1)');
    expect(page).toContain("default-src 'none'");
  });
});

describe('a month that is asked for', () => {
  const NOW = Date.UTC(2026, 9, 15);
  const asked = (query: string): string => readMonth(new URLSearchParams(query), NOW);

  it('is the one that it is, unless another is named', () => {
    expect([asked(''), asked('month=2026-03')]).toEqual(['2026-10', '2026-03']);
  });

  it.each(['month=2026-13', 'month=October', 'month=', 'month=2026-11', 'months=2026-10', 'month=0026-10'])(
    '%s is refused',
    (query) => {
      expect(() => asked(query)).toThrow(expect.objectContaining({ code: 'invalid_request' }));
    },
  );
});
