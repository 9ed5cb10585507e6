// A change tried over the log: what it adds and takes away, with what people have said of it.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeAttemptsRecord } from '../../../src/attempts/wire.ts';
import { validateChange } from '../../../src/detectors/detectors-file.ts';
import { submitCommand } from '../../../src/feed/submit.ts';
import type { DetectorSettings } from '../../../src/model/detector.ts';
import { whatIfWords } from '../../../src/model/what-if-words.ts';
import { whatIf } from '../../../src/tuning/what-if.ts';
import { ANA } from '../../support/decider.ts';
import { append, START_S } from '../../support/detect.ts';
import { DAY_S, type Lanes, openLanes, PII_KEY, RULES, received } from '../../support/lanes.ts';

let lanes: Lanes;
beforeEach(async () => {
  lanes = await openLanes();
});
afterEach(async () => await lanes.close());

const GENERAL = { latenessMs: 259_200_000, metadata: { ip: null, keys: [] } };

function changed(change: object): DetectorSettings {
  const current = RULES[0]?.settings;
  if (!current) throw new Error('there is a detector');
  const valid = validateChange(current, change, GENERAL);
  if ('problems' in valid) throw new Error(JSON.stringify(valid.problems));
  return valid.settings;
}

const ask = async (change: object, more: { curve?: boolean; sinceS?: number } = {}) =>
  await whatIf(
    { ...lanes, piiKey: PII_KEY },
    {
      detector: 'card-declines',
      settings: changed(change),
      sinceMs: (more.sinceS ?? START_S - DAY_S) * 1000,
      curve: more.curve ?? false,
    },
  );

/** So many declines on a card, a second apart. */
const burst = (card: string, count: number, fromS: number) =>
  Array.from({ length: count }, (_, i) => received(`ch_${card}_${fromS}_${i}`, fromS + i, fromS + i, { card }));

function signalRecord(signal: 'dispute' | 'early_fraud_warning', id: string, charge: string, timeS: number) {
  const value = encodeAttemptsRecord({
    record: 'signal',
    account: null,
    livemode: true,
    signal,
    id,
    charge,
    reason: 'fraudulent',
    event: `evt_${id}`,
    created: timeS,
    time: timeS,
    receivedAt: timeS * 1000,
    lane: 'live',
  });
  return { key: 'self/live', value, timeMs: timeS * 1000, partition: 0 };
}

