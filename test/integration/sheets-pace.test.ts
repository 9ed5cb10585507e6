// Rates, by a clock that the test moves: at most 30 writes a minute, Google's quota waited out, a storm in batches.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HandClock, handClock } from '../support/hand-clock.ts';
import { type LocalSheets, startLocalSheets } from '../support/local-sheets.ts';
import { sampleIncident } from '../support/sample-incident.ts';
import { openSheetDesk, type SheetDesk } from '../support/sheet-desk.ts';

let clock: HandClock;
let google: LocalSheets;
let desk: SheetDesk;

beforeEach(async () => {
  clock = handClock(1_800_000_000_000 - (1_800_000_000_000 % 60_000));
  google = await startLocalSheets({ now: clock.now });
  desk = await openSheetDesk(google, { clock });
});

afterEach(async () => {
  await desk.close();
  await google.close();
});

const until = { timeout: 40_000, interval: 5 };
const inc = (n: number, overrides = {}) => sampleIncident({ id: `INC-${n}`, ...overrides });
const writeTimes = () => google.calls.filter(({ kind }) => kind === 'write').map(({ at }) => at);
/** Moves the clock in steps until the claim holds. */
async function pass(claim: () => boolean | Promise<boolean>, stepMs = 500): Promise<void> {
  await expect
    .poll(async () => {
      if (await claim()) return true;
      clock.advance(stepMs);
      return false;
    }, until)
    .toBe(true);
}
const worstMinute = (times: readonly number[]): number =>
  Math.max(0, ...times.map((from) => times.filter((at) => at >= from && at < from + 60_000).length));

describe('the pace of the sheet', { timeout: 90_000 }, () => {
  it('is at most 30 writes in any minute, however much changes', async () => {
    const deliveries = await desk.start({ everyMs: 2_000 });
    let version = 1;
    await desk.put(inc(1), inc(2));
    for (let round = 0; round < 34; round += 1) {
      const before = writeTimes().length;
      await pass(() => deliveries.status().pending === 0 && writeTimes().length > before - 1);
      version += 1;
      await desk.put(inc(1, { version }), inc(2, { version }));
      await pass(() => writeTimes().length > before);
    }
    await pass(() => deliveries.status().pending === 0);
    const times = writeTimes();
    expect(times.length).toBeGreaterThanOrEqual(34);
    expect(worstMinute(times)).toBeLessThanOrEqual(30);
    expect(google.calls.filter(({ status }) => status === 429)).toHaveLength(0);
    expect(google.hands.row('Incidents', 'INC-2')).toMatchObject({ Version: version });
  });

  it('takes a storm of 1,000 in six writes, and shows what waits', async () => {
    const deliveries = await desk.start({ everyMs: 2_000 });
    await desk.put(...Array.from({ length: 1_000 }, (_, n) => inc(n + 1, { storm: 'INC-1001' })));
    await pass(() => google.incidentIds().length >= 200);
    expect(deliveries.status().pending).toBeGreaterThan(0);
    await pass(() => deliveries.status().pending === 0);
    expect(new Set(google.incidentIds()).size).toBe(1_000);
    expect(google.incidentIds()).toHaveLength(1_000);
    expect(writeTimes().length).toBeLessThanOrEqual(8);
  });

  it('waits for the next minute when the quota is used up by others, and writes nothing twice', async () => {
    const deliveries = await desk.start({ everyMs: 2_000 });
    await desk.put(inc(1));
    await pass(() => google.incidentIds().length === 1 && deliveries.status().pending === 0);
    google.state.writesPerMinute = 0;
    await desk.put(inc(2));
    await pass(() => google.calls.some(({ status }) => status === 429), 100);
    await expect.poll(() => deliveries.status().lastError?.message, until).toContain('quota');
    const refusedAt = google.calls.find(({ status }) => status === 429)?.at ?? 0;
    const nextMinute = refusedAt - (refusedAt % 60_000) + 60_000;
    expect(deliveries.status().pausedUntil).toBeGreaterThan(nextMinute);
    google.state.writesPerMinute = 60;
    await pass(() => deliveries.status().pending === 0);
    expect(google.calls.filter(({ at, kind }) => kind === 'write' && at > refusedAt && at < nextMinute)).toHaveLength(
      0,
    );
    expect(google.incidentIds()).toEqual(['INC-2', 'INC-1']);
  });
});
