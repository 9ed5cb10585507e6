#!/usr/bin/env node
// Tries the behaviours of Google Sheets that no document settles, against a real sheet, in a tab of its own that is deleted at
// the end. Runs only with credentials; without them it says what to set and exits with 0.
//
//   GOOGLE_SHEET_ID=… GOOGLE_APPLICATION_CREDENTIALS=key.json node tools/try-real-sheet.mjs
import { readFile } from 'node:fs/promises';
import { auth, sheets } from 'googleapis/build/src/apis/sheets/index.js';

const { GOOGLE_SHEET_ID: spreadsheetId, GOOGLE_APPLICATION_CREDENTIALS: file } = process.env;
if (!spreadsheetId || !file) {
  console.log(
    'Nothing was tried: set GOOGLE_SHEET_ID and GOOGLE_APPLICATION_CREDENTIALS (docs/sheets.md), with a sheet for tests.',
  );
  process.exit(0);
}

const { client_email: email, private_key: key } = JSON.parse(await readFile(file, 'utf8'));
const jwt = new auth.JWT({ email, key, scopes: ['https://www.googleapis.com/auth/spreadsheets'] });
jwt.useJWTAccessWithScope = true;
const { spreadsheets } = sheets({ version: 'v4', auth: jwt, retry: false });
const sheetId = 1 + Math.floor(Math.random() * 600_000_000);
const title = `try ${sheetId}`;
const mark = 1 + Math.floor(Math.random() * 1_000_000_000);

const write = async (...requests) =>
  (await spreadsheets.batchUpdate({ spreadsheetId, requestBody: { requests } })).data;
const refusal = async (...requests) =>
  await write(...requests).then(
    () => 'taken',
    (error) => `refused with ${error.status}: ${error.response?.data?.error?.message ?? error.message}`,
  );
const values = async (range, valueRenderOption = 'UNFORMATTED_VALUE') =>
  (await spreadsheets.values.get({ spreadsheetId, range: `'${title}'!${range}`, valueRenderOption })).data.values ?? [];
const cells = (row, column, ...texts) => ({
  updateCells: {
    start: { sheetId, rowIndex: row, columnIndex: column },
    rows: texts.map((stringValue) => ({ values: [{ userEnteredValue: { stringValue } }] })),
    fields: 'userEnteredValue',
  },
});
const markRow = (id, row) => ({
  createDeveloperMetadata: {
    developerMetadata: {
      metadataId: id,
      metadataKey: 'try',
      visibility: 'DOCUMENT',
      location: { dimensionRange: { sheetId, dimension: 'ROWS', startIndex: row, endIndex: row + 1 } },
    },
  },
});
const rowOf = async (id) => {
  const { data } = await spreadsheets.developerMetadata.search({
    spreadsheetId,
    requestBody: { dataFilters: [{ developerMetadataLookup: { metadataId: id } }] },
  });
  const found = data.matchedDeveloperMetadata?.[0]?.developerMetadata?.location?.dimensionRange;
  return found === undefined ? 'gone' : (found.startIndex ?? 0);
};
const dropDown = (column) => ({
  setDataValidation: {
    range: { sheetId, startRowIndex: 0, endRowIndex: 20, startColumnIndex: column, endColumnIndex: column + 1 },
    rule: {
      condition: { type: 'ONE_OF_LIST', values: [{ userEnteredValue: 'apply' }] },
      strict: true,
    },
  },
});

const tries = [
  ['a mark whose id is taken', async () => await refusal(markRow(mark, 1))],
  [
    'nothing of a batch with such a mark is carried out',
    async () => {
      await refusal(cells(10, 0, 'half'), markRow(mark, 1));
      return (await values('A11:A11')).length === 0 ? 'so it is' : 'NO: half of it was';
    },
  ],
  [
    'a mark follows its row when rows are sorted',
    async () => {
      await write({
        sortRange: {
          range: { sheetId, startRowIndex: 0, endRowIndex: 4, startColumnIndex: 0, endColumnIndex: 1 },
          sortSpecs: [{ dimensionIndex: 0, sortOrder: 'DESCENDING' }],
        },
      });
      return `the mark of "b" is at row ${await rowOf(mark)}, "b" at ${(await values('A1:A4')).findIndex(([text]) => text === 'b')}`;
    },
  ],
  [
    'a mark follows its row when it is moved',
    async () => {
      await write({
        moveDimension: {
          source: { sheetId, dimension: 'ROWS', startIndex: 0, endIndex: 1 },
          destinationIndex: 4,
        },
      });
      return `the mark is at row ${await rowOf(mark)}; rows are now ${(await values('A1:A4')).join()}`;
    },
  ],
  [
    'a text that looks like a formula stays a text',
    async () => {
      await write(cells(6, 0, '=1+1'));
      return `shown as ${(await values('A7:A7', 'FORMATTED_VALUE'))[0]}`;
    },
  ],
  ['a value that a strict drop-down does not list', async () => await refusal(dropDown(2), cells(0, 2, 'proposed'))],
  ['a text of 50,001 characters', async () => (await refusal(cells(7, 0, 'x'.repeat(50_001)))).slice(0, 200)],
  [
    'a look-up of a mark that is not there, beside one that is',
    async () => {
      const look = (metadataId) => ({ developerMetadataLookup: { metadataId } });
      const requestBody = { dataFilters: [look(mark), look(mark + 1)] };
      return await spreadsheets.values.batchGetByDataFilter({ spreadsheetId, requestBody }).then(
        ({ data }) => `${data.valueRanges?.length ?? 0} range(s)`,
        (error) => `refused with ${error.status}: ${error.response?.data?.error?.message ?? error.message}`,
      );
    },
  ],
  [
    'the answer to a write shows what was asked for in A1',
    async () => {
      const requestBody = {
        requests: [cells(8, 0, 'shown')],
        includeSpreadsheetInResponse: true,
        responseRanges: [`'${title}'!A9:A9`],
        responseIncludeGridData: true,
      };
      const { data } = await spreadsheets.batchUpdate({ spreadsheetId, requestBody });
      return JSON.stringify(
        data.updatedSpreadsheet?.sheets?.[0]?.data?.[0]?.rowData?.[0]?.values?.[0]?.userEnteredValue ?? null,
      );
    },
  ],
  [
    'a deleted row takes its mark with it',
    async () => {
      const row = await rowOf(mark);
      if (typeof row !== 'number') return 'it was gone before';
      await write({ deleteDimension: { range: { sheetId, dimension: 'ROWS', startIndex: row, endIndex: row + 1 } } });
      return `the mark is ${await rowOf(mark)}`;
    },
  ],
];

let failed = 0;
await write({ addSheet: { properties: { sheetId, title, gridProperties: { rowCount: 50, columnCount: 5 } } } });
try {
  await write(cells(0, 0, 'a', 'b', 'c', 'd'), markRow(mark, 1));
  for (const [what, run] of tries) {
    const answer = await run().catch((error) => {
      failed += 1;
      return `FAILED: ${error.response?.data?.error?.message ?? error.message}`;
    });
    console.log(`${what}\n    ${answer}`);
  }
} finally {
  await write({ deleteSheet: { sheetId } });
}
process.exitCode = failed === 0 ? 0 : 1;
