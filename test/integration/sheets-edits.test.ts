// An analyst types, the incident changes, the row follows: the real manager and feed, the real client, the local Google.
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { IncidentFeed } from '../../src/feed/feed.ts';
import { openIncidentFeed } from '../../src/feed/incident-feed.ts';
import { act, submitCommand } from '../../src/feed/submit.ts';
import { startIncidentManager } from '../../src/incidents/manager.ts';
import { systemClock as clock } from '../../src/model/clock.ts';
import { type Sheets, startSheets } from '../../src/sinks/sheets.ts';
import { ANA, detectorSettings, ENGINE, episode, report, settingsCommand } from '../support/decider.ts';
import { type LocalSheets, startLocalSheets } from '../support/local-sheets.ts';
import { openTempLog, type TempLog } from '../support/temp-log.ts';

const logger = pino({ level: 'silent' });
const until = { timeout: 20_000, interval: 30 };
let google: LocalSheets;
let temp: TempLog;
let feed: IncidentFeed;
let sheets: Sheets;
const closing: (() => Promise<void>)[] = [];

const start = async (): Promise<Sheets> =>
  await startSheets({
    settings: { sheetId: google.spreadsheetId, credentialsFile: google.credentialsFile, url: google.url },
    log: temp.log,
    feed,
    consoleUrl: 'http://127.0.0.1:4243',
    clock,
    logger,
    readEveryMs: 1_500,
    writeEveryMs: 50,
  });

beforeEach(async () => {
  google = await startLocalSheets();
  google.state.readsPerMinute = 300;
  temp = await openTempLog();
  const manager = await startIncidentManager({ log: temp.log, clock, logger });
  feed = await openIncidentFeed({ log: temp.log, logger });
  sheets = await start();
  closing.push(
    async () => await temp.close(),
    async () => await manager.close(),
    async () => await feed.close(),
    async () => await sheets.close(),
    async () => await google.close(),
  );
  await submitCommand({ log: temp.log, clock }, { actor: ENGINE, body: settingsCommand(detectorSettings()) });
  await submitCommand({ log: temp.log, clock }, { actor: ENGINE, body: report(1, [episode(0, 60)]) });
  await expect.poll(() => google.incidentIds(), until).toEqual(['INC-1']);
});

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const type = (header: string, value: string): void => google.hands.type('Incidents', 'INC-1', header, value);
const incident = () => feed.get('INC-1');
const row = () => google.hands.row('Incidents', 'INC-1');

describe('what analysts write', () => {
  it('changes the incident in the sheet’s name, and the row shows it', async () => {
    type('Owner', 'bo');
    type('Notes', 'The bank confirms it.');
    type('Verdict', 'our own test or bug');
    await expect
      .poll(() => incident(), until)
      .toMatchObject({
        status: 'resolved',
        owner: 'bo',
        notes: [{ by: { kind: 'sheet' }, text: 'The bank confirms it.' }],
        resolved: { verdict: 'own_test_or_bug', by: { kind: 'sheet' } },
      });
    await expect.poll(row, until).toMatchObject({
      Status: 'resolved',
      Resolution: 'our own test or bug',
      'Resolved by': 'the sheet',
      'Assigned to': 'bo',
      Verdict: 'our own test or bug',
      Owner: 'bo',
    });
  });

  it('and others change counts in the order in which it came', async () => {
    type('Verdict', 'fraud');
    await expect.poll(() => incident()?.resolved?.verdict, until).toBe('fraud');
    const parts = { feed, log: temp.log, clock };
    await act(parts, { actor: ANA, body: { type: 'reopen', incident: 'INC-1' } });
    await act(parts, { actor: ANA, body: { type: 'resolve', incident: 'INC-1', verdict: 'unsure', note: '' } });
    await expect.poll(() => row().Resolution, until).toBe('unsure');
    // The cell still says fraud: that is no new edit, also not after a restart.
    await sheets.close();
    sheets = await start();
    const reads = google.calls.length;
    await expect.poll(() => google.calls.length - reads, until).toBeGreaterThan(8);
    expect(incident()?.resolved?.verdict).toBe('unsure');
    type('Verdict', 'dunning');
    await expect.poll(() => incident()?.resolved?.verdict, until).toBe('dunning');
    await expect.poll(() => row().Resolution, until).toBe('dunning retries');
  });

  it('at the same moment as others elsewhere ends as the order of commands says', async () => {
    const parts = { feed, log: temp.log, clock };
    for (let round = 1; round <= 3; round += 1) {
      type('Owner', `sheet${round}`);
      const reads = google.calls.length;
      // Now and then before, in the midst of, or after the reading of the cell.
      await expect.poll(() => google.calls.length, until).toBeGreaterThan(reads + round - 1);
      await act(parts, { actor: ANA, body: { type: 'assign', incident: 'INC-1', owner: `slack${round}` } });
      const assigned = () =>
        feed.timeline('INC-1').flatMap(({ type: kind, data }) => (kind === 'assigned' ? [String(data.owner)] : []));
      await expect.poll(assigned, until).toEqual(expect.arrayContaining([`sheet${round}`, `slack${round}`]));
      const last = assigned().at(-1) ?? '';
      expect(incident()?.owner).toBe(last);
      await expect.poll(() => row()['Assigned to'], until).toBe(last);
      // What the analyst wrote stays as it was written.
      expect(row().Owner).toBe(`sheet${round}`);
    }
  });

  it('is told to be wrong in the row’s status until it is right', async () => {
    type('Verdict', 'no idea');
    await expect.poll(() => row().Status, until).toMatch(/^open · Verdict “no idea” is none of: fraud, /);
    expect(incident()?.status).toBe('open');
    type('Verdict', 'unsure');
    await expect.poll(() => row(), until).toMatchObject({ Status: 'resolved', Resolution: 'unsure' });
  });

  it('is taken once although the process dies after asking', async () => {
    type('Notes', 'once');
    await expect.poll(() => incident()?.notes.length, until).toBe(1);
    await sheets.close();
    sheets = await start();
    type('Owner', 'bo');
    await expect.poll(() => incident()?.owner, until).toBe('bo');
    expect(incident()?.notes).toHaveLength(1);
  });

  it('belongs to its incident when people sort between two readings', async () => {
    const second = report(2, [episode(0, 60)], {
      entity: { kind: 'card', value: 'fp_other', label: 'visa •••• 1111' },
    });
    await submitCommand({ log: temp.log, clock }, { actor: ENGINE, body: second });
    await expect.poll(() => google.incidentIds(), until).toEqual(['INC-2', 'INC-1']);
    type('Owner', 'bo');
    google.hands.sort('Incidents', 'Incident');
    await expect.poll(() => incident()?.owner, until).toBe('bo');
    google.hands.sort('Incidents', 'Incident', { isDescending: true });
    google.hands.type('Incidents', 'INC-2', 'Owner', 'cy');
    await expect.poll(() => feed.get('INC-2')?.owner, until).toBe('cy');
    expect(incident()?.owner).toBe('bo');
  });
});
