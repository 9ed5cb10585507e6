import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encode } from '../../../src/log/codec.ts';
import type { Change } from '../../../src/model/commands.ts';
import type { Incident } from '../../../src/model/incident.ts';
import { incidentsOpened } from '../../../src/tuning/month-incidents.ts';
import { sampleIncident } from '../../support/sample-incident.ts';
import { openTempLog, type TempLog } from '../../support/temp-log.ts';

let temp: TempLog;
beforeEach(async () => {
  temp = await openTempLog();
});
afterEach(async () => await temp.close());

const NOW = Date.now();

async function write(...changes: readonly (readonly [Incident | null, Change['type'], number])[]): Promise<void> {
  await temp.log.append(
    'incidents',
    changes.map(([incident, type, timeMs]) => ({
      key: incident?.id ?? null,
      value: encode('incidents', { type, incident }),
      timeMs,
    })),
  );
}

const incident = (number: number, openedAt: number, version: number): Incident =>
  sampleIncident({ id: `INC-${number}`, openedAt, version });

describe('the incidents of a stretch of time', () => {
  it('are those that opened in it, each in its newest state, by number', async () => {
    await write(
      [incident(9, NOW - 5_000, 1), 'opened', NOW - 5_000],
      [incident(10, NOW - 3_000, 1), 'opened', NOW - 3_000],
      [incident(9, NOW - 5_000, 3), 'resolved', NOW - 2_000],
      // What a second manager wrote again is older than what is known.
      [incident(9, NOW - 5_000, 2), 'acknowledged', NOW - 1_500],
      [incident(8, NOW - 90_000, 7), 'noted', NOW - 1_000],
      [incident(11, NOW, 1), 'opened', NOW],
    );
    const found = await incidentsOpened(temp.log, { fromMs: NOW - 5_000, toMs: NOW });
    expect(found.map(({ id, version }) => [id, version])).toEqual([
      ['INC-9', 3],
      ['INC-10', 1],
    ]);
  });

  it('are none of what was refused, of settings, or of what cannot be read', async () => {
    await write([incident(1, NOW, 1), 'refused', NOW], [null, 'settings_accepted', NOW]);
    await temp.log.append('incidents', [{ key: null, value: 'no change', timeMs: NOW }]);
    expect(await incidentsOpened(temp.log, { fromMs: 0, toMs: NOW + 1 })).toEqual([]);
  });
});
