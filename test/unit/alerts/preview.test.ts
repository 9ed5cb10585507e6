import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { messagesOf, type PreviewMessage, startSlackPreview } from '../../../src/alerts/preview.ts';
import { encode } from '../../../src/log/codec.ts';
import { systemClock } from '../../../src/model/clock.ts';
import type { Incident } from '../../../src/model/incident.ts';
import { acknowledgedBy, changeTo, sampleIncident } from '../../support/sample-incident.ts';
import { openTempLog, type TempLog } from '../../support/temp-log.ts';

const until = { timeout: 10_000, interval: 10 };
const logger = pino({ level: 'silent' });
let temp: TempLog;
let states: Map<string, Incident>;

beforeEach(async () => {
  temp = await openTempLog();
  states = new Map();
});
afterEach(async () => await temp.close());

const start = async () =>
  await startSlackPreview({
    log: temp.log,
    incidents: async () => [...states.values()],
    consoleUrl: 'http://127.0.0.1:4243',
    clock: systemClock,
    logger,
  });

async function put(incident: Incident): Promise<void> {
  states.set(incident.id, incident);
  const value = encode('incidents', changeTo(incident, incident.version));
  await temp.log.append('incidents', [{ key: incident.id, value, timeMs: incident.updatedAt }]);
}

describe('Slack preview', () => {
  it('shows an incident as Slack would, edits it, and shows it again after a restart', async () => {
    const first = await start();
    await put(sampleIncident());
    await expect.poll(() => first.messages(), until).toHaveLength(1);
    expect(JSON.stringify(first.messages()[0]?.blocks)).toContain('"action_id":"acknowledge","value":"INC-1"');
    await put(acknowledgedBy(sampleIncident()));
    await expect.poll(() => first.messages()[0]?.text, until).toContain('Acknowledged by ana');
    expect(first.messages()).toHaveLength(1);
    expect(first.messages()[0]?.editedAt).not.toBeNull();
    await expect.poll(() => first.status().pending, until).toBe(0);
    const postedAt = first.messages()[0]?.postedAt;
    await first.close();
    const second = await start();
    expect(second.messages()).toMatchObject([
      { incident: 'INC-1', postedAt, text: expect.stringContaining('Acknowledged by ana') },
    ]);
    await second.close();
  });

  it('keeps the newest 200', () => {
    const all = Array.from({ length: 250 }, (_, n): PreviewMessage => {
      return { incident: `INC-${n}`, postedAt: n, editedAt: null, text: '', blocks: [], thread: [] };
    });
    const shown = messagesOf(all);
    expect(shown).toHaveLength(200);
    expect(shown[0]?.incident).toBe('INC-249');
  });
});
