import { describe, expect, it } from 'vitest';
import { createSettingsIndex } from '../../../src/feed/settings-index.ts';
import { FILE_ACTOR, planFileSettings, type SettingsFile } from '../../../src/incidents/file-settings.ts';
import type { DetectorSettings } from '../../../src/model/detector.ts';
import type { Actor } from '../../../src/model/incident.ts';
import { ANA, detectorSettings, GENERAL, openDesk, settingsCommand } from '../../support/decider.ts';

type Step = readonly [settings: DetectorSettings | null, by: Actor];

/** What the file plans after these versions of `card-declines`. */
function plan(history: readonly Step[], detectors: readonly DetectorSettings[], options: { takeFile?: boolean } = {}) {
  const desk = openDesk(null);
  const index = createSettingsIndex();
  for (const [basedOn, [settings, by]] of history.entries()) {
    for (const { accepted } of desk.tell(settingsCommand(settings, { basedOn }), by))
      if (accepted) index.take(accepted);
  }
  const file: SettingsFile = { general: GENERAL, detectors };
  const { commands, kept } = planFileSettings({ feed: index.queries, file, ...options });
  return {
    commands: commands.map(({ settings, basedOn }) => ({ settings, basedOn })),
    kept: kept.map(({ field }) => field),
  };
}

const base = detectorSettings();
const quiet = detectorSettings({ thresholds: { warning: 6, critical: 8 } });

describe('planFileSettings', () => {
  it('adds, changes and removes what only the file has set', () => {
    expect(plan([], [base]).commands).toEqual([{ settings: base, basedOn: 0 }]);
    expect(plan([[base, FILE_ACTOR]], [quiet]).commands).toEqual([{ settings: quiet, basedOn: 1 }]);
    expect(plan([[base, FILE_ACTOR]], []).commands).toEqual([{ settings: null, basedOn: 1 }]);
    expect(plan([[base, FILE_ACTOR]], [base]).commands).toEqual([]);
  });

  it('keeps a threshold that a person set, and changes the others', () => {
    const later = detectorSettings({ thresholds: { warning: 2, critical: 9 } });
    expect(
      plan(
        [
          [base, FILE_ACTOR],
          [quiet, ANA],
        ],
        [later],
      ),
    ).toEqual({
      commands: [{ settings: detectorSettings({ thresholds: { warning: 6, critical: 9 } }), basedOn: 2 }],
      kept: ['thresholds.warning'],
    });
  });

  it('keeps a severity that a person has added or taken away', () => {
    const fewer = detectorSettings({ thresholds: { warning: 3 } });
    expect(
      plan(
        [
          [base, FILE_ACTOR],
          [fewer, ANA],
        ],
        [base],
      ),
    ).toEqual({ commands: [], kept: ['thresholds.critical'] });
    const more = detectorSettings({ thresholds: { notice: 2, warning: 3, critical: 8 } });
    expect(
      plan(
        [
          [base, FILE_ACTOR],
          [more, ANA],
        ],
        [base],
      ),
    ).toEqual({ commands: [], kept: ['thresholds.notice'] });
  });

  it('takes over again once the file has been told to win', () => {
    expect(
      plan(
        [
          [base, FILE_ACTOR],
          [quiet, ANA],
        ],
        [base],
        { takeFile: true },
      ).commands,
    ).toEqual([{ settings: base, basedOn: 2 }]);
    const won = [
      [base, FILE_ACTOR],
      [quiet, ANA],
      [base, FILE_ACTOR],
    ] as const;
    const later = detectorSettings({ thresholds: { warning: 4, critical: 8 } });
    expect(plan(won, [later])).toEqual({ commands: [{ settings: later, basedOn: 3 }], kept: [] });
  });

  it('leaves a detector that a person added, or removed', () => {
    expect(plan([[base, ANA]], [])).toEqual({ commands: [], kept: ['detector'] });
    expect(
      plan(
        [
          [base, FILE_ACTOR],
          [null, ANA],
        ],
        [base],
      ),
    ).toEqual({ commands: [], kept: ['detector'] });
  });
});
