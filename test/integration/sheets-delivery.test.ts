// The real Google client against the local Google: one row per incident, rewritten as it changes, whatever goes wrong between.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LocalSheets, startLocalSheets } from '../support/local-sheets.ts';
import { acknowledgedBy, resolvedBy, sampleIncident } from '../support/sample-incident.ts';
import { openSheetDesk, type SheetDesk } from '../support/sheet-desk.ts';

let google: LocalSheets;
let desk: SheetDesk;

beforeEach(async () => {
  google = await startLocalSheets();
  desk = await openSheetDesk(google);
});

afterEach(async () => {
  await desk.close();
  await google.close();
});

const until = { timeout: 15_000, interval: 20 };
const posted = async (version: number, id = 'INC-1') =>
  await expect.poll(async () => (await desk.receipts()).get(id), until).toMatchObject({ state: 'posted', version });
const writes = () => google.calls.filter(({ kind, status }) => kind === 'write' && status === 200);
const inc = (n: number, overrides = {}) => sampleIncident({ id: `INC-${n}`, ...overrides });

describe('the sheet', () => {
  it('gets its tabs and one row, which follows the incident', async () => {
    await desk.start();
    await desk.put(sampleIncident());
    await posted(1);
    expect(google.hands.titles()).toEqual(['Sheet1', 'Incidents', 'Detectors', 'Summary']);
    expect(google.hands.row('Incidents', 'INC-1')).toMatchObject({
      Incident: 'INC-1',
      Status: 'open',
      Verdict: '',
      Severity: 'CRITICAL',
      On: 'visa •••• 4242',
      Peak: 14,
      Amount: 1234.5,
      // 1 October 2026, 14:00:00 in Berlin.
      Opened: 46296 + 14 / 24,
    });
    await desk.put(acknowledgedBy(sampleIncident()));
    await posted(2);
    await desk.put(resolvedBy(sampleIncident(), { version: 3, peak: 20 }));
    await posted(3);
    expect(google.incidentIds()).toEqual(['INC-1']);
    expect(google.hands.row('Incidents', 'INC-1')).toMatchObject({ Status: 'resolved', Resolution: 'fraud', Peak: 20 });
    const { place } = (await desk.receipts()).get('INC-1') ?? {};
    expect(place).toMatchObject({ spreadsheet: google.spreadsheetId, tab: 'Incidents', row: 2 });
    expect(place?.url).toMatch(/^https:\/\/docs\.google\.com\/spreadsheets\/d\/.+\/edit#gid=\d+&range=2:2$/);
  });

  it('takes many at once, the newest on top, in one write', async () => {
    await desk.put(...Array.from({ length: 120 }, (_, n) => inc(n + 1)));
    await desk.start();
    await posted(1, 'INC-120');
    await posted(1, 'INC-1');
    expect(google.incidentIds()).toEqual(Array.from({ length: 120 }, (_, n) => `INC-${120 - n}`));
    // The set-up, and the rows.
    expect(writes()).toHaveLength(2);
  });
});
