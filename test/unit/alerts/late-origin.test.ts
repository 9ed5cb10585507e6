import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cameByBackfill } from '../../../src/alerts/late-origin.ts';
import { encode } from '../../../src/log/codec.ts';
import { openTempLog, type TempLog } from '../../support/temp-log.ts';

const T0 = Date.now();
let temp: TempLog;

beforeEach(async () => {
  temp = await openTempLog();
});
afterEach(async () => await temp.close());

const received = async (atMs: number, via?: 'backfill'): Promise<void> => {
  const value = encode('stripe-events', { event: { id: 'evt_1' }, ...(via === undefined ? {} : { via }) });
  await temp.log.append('stripe-events', [{ key: 'evt_1', value, timeMs: T0 + atMs }]);
};
const came = async (atMs: number): Promise<boolean> => await cameByBackfill(temp.log, T0 + atMs);

describe('where an incident that was found late came from', () => {
  it('is said by the events received in that very millisecond', async () => {
    await received(0);
    await received(10, 'backfill');
    await received(10, 'backfill');
    await received(20);
    await received(30);
    await received(30, 'backfill');
    expect([await came(0), await came(10), await came(20), await came(30)]).toEqual([false, true, false, true]);
  });

  it('is said by what follows if the process died before its event was stored', async () => {
    await received(0);
    await received(10, 'backfill');
    await received(20);
    expect([await came(5), await came(15), await came(25)]).toEqual([true, false, false]);
  });

  it('is no backfill where nothing is known', async () => {
    expect(await came(0)).toBe(false);
  });
});
