// Setting a sheet up, over the real client: what is made, that a second run makes nothing, what is repaired, and that each
// thing that can stand in the way is told apart with its cure.
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/model/clock.ts';
import { VERDICTS } from '../../src/model/incident.ts';
import { setUpSheet } from '../../src/sinks/setup-sheet.ts';
import { type LocalSheets, startLocalSheets } from '../support/local-sheets.ts';
import { sampleIncident } from '../support/sample-incident.ts';
import { openSheetDesk } from '../support/sheet-desk.ts';

let google: LocalSheets;
let folder: string;

beforeEach(async () => {
  google = await startLocalSheets();
  folder = mkdtempSync(join(tmpdir(), 'declinewatch-setup-'));
});
afterEach(async () => {
  await google.close();
  rmSync(folder, { recursive: true, force: true });
});

type Options = {
  readonly sheetId?: string;
  readonly credentialsFile?: string;
  readonly url?: string;
  readonly takeCopy?: boolean;
};
const setUp = async ({
  sheetId = google.spreadsheetId,
  credentialsFile = google.credentialsFile,
  url = google.url,
  takeCopy = false,
}: Options = {}) => await setUpSheet({ settings: { sheetId, credentialsFile, url }, clock: systemClock, takeCopy });
const writes = () => google.calls.filter(({ kind }) => kind === 'write');

