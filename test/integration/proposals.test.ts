// An analyst turns a threshold in the sheet, sees what it would have done, and applies it: the real manager, feed, proposals
// and client, the local Google.
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { IncidentFeed } from '../../src/feed/feed.ts';
import { openIncidentFeed } from '../../src/feed/incident-feed.ts';
import { act } from '../../src/feed/submit.ts';
import { startIncidentManager } from '../../src/incidents/manager.ts';
import type { Clock } from '../../src/model/clock.ts';
import type { DetectorSettings } from '../../src/model/detector.ts';
import type { Proposals } from '../../src/model/proposal.ts';
import type { Suggestions } from '../../src/model/suggestions.ts';
import { type Sheets, startSheets } from '../../src/sinks/sheets.ts';
import { createProposals } from '../../src/tuning/proposals.ts';
import { startSuggestions } from '../../src/tuning/suggestions.ts';
import { ANA, BEN, detectorSettings, GENERAL } from '../support/decider.ts';
import { append, view } from '../support/detect.ts';
import { type LocalSheets, startLocalSheets } from '../support/local-sheets.ts';
import { quickClock } from '../support/quick-clock.ts';
import { openTempLog, type TempLog } from '../support/temp-log.ts';

const logger = pino({ level: 'silent' });
const until = { timeout: 20_000, interval: 30 };
const TAB = 'Detectors';
let clock: Clock;
let google: LocalSheets;
let temp: TempLog;
let feed: IncidentFeed;
let proposals: Proposals;
let suggestions: Suggestions;
let aheadMs: number;
let sheets: Sheets;
const closing: (() => Promise<void>)[] = [];

const start = async (): Promise<Sheets> =>
  await startSheets({
    settings: { sheetId: google.spreadsheetId, credentialsFile: google.credentialsFile, url: google.url },
    log: temp.log,
    feed,
    proposals,
    suggestions,
    consoleUrl: 'http://127.0.0.1:4243',
    clock,
    logger,
  });

async function settle(settings: DetectorSettings, basedOn: number, actor = ANA): Promise<void> {
  const body = {
    type: 'settings',
    detector: settings.name,
    settings,
    basedOn,
    why: 'a test',
    general: GENERAL,
  } as const;
  expect(await act({ feed, log: temp.log, clock }, { actor, body })).toMatchObject({ outcome: 'done' });
}

beforeEach(async () => {
  // Twenty times as fast as an analyst would see it.
  clock = quickClock({ speed: 20, behindMs: 3_600_000 });
  google = await startLocalSheets();
  google.state.readsPerMinute = 1_000;
  google.state.writesPerMinute = 1_000;
  temp = await openTempLog();
  const manager = await startIncidentManager({ log: temp.log, clock, logger });
  feed = await openIncidentFeed({ log: temp.log, logger });
  aheadMs = 0;
  const later: Clock = { now: () => clock.now() + aheadMs, sleep: clock.sleep };
  proposals = createProposals({ log: temp.log, feed, piiKey: 'a key', clock, logger });
  suggestions = startSuggestions({ log: temp.log, feed, piiKey: 'a key', clock: later, logger });
  await settle(detectorSettings(), 0);
  await settle(
    detectorSettings({
      name: 'decline-share',
      count: 'ratio',
      of: 'outcome == "succeeded"',
      minimum: 10,
      thresholds: { warning: 0.4 },
      per: 'account',
    }),
    0,
  );
  await settle(
    detectorSettings({ name: 'small-sums', count: 'sum(amount)', currency: 'eur', thresholds: { notice: 150_050 } }),
    0,
  );
  const nowS = Math.floor(clock.now() / 1000);
  const tries = (card: string, count: number) =>
    Array.from({ length: count }, (_, i) =>
      view(`ch_${card}_${i}`, nowS - 3_600 + i, { fields: { card, customer: `cus_${card}` } }),
    );
  await append(temp.log, ...tries('a', 2), ...tries('b', 4));
  sheets = await start();
  closing.push(
    async () => await temp.close(),
    async () => await manager.close(),
    async () => await feed.close(),
    async () => await proposals.close(),
    async () => await suggestions.close(),
    async () => await sheets.close(),
    async () => await google.close(),
  );
  await expect.poll(() => names(), until).toEqual(['card-declines', 'decline-share', 'small-sums']);
});

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const names = (): string[] => {
  if (!google.hands.titles().includes(TAB)) return [];
  const { rows } = google.hands.tab(TAB);
  return rows.slice(1).flatMap(([cell]) => cell?.userEnteredValue?.stringValue ?? []);
};
const row = (name = 'card-declines') => google.hands.row(TAB, name);
const type = (header: string, value: string | number, name = 'card-declines'): void =>
  google.hands.type(TAB, name, header, value);
