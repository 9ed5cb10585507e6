// What `doctor` finds out about Google, over the real client.
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock as clock } from '../../src/model/clock.ts';
import { setUpSheet } from '../../src/sinks/setup-sheet.ts';
import { checkSheet } from '../../src/sinks/sheets-check.ts';
import { type LocalSheets, startLocalSheets } from '../support/local-sheets.ts';

let google: LocalSheets;

beforeEach(async () => {
  google = await startLocalSheets();
});
afterEach(async () => await google.close());

const settings = () => ({ sheetId: google.spreadsheetId, credentialsFile: google.credentialsFile, url: google.url });

/** As they stand now, apart from what comes later. */
const everyTab = () => structuredClone(google.hands.titles().map((title) => google.hands.tab(title)));

it('finds nothing wrong with a sheet that was set up, and changes nothing that can be seen', async () => {
  await setUpSheet({ settings: settings(), clock, takeCopy: false });
  const seen = everyTab();
  expect(await checkSheet({ settings: settings(), clock })).toEqual([
    { name: 'GOOGLE_APPLICATION_CREDENTIALS', problem: null, found: google.email },
    { name: 'GOOGLE_SHEET_ID', problem: null, found: 'Fraud incidents' },
    { name: 'sheet setup', problem: null, found: 'nothing lacks' },
  ]);
  expect(everyTab()).toEqual(seen);
});

it('says what lacks without making it', async () => {
  const [, , setup] = await checkSheet({ settings: settings(), clock });
  expect(setup?.problem).toContain('Run "declinewatch sheet setup"');
  expect(google.hands.titles()).toEqual(['Sheet1']);
});

it.each([
  ['none', /not shared with declinewatch@.* press Share/],
  ['reader', /may read the sheet, but not write it\. .*Editor/],
] as const)('tells a share as %s', async (share, problem) => {
  google.state.share = share;
  const checks = await checkSheet({ settings: settings(), clock });
  expect(checks).toHaveLength(2);
  expect(checks[1]?.problem).toMatch(problem);
});

it('stops at a key that is none', async () => {
  expect(await checkSheet({ settings: { ...settings(), credentialsFile: '/nowhere/key.json' }, clock })).toMatchObject([
    { name: 'GOOGLE_APPLICATION_CREDENTIALS', problem: expect.stringContaining('cannot be read'), found: '' },
  ]);
});
