// What people overwrite comes back between changes too; a new year begins a new tab.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../src/model/clock.ts';
import type { Incident } from '../../src/model/incident.ts';
import { ownTurn } from '../support/fake-sink.ts';
import { type LocalSheets, startLocalSheets } from '../support/local-sheets.ts';
import { sampleIncident } from '../support/sample-incident.ts';
import { openSheetDesk, type SheetDesk } from '../support/sheet-desk.ts';

const TAB = 'Incidents';
const until = { timeout: 20_000, interval: 20 };
const { signal } = new AbortController();
let at: number;
let google: LocalSheets;
let desk: SheetDesk;

/** Real pauses, at a time of the test's own. */
const clock: Clock = { now: () => at, sleep: systemClock.sleep };

beforeEach(async () => {
  at = Date.UTC(2036, 11, 31, 20);
  google = await startLocalSheets();
  google.state.readsPerMinute = 1_000;
  google.state.writesPerMinute = 1_000;
  desk = await openSheetDesk(google, { clock: systemClock });
});

afterEach(async () => {
  await desk.close();
  await google.close();
});

const inc = (n: number, overrides: Partial<Incident> = {}) => sampleIncident({ id: `INC-${n}`, ...overrides });

async function written(...incidents: readonly Incident[]): Promise<void> {
  const deliveries = await desk.start();
  await desk.put(...incidents);
  await expect.poll(() => google.incidentIds().length, until).toBe(incidents.length);
  await expect.poll(() => deliveries.status().pending, until).toBe(0);
}

describe('cells of the program that were overwritten', () => {
  it('come back although nothing changes, and nothing else is touched', async () => {
    await written(inc(1), inc(2), inc(3));
    const before = ['INC-1', 'INC-2', 'INC-3'].map((id) => google.hands.row(TAB, id));
    google.hands.type(TAB, 'INC-1', 'Status', 'solved, I think');
    google.hands.type(TAB, 'INC-2', 'Peak', 1);
    google.hands.type(TAB, 'INC-2', 'Opened', 'yesterday');
    google.hands.type(TAB, 'INC-2', 'Notes', 'mine');
    google.hands.sort(TAB, 'Incident');
    const sink = desk.sinkOf();
    expect(await sink.sweep(0, signal)).toEqual({ healed: 2, slices: 1 });
    const after = ['INC-1', 'INC-2', 'INC-3'].map((id) => google.hands.row(TAB, id));
    expect(after).toEqual([before[0], { ...before[1], Notes: 'mine' }, before[2]]);
    const writes = google.calls.filter(({ kind }) => kind === 'write').length;
    expect(await sink.sweep(0, signal)).toMatchObject({ healed: 0 });
    expect(await sink.sweep(7, signal)).toEqual({ healed: 0, slices: 1 });
    expect(google.calls.filter(({ kind }) => kind === 'write')).toHaveLength(writes);
  });

  it('come back in the sheet’s own time when its time zone was changed', async () => {
    await written(inc(1));
    const before = google.hands.row(TAB, 'INC-1').Opened;
    google.hands.setTimeZone('Asia/Tokyo');
    expect(await desk.sinkOf().sweep(0, signal)).toMatchObject({ healed: 1 });
    expect(Number(google.hands.row(TAB, 'INC-1').Opened)).not.toBeCloseTo(Number(before), 3);
  });

  it('are left alone in the row of an incident that is not known here any more', async () => {
    await written(inc(1));
    google.hands.type(TAB, 'INC-1', 'Status', 'whatever');
    desk.states.delete('INC-1');
    expect(await desk.sinkOf().sweep(0, signal)).toMatchObject({ healed: 0 });
    expect(google.hands.row(TAB, 'INC-1').Status).toBe('whatever');
  });
});

describe('a new year', () => {
  it('begins a new tab, in the sheet’s time zone, and elder rows are followed where they are', async () => {
    google.hands.setTimeZone('Asia/Tokyo');
    at = Date.UTC(2036, 11, 31, 14, 59);
    const sink = desk.sinkOf({ clock });
    const row = async (incident: Incident, place: Parameters<typeof sink.deliver>[0][number]['place'] = null) => {
      desk.states.set(incident.id, incident);
      const [result] = await sink.deliver([{ incident, slot: 'row', place, main: null }], ownTurn(signal));
      return result?.outcome === 'delivered' ? result.place : null;
    };
    const first = await row(inc(1));
    expect(first).toMatchObject({ tab: 'Incidents' });
    expect(await row(inc(2))).toMatchObject({ tab: 'Incidents' });
    // Midnight in Tokyo.
    at += 120_000;
    expect(await row(inc(3))).toMatchObject({ tab: 'Incidents 2' });
    expect(await row(inc(4))).toMatchObject({ tab: 'Incidents 2' });
    expect(await row(inc(1, { version: 9, status: 'withdrawn' }), first)).toMatchObject({ tab: 'Incidents' });
    expect(google.hands.row('Incidents', 'INC-1')).toMatchObject({ Status: 'withdrawn', Version: 9 });
    expect(google.incidentIds().sort()).toEqual(['INC-1', 'INC-2', 'INC-3', 'INC-4']);
  });
});