describe('what-if', () => {
  it('says which incidents would go and which would come, with their verdicts', async () => {
    await append(lanes.log, ...burst('small', 3, START_S), ...burst('large', 8, START_S), ...burst('tiny', 2, START_S));
    await lanes.settled();
    const small = lanes.standing().find(({ entity }) => entity.value === 'small')?.id ?? '';
    const body = { type: 'resolve', incident: small, verdict: 'customer_trouble', note: '' } as const;
    const { id } = await submitCommand(lanes, { actor: ANA, body });
    await lanes.feed.waitForCommand(id, 10_000);

    const higher = await ask({ thresholds: { warning: 4 } });
    expect(higher).toMatchObject({
      before: { incidents: 2, severities: { warning: 1, critical: 1 }, verdicts: { customer_trouble: 1 } },
      after: { incidents: 1, severities: { critical: 1 }, verdicts: {} },
      addedCount: 0,
      removedCount: 1,
      removed: [
        {
          entity: { kind: 'card', value: 'small' },
          peak: 3,
          incident: { id: small, status: 'resolved', verdict: 'customer_trouble' },
        },
      ],
      changedSeverity: 0,
    });

    const lower = await ask({ thresholds: { warning: 2, critical: 9 } });
    expect(lower).toMatchObject({
      after: { incidents: 3, severities: { warning: 3 } },
      added: [{ entity: { value: 'tiny' }, incident: null }],
      removedCount: 0,
      changedSeverity: 1,
    });
  });

  it('tries another filter and another window too', async () => {
    await append(lanes.log, ...[0, 400, 800].map((s) => received(`ch_${s}`, START_S + s, START_S + s)));
    await lanes.settled();
    expect(await ask({ window: '20m' })).toMatchObject({ before: { incidents: 0 }, after: { incidents: 1 } });
    expect(await ask({ window: '20m', where: 'outcome == "blocked"' })).toMatchObject({ after: { incidents: 0 } });
  });

  it('says which of them Stripe called fraud, and what is at stake', async () => {
    await append(lanes.log, ...burst('tiny', 2, START_S), ...burst('other', 2, START_S));
    const paid = received('ch_paid', START_S + 3_600, START_S + 3_600, {
      card: 'tiny',
      customer: 'cus_1',
      result: { outcome: 'succeeded', code: '', class: '' },
    });
    // Long after, as disputes come; of another card one that nobody has tried.
    await append(lanes.log, paid);
    await lanes.log.append('attempts', [signalRecord('dispute', 'dp_1', 'ch_paid', START_S + 5 * DAY_S)]);
    await lanes.log.append('attempts', [signalRecord('early_fraud_warning', 'issfr_1', 'ch_gone', START_S + DAY_S)]);
    await lanes.settled();
    const lower = await ask({ thresholds: { warning: 2, critical: 9 } });
    expect(lower).toMatchObject({
      before: { incidents: 0, disputes: 0 },
      after: { incidents: 2, disputes: 1, earlyFraudWarnings: 0 },
      addedCount: 2,
      addedWith: { fraud: 1, customers: 0, amounts: [{ currency: 'usd', amount: 4_000 }] },
    });
    expect(whatIfWords(lower)).toMatch(/^0 → 2 incidents in \d+ days?, \+2, 1 of them fraud, 40\.00 USD at stake$/);
    expect(lower.added.find(({ entity }) => entity.value === 'tiny')).toMatchObject({ disputes: 1 });
  });

  it('counts customers that no other incident speaks of', async () => {
    const of = (card: string, customer: string, count: number) =>
      Array.from({ length: count }, (_, i) =>
        received(`ch_${card}_${i}`, START_S + i, START_S + i, { card, customer }),
      );
    await append(lanes.log, ...of('a', 'cus_1', 4), ...of('b', 'cus_1', 2), ...of('c', 'cus_2', 2));
    await lanes.settled();
    const lower = await ask({ thresholds: { warning: 2, critical: 9 } });
    expect(lower).toMatchObject({ addedCount: 2, addedWith: { customers: 1 } });
    const higher = await ask({ thresholds: { warning: 5, critical: 9 } });
    expect(higher).toMatchObject({ removedCount: 1, removedWith: { customers: 1, fraud: 0 } });
    expect(whatIfWords(higher)).toContain('−1, none of them fraud, 1 fewer customer, 40.00 USD at stake');
  });

  it('draws the curve over the lowest threshold', async () => {
    await append(lanes.log, ...burst('a', 3, START_S), ...burst('b', 5, START_S), ...burst('a', 2, START_S + DAY_S));
    await lanes.settled();
    const { curve } = await ask({}, { curve: true });
    expect(curve?.slice(0, 6).map(({ threshold, incidents }) => [threshold, incidents])).toEqual([
      [1, 3],
      [2, 3],
      [3, 2],
      [4, 1],
      [5, 1],
      [6, 0],
    ]);
  });

  it('counts only what began since then, and knows no other detector', async () => {
    await append(lanes.log, ...burst('a', 3, START_S), ...burst('a', 3, START_S + DAY_S));
    await lanes.settled();
    expect(await ask({}, { sinceS: START_S + 3_600 })).toMatchObject({ before: { incidents: 1 }, removedCount: 0 });
    const unknown = whatIf(
      { ...lanes, piiKey: PII_KEY },
      { detector: 'none', settings: changed({}), sinceMs: START_S * 1000 },
    );
    await expect(unknown).rejects.toMatchObject({ code: 'not_found' });
  });
});