const inForce = (name = 'card-declines') => feed.settings().find(({ rule }) => rule.detector === name);
const thresholds = (name?: string) => inForce(name)?.rule.settings?.thresholds;

describe('the tab of detectors', () => {
  it('shows what is in force, in the unit of what is counted', () => {
    expect(row()).toMatchObject({
      Mode: 'alert',
      Notice: '',
      Warning: 3,
      Critical: 8,
      Window: '10m',
      Status: 'in force',
      'What if': '',
      Error: '',
      Version: 1,
    });
    expect(row()['In force']).toMatch(/^card-declines: warning 3, critical 8 in 10 min, alert; version 1 by ana, /);
    expect(row('decline-share')).toMatchObject({ Warning: 0.4 });
    expect(row('small-sums')).toMatchObject({ Notice: 1_500.5 });
    const cell = google.hands.cell(TAB, 'decline-share', 'Warning');
    expect(cell.userEnteredFormat?.numberFormat?.pattern).toBe('0.00%');
  });

  it('answers an edit with what it would have done, applies it when told to, and takes it back', async () => {
    type('Warning', 2);
    await expect.poll(() => row().Status, until).toBe('proposed');
    expect(row()['What if']).toMatch(
      /^1 → 2 incidents in 30 days, \+1, none of them fraud, 1 more customer, 20\.00 USD at stake$/,
    );
    expect(inForce()?.rule.version).toBe(1);
    type('Status', 'apply');
    await expect
      .poll(() => inForce(), until)
      .toMatchObject({
        rule: { version: 2, settings: { thresholds: { warning: 2, critical: 8 } } },
        actor: { kind: 'sheet' },
        why: expect.stringContaining('1 → 2 incidents'),
      });
    expect((inForce()?.rule.sinceS ?? 0) * 1000).toBeGreaterThan(inForce()?.at ?? 0);
    await expect.poll(() => row(), until).toMatchObject({ Status: 'in force', 'What if': '', Warning: 2, Version: 2 });
    type('Status', 'revert');
    await expect
      .poll(() => inForce(), until)
      .toMatchObject({
        rule: { version: 3, settings: { thresholds: { warning: 3, critical: 8 } } },
        why: 'back to version 1',
      });
    await expect.poll(() => row(), until).toMatchObject({ Status: 'in force', Warning: 3, Version: 3 });
  });

  it('puts the cells back when the proposal is discarded, by whomever', async () => {
    type('Critical', '');
    type('Notice', 1);
    await expect.poll(() => row().Status, until).toBe('proposed');
    type('Status', 'discard');
    await expect.poll(() => row(), until).toMatchObject({ Status: 'in force', Notice: '', Critical: 8, 'What if': '' });
    expect(proposals.list()).toMatchObject([
      { state: 'discarded', change: { thresholds: { notice: 1, critical: null } } },
    ]);
    type('Window', '20 min');
    await expect.poll(() => row().Status, until).toBe('proposed');
    await proposals.discard(proposals.list()[0]?.id ?? '', BEN);
    await expect
      .poll(() => row(), until)
      .toMatchObject({ Window: '10m', Status: 'in force', Error: 'discarded by Ben' });
  });

  it('refuses in the row what cannot be, with the reason', async () => {
    const bad: readonly [string, string | number, RegExp][] = [
      ['Warning', -1, /Warning must be above 0/],
      ['Warning', 'many', /Warning takes a number or nothing, not “many”/],
      ['Warning', 9, /rise|below|above/i],
      ['Warning', '2,5', /Warning must be a whole number/],
      ['Warning', '3,000', /could be a thousand or a fraction/],
      ['Warning', 'x'.repeat(50_000), /^Warning takes a number or nothing, not “x{40}…”$/],
      ['Warning', '=SUM(1;2)', /Warning takes a number or nothing/],
      ['Mode', 'loud', /Mode is one of off, shadow, alert, not “loud”/],
      ['Window', 10, /Window takes a number and s, m, h or d/],
      ['Window', '8d', /Window must be at most 7d/],
      ['Window', '', /not empty/],
    ];
    for (const [header, value, error] of bad) {
      const before = row()[header] ?? '';
      type(header, value);
      await expect.poll(() => row().Error, until).toMatch(error);
      expect(row()).toMatchObject({ Status: 'refused', 'What if': '', [header]: value });
      type(header, before);
      await expect.poll(() => row(), until).toMatchObject({ Status: 'in force', Error: '' });
    }
    expect(inForce()?.rule.version).toBe(1);
  });

  it('understands decimal commas, percentages and units of a currency', async () => {
    type('Warning', '35,5 %', 'decline-share');
    type('Notice', '2000,75', 'small-sums');
    await expect
      .poll(() => ['decline-share', 'small-sums'].map((name) => row(name).Status), until)
      .toEqual(['proposed', 'proposed']);
    for (const name of ['decline-share', 'small-sums']) type('Status', 'apply', name);
    await expect.poll(() => thresholds('small-sums'), until).toEqual({ notice: 200_075 });
    await expect.poll(() => thresholds('decline-share'), until).toEqual({ warning: 0.355 });
  });

  it('refuses a change that was made from an elder version, and takes it once it is made anew', async () => {
    type('Warning', 4);
    await settle(detectorSettings({ thresholds: { warning: 5, critical: 9 } }), 1, BEN);
    type('Status', 'apply');
    await expect.poll(() => row().Error, until).toMatch(/card-declines is at version 2 .*Ben.*made from version 1/);
    await expect.poll(() => row(), until).toMatchObject({ Status: 'refused', Warning: 4, Version: 2 });
    expect(thresholds()).toEqual({ warning: 5, critical: 9 });
    type('Critical', 10);
    await expect.poll(() => row().Status, until).toBe('proposed');
    type('Status', 'apply');
    await expect.poll(() => thresholds(), until).toEqual({ warning: 4, critical: 10 });
  });

  it('shows a proposal of somebody in Slack, and applies it from here', async () => {
    await proposals.propose({ detector: 'card-declines', change: { mode: 'shadow' }, basedOn: 1, by: ANA });
    await expect
      .poll(() => row(), until)
      .toMatchObject({ Status: 'proposed', 'What if': expect.stringContaining('(proposed by ana)'), Mode: 'alert' });
    type('Status', 'apply');
    await expect.poll(() => inForce()?.rule.settings?.mode, until).toBe('shadow');
    await expect.poll(() => row(), until).toMatchObject({ Mode: 'shadow', Status: 'in force' });
    expect(inForce()?.why).toContain('proposed by ana');
  });

  it('is overtaken by a version that somebody puts in force meanwhile', async () => {
    const { id } = await proposals.propose({
      detector: 'card-declines',
      change: { mode: 'shadow' },
      basedOn: 1,
      by: ANA,
    });
    await expect.poll(() => proposals.get(id)?.state, until).toBe('proposed');
    await settle(detectorSettings({ thresholds: { warning: 5, critical: 9 } }), 1, BEN);
    await expect
      .poll(() => proposals.get(id), until)
      .toMatchObject({
        state: 'refused',
        problem: expect.stringMatching(/is at version 2 .*Ben.*made from version 1/),
        decidedBy: null,
      });
    expect(await proposals.apply(id, BEN)).toMatchObject({ outcome: 'refused' });
    expect(inForce()?.rule).toMatchObject({ version: 2, settings: { mode: 'alert' } });
  });

  it('is applied by whoever puts the very same in force, by whichever door', async () => {
    const { id } = await proposals.propose({
      detector: 'card-declines',
      change: { mode: 'shadow' },
      basedOn: 1,
      by: ANA,
    });
    await expect.poll(() => proposals.get(id)?.state, until).toBe('proposed');
    await settle(detectorSettings({ mode: 'shadow' }), 1, BEN);
    await expect.poll(() => proposals.get(id), until).toMatchObject({ state: 'applied', decidedBy: BEN });
  });

  it('is applied once, by whoever is first', async () => {
    const { id } = await proposals.propose({
      detector: 'card-declines',
      change: { mode: 'shadow' },
      basedOn: 1,
      by: ANA,
    });
    await expect.poll(() => proposals.get(id)?.state, until).toBe('proposed');
    const decided = await Promise.all([proposals.apply(id, ANA), proposals.apply(id, BEN)]);
    expect(decided).toMatchObject([{ outcome: 'done', version: 2 }, { outcome: 'refused' }]);
    expect(proposals.get(id)).toMatchObject({ state: 'applied', decidedBy: ANA });
  });

  it('leaves to somebody else what needs a second person, also what takes a version back', async () => {
    await settle(detectorSettings({ approval: 'loosening' }), 1);
    await expect.poll(() => row().Version, until).toBe(2);
    type('Warning', 4);
    await expect.poll(() => row().Status, until).toBe('proposed');
    const alone = /quieter \(thresholds\.warning\).*Somebody else must apply it, in Slack or in the console\./;
    expect(row().Error).toMatch(alone);
    type('Status', 'apply');
    await expect.poll(() => row(), until).toMatchObject({ Status: 'proposed', Error: expect.stringMatching(alone) });
    expect(inForce()?.rule.version).toBe(2);
    expect(await proposals.apply(proposals.list()[0]?.id ?? '', ANA)).toMatchObject({ outcome: 'done', version: 3 });
    await expect.poll(() => row(), until).toMatchObject({ Status: 'in force', Warning: 4, Version: 3, Error: '' });
    expect(inForce()).toMatchObject({ actor: ANA, proposedBy: { kind: 'sheet' } });
    // Back to 3 is louder: one may. Back to 4 is not.
    type('Status', 'revert');
    await expect.poll(() => row(), until).toMatchObject({ Status: 'in force', Warning: 3, Version: 4 });
    type('Status', 'revert');
    await expect
      .poll(() => row(), until)
      .toMatchObject({
        Status: 'proposed',
        Warning: 3,
        Version: 4,
        Error: expect.stringMatching(alone),
      });
    expect(proposals.list()[0]).toMatchObject({ change: { thresholds: { warning: 4 } }, why: 'back to version 3' });
    type('Status', 'discard');
    await expect.poll(() => row(), until).toMatchObject({ Status: 'in force', 'What if': '', Error: '' });
    // What somebody else has proposed may be applied by a cell.
    await proposals.propose({ detector: 'card-declines', change: { mode: 'shadow' }, basedOn: 4, by: BEN });
    await expect.poll(() => row(), until).toMatchObject({ Status: 'proposed', Error: '' });
    type('Status', 'apply');
    await expect.poll(() => inForce()?.rule.settings?.mode, until).toBe('shadow');
  });

  it('goes on after a restart with what the cells have proposed; what they no longer say is put away', async () => {
    const restart = async (meanwhile: () => void): Promise<void> => {
      await sheets.close();
      await proposals.close();
      meanwhile();
      proposals = createProposals({ log: temp.log, feed, piiKey: 'a key', clock, logger });
      sheets = await start();
    };
    type('Warning', 2);
    type('Mode', 'shadow', 'small-sums');
    await expect.poll(() => [row().Status, row('small-sums').Status], until).toEqual(['proposed', 'proposed']);
    const idOf = (name: string) => proposals.list().find(({ detector }) => detector === name)?.id ?? '';
    const [kept, gone] = [idOf('card-declines'), idOf('small-sums')];
    await restart(() => type('Mode', 'alert', 'small-sums'));
    await expect.poll(() => proposals.get(gone)?.state, until).toBe('discarded');
    await expect.poll(() => row().Status, until).toBe('proposed');
    expect([proposals.list().length, proposals.get(kept)?.state]).toEqual([2, 'proposed']);
    type('Status', 'apply');
    await expect.poll(() => thresholds(), until).toEqual({ warning: 2, critical: 8 });
    expect(proposals.get(kept)).toMatchObject({ state: 'applied', decidedBy: { kind: 'sheet' } });
  });

  it('hears what is chosen while it makes up its mind: it is not written over', async () => {
    type('Warning', 2);
    type('Mode', 'shadow', 'small-sums');
    await expect.poll(() => [row().Status, row('small-sums').Status], until).toEqual(['proposed', 'proposed']);
    // Between the reading of the tab and the writing of it. The rows are decided in turn: that of the first has been.
    await sheets.close();
    const { discard } = proposals;
    let chosen = 0;
    const choosing: Proposals['discard'] = async (id, by) => {
      if (chosen++ === 0) type('Status', 'apply');
      return await discard(id, by);
    };
    proposals = Object.assign(Object.create(proposals) as Proposals, { discard: choosing });
    type('Mode', 'alert', 'small-sums');
    sheets = await start();
    await expect.poll(() => chosen, until).toBe(1);
    await expect.poll(() => thresholds(), until).toEqual({ warning: 2, critical: 8 });
    await expect.poll(() => row().Status, until).toBe('in force');
  });

  it('offers what the past suggests, and what has been in the shadow for a week, as proposals', async () => {
    await suggestions.runNow();
    const curve = () => {
      const { rows } = google.hands.tab('Curve');
      return rows.map((cells) =>
        cells.map(({ userEnteredValue: value }) => value?.stringValue ?? value?.numberValue ?? ''),
      );
    };
    await expect.poll(() => google.hands.titles(), until).toContain('Curve');
    expect(curve()[0]).toEqual(expect.arrayContaining(['Detector', 'Precision', 'Missed disputes']));
    expect(curve().find(([name, , , , , , , , , , is]) => name === 'card-declines' && is === 'in force')).toMatchObject(
      { 1: '10m', 2: 3 },
    );
    const [, first] = curve();
    google.hands.change([
      {
        updateSheetProperties: {
          properties: { sheetId: google.hands.tab('Curve').sheetId, title: 'Mine' },
          fields: 'title',
        },
      },
    ]);
    google.hands.deleteRow('Mine', 'decline-share');
    await suggestions.runNow();
    google.hands.renameTab('Mine', 'Curve');
    await expect.poll(() => curve().some(([name]) => name === 'decline-share'), until).toBe(true);
    expect(curve()[1]?.slice(0, 3)).toEqual(first?.slice(0, 3));
    await expect.poll(() => row()['What if'], until).toMatch(/^“three a day” would be 2 in 10 min: .* alerts a day/);
    type('Status', 'no missed dispute');
    await expect.poll(() => row().Error, until).toBe('Nothing is suggested for “no missed dispute” now.');
    type('Status', 'three a day');
    await expect.poll(() => row(), until).toMatchObject({ Status: 'proposed', Warning: 3, Error: '' });
    expect(row()['What if']).toMatch(/^1 → 2 incidents/);
    type('Status', 'apply');
    await expect.poll(() => inForce()?.rule.settings?.thresholds, until).toEqual({ warning: 2, critical: 8 });
    expect(inForce()?.why).toMatch(/^three a day: 2 in 10 min: /);
    type('Mode', 'shadow', 'small-sums');
    await expect.poll(() => row('small-sums').Status, until).toBe('proposed');
    type('Status', 'apply', 'small-sums');
    await expect
      .poll(() => row('small-sums'), until)
      .toMatchObject({ Status: 'in force', Mode: 'shadow', 'What if': '' });
    aheadMs = 8 * 86_400_000;
    await expect
      .poll(() => row('small-sums')['What if'], until)
      .toMatch(/^“promote” would be mode alert, it would have fired 0 times/);
    type('Status', 'promote', 'small-sums');
    await expect.poll(() => row('small-sums').Status, until).toBe('proposed');
    type('Status', 'discard', 'small-sums');
    await expect.poll(() => row('small-sums').Status, until).toBe('in force');
    expect(inForce('small-sums')?.rule.settings?.mode).toBe('shadow');
  });

  it('comes back whatever people do to it', async () => {
    type('In force', 'whatever');
    type('Version', 'one');
    google.hands.deleteRow(TAB, 'decline-share');
    await expect.poll(() => names().sort(), until).toEqual(['card-declines', 'decline-share', 'small-sums']);
    await expect
      .poll(() => row(), until)
      .toMatchObject({ Version: 1, 'In force': expect.stringContaining('warning 3') });
    google.hands.moveColumn(TAB, 'Warning', 0);
    google.hands.renameHeader(TAB, 'Critical', 'Very bad');
    google.hands.insertRow(TAB, 1);
    type('Warning', 2);
    await expect.poll(() => row()['What if'], until).toMatch(/1 → 2/);
    type('Detector', 'mine');
    await expect.poll(() => row().Status, until).toBe('proposed');
    google.hands.deleteTab(TAB);
    await expect.poll(() => names(), until).toEqual(['card-declines', 'decline-share', 'small-sums']);
    await expect.poll(() => row(), until).toMatchObject({ Warning: 3, Status: 'in force' });
  });

  it('says that a detector was removed', async () => {
    const body = {
      type: 'settings',
      detector: 'small-sums',
      settings: null,
      basedOn: 1,
      why: '',
      general: GENERAL,
    } as const;
    await act({ feed, log: temp.log, clock }, { actor: ANA, body });
    await expect.poll(() => row('small-sums').Status, until).toBe('removed');
  });

  it('carries a revert out once although the answer to its write is lost', async () => {
    await settle(detectorSettings({ thresholds: { warning: 4, critical: 8 } }), 1);
    await expect.poll(() => row().Version, until).toBe(2);
    google.fault({ on: 'write', kind: 503, times: 2 });
    type('Status', 'revert');
    await expect.poll(() => row(), until).toMatchObject({ Status: 'in force', Version: 3, Warning: 3, Error: '' });
    expect(inForce()?.rule.version).toBe(3);
  });
});
