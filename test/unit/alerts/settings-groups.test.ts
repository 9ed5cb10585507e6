import { describe, expect, it } from 'vitest';
import { settingsGroups } from '../../../src/alerts/settings-groups.ts';
import { createSettingsIndex } from '../../../src/feed/settings-index.ts';
import type { Delivery } from '../../../src/model/delivery.ts';
import type { Actor } from '../../../src/model/incident.ts';
import { ANA, BEN, detectorSettings, GENERAL } from '../../support/decider.ts';
import { noticeReceipt as receipt, toldOf } from '../../support/notices-told.ts';

const T0 = Date.UTC(2026, 9, 1);
const FILE: Actor = { kind: 'file', id: 'detectors.yaml', name: '' };
const HOUR = 3_600_000;

type Change = readonly [offset: number, detector: string, version: number, atMs: number, actor?: Actor];

function feedOf(changes: readonly Change[]) {
  const index = createSettingsIndex();
  for (const [offset, detector, version, at, actor = FILE] of changes) {
    const settings = detectorSettings({ name: detector });
    index.take({
      rule: { record: 'rule', detector, version, revision: 1, sinceS: 0, settings, latenessMs: 1 },
      general: GENERAL,
      position: { offset, index: 0 },
      at: T0 + at,
      actor,
      why: '',
    });
  }
  return index.queries;
}

const FIRST: readonly Change[] = [
  [1, 'a', 1, 0],
  [2, 'b', 1, 0],
  [3, 'c', 1, 2_000],
];

const groups = (changes: readonly Change[], nowMs: number, ...receipts: Delivery[]) =>
  settingsGroups(feedOf([...FIRST, ...changes]), toldOf(receipts), T0 + nowMs).map(
    ({ subject, version, changes: own }) => [
      subject,
      version,
      own.map(({ accepted }) => accepted.rule.detector).join(),
    ],
  );

describe('which changes of settings are announced together', () => {
  it('not those of the first start', () => {
    expect(groups([], HOUR)).toEqual([]);
  });

  it('a detector that is added later is one, also as its first version', () => {
    expect(groups([[9, 'd', 1, HOUR]], 2 * HOUR)).toEqual([['settings:9', 9, 'd']]);
  });

  it('those of one author at one time, once no more follow', () => {
    const changes: readonly Change[] = [
      [10, 'b', 2, HOUR],
      [11, 'a', 2, HOUR + 10],
      [14, 'c', 2, HOUR + 20, ANA],
      [15, 'a', 3, HOUR + 10_000, ANA],
      [16, 'b', 3, HOUR + 10_000, BEN],
    ];
    expect(groups(changes, HOUR + 12_000)).toEqual([
      ['settings:10', 11, 'b,a'],
      ['settings:14', 14, 'c'],
      ['settings:15', 15, 'a'],
    ]);
    expect(groups(changes, HOUR + 15_000).at(-1)).toEqual(['settings:16', 16, 'b']);
  });

  it('are the same after a restart: told ones are left out, one that was begun is whole', () => {
    const changes: readonly Change[] = [
      [10, 'b', 2, HOUR],
      [11, 'a', 2, HOUR + 10],
      [12, 'c', 2, HOUR + 20],
      [20, 'a', 3, HOUR + 60_000],
    ];
    expect(groups(changes, 2 * HOUR, receipt('settings:10', 12))).toEqual([['settings:20', 20, 'a']]);
    expect(groups(changes, 2 * HOUR, receipt('settings:10', 12, 'posting'))).toEqual([
      ['settings:10', 12, 'b,a,c'],
      ['settings:20', 20, 'a'],
    ]);
    expect(groups(changes, 2 * HOUR, receipt('settings:10', 12), receipt('settings:20', 20, 'failed'))).toEqual([]);
    // One that came late to a group that had been told is not lost.
    expect(groups(changes, 2 * HOUR, receipt('settings:10', 11))).toEqual([
      ['settings:12', 12, 'c'],
      ['settings:20', 20, 'a'],
    ]);
  });

  it('those of more than a day ago are history', () => {
    expect(groups([[10, 'b', 2, HOUR]], 26 * HOUR)).toEqual([]);
  });
});
