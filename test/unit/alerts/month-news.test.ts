import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { createMonthNews, type MonthNews } from '../../../src/alerts/month-news.ts';
import { monthOf } from '../../../src/tuning/month.ts';
import { handClock } from '../../support/hand-clock.ts';
import { sampleIncident } from '../../support/sample-incident.ts';

const FIRST = Date.UTC(2026, 10, 1, 6);
const NOTHING_TOLD = { of: () => null, all: () => [] };

let news: MonthNews | null = null;
afterEach(async () => await news?.close());

async function dueAt(nowMs: number, livemode: boolean, testChannel: string | null = 'C0TEST') {
  let isRead = (): void => undefined;
  const read = new Promise<void>((resolve) => {
    isRead = resolve;
  });
  const incidents = [sampleIncident({ livemode })];
  const made = createMonthNews({
    months: {
      over: () => '2026-10',
      report: async (month) => monthOf({ month, days: [], incidents, corrections: new Map() }),
    },
    channel: 'C0LIVE',
    testChannel,
    consoleUrl: 'http://127.0.0.1:4243',
    onDue: isRead,
    clock: handClock(nowMs),
    logger: pino({ level: 'silent' }),
  });
  news = made;
  if (made.due(NOTHING_TOLD).length > 0) throw new Error('due before it was read');
  if (nowMs - FIRST < 4 * 86_400_000) await read;
  return made.due(NOTHING_TOLD).map(({ subject, version, channel }) => [subject, version, channel]);
}

describe('the month as news', () => {
  it('is due from the first of the next month, in the channel of its mode', async () => {
    expect(await dueAt(FIRST, true)).toEqual([['month', 202_610, 'C0LIVE']]);
    expect(await dueAt(FIRST, false)).toEqual([['month', 202_610, 'C0TEST']]);
    expect(await dueAt(FIRST, false, null)).toEqual([['month', 202_610, 'C0LIVE']]);
  });

  it('is due no more after some days', async () => {
    expect(await dueAt(FIRST + 3 * 86_400_000, true)).toHaveLength(1);
    expect(await dueAt(FIRST + 5 * 86_400_000, true)).toEqual([]);
  });
});
