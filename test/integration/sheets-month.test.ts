// The tab of a month that is over: made once and whole, over the real client against the local Google, whatever is lost, throttled,
// restarted or done at the same time; and what an analyst does to it stays.
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startMonthTab } from '../../src/sinks/month-tab.ts';
import { setUp } from '../../src/sinks/setup.ts';
import { createSheetsClient } from '../../src/sinks/sheets-client.ts';
import { createSheetsSink } from '../../src/sinks/sheets-sink.ts';
import { type LocalSheets, startLocalSheets } from '../support/local-sheets.ts';
import { quickClock } from '../support/quick-clock.ts';
import { monthsByHand, sampleMonth, scopeOfMonth } from '../support/sample-month.ts';

const until = { timeout: 20_000, interval: 20 };
const OCTOBER = 'Month 2026-10';
const NOVEMBER = 'Month 2026-11';

let google: LocalSheets;
let warnings: string[];
let clock: ReturnType<typeof quickClock>;
const closing: (() => Promise<void>)[] = [];

beforeEach(async () => {
  // Ten minutes are a tenth of a second.
  clock = quickClock({ speed: 6_000, behindMs: 3_600_000 });
  google = await startLocalSheets();
  google.state.readsPerMinute = 1_000;
  google.state.writesPerMinute = 1_000;
  warnings = [];
});

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await google.close();
});

const clientOf = (sheetId = google.spreadsheetId) =>
  createSheetsClient({
    settings: { sheetId, credentialsFile: google.credentialsFile, url: google.url },
    clock,
    timeoutMs: 20_000,
  });

/** One process: its own client, its own months. */
function process(options: { readonly isActive?: () => boolean; readonly sheetId?: string } = {}) {
  const { isActive = () => true, sheetId = google.spreadsheetId } = options;
  const write = (line: string): void => void warnings.push(line);
  const logger = pino({ level: 'warn' }, { write });
  const client = clientOf(sheetId);
  const sink = createSheetsSink({ client, stateOf: () => null, consoleUrl: 'http://127.0.0.1:4243', clock, logger });
  const months = monthsByHand();
  const tab = startMonthTab({ sink, months, clock, logger, isActive });
  closing.push(async () => await tab.close());
  return { months, close: tab.close };
}

/** Looks at the marks since the last write, or since that many calls. */
const looks = (since = google.calls.findLastIndex(({ kind }) => kind === 'write') + 1): number =>
  google.calls.slice(since).filter(({ path, status }) => path.includes('developerMetadata') && status === 200).length;

const monthTabs = (): readonly string[] => google.hands.titles().filter((title) => title.startsWith('Month'));
const isThere = async (title: string): Promise<void> => await expect.poll(monthTabs, until).toContain(title);
const figureRow = (title: string, figure: string) => google.hands.row(title, figure);

