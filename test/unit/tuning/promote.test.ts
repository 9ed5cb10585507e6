// When a shadow detector may be promoted, and what is said of it.
import { describe, expect, it } from 'vitest';
import type { AcceptedSettings } from '../../../src/model/commands.ts';
import type { Mode } from '../../../src/model/detector.ts';
import type { Incident } from '../../../src/model/incident.ts';
import { promotionsOf } from '../../../src/tuning/promote.ts';
import { ANA, detectorSettings, evidence, GENERAL } from '../../support/decider.ts';
import { sampleIncident } from '../../support/sample-incident.ts';

const DAY_MS = 86_400_000;
const START = Date.UTC(2026, 9, 1);

/** One version for each, at so many days. */
const history = (...versions: readonly (readonly [number, Mode])[]): readonly AcceptedSettings[] =>
  versions.map(([day, mode], index) => ({
    rule: {
      ...{ record: 'rule', detector: 'new-one', version: index + 1, revision: 1, sinceS: 0, latenessMs: 0 },
      settings: detectorSettings({ name: 'new-one', mode }),
    },
    ...{ general: GENERAL, position: { offset: index, index: 0 }, at: START + day * DAY_MS, actor: ANA, why: '' },
  }));

const feedOf = (versions: readonly AcceptedSettings[], incidents: readonly Incident[] = []) => ({
  settings: () => versions.slice(-1),
  settingsHistory: () => versions,
  all: () => incidents,
});

let number = 0;
function incident(overrides: Partial<Incident>): Incident {
  number += 1;
  const at = START + 2 * DAY_MS;
  return sampleIncident({
    ...{ id: `INC-${number}`, detector: 'new-one', mode: 'shadow', openedAt: at },
    ...{ firstAttemptAt: at - 60_000, lastAttemptAt: at },
    evidence: evidence([`ch_${number}`]),
    entity: { kind: 'card', value: `fp_${number}`, label: '' },
    ...overrides,
  });
}

const resolved = (verdict: 'fraud' | 'dunning' | 'unsure'): Incident['resolved'] => ({
  ...{ verdict, by: ANA, at: START, note: '' },
  ...{ peak: 3, severity: 'warning', attemptCount: 3 },
});

describe('a shadow detector', () => {
  it('is offered after seven days in the shadow, counted from when it went there last', () => {
    const shadow = history([0, 'shadow']);
    expect(promotionsOf(feedOf(shadow), START + 7 * DAY_MS - 1)).toEqual([]);
    expect(promotionsOf(feedOf(shadow), START + 7 * DAY_MS)).toMatchObject([{ detector: 'new-one', since: START }]);
    const back = history([0, 'shadow'], [3, 'alert'], [4, 'shadow'], [6, 'shadow']);
    expect(promotionsOf(feedOf(back), START + 10 * DAY_MS)).toEqual([]);
    expect(promotionsOf(feedOf(back), START + 11 * DAY_MS)).toMatchObject([{ version: 4, since: START + 4 * DAY_MS }]);
    expect(promotionsOf(feedOf(history([0, 'shadow'], [1, 'alert'])), START + 30 * DAY_MS)).toEqual([]);
    expect(promotionsOf(feedOf(history([0, 'off'])), START + 30 * DAY_MS)).toEqual([]);
  });

  it('says how often it would have fired, how often beside another, and how often rightly', () => {
    const told = incident({ detector: 'other', mode: 'alert', evidence: evidence(['ch_shared']) });
    const sameCard = { kind: 'card', value: 'fp_same', label: '' } as const;
    const incidents = [
      told,
      incident({ detector: 'other', mode: 'alert', entity: sameCard }),
      incident({ evidence: evidence(['ch_shared', 'ch_own']), resolved: resolved('fraud') }),
      incident({ entity: sameCard, resolved: resolved('dunning') }),
      incident({ entity: sameCard, firstAttemptAt: 0, lastAttemptAt: 1, resolved: resolved('unsure') }),
      incident({}),
      // None of these is an alert of its own, or of this time.
      incident({ status: 'withdrawn' }),
      incident({ status: 'merged' }),
      incident({ openedAt: START - 1 }),
      incident({ detector: 'third' }),
    ];
    const [promotion] = promotionsOf(feedOf(history([0, 'shadow']), incidents), START + 14 * DAY_MS);
    expect(promotion).toMatchObject({
      ...{ incidents: 4, perWeek: 2, overlapping: 2, judged: 2, fraud: 1, change: { mode: 'alert' } },
      precision: { value: 0.5 },
      words:
        'would have fired 4 times (2 a week) in 14 days, 2 of them beside another alert, 1 of 2 judged were fraud (9 % to 91 %)',
    });
    const [quiet] = promotionsOf(feedOf(history([0, 'shadow'])), START + 8 * DAY_MS);
    expect(quiet?.words).toBe('would have fired 0 times (0 a week) in 8 days, none of them judged yet');
  });
});
