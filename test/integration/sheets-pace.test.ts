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
async function pass(claim: () => boolean | Promise<boolean>, stepMs = 500, timeout = until.timeout): Promise<void> {
  const isSo = async (): Promise<boolean> => {
    if (await claim()) return true;
    clock.advance(stepMs);
    return false;
  };
  await expect.poll(isSo, { ...until, timeout }).toBe(true);
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

  it('takes a storm of 10,000 in some two minutes, in batches, and shows what waits', {
    timeout: 300_000,
  }, async () => {
    const deliveries = await desk.start({ everyMs: 2_000 });
    await desk.put(...Array.from({ length: 10_000 }, (_, n) => inc(n + 1, { storm: 'INC-10001' })));
    await pass(() => google.incidentIds().length >= 200);
    const { pending, oldestPendingAt } = deliveries.status();
    expect(pending).toBeGreaterThan(5_000);
    expect(oldestPendingAt).not.toBeNull();
    await pass(() => deliveries.status().pending === 0, 500, 240_000);
    const ids = google.incidentIds();
    expect(new Set(ids).size).toBe(10_000);
    expect(ids).toHaveLength(10_000);
    const times = writeTimes();
    expect(times.length).toBeLessThanOrEqual(54);
    expect(worstMinute(times)).toBeLessThanOrEqual(30);
    expect(google.calls.filter(({ status }) => status !== 200)).toEqual([]);
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
