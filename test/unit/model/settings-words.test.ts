import { expect, it } from 'vitest';
import { changeInWords } from '../../../src/model/settings-words.ts';
import { detectorSettings } from '../../support/decider.ts';

it('says each field that differs, in the words and units of people', () => {
  const before = detectorSettings();
  expect(changeInWords(before, before)).toEqual([]);
  const after = detectorSettings({
    thresholds: { notice: 2, warning: 5 },
    windowS: 1_200,
    mode: 'shadow',
    at: 'x'.repeat(500),
    settleMs: 500,
    escalation: [{ afterMs: 600_000, to: 'S0' }],
    approval: 'all',
  });
  expect(changeInWords(before, after)).toEqual([
    'mode alert → shadow',
    'notice none → 2',
    'warning 3 → 5',
    'critical 8 → none',
    'window 10 min → 20 min',
    `at none → ${'x'.repeat(119)}…`,
    'approval none → all',
    'settle 2 s → 500 ms',
    'escalation none → S0 after 10 min',
  ]);
  const share = detectorSettings({ count: 'ratio', thresholds: { warning: 0.4 } });
  expect(changeInWords(share, { ...share, thresholds: { warning: 0.355 } })).toEqual(['warning 40 % → 35.5 %']);
  const sum = detectorSettings({ count: 'sum(amount)', currency: 'eur', thresholds: { warning: 50_000 } });
  expect(changeInWords(sum, { ...sum, thresholds: { warning: 60_000 } })).toEqual(['warning 500.00 EUR → 600.00 EUR']);
});
