// The whole set-up of a sheet as one call, for the command line: connects, sets up, and says what was done.
import type { Clock } from '../model/clock.ts';
import { setUp } from './setup.ts';
import { createSheetsClient, type SheetsSettings } from './sheets-client.ts';
import { appErrorOf, SheetsError } from './sheets-errors.ts';

export type SheetSetUp = {
  readonly sheet: string;
  readonly title: string;
  readonly url: string;
  readonly timeZone: string;
  readonly serviceAccount: string;
  /** What was made or repaired; empty: nothing lacked. */
  readonly changed: readonly string[];
};

export type SetUpSheetOptions = {
  readonly settings: SheetsSettings;
  readonly clock: Clock;
  readonly takeCopy: boolean;
};

/** Rejects with an AppError (`sheet_not_shared`, `sheet_wrong_id`, …) that names the cure. */
export async function setUpSheet({ settings, clock, takeCopy }: SetUpSheetOptions): Promise<SheetSetUp> {
  try {
    const api = await createSheetsClient({ settings, clock }).connect();
    const { signal } = new AbortController();
    const { title, timeZone, changed } = await setUp({ api, signal, isWhole: true, takeCopy, nowMs: clock.now() });
    return {
      sheet: settings.sheetId,
      title,
      url: `https://docs.google.com/spreadsheets/d/${settings.sheetId}/edit`,
      timeZone,
      serviceAccount: api.email,
      changed,
    };
  } catch (error) {
    if (error instanceof SheetsError) throw appErrorOf(error.failure, error);
    throw error;
  }
}