describe('setting the sheet up', () => {
  it('makes the tabs with headers, drop-downs, protection and colours in one write; again, it writes nothing', async () => {
    const first = await setUp();
    expect(first).toMatchObject({ title: 'Fraud incidents', timeZone: 'Europe/Berlin', serviceAccount: google.email });
    expect(first.changed).toEqual(
      expect.arrayContaining(['made the tab Incidents', 'made the tab Detectors', 'made the tab Summary']),
    );
    expect(writes()).toHaveLength(1);
    const incidents = google.hands.tab('Incidents');
    expect(incidents.frozenRowCount).toBe(1);
    expect(incidents.conditionalFormats).toHaveLength(4);
    expect(incidents.protectedRanges).toHaveLength(1);
    const [{ editors, range, unprotectedRanges = [], warningOnly } = {}] = incidents.protectedRanges;
    expect({ editors, range, warningOnly }).toEqual({
      editors: { users: [google.email] },
      range: { sheetId: incidents.sheetId },
      warningOnly: false,
    });
    const open = ['Verdict', 'Owner', 'Notes'].map((header) => google.hands.columnOf('Incidents', header));
    expect(unprotectedRanges.map(({ startColumnIndex }) => startColumnIndex)).toEqual(open);
    const rule = incidents.rows[1]?.[open[0] ?? 0]?.dataValidation;
    expect(rule).toMatchObject({ strict: true, showCustomUi: true, condition: { type: 'ONE_OF_LIST' } });
    expect(rule?.condition?.values).toHaveLength(VERDICTS.length);
    const headers = (title: string) =>
      (google.hands.tab(title).rows[0] ?? []).map((cell) => cell.userEnteredValue?.stringValue);
    expect(headers('Detectors')).toEqual([
      'Detector',
      'Mode',
      'Notice',
      'Warning',
      'Critical',
      'Window',
      'In force',
      'What if',
      'Status',
      'Error',
      'Version',
    ]);
    expect(google.hands.tab('Summary').charts).toHaveLength(3);
    const second = await setUp();
    expect(second.changed).toEqual([]);
    expect(writes()).toHaveLength(1);
  });

  it('counts by formulas over the rows, whatever their tab is called', async () => {
    google.hands.change([{ addSheet: { properties: { title: 'Incidents' } } }]);
    const { sheetId } = google.hands.tab('Incidents');
    const text = (stringValue: string) => ({ userEnteredValue: { stringValue } });
    google.hands.change([
      {
        updateCells: {
          start: { sheetId },
          rows: [{ values: [text('Office'), text('Incident reports')] }],
          fields: 'userEnteredValue',
        },
      },
    ]);
    await setUp();
    // Somebody's own tab of that name is left alone.
    expect(google.hands.titles()).toEqual(['Sheet1', 'Incidents', 'Incidents (declinewatch)', 'Detectors', 'Summary']);
    const formulas = google.hands
      .tab('Summary')
      .rows.flatMap((row) => row.flatMap(({ userEnteredValue: value }) => value?.formulaValue ?? []));
    expect(formulas).toHaveLength(13);
    expect(formulas[0]).toMatch(/^=COUNTIF\('Incidents \(declinewatch\)'![A-Z]+:[A-Z]+;"NOTICE"\)$/);
  });

  it('takes over a tab that was made by hand or came back from a file, without its marks', async () => {
    google.hands.change([{ addSheet: { properties: { title: 'Incidents' } } }]);
    const { sheetId } = google.hands.tab('Incidents');
    const text = (stringValue: string) => ({ userEnteredValue: { stringValue } });
    const rows = [
      { values: ['Notes', 'Incident', 'Status'].map(text) },
      { values: ['mine', 'INC-1', 'old'].map(text) },
    ];
    google.hands.change([{ updateCells: { start: { sheetId }, rows, fields: 'userEnteredValue' } }]);
    const { changed } = await setUp();
    expect(changed).toContain('took over the tab Incidents');
    const desk = await openSheetDesk(google);
    await desk.start();
    await desk.put(sampleIncident());
    await expect
      .poll(() => google.hands.row('Incidents', 'INC-1'), { timeout: 10_000 })
      .toMatchObject({ Notes: 'mine', Status: 'open', Peak: 14 });
    expect(google.incidentIds()).toEqual(['INC-1']);
    await desk.close();
  });

  it('puts back what was removed, and leaves what was restyled', async () => {
    await setUp();
    google.hands.renameHeader('Incidents', 'Severity', 'How bad');
    google.hands.moveColumn('Incidents', 'Notes', 0);
    google.hands.deleteColumn('Incidents', 'Owner');
    google.hands.deleteTab('Detectors');
    google.hands.deleteTab('Summary');
    google.hands.tab('Incidents').protectedRanges = [];
    const { changed } = await setUp();
    expect(changed).toEqual([
      'added to Incidents: Owner',
      'marked 1 columns of Incidents',
      'protected the program’s columns of Incidents',
      'made the tab Detectors',
      'made the tab Summary',
    ]);
    const open = ['Verdict', 'Owner', 'Notes']
      .map((header) => google.hands.columnOf('Incidents', header))
      .sort((a, b) => a - b);
    const [{ unprotectedRanges = [] } = {}] = google.hands.tab('Incidents').protectedRanges;
    expect(unprotectedRanges.map(({ startColumnIndex }) => startColumnIndex)).toEqual(open);
    expect(google.hands.columnOf('Incidents', 'How bad')).toBeGreaterThan(0);
    google.hands.moveColumn('Incidents', 'Owner', 1);
    expect((await setUp()).changed).toEqual(['opened the analysts’ columns of Incidents']);
    expect((await setUp()).changed).toEqual([]);
  });

  it('makes each tab once when two set it up at the same time', async () => {
    await Promise.all([setUp(), setUp()]);
    expect(google.hands.titles()).toEqual(['Sheet1', 'Incidents', 'Detectors', 'Summary']);
  });

  it('refuses a copy until it is told to take it', async () => {
    await setUp();
    const sheetId = google.copy();
    await expect(setUp({ sheetId })).rejects.toMatchObject({
      code: 'sheet_is_a_copy',
      help: expect.stringContaining(google.spreadsheetId),
    });
    expect((await setUp({ sheetId, takeCopy: true })).changed).toEqual(['marked the sheet as this installation’s']);
    expect((await setUp({ sheetId })).changed).toEqual([]);
  });
});

