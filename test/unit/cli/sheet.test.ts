import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sheetCommand } from '../../../src/cli/sheet.ts';
import { type LocalSheets, startLocalSheets } from '../../support/local-sheets.ts';

let google: LocalSheets;

beforeEach(async () => {
  google = await startLocalSheets();
  for (const [name, value] of Object.entries(google.env)) vi.stubEnv(name, value);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await google.close();
});

async function run(positionals: readonly string[], values: Record<string, boolean> = {}) {
  let out = '';
  const write = (text: string) => {
    out += text;
  };
  const code = await sheetCommand.run({ positionals, values, stdout: { write }, stderr: { write } });
  return { code, out };
}

describe('declinewatch sheet setup', () => {
  it('makes the sheet ready and says what it did, then that nothing lacked', async () => {
    const first = await run(['setup']);
    expect(first.code).toBe(0);
    expect(first.out).toContain(`written by ${google.email}, times in Europe/Berlin`);
    expect(first.out).toContain('  made the tab Incidents\n');
    expect(first.out).toMatch(/ready\n$/);
    expect((await run(['setup'])).out).toMatch(/nothing lacked\n$/);
  });

  it('prints one JSON object with --json', async () => {
    const { out } = await run(['setup'], { json: true });
    expect(JSON.parse(out)).toMatchObject({
      sheet: google.spreadsheetId,
      title: 'Fraud incidents',
      url: `https://docs.google.com/spreadsheets/d/${google.spreadsheetId}/edit`,
      serviceAccount: google.email,
      changed: expect.arrayContaining(['made the tab Summary']),
    });
  });

  it('names what stands in the way', async () => {
    google.state.share = 'none';
    await expect(run(['setup'])).rejects.toMatchObject({
      code: 'sheet_not_shared',
      help: expect.stringContaining(google.email),
    });
  });

  it('takes a copy only when told to', async () => {
    await run(['setup']);
    vi.stubEnv('GOOGLE_SHEET_ID', google.copy());
    await expect(run(['setup'])).rejects.toMatchObject({ code: 'sheet_is_a_copy' });
    expect((await run(['setup'], { 'take-copy': true })).code).toBe(0);
  });

  it('refuses wrong usage and a missing configuration', async () => {
    await expect(run([])).rejects.toMatchObject({ code: 'usage' });
    await expect(run(['setup', 'again'])).rejects.toMatchObject({ code: 'usage' });
    vi.stubEnv('GOOGLE_SHEET_ID', undefined);
    await expect(run(['setup'])).rejects.toMatchObject({
      code: 'bad_environment',
      details: [{ path: 'GOOGLE_SHEET_ID' }],
    });
  });
});
