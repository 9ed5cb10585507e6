import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeAttemptsRecord } from '../../../src/attempts/wire.ts';
import type { View } from '../../../src/model/attempt.ts';
import { maskEntity } from '../../../src/model/mask.ts';
import { createGotThrough } from '../../../src/tuning/got-through.ts';
import { START_S, view } from '../../support/detect.ts';
import { sampleIncident } from '../../support/sample-incident.ts';
import { openTempLog, type TempLog } from '../../support/temp-log.ts';

const PII_KEY = 'a key of this test';

let temp: TempLog;
beforeEach(async () => {
  temp = await openTempLog();
});
afterEach(async () => await temp.close());

const append = async (...views: readonly View[]): Promise<unknown> =>
  await temp.log.append(
    'attempts',
    views.map((one) => ({ key: 'self/live', value: encodeAttemptsRecord(one), timeMs: one.receivedAt })),
  );

const on = (email: string) =>
  sampleIncident({
    entity: maskEntity({ kind: 'email', value: email }, null, PII_KEY),
    firstAttemptAt: START_S * 1_000,
  });

let number = 0;
function attempt(email: string, outcome: 'succeeded' | 'declined', more: Partial<View> = {}): View {
  number += 1;
  const code = outcome === 'declined' ? 'generic_decline' : '';
  const fields = { email, result: { outcome, code, class: '' as const }, amount: 1_000, currency: 'eur' };
  return view(`ch_${number}`, START_S + number, { ...more, fields: { ...fields, ...more.fields } });
}

describe('what got through', () => {
  it('counts the successes of the entity since the first attempt, each once, and names the customers', async () => {
    const success = attempt('a@example.com', 'succeeded', { fields: { customer: 'cus_1' } });
    await append(
      attempt('a@example.com', 'succeeded', { time: START_S - 10 }),
      attempt('a@example.com', 'declined', { fields: { customer: 'cus_2' } }),
      success,
      { ...success, event: 'evt_again' },
      attempt('b@example.com', 'succeeded'),
      { ...attempt('a@example.com', 'succeeded'), livemode: false },
    );
    const gotThrough = createGotThrough({ log: temp.log, piiKey: PII_KEY });
    expect(await gotThrough(on('a@example.com'))).toEqual({
      count: 1,
      amounts: [{ currency: 'eur', amount: 1_000, count: 1 }],
      customers: ['cus_1', 'cus_2'],
    });
  });

  it('reads on from where it was, and anew when the first attempt has moved', async () => {
    let read = 0;
    const log = {
      ends: temp.log.ends,
      offsetsAt: temp.log.offsetsAt,
      read: (...parts: Parameters<typeof temp.log.read>) => {
        read = (parts[3] ?? 0) - parts[2];
        return temp.log.read(...parts);
      },
    };
    await append(attempt('a@example.com', 'succeeded'), attempt('a@example.com', 'declined'));
    const gotThrough = createGotThrough({ log, piiKey: PII_KEY });
    expect((await gotThrough(on('a@example.com')))?.count).toBe(1);
    expect(read).toBe(2);
    await append(attempt('a@example.com', 'succeeded', { fields: { currency: 'jpy', amount: 7 } }));
    expect(await gotThrough(on('a@example.com'))).toMatchObject({
      count: 2,
      amounts: [
        { currency: 'eur', amount: 1_000, count: 1 },
        { currency: 'jpy', amount: 7, count: 1 },
      ],
    });
    expect(read).toBe(1);
    const moved = { ...on('a@example.com'), firstAttemptAt: (START_S + number) * 1_000 };
    expect((await gotThrough(moved))?.count).toBe(1);
    expect(read).toBe(3);
  });

  it('knows nothing of what follows no entity of the log', async () => {
    const gotThrough = createGotThrough({ log: temp.log, piiKey: PII_KEY });
    expect(await gotThrough({ ...on('a@example.com'), kind: 'storm' })).toBeNull();
    const account = { kind: 'account', value: 'account', label: 'account' } as const;
    expect(await gotThrough({ ...on('a@example.com'), entity: account })).toBeNull();
    expect(await gotThrough({ ...on('a@example.com'), kind: 'operator' })).toBeNull();
  });
});
