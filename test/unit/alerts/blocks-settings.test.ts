// Changes of settings as messages: against golden files, Slack's limits, and with hostile strings.
import { describe, expect, it } from 'vitest';
import { settingsCard, WOULD } from '../../../src/alerts/blocks-settings.ts';
import type { Card } from '../../../src/alerts/notice.ts';
import type { SettingsChanged, SettingsGroup } from '../../../src/alerts/settings-groups.ts';
import type { AcceptedSettings } from '../../../src/model/commands.ts';
import type { DetectorSettings, GeneralSettings } from '../../../src/model/detector.ts';
import type { Actor } from '../../../src/model/incident.ts';
import { messageProblems } from '../../support/block-kit.ts';
import { ANA, BEN, detectorSettings, GENERAL } from '../../support/decider.ts';
import { expectInert, HOSTILE } from '../../support/hostile.ts';

const consoleUrl = 'http://127.0.0.1:4243';
const AT = Date.UTC(2026, 9, 1, 12, 0, 0);
const FILE: Actor = { kind: 'file', id: 'detectors.yaml', name: 'detectors.yaml' };

type Version = {
  readonly version: number;
  readonly settings: DetectorSettings | null;
  readonly actor?: Actor;
  readonly why?: string;
  readonly general?: GeneralSettings;
  readonly proposedBy?: Actor;
  readonly detector?: string;
};

function accepted({
  version,
  settings,
  actor = ANA,
  why = 'too loud',
  general = GENERAL,
  ...more
}: Version): AcceptedSettings {
  const detector = more.detector ?? settings?.name ?? 'card-declines';
  const sinceS = version === 1 ? 0 : AT / 1000 + 10;
  return {
    rule: { record: 'rule', detector, version, revision: 1, sinceS, settings, latenessMs: general.latenessMs },
    general,
    position: { offset: 100 + version, index: 0 },
    at: AT,
    actor,
    why,
    ...(more.proposedBy === undefined ? {} : { proposedBy: more.proposedBy }),
  };
}

const group = (...changes: SettingsChanged[]): SettingsGroup => ({ subject: 'settings:101', version: 109, changes });
const before = (settings: DetectorSettings | null = detectorSettings(), version = 3) => accepted({ version, settings });
const WORDS = '41 → 96 incidents in 30 days, +55, 6 of them fraud, 31 more customers, 12,400.00 USD at stake';

const SETTINGS: Readonly<Record<string, readonly [SettingsGroup, isRevertible?: boolean]>> = {
  'settings-person': [
    group({
      accepted: accepted({
        version: 4,
        settings: detectorSettings({ thresholds: { warning: 2, critical: 8 }, windowS: 900 }),
      }),
      before: before(),
    }),
  ],
  'settings-proposed': [
    group({
      accepted: accepted({
        version: 4,
        settings: detectorSettings({ thresholds: { warning: 2 } }),
        actor: BEN,
        proposedBy: { kind: 'sheet', id: 'sheet', name: 'the sheet' },
        why: `fewer misses: ${WORDS}`,
      }),
      before: before(),
    }),
  ],
  'settings-file': [
    group(
      {
        accepted: accepted({
          version: 4,
          settings: detectorSettings({ mode: 'shadow' }),
          actor: FILE,
          why: 'detectors.yaml',
        }),
        before: before(),
      },
      {
        accepted: accepted({
          version: 1,
          settings: detectorSettings({ name: 'new-one' }),
          actor: FILE,
          why: 'detectors.yaml',
        }),
        before: null,
      },
      {
        accepted: accepted({ version: 5, settings: null, detector: 'old-one', actor: FILE, why: 'detectors.yaml' }),
        before: before(),
      },
      {
        accepted: accepted({
          version: 6,
          settings: detectorSettings({ name: 'untouched' }),
          actor: FILE,
          why: 'detectors.yaml',
          general: { ...GENERAL, latenessMs: 86_400_000, metadata: { ip: 'client_ip', keys: ['plan'] } },
        }),
        before: before(detectorSettings({ name: 'untouched' }), 5),
      },
    ),
    false,
  ],
};

