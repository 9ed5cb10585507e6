import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eraseCommands } from '../../../src/erasure/ask.ts';
import type { Found } from '../../../src/erasure/find.ts';
import { countStoredEvents, type StoredEvents } from '../../../src/erasure/stored-events.ts';
import { encode } from '../../../src/log/codec.ts';
import { START_S } from '../../support/detect.ts';
import { handClock } from '../../support/hand-clock.ts';
import { openTempLog, type TempLog } from '../../support/temp-log.ts';

const KEY = '55'.repeat(32);
const NOW_MS = START_S * 1000;
let temp: TempLog;
beforeEach(async () => {
  temp = await openTempLog(handClock(NOW_MS));
});
afterEach(async () => await temp.close());

async function store(...objects: readonly object[]): Promise<void> {
  const records = objects.map((object, n) => {
    const event = { id: `evt_${n}`, object: 'event', type: 'charge.failed', created: START_S, data: { object } };
    return { key: event.id, value: encode('stripe-events', { event }), timeMs: NOW_MS, partition: 0 };
  });
  await temp.log.append('stripe-events', records);
}

async function count(facts: Partial<Found>, signal = new AbortController().signal): Promise<StoredEvents> {
  const nobody = { entities: [], attempts: [], incidents: [], days: 0, sharedDomains: new Set<string>() };
  const commands = eraseCommands({ ...nobody, ...facts }, { piiKey: KEY, nowMs: NOW_MS, nonce: 'one' });
  const isDeadLetter = (partition: number, offset: number): boolean => partition === 0 && offset === 1;
  const onProgress = (): void => undefined;
  return await countStoredEvents({ log: temp.log, piiKey: KEY, signal, onProgress, isDeadLetter }, commands);
}

const entities = [
  { kind: 'email', value: 'ana@shop.example' },
  { kind: 'customer', value: 'cus_1' },
] as const;

describe('stored events of a person', () => {
  it('are counted wherever the person stands in them, and those that wait as dead letters', async () => {
    await store(
      { id: 'ch_1', customer: 'cus_1' },
      { id: 'ch_2', billing_details: { email: ' ANA@shop.example' } },
      { id: 'ch_3', customer: 'cus_2', description: 'for ana@shop.example and others' },
      { id: 'ch_4', customer: 'cus_2' },
    );
    expect(await count({ entities })).toEqual({ events: 3, deadLetters: 1 });
    expect(await count({ entities: [{ kind: 'customer', value: 'cus_3' }] })).toEqual({ events: 0, deadLetters: 0 });
  });

  it('an event of an attempt of theirs is theirs, whatever else it says of them', async () => {
    await store({ id: 'ch_1', customer: 'cus_other' });
    expect((await count({ entities, attempts: ['ch_1'] })).events).toBe(1);
    expect((await count({ entities, attempts: ['ch_2'] })).events).toBe(0);
  });

  it('what cannot be read is passed over, and who gives up is heard', async () => {
    await temp.log.append('stripe-events', [{ key: 'x', value: 'no JSON', timeMs: NOW_MS, partition: 0 }]);
    expect(await count({ entities })).toEqual({ events: 0, deadLetters: 0 });
    const stopped = AbortSignal.abort(new Error('stopped'));
    await expect(count({ entities }, stopped)).rejects.toThrow('stopped');
  });
});
