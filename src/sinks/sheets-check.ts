// What `doctor` asks Google: is the key one, is the sheet there and shared, may it be written, does anything lack.
import type { Clock } from '../model/clock.ts';
import { messageOf } from '../model/errors.ts';
import { plural } from '../model/words.ts';
import { setUp } from './setup.ts';
import { createSheetsClient, type SheetsApi, type SheetsSettings } from './sheets-client.ts';
import { SheetsError } from './sheets-errors.ts';
import { fenceAfter, readMarks } from './sheets-layout.ts';

export type SheetCheck = {
  /** `GOOGLE_APPLICATION_CREDENTIALS`, `GOOGLE_SHEET_ID`, `sheet setup`. */
  readonly name: string;
  /** What is wrong and the cure; null: fine. */
  readonly problem: string | null;
  /** What was found, e.g. the sheet's title; '' if nothing. */
  readonly found: string;
};

export type SheetCheckOptions = {
  readonly settings: SheetsSettings;
  readonly clock: Clock;
  /** Of each call. Default 20 s. */
  readonly timeoutMs?: number;
};

const TIMEOUT_MS = 20_000;

/** Changes nothing that can be seen: to try writing it lays the mark of one more write. Never rejects. */
export async function checkSheet({
  settings,
  clock,
  timeoutMs = TIMEOUT_MS,
}: SheetCheckOptions): Promise<readonly SheetCheck[]> {
  const client = createSheetsClient({ settings, clock, timeoutMs });
  let api: SheetsApi | null = null;
  const key = await check('GOOGLE_APPLICATION_CREDENTIALS', async () => {
    api = await client.connect();
    return api.email;
  });
  if (api === null) return [key];
  const connected: SheetsApi = api;
  const sheet = await check('GOOGLE_SHEET_ID', async () => await checkAccess(connected));
  if (sheet.problem !== null) return [key, sheet];
  return [key, sheet, await check('sheet setup', async () => await checkTabs(connected))];
}

const { signal } = new AbortController();

async function checkAccess(api: SheetsApi): Promise<string> {
  const { properties } = await api.get('properties(title)', signal);
  const { fence } = await readMarks(api, signal);
  await api.write(fenceAfter(fence), [], signal);
  return properties?.title ?? '';
}

async function checkTabs(api: SheetsApi): Promise<string> {
  // Nothing is made, so that the time says nothing.
  const { changed } = await setUp({ api, signal, isWhole: true, isTrial: true, nowMs: 0 });
  if (changed.length === 0) return 'nothing lacks';
  throw new Error(`${plural(changed.length, 'thing')} to be made or put back. Run "declinewatch sheet setup".`);
}

async function check(name: string, ask: () => Promise<string>): Promise<SheetCheck> {
  try {
    return { name, problem: null, found: await ask() };
  } catch (error) {
    const problem =
      error instanceof SheetsError ? `${error.failure.message} ${error.failure.help}`.trim() : messageOf(error);
    return { name, problem, found: '' };
  }
}