describe('what stands in the way', () => {
  const file = (content: string): string => {
    const name = join(folder, `${Math.random()}.json`);
    writeFileSync(name, content);
    return name;
  };
  const cases: readonly (readonly [what: string, code: string, cure: RegExp, prepare: () => Options])[] = [
    ['a wrong id', 'sheet_wrong_id', /GOOGLE_SHEET_ID/, () => ({ sheetId: '1NoSuchSheet' })],
    [
      'a sheet that is not shared',
      'sheet_not_shared',
      /press Share, add declinewatch@local-project/,
      () => {
        google.state.share = 'none';
        return {};
      },
    ],
    [
      'a sheet that is shared read-only',
      'sheet_read_only',
      /Editor/,
      () => {
        google.state.share = 'reader';
        return {};
      },
    ],
    [
      'the API switched off',
      'sheet_api_off',
      /press Enable/,
      () => {
        google.state.isApiOn = false;
        return {};
      },
    ],
    [
      'a revoked key',
      'sheet_key_invalid',
      /new key/,
      () => {
        google.state.isKeyRevoked = true;
        return {};
      },
    ],
    [
      'a quota that is used up',
      'sheet_quota',
      /^$/,
      () => {
        google.state.readsPerMinute = 0;
        return {};
      },
    ],
    [
      'an outage',
      'sheet_unavailable',
      /^$/,
      () => {
        google.fault({ on: 'any', kind: 503, times: 1 });
        return {};
      },
    ],
    ['no way to Google', 'sheet_unavailable', /HTTPS/, () => ({ url: 'http://127.0.0.1:9/' })],
    [
      'an Excel file',
      'sheet_not_a_sheet',
      /Save as Google Sheets/,
      () => {
        google.fault({
          on: 'any',
          kind: { status: 400, message: 'This operation is not supported for this document' },
          times: 1,
        });
        return {};
      },
    ],
    [
      'a protection of somebody else',
      'sheet_protected',
      /Protect sheets and ranges/,
      () => {
        const message =
          'You are trying to edit a protected cell or object. Please contact the spreadsheet owner to remove protection if you need to edit.';
        google.fault({ on: 'write', kind: { status: 400, message }, times: 1 });
        return {};
      },
    ],
    ['no key file', 'sheet_key_invalid', /Service Accounts/, () => ({ credentialsFile: join(folder, 'none.json') })],
    [
      'a key file that is none',
      'sheet_key_invalid',
      /Service Accounts/,
      () => ({ credentialsFile: file('{"installed":{}}') }),
    ],
    [
      'a damaged key',
      'sheet_key_invalid',
      /Service Accounts/,
      () => ({
        credentialsFile: file(
          JSON.stringify({
            client_email: 'a@b',
            private_key: '-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\n',
          }),
        ),
      }),
    ],
  ];

  it.each(cases)('%s is %s', async (_what, code, cure, prepare) => {
    const error = await setUp(prepare()).then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ name: 'AppError', code, help: expect.stringMatching(cure) });
    expect(String(error)).not.toContain('PRIVATE KEY');
  });

  it('is told by the output, loses nothing, and is over when it is cured', async () => {
    google.state.share = 'none';
    const desk = await openSheetDesk(google);
    const deliveries = await desk.start();
    await desk.put(sampleIncident());
    await expect
      .poll(() => deliveries.status().lastError?.message, { timeout: 10_000 })
      .toContain(`add ${google.email} as Editor`);
    expect(deliveries.status()).toMatchObject({ pending: 1, failedCount: 0 });
    google.state.share = 'editor';
    await expect.poll(() => google.incidentIds(), { timeout: 20_000 }).toEqual(['INC-1']);
    await expect.poll(() => deliveries.status(), { timeout: 10_000 }).toMatchObject({ pending: 0, lastError: null });
    await desk.close();
  });

  it('is cured by a new key in the place of the old one, without a restart', async () => {
    const credentialsFile = file('not a key yet');
    const desk = await openSheetDesk(google);
    const deliveries = await desk.start({ credentialsFile });
    await desk.put(sampleIncident());
    await expect.poll(() => deliveries.status().lastError?.message, { timeout: 10_000 }).toContain('no key file');
    writeFileSync(credentialsFile, JSON.stringify(google.keyOfAnother()));
    await expect
      .poll(() => deliveries.status().lastError?.message, { timeout: 20_000 })
      .toContain('does not accept the key');
    copyFileSync(google.credentialsFile, credentialsFile);
    await expect.poll(() => google.incidentIds(), { timeout: 25_000 }).toEqual(['INC-1']);
    await desk.close();
  }, 60_000);

  it('refuses to write into the rows of another installation', async () => {
    const theirs = await openSheetDesk(google);
    await theirs.start();
    await theirs.put(sampleIncident({ title: 'theirs' }));
    await expect.poll(() => google.incidentIds(), { timeout: 10_000 }).toEqual(['INC-1']);
    await theirs.close();
    const ours = await openSheetDesk(google);
    const deliveries = await ours.start();
    await ours.put(sampleIncident({ title: 'ours', openedAt: sampleIncident().openedAt + 86_400_000 + 67_000 }));
    await expect
      .poll(() => deliveries.status().lastError?.message, { timeout: 10_000 })
      .toContain('another installation');
    expect(google.hands.row('Incidents', 'INC-1')).toMatchObject({ Title: 'theirs' });
    await ours.close();
  });
});
