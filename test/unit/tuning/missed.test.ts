// What had spoken before a dispute or a warning, and what a change would have done, over the real log and both lanes.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeAttemptsRecord } from '../../../src/attempts/wire.ts';
import type { SignalView } from '../../../src/model/attempt.ts';
import { type Missed, missedFraud } from '../../../src/tuning/missed.ts';
import { missedReport } from '../../../src/tuning/month-report.ts';
import { append, START_S } from '../../support/detect.ts';
import { DAY_S, type Lanes, openLanes, PII_KEY, received } from '../../support/lanes.ts';

let lanes: Lanes;
beforeEach(async () => {
  lanes = await openLanes();
});
afterEach(async () => await lanes.close());

const parts = () => ({ ...lanes, piiKey: PII_KEY });

async function tellOf(charge: string, atS: number, more: Partial<SignalView> = {}): Promise<void> {
  const signal: SignalView = {
    record: 'signal',
    account: null,
    livemode: true,
    signal: 'dispute',
    id: `dp_${charge}`,
    charge,
    reason: 'fraudulent',
    event: `evt_dp_${charge}`,
    created: atS,
    time: atS,
    receivedAt: atS * 1_000,
    lane: 'live',
    ...more,
  };
  const value = encodeAttemptsRecord(signal);
  await lanes.log.append('attempts', [{ key: 'self/live', value, timeMs: atS * 1_000, partition: 0 }]);
}

const PAID = { outcome: 'succeeded', code: '', class: '' } as const;

/** So many declines of one card, a minute apart, then one payment that goes through. */
const tried = (card: string, declines: number, fromS: number) => [
  ...Array.from({ length: declines }, (_, i) =>
    received(`ch_${card}_${i}`, fromS + 60 * i, fromS + 60 * i, { card, customer: `cus_${card}` }),
  ),
  received(`ch_${card}_paid`, fromS + 60 * declines, fromS + 60 * declines, {
    card,
    customer: `cus_${card}`,
    result: PAID,
  }),
];

async function asked(): Promise<readonly Missed[]> {
  await lanes.settled();
  return (await missedReport(parts())).missed;
}

const byCharge = (missed: readonly Missed[]) => new Map(missed.map((one) => [one.proof.charge, one]));

describe('missed fraud', () => {
  it('names what had fired, and how long before', async () => {
    await append(lanes.log, ...tried('loud', 4, START_S));
    await lanes.settled();
    await tellOf('ch_loud_paid', START_S + 2 * DAY_S);
    const [one, ...more] = await asked();
    expect(more).toEqual([]);
    expect(one).toMatchObject({
      result: 'announced',
      catch: null,
      fired: [{ incident: 'INC-1', detector: 'card-declines' }],
    });
    const [incident] = lanes.standing();
    expect(one?.fired[0]?.beforeMs).toBe((START_S + 2 * DAY_S) * 1_000 - (incident?.openedAt ?? 0));
  });

  it('finds the cheapest change that would have caught it, with its price', async () => {
    // Two declines are below the threshold of three; ten other cards have as many, and nothing is wrong with them.
    await append(lanes.log, ...tried('quiet', 2, START_S));
    for (let i = 0; i < 10; i += 1) await append(lanes.log, ...tried(`other${i}`, 2, START_S + 600 + i));
    await tellOf('ch_quiet_paid', START_S + DAY_S);
    const [one] = await asked();
    expect(one).toMatchObject({
      result: 'catchable',
      fired: [],
      catch: { detector: 'card-declines', windowS: 600, threshold: 2, now: { windowS: 600, threshold: 3 } },
    });
    const { perWeek = 0, extraPerWeek = 0 } = one?.catch ?? {};
    expect(extraPerWeek).toBe(perWeek);
    expect(perWeek).toBeGreaterThan(0);
  });

  it('takes a longer window where that is what lacks', async () => {
    // Three declines, eleven minutes apart: each has left the window of ten when the next comes.
    const spread = [0, 1, 2].map((i) => {
      const at = START_S + 660 * i;
      return received(`ch_spread_${i}`, at, at, { card: 'spread', customer: 'cus_spread' });
    });
    const paidS = START_S + 1_400;
    await append(lanes.log, ...spread, received('ch_spread_paid', paidS, paidS, { card: 'spread', result: PAID }));
    await tellOf('ch_spread_paid', START_S + DAY_S);
    const [one] = await asked();
    expect(one).toMatchObject({
      result: 'catchable',
      catch: { detector: 'card-declines', windowS: 2_400, threshold: 3 },
    });
  });

  it('says so where there was nothing to see, and where the log does not know the payment', async () => {
    await append(lanes.log, ...tried('clean', 0, START_S), ...tried('once', 1, START_S + 5));
    await tellOf('ch_clean_paid', START_S + DAY_S);
    await tellOf('ch_once_paid', START_S + DAY_S, { signal: 'early_fraud_warning', id: 'issfr_once' });
    await tellOf('ch_unknown', START_S + DAY_S);
    await tellOf('ch_clean_paid', START_S + DAY_S, { signal: 'refund', id: 're_1' });
    const found = byCharge(await asked());
    expect(found.size).toBe(3);
    expect(found.get('ch_clean_paid')?.result).toBe('nothing_to_see');
    expect(found.get('ch_once_paid')?.result).toBe('nothing_to_see');
    expect(found.get('ch_unknown')?.result).toBe('out_of_range');
  });

  it('asks nothing of the log when nothing was missed', async () => {
    const log = {
      ...lanes.log,
      read: () => {
        throw new Error('the log was read');
      },
    };
    const question = { proofs: [], incidents: [], corrections: new Map(), sinceMs: 0 };
    expect(await missedFraud({ ...parts(), log }, question)).toEqual([]);
  });
});
