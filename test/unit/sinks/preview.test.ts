import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encode } from '../../../src/log/codec.ts';
import { systemClock } from '../../../src/model/clock.ts';
import type { Incident } from '../../../src/model/incident.ts';
import { previewRows, startSheetsPreview } from '../../../src/sinks/preview.ts';
import { acknowledgedBy, changeTo, sampleIncident } from '../../support/sample-incident.ts';
import { openTempLog, type TempLog } from '../../support/temp-log.ts';

const until = { timeout: 10_000, interval: 10 };
const logger = pino({ level: 'silent' });
const consoleUrl = 'http://127.0.0.1:4243';
let temp: TempLog;
let states: Map<string, Incident>;

beforeEach(async () => {
  temp = await openTempLog();
  states = new Map();
});
afterEach(async () => await temp.close());

const start = async () =>
  await startSheetsPreview({
    log: temp.log,
    incidents: async () => [...states.values()],
    consoleUrl,
    clock: systemClock,
    logger,
  });

async function put(incident: Incident): Promise<void> {
  states.set(incident.id, incident);
  const value = encode('incidents', changeTo(incident, incident.version));
  await temp.log.append('incidents', [{ key: incident.id, value, timeMs: incident.updatedAt }]);
}

describe('sheet preview', () => {
  it('shows one row for each incident, follows it, and shows it again after a restart', async () => {
    const first = await start();
    await put(sampleIncident());
    await expect.poll(() => first.rows().rows, until).toHaveLength(1);
    const { headers, rows } = first.rows();
    expect(headers.slice(0, 6)).toEqual(['Incident', 'Status', 'Verdict', 'Owner', 'Notes', 'Severity']);
    expect(rows[0]?.cells.slice(0, 7)).toEqual(['INC-1', 'open', '', '', '', 'CRITICAL', '2026-10-01 12:00:00']);
    await put(acknowledgedBy(sampleIncident()));
    await expect.poll(() => first.rows().rows[0]?.cells[1], until).toBe('acknowledged');
    expect(first.rows().rows).toHaveLength(1);
    await expect.poll(() => first.status().pending, until).toBe(0);
    await first.close();
    const second = await start();
    expect(second.rows().rows.map(({ incident }) => incident)).toEqual(['INC-1']);
    await second.close();
  });

  it('keeps the newest 200, newest first', () => {
    const all = Array.from({ length: 250 }, (_, n) => sampleIncident({ id: `INC-${n + 1}` }));
    const { rows } = previewRows(all, { consoleUrl });
    expect(rows).toHaveLength(200);
    expect(rows[0]?.incident).toBe('INC-250');
    expect(rows.at(-1)?.incident).toBe('INC-51');
  });
});
