// The real Google client against the local Google: one row per incident, rewritten as it changes, whatever goes wrong between.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ownTurn } from '../support/fake-sink.ts';
import { type LocalSheets, startLocalSheets } from '../support/local-sheets.ts';
import { acknowledgedBy, resolvedBy, sampleIncident } from '../support/sample-incident.ts';
import { openSheetDesk, type SheetDesk } from '../support/sheet-desk.ts';

let google: LocalSheets;
let desk: SheetDesk;

beforeEach(async () => {
  google = await startLocalSheets();
  desk = await openSheetDesk(google);
});

afterEach(async () => {
  await desk.close();
  await google.close();
});

const until = { timeout: 15_000, interval: 20 };
const posted = async (version: number, id = 'INC-1') =>
  await expect.poll(async () => (await desk.receipts()).get(id), until).toMatchObject({ state: 'posted', version });
const writes = () => google.calls.filter(({ kind, status }) => kind === 'write' && status === 200);
const inc = (n: number, overrides = {}) => sampleIncident({ id: `INC-${n}`, ...overrides });

describe('the sheet', () => {
  it('gets its tabs and one row, which follows the incident', async () => {
    await desk.start();
    await desk.put(sampleIncident());
    await posted(1);
    expect(google.hands.titles()).toEqual(['Sheet1', 'Incidents', 'Detectors', 'Summary']);
    expect(google.hands.row('Incidents', 'INC-1')).toMatchObject({
      Incident: 'INC-1',
      Status: 'open',
      Verdict: '',
      Severity: 'CRITICAL',
      On: 'visa •••• 4242',
      Peak: 14,
      Amount: 1234.5,
      // 1 October 2026, 14:00:00 in Berlin.
      Opened: 46296 + 14 / 24,
    });
    await desk.put(acknowledgedBy(sampleIncident()));
    await posted(2);
    await desk.put(resolvedBy(sampleIncident(), { version: 3, peak: 20 }));
    await posted(3);
    expect(google.incidentIds()).toEqual(['INC-1']);
    expect(google.hands.row('Incidents', 'INC-1')).toMatchObject({ Status: 'resolved', Resolution: 'fraud', Peak: 20 });
    const { place } = (await desk.receipts()).get('INC-1') ?? {};
    expect(place).toMatchObject({ spreadsheet: google.spreadsheetId, tab: 'Incidents', row: 2 });
    expect(place?.url).toMatch(/^https:\/\/docs\.google\.com\/spreadsheets\/d\/.+\/edit#gid=\d+&range=2:2$/);
  });

  it('takes many at once, the newest on top, in one write', async () => {
    await desk.put(...Array.from({ length: 120 }, (_, n) => inc(n + 1)));
    await desk.start();
    await posted(1, 'INC-120');
    await posted(1, 'INC-1');
    expect(google.incidentIds()).toEqual(Array.from({ length: 120 }, (_, n) => `INC-${120 - n}`));
    // The set-up, and the rows.
    expect(writes()).toHaveLength(2);
  });

  it('does not repeat itself after a restart', async () => {
    const first = await desk.start();
    await desk.put(sampleIncident());
    await posted(1);
    await first.close();
    await desk.put(sampleIncident({ version: 2, peak: 20 }));
    await desk.start();
    await posted(2);
    expect(google.incidentIds()).toEqual(['INC-1']);
    expect(google.hands.row('Incidents', 'INC-1')).toMatchObject({ Peak: 20 });
  });

  it.each(['lost', 'hang', 503, 500, 'drop'] as const)(
    'writes no row twice when a write ends with %s',
    async (kind) => {
      await desk.start({ timeoutMs: 1_500 });
      await desk.put(inc(1));
      await posted(1);
      const before = writes().length;
      google.fault({ on: 'write', kind, times: 1 });
      await desk.put(inc(2), inc(3), inc(1, { version: 2, peak: 99 }));
      await posted(1, 'INC-3');
      await posted(1, 'INC-2');
      await posted(2, 'INC-1');
      expect([...google.incidentIds()].sort()).toEqual(['INC-1', 'INC-2', 'INC-3']);
      expect(google.hands.row('Incidents', 'INC-1')).toMatchObject({ Peak: 99 });
      expect(writes().length).toBeGreaterThan(before);
    },
    100_000,
  );

  it('finds rows that a dead process had written, and does not write them again', async () => {
    const item = { incident: inc(7), slot: 'row', place: null, main: null };
    const [result] = await desk.sinkOf().deliver([item], ownTurn());
    expect(result?.outcome).toBe('delivered');
    await desk.leavePosting(inc(7));
    await desk.put(inc(7, { version: 2, peak: 50 }));
    await desk.start();
    await posted(2, 'INC-7');
    expect(google.incidentIds()).toEqual(['INC-7']);
    expect(google.hands.row('Incidents', 'INC-7')).toMatchObject({ Peak: 50 });
    expect(desk.outcomes).toContain('adopted');
  });

  it('is not overtaken by a former owner that was frozen in the middle of a write', async () => {
    await desk.start();
    await desk.put(inc(1), inc(2));
    await posted(1, 'INC-1');
    await posted(1, 'INC-2');
    // It has looked, and stands still before its write goes out; meanwhile the new owner writes.
    const place = (await desk.receipts()).get('INC-1')?.place ?? null;
    const frozen = desk.sinkOf();
    let goOn = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    google.hold('write', held);
    const late = frozen.deliver(
      [{ incident: inc(1, { version: 2, peak: 15 }), slot: 'row', place, main: null }],
      ownTurn(),
    );
    await expect.poll(() => google.held(), until).toBe(1);
    await desk.put(inc(3), inc(1, { version: 3, peak: 33 }));
    await posted(3, 'INC-1');
    await posted(1, 'INC-3');
    expect(google.incidentIds()).toEqual(['INC-3', 'INC-2', 'INC-1']);
    goOn();
    await late;
    // Google refused it; it looked again, and saw that what stands there is newer.
    expect(google.calls.filter(({ status }) => status === 400)).toHaveLength(1);
    expect(google.hands.row('Incidents', 'INC-1')).toMatchObject({ Peak: 33, Version: 3 });
    expect(google.hands.row('Incidents', 'INC-3')).toMatchObject({ Version: 1 });
    expect(google.incidentIds()).toEqual(['INC-3', 'INC-2', 'INC-1']);
  });

  it('refuses one incident that Google refuses, and writes the others', async () => {
    // Incident numbers are the ids of marks; this one is beyond them.
    const poison = sampleIncident({ id: 'INC-9', title: 'poison' });
    google.refuseText('poison');
    const deliveries = await desk.start({ recheckMs: 60_000 });
    await desk.put(inc(1), inc(2), poison, inc(3));
    for (const n of [1, 2, 3]) await posted(1, `INC-${n}`);
    await expect.poll(() => deliveries.status().failedCount, until).toBe(1);
    expect(deliveries.status().failed[0]).toMatchObject({
      subject: 'INC-9',
      error: expect.stringContaining('HTTP 400'),
    });
    expect([...google.incidentIds()].sort()).toEqual(['INC-1', 'INC-2', 'INC-3']);
    expect(deliveries.status().pending).toBe(0);
  });

  it('goes on in a further tab when one is full', async () => {
    await desk.start({ rowsPerTab: 3 });
    for (const n of [1, 2, 3, 4]) {
      await desk.put(inc(n));
      await posted(1, `INC-${n}`);
    }
    expect(google.hands.titles()).toEqual(['Sheet1', 'Incidents', 'Detectors', 'Summary', 'Incidents 2']);
    expect(google.hands.row('Incidents 2', 'INC-4')).toMatchObject({ Incident: 'INC-4' });
    await desk.put(inc(1, { version: 2, peak: 77 }), inc(4, { version: 2, peak: 78 }));
    await posted(2, 'INC-1');
    await posted(2, 'INC-4');
    expect(google.hands.row('Incidents', 'INC-1')).toMatchObject({ Peak: 77 });
    expect(google.hands.row('Incidents 2', 'INC-4')).toMatchObject({ Peak: 78 });
    expect(google.incidentIds()).toEqual(['INC-3', 'INC-2', 'INC-1', 'INC-4']);
  });
});