describe('the tab of a month', () => {
  it('has the figures, as typed numbers and money, under a header that stays', async () => {
    const { months } = process();
    months.end(sampleMonth());
    await isThere(OCTOBER);
    const tab = google.hands.tab(OCTOBER);
    expect(tab.frozenRowCount).toBe(1);
    expect(figureRow(OCTOBER, 'attempts')).toMatchObject({ Account: 'own account', Part: 'Payments', Value: 1_204 });
    const amounts = tab.rows.filter((cells) => cells[4]?.userEnteredValue?.stringValue === 'EUR');
    expect(amounts[0]?.[3]).toMatchObject({
      userEnteredValue: { numberValue: 123_456.78 },
      userEnteredFormat: { numberFormat: { pattern: '#,##0.00 "EUR"' } },
    });
    expect(figureRow(OCTOBER, 'card-declines')).toMatchObject({ Value: 0.5, From: 0.0945, To: 0.9055 });
    expect(tab.rows.flat().some((cell) => cell.userEnteredValue?.formulaValue !== undefined)).toBe(false);
  });

  it('is not made for a month of which nothing is known, and is once something is', async () => {
    const { months } = process();
    months.end(sampleMonth('2026-10', []));
    await expect.poll(() => months.reads.get('2026-10'), until).toBe(1);
    months.end(sampleMonth());
    await isThere(OCTOBER);
    expect(monthTabs()).toEqual([OCTOBER]);
  });

  it('is whole after a lost answer, a dropped connection, a throttled write: one, and no second', async () => {
    google.fault({ on: 'write', kind: 'drop', times: 1 });
    google.fault({ on: 'write', kind: 429, times: 2 });
    google.fault({ on: 'write', kind: 'lost', times: 1 });
    const { months } = process();
    months.end(sampleMonth());
    await isThere(OCTOBER);
    // It cannot know yet that it is there.
    await expect.poll(() => looks(), until).toBeGreaterThan(0);
    // Decided one after the other: with November there, October is done with.
    months.end(sampleMonth('2026-11'));
    await isThere(NOVEMBER);
    expect(monthTabs()).toEqual([OCTOBER, NOVEMBER]);
    const rows = (title: string): number => google.hands.tab(title).rows.filter((cells) => cells.length > 0).length;
    expect(rows(OCTOBER)).toBe(rows(NOVEMBER));
    expect(warnings.length).toBeGreaterThan(0);
  });

  it('is not made again by a restart, and what an analyst wrote into it stays', async () => {
    const first = process();
    first.months.end(sampleMonth());
    await isThere(OCTOBER);
    google.hands.type(OCTOBER, 'disputes', 'Value', 99);
    google.hands.type(OCTOBER, 'disputes', 'Remark', 'one was a friend’s');
    google.hands.renameTab(OCTOBER, 'Our October');
    await first.close();

    const before = google.calls.length;
    const { months } = process();
    months.end(sampleMonth('2026-10', [scopeOfMonth({ days: 30 })]));
    await expect.poll(() => looks(before), until).toBeGreaterThan(0);
    months.end(sampleMonth('2026-11'));
    await isThere(NOVEMBER);
    expect(months.reads.get('2026-10')).toBeUndefined();
    expect(monthTabs()).toEqual([NOVEMBER]);
    expect(figureRow('Our October', 'disputes')).toMatchObject({ Value: 99, Remark: 'one was a friend’s' });
  });

  it('stays deleted', async () => {
    const first = process();
    first.months.end(sampleMonth());
    await isThere(OCTOBER);
    google.hands.deleteTab(OCTOBER);
    await first.close();
    const before = google.calls.length;
    const { months } = process();
    months.end(sampleMonth());
    await expect.poll(() => looks(before), until).toBeGreaterThan(0);
    months.end(sampleMonth('2026-11'));
    await isThere(NOVEMBER);
    expect(monthTabs()).toEqual([NOVEMBER]);
  });

  it('is made once by two processes that both believe that it is theirs to make', async () => {
    const [one, other] = [process(), process()];
    // Both have looked before either writes.
    const { promise, resolve } = Promise.withResolvers<void>();
    google.hold('write', promise);
    google.hold('write', promise);
    for (const { months } of [one, other]) months.end(sampleMonth());
    await expect.poll(() => google.held(), until).toBe(2);
    resolve();
    await isThere(OCTOBER);
    for (const { months } of [one, other]) months.end(sampleMonth('2026-11'));
    await isThere(NOVEMBER);
    await one.close();
    await other.close();
    expect([...monthTabs()].sort()).toEqual([OCTOBER, NOVEMBER]);
  });

  it('leaves a tab of that name alone that a person has made', async () => {
    google.hands.change([{ addSheet: { properties: { title: OCTOBER } } }]);
    const { months } = process();
    months.end(sampleMonth());
    await isThere(`${OCTOBER} (declinewatch)`);
    expect(google.hands.tab(OCTOBER).rows.flat()).toEqual([]);
  });

  it('is not made in a copy of the sheet, nor by a process that does not write', async () => {
    const api = await clientOf().connect();
    await setUp({ api, signal: new AbortController().signal, isWhole: false, nowMs: clock.now() });
    const writes = (): number => google.calls.filter(({ kind }) => kind === 'write').length;
    const before = writes();
    const copied = process({ sheetId: google.copy() });
    copied.months.end(sampleMonth());
    await expect.poll(() => warnings.join(), until).toContain('is a copy of');
    expect(writes()).toBe(before);
    await copied.close();

    let isActive = false;
    let asked = 0;
    const { months } = process({
      isActive: () => {
        asked += 1;
        return isActive;
      },
    });
    months.end(sampleMonth());
    await expect.poll(() => asked, until).toBeGreaterThan(1);
    expect(monthTabs()).toEqual([]);
    isActive = true;
    await isThere(OCTOBER);
  });
});
