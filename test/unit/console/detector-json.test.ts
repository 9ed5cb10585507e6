import { describe, expect, it } from 'vitest';
import { countsByDetector, detectorJson, fileForm } from '../../../src/console/detector-json.ts';
import { formOf } from '../../../src/detectors/detector-form.ts';
import { validateSettings } from '../../../src/detectors/detectors-file.ts';
import { detectorSettings, GENERAL } from '../../support/decider.ts';
import { acknowledgedBy, resolvedBy, sampleIncident } from '../../support/sample-incident.ts';

const ALL = [
  detectorSettings(),
  detectorSettings({
    count: 'ratio',
    of: 'outcome != ""',
    minimum: 50,
    thresholds: { notice: 0.3, critical: 0.9 },
    per: 'account',
  }),
  detectorSettings({
    count: 'sum(amount)',
    currency: 'eur',
    thresholds: { warning: 100_000 },
    at: 'outcome == "succeeded"',
  }),
  detectorSettings({
    escalation: [{ afterMs: 300_000, to: 'S0123' }],
    continueAfter: 5,
    settleMs: 1_500,
    mode: 'shadow',
  }),
];

describe('settings in the form of the file', () => {
  it('are the very form that the file has', () => {
    for (const settings of ALL) expect(fileForm(settings)).toEqual(formOf(settings));
  });

  it('are accepted back as they were', () => {
    for (const settings of ALL) expect(validateSettings(fileForm(settings), GENERAL)).toEqual({ settings });
  });
});

describe('counts', () => {
  it('are of every status and verdict', () => {
    const one = sampleIncident();
    const counts = countsByDetector([one, acknowledgedBy(one), resolvedBy(one), sampleIncident({ detector: 'other' })]);
    expect(counts.get('card-declines')).toMatchObject({
      incidents: 3,
      open: 1,
      acknowledged: 1,
      resolved: 1,
      merged: 0,
      verdicts: { fraud: 1, unsure: 0 },
    });
    expect(counts.get('other')).toMatchObject({ incidents: 1 });
  });

  it('a detector that never was has none', () => {
    expect(detectorJson({ settingsHistory: () => [], all: () => [] }, 'x')).toBeNull();
  });
});