function settingsOf(name: string): Card {
  const [changed, isRevertible = true] = SETTINGS[name] ?? [group()];
  const would = new Map(changed.changes.map(({ accepted: { position } }) => [position.offset, `${WOULD}${WORDS}`]));
  return settingsCard(changed, { would, consoleUrl, isRevertible: () => isRevertible });
}

const GOLDEN: Readonly<Record<string, Card>> = {
  ...Object.fromEntries(Object.keys(SETTINGS).map((name) => [name, settingsOf(name)])),
};

describe('golden notices', () => {
  it.each(Object.entries(GOLDEN))('%s', async (name, card) => {
    expect(messageProblems(card)).toEqual([]);
    await expect(`${JSON.stringify(card, null, 2)}\n`).toMatchFileSnapshot(`../../fixtures/alerts/notice-${name}.json`);
  });
});

describe('a change of settings', () => {
  const textOf = (name: string): string => GOLDEN[name]?.text ?? '';

  it('says who, old and new, why, from when, and what it would have done', () => {
    const text = textOf('settings-person');
    expect(text).toContain('Settings of card-declines changed\nBy <@U0ANA> in Slack, 2026-10-01 12:00:00 UTC.');
    expect(text).toContain('version 3 → 4\n• warning 3 → 2\n• window 10 min → 15 min');
    expect(text).toContain(`${WOULD}${WORDS}\nWhy: too loud`);
    expect(text).toContain('In force from 2026-10-01 12:00:10 UTC; what was before keeps the rules of its time.');
    expect(JSON.stringify(GOLDEN['settings-person']?.blocks)).toContain(
      '"action_id":"revert-settings","value":"card-declines:4"',
    );
  });

  it('does not say twice what it would have done, and names who proposed it', () => {
    const text = textOf('settings-proposed');
    expect(text.split('41 → 96')).toHaveLength(2);
    expect(text).toContain('Why: fewer misses: as above\nProposed by somebody in the sheet.');
    expect(text).toContain('By Ben in the console');
  });

  it('made by the file is one message: new, removed, changed, and what concerns all', () => {
    const text = textOf('settings-file');
    expect(text).toContain('Settings of 4 detectors changed\nBy detectors.yaml, ');
    expect(text).toContain('new-one is new\n• warning none → 3');
    expect(text).toContain('old-one is removed');
    expect(text).toContain('For all detectors: lateness 3 d → 1 d');
    expect(text).toContain('metadata.keys none → plan');
    expect(text).toContain('1 detector otherwise as before.');
    expect(text).not.toContain('Why:');
    expect(JSON.stringify(GOLDEN['settings-file']?.blocks)).not.toContain('revert-settings');
  });
});

describe('whatever comes from outside', () => {
  const hostile = detectorSettings({
    name: 'x',
    title: HOSTILE.repeat(9),
    why: HOSTILE.repeat(40),
    where: HOSTILE.repeat(40),
  });
  const many = Array.from({ length: 300 }, (_, n) => ({
    accepted: {
      ...accepted({
        version: n + 2,
        settings: { ...hostile, windowS: n + 1 },
        actor: { kind: 'sheet', id: HOSTILE, name: HOSTILE },
        why: HOSTILE.repeat(30),
      }),
      rule: { ...accepted({ version: n + 2, settings: { ...hostile, windowS: n + 1 } }).rule, detector: HOSTILE },
    },
    before: before(detectorSettings()),
  }));

  it('stays within Slack’s limits, and inert', () => {
    const card = settingsCard(group(...many), {
      would: new Map(many.map(({ accepted: { position } }) => [position.offset, HOSTILE.repeat(40)])),
      consoleUrl,
      isRevertible: () => true,
    });
    expect(messageProblems(card)).toEqual([]);
    expectInert(card);
  });
});
