import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eraseCommands } from '../../../src/erasure/ask.ts';
import { createRecordEraser } from '../../../src/erasure/erase-record.ts';
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

type Person = Pick<Found, 'entities' | 'attempts'>;

async function count(facts: Partial<Person>, signal = new AbortController().signal): Promise<StoredEvents> {
  const isDeadLetter = (partition: number, offset: number): boolean => partition === 0 && offset === 1;
  const onProgress = (): void => undefined;
  const options = { log: temp.log, piiKey: KEY, signal, onProgress, isDeadLetter };
  return await countStoredEvents(options, { entities: [], attempts: [], ...facts });
}

/** What the erase itself then changes. */
async function changed({ entities, attempts }: Person): Promise<number> {
  const nothing = { incidents: [], days: 0, sharedDomains: new Set<string>() };
  const commands = eraseCommands({ entities, attempts, ...nothing }, { piiKey: KEY, nowMs: NOW_MS, nonce: 'one' });
  const erasures = commands.map((command, n) => ({ number: n + 1, offset: n, at: NOW_MS + 1, ...command }));
  const erase = createRecordEraser(erasures, KEY);
  let count = 0;
  for await (const page of temp.log.read('stripe-events', 0, 0))
    count += page.filter((record) => erase('stripe-events', record) !== null).length;
  return count;
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

  it('are those that the erase then changes', async () => {
    const values = ['cus_1', 'cus_2', 'ana@shop.example', 'Ana@Shop.example, b@x.example', '203.0.113.7', 'fp_1', 'u1'];
    const places = (value: string): object[] => [
      { customer: value },
      { receipt_email: value },
      { payment_method_details: { card: { fingerprint: value } } },
      { metadata: { user: value, client_ip: value } },
      { description: `about ${value}` },
      { charge: 'ch_own', customer: value },
    ];
    await store(...values.flatMap(places).map((object, n) => ({ id: `ch_${n}`, ...object })));
    const people: readonly Partial<Person>[] = [
      { entities },
      { entities, attempts: ['ch_own', 'pi_1:pm_1:evt_3'] },
      { entities: [{ kind: 'card', value: 'fp_1' }] },
      { entities: [{ kind: 'metadata.user', value: 'u1' }, { kind: 'ip', value: '203.0.113.7' }, ...entities] },
      { entities: [{ kind: 'customer', value: 'nobody' }] },
    ];
    const counted: number[] = [];
    for (const person of people) {
      const { events } = await count(person);
      expect(events).toBe(await changed({ entities: [], attempts: [], ...person }));
      counted.push(events);
    }
    expect(counted.at(-1)).toBe(0);
    expect(new Set(counted).size).toBe(people.length);
  });

  it('what cannot be read is passed over, and who gives up is heard', async () => {
    await temp.log.append('stripe-events', [{ key: 'x', value: 'no JSON', timeMs: NOW_MS, partition: 0 }]);
    expect(await count({ entities })).toEqual({ events: 0, deadLetters: 0 });
    const stopped = AbortSignal.abort(new Error('stopped'));
    await expect(count({ entities }, stopped)).rejects.toThrow('stopped');
  });
});
