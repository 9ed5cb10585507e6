// A month of fraud as outputs are given it: two accounts, three currencies, a detector that was graded and one that was not.
import type { Month, MonthOfScope, Months } from '../../src/model/month.ts';

const NOTHING = { count: 0, amounts: {} };

export function scopeOfMonth(overrides: Partial<MonthOfScope> = {}): MonthOfScope {
  return {
    scope: { account: null, livemode: true },
    days: 31,
    partialDays: [],
    payments: {
      all: { count: 1_204, amounts: { eur: { count: 1_200, amount: 12_345_678 }, jpy: { count: 4, amount: 5_000 } } },
      succeeded: { count: 1_150, amounts: { eur: { count: 1_150, amount: 12_000_000 } } },
      declined: { count: 54, amounts: { kwd: { count: 1, amount: 1_234 } } },
      blocked: NOTHING,
      authentication_failed: NOTHING,
      invalid: NOTHING,
    },
    saves: { succeeded: 9, declined: 2 },
    proofs: {
      dispute: { count: 3, amounts: { eur: { count: 3, amount: 30_050 } } },
      early_fraud_warning: { count: 1, amounts: {} },
      refund: NOTHING,
    },
    incidents: {
      opened: 7,
      alerts: 5,
      severities: { warning: 3, critical: 2 },
      verdicts: { fraud: 2, none: 3 },
      toAcknowledgeMs: { count: 4, median: 150_000, p90: 3_600_000 },
      toResolveMs: null,
    },
    grades: [
      {
        ...{ detector: 'card-declines', incidents: 4, graded: 2, coverage: 0.5, fraud: 1, verdicts: { fraud: 1 } },
        ...{ corrected: 1, precision: { value: 0.5, low: 0.0945, high: 0.9055 } },
      },
      {
        ...{ detector: 'ip-bursts', incidents: 1, graded: 0, coverage: 0, fraud: 0, verdicts: {}, corrected: 0 },
        precision: null,
      },
    ],
    estimates: [
      {
        ...{ programme: 'VAMP', network: 'visa', numerator: 4, denominator: 800, ratio: 0.005, unknownBrand: 1 },
        thresholds: [{ level: 'non-compliant', count: 5, ratio: 0.005 }],
        reached: null,
      },
      {
        ...{ programme: 'ECM', network: 'mastercard', numerator: 0, denominator: null, ratio: null, unknownBrand: 0 },
        thresholds: [{ level: 'ECM', count: 100, ratio: 0.015 }],
        reached: null,
      },
    ],
    ...overrides,
  };
}

export const sampleMonth = (month = '2026-10', scopes: readonly MonthOfScope[] = [scopeOfMonth()]): Month => ({
  month,
  scopes,
});

/** Months that end when a test says so. */
export type MonthsByHand = Months & {
  /** That month is over now; nothing is read for it until somebody asks. */
  end(report: Month): void;
  /** How often each was read. */
  readonly reads: ReadonlyMap<string, number>;
};

export function monthsByHand(): MonthsByHand {
  const reports = new Map<string, Month>();
  const reads = new Map<string, number>();
  const listeners = new Set<() => void>();
  let over: string | null = null;
  return {
    reads,
    over: () => over,
    report: async (month) => {
      const report = reports.get(month);
      if (report === undefined) throw new Error(`The month ${month} is not over.`);
      reads.set(month, (reads.get(month) ?? 0) + 1);
      return report;
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    end: (report) => {
      reports.set(report.month, report);
      over = report.month;
      for (const listener of listeners) listener();
    },
  };
}
