// People work in the sheet while it is written: rows are found by incident, never by place, and what people write stays.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LocalSheets, startLocalSheets } from '../support/local-sheets.ts';
import { sampleIncident } from '../support/sample-incident.ts';
import { openSheetDesk, type SheetDesk } from '../support/sheet-desk.ts';

let google: LocalSheets;
let desk: SheetDesk;

beforeEach(async () => {
  google = await startLocalSheets();
  desk = await openSheetDesk(google);
  await desk.start();
  await desk.put(inc(1), inc(2), inc(3));
  for (const n of [1, 2, 3]) await posted(1, n);
  google.hands.type('Incidents', 'INC-2', 'Notes', 'two');
  google.hands.type('Incidents', 'INC-2', 'Verdict', 'fraud');
});

afterEach(async () => {
  await desk.close();
  await google.close();
});

const until = { timeout: 15_000, interval: 20 };
const inc = (n: number, overrides = {}) => sampleIncident({ id: `INC-${n}`, peak: n, title: `No. ${n}`, ...overrides });
const posted = async (version: number, n: number) =>
  await expect
    .poll(async () => (await desk.receipts()).get(`INC-${n}`), until)
    .toMatchObject({ state: 'posted', version });
/** All three grow; each must be in its own row afterwards, with what people wrote. */
async function expectAllFollow(version: number, tab = 'Incidents'): Promise<void> {
  await desk.put(...[1, 2, 3].map((n) => inc(n, { version, peak: n * 100 + version })));
  for (const n of [1, 2, 3]) await posted(version, n);
  expect([...google.incidentIds()].sort()).toEqual(['INC-1', 'INC-2', 'INC-3']);
  for (const n of [1, 2, 3])
    expect(google.hands.row(tab, `INC-${n}`)).toMatchObject({
      Incident: `INC-${n}`,
      Peak: n * 100 + version,
      Title: `No. ${n}`,
    });
  expect(google.hands.row(tab, 'INC-2')).toMatchObject({ Notes: 'two', Verdict: 'fraud' });
  expect(google.hands.row(tab, 'INC-1')).toMatchObject({ Notes: '', Verdict: '' });
}

describe('people in the sheet', () => {
  it('may sort, whether or not marks follow', async () => {
    google.hands.sort('Incidents', 'Incident');
    await expectAllFollow(2);
    google.hands.sort('Incidents', 'Peak', { isDescending: true, doMarksFollow: true });
    await expectAllFollow(3);
    google.hands.sort('Incidents', 'Notes');
    await expectAllFollow(4);
    await desk.put(inc(4));
    await posted(1, 4);
    expect(google.hands.row('Incidents', 'INC-4')).toMatchObject({ Title: 'No. 4', Notes: '' });
  });

  it('may insert rows and move rows', async () => {
    google.hands.insertRow('Incidents', 2);
    google.hands.moveRow('Incidents', 'INC-3', 8);
    await expectAllFollow(2);
  });

  it('may insert, move and rename columns', async () => {
    google.hands.insertColumn('Incidents', 0);
    await expectAllFollow(2);
    google.hands.moveColumn('Incidents', 'Notes', 20);
    await expectAllFollow(3);
    google.hands.moveColumn('Incidents', 'Incident', 6);
    await expectAllFollow(4);
    google.hands.renameHeader('Incidents', 'Severity', 'How bad');
    await expectAllFollow(5);
    expect(google.hands.row('Incidents', 'INC-1')).toMatchObject({ 'How bad': 'CRITICAL' });
  });

  it('may rename the tab', async () => {
    google.hands.renameTab('Incidents', "Ana's list!");
    await expectAllFollow(2, "Ana's list!");
    expect(google.hands.titles()).not.toContain('Incidents');
  });

  it('may do all that between the reading and the writing', async () => {
    google.between('write', () => google.hands.sort('Incidents', 'Incident'));
    await expectAllFollow(2);
    google.between('write', () => google.hands.moveRow('Incidents', 'INC-1', 5));
    await expectAllFollow(3);
    google.between('write', () => google.hands.renameTab('Incidents', 'Renamed'));
    await expectAllFollow(4, 'Renamed');
    google.between('write', () => google.hands.deleteRow('Renamed', 'INC-3'));
    await desk.put(...[1, 2, 3].map((n) => inc(n, { version: 5, peak: n * 100 })));
    for (const n of [1, 2, 3]) await posted(5, n);
    expect(google.hands.row('Renamed', 'INC-2')).toMatchObject({ Peak: 200, Title: 'No. 2', Notes: 'two' });
    expect(google.hands.row('Renamed', 'INC-1')).toMatchObject({ Peak: 100, Title: 'No. 1', Notes: '' });
    expect([...google.incidentIds()].sort()).toEqual(['INC-1', 'INC-2']);
  });

  it('may delete a row: it stays deleted, and that is noted', async () => {
    google.hands.deleteRow('Incidents', 'INC-2');
    await desk.put(inc(2, { version: 2 }));
    await posted(2, 2);
    expect((await desk.receipts()).get('INC-2')?.place?.deletedAt).toBeGreaterThan(0);
    await desk.put(inc(2, { version: 3 }), inc(1, { version: 3 }));
    await posted(3, 2);
    await posted(3, 1);
    expect([...google.incidentIds()].sort()).toEqual(['INC-1', 'INC-3']);
  });

  it('overwrite what the program writes: it is written again', async () => {
    google.hands.type('Incidents', 'INC-1', 'Peak', 'a lot');
    google.hands.type('Incidents', 'INC-1', 'Title', '=IMPORTXML("https://evil")');
    await expectAllFollow(2);
  });

  it('overwrite an incident’s id: its row is found by its mark', async () => {
    google.hands.type('Incidents', 'INC-3', 'Incident', 'oops');
    await expectAllFollow(2);
  });

  it('delete the tab: rows come back as incidents change', async () => {
    google.hands.deleteTab('Incidents');
    await desk.put(...[1, 2, 3].map((n) => inc(n, { version: 2 })));
    for (const n of [1, 2, 3]) await posted(2, n);
    expect(google.hands.titles()).toContain('Incidents');
    expect(google.incidentIds()).toEqual(['INC-3', 'INC-2', 'INC-1']);
  });

  it('delete the header row or a column: it is put back, and rows go on', async () => {
    google.hands.deleteHeaderRow('Incidents');
    await expectAllFollow(2);
    google.hands.deleteColumn('Incidents', 'Peak');
    await expectAllFollow(3);
  });

  it('style cells: only values, number formats and links are written', async () => {
    const yellow = { red: 1, green: 1, blue: 0 };
    const { sheetId } = google.hands.tab('Incidents');
    google.hands.change([
      {
        repeatCell: {
          range: { sheetId, startRowIndex: 1, endRowIndex: 4 },
          cell: { userEnteredFormat: { backgroundColor: yellow } },
          fields: 'userEnteredFormat.backgroundColor',
        },
      },
    ]);
    await expectAllFollow(2);
    for (const header of ['Incident', 'Peak', 'Verdict'])
      expect(google.hands.cell('Incidents', 'INC-2', header).userEnteredFormat?.backgroundColor).toEqual(yellow);
  });
});
