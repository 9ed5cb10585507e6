// Daily totals against a plain sum over the same views: whatever their order, however often they come, however few attempts
// can be held at once, and whether they are counted in one run or in many.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeAttemptsRecord } from '../../../src/attempts/wire.ts';
import type { EventLog } from '../../../src/log/event-log.ts';
import type { Outcome, SignalView, View } from '../../../src/model/attempt.ts';
import { DAY_S, type DailyTotals, dayOf, totalsId } from '../../../src/model/daily-totals.ts';
import { updateTotals } from '../../../src/tuning/totals.ts';
import { readTotals } from '../../../src/tuning/totals-kept.ts';
import { START_S, view } from '../../support/detect.ts';
import { handClock } from '../../support/hand-clock.ts';
import { openTempLog, type TempLog } from '../../support/temp-log.ts';

const PII_KEY = 'a key of the tests';
const DAY = Math.floor(START_S / DAY_S) * DAY_S;
const clock = handClock((DAY + 3 * DAY_S) * 1_000);

let temp: TempLog;
beforeEach(async () => {
  temp = await openTempLog(clock);
});
afterEach(async () => await temp.close());

const update = async (more: { maxHeld?: number; log?: EventLog } = {}) =>
  await updateTotals({ log: temp.log, piiKey: PII_KEY, clock, ...more });

async function append(log: EventLog, records: readonly (View | SignalView)[]): Promise<void> {
  const timeMs = (DAY + 2 * DAY_S) * 1_000;
  await log.append(
    'attempts',
    records.map((record) => ({ key: 'self/live', value: encodeAttemptsRecord(record), timeMs, partition: 0 })),
  );
}

const signal = (id: string, time: number, more: Partial<SignalView> = {}): SignalView => ({
  record: 'signal',
  account: null,
  livemode: true,
  signal: 'dispute',
  id,
  charge: null,
  reason: 'fraudulent',
  event: `evt_${id}_${time}`,
  created: time,
  time,
  receivedAt: time * 1_000,
  lane: 'live',
  ...more,
});

type Drawn = {
  readonly id: number;
  readonly at: number;
  readonly intentDelay: number;
  readonly outcome: Outcome;
  readonly amount: number;
  readonly currency: string;
  readonly brand: string;
  readonly isSetup: boolean;
};

const drawn: fc.Arbitrary<Drawn> = fc.record({
  id: fc.nat({ max: 40 }),
  at: fc.oneof(
    fc.integer({ min: 0, max: 2 * DAY_S - 1 }),
    // Around midnight.
    fc.integer({ min: DAY_S - 3, max: DAY_S + 3 }),
  ),
  intentDelay: fc.integer({ min: 0, max: 5 }),
  outcome: fc.constantFrom<Outcome>('succeeded', 'declined', 'blocked'),
  amount: fc.integer({ min: 1, max: 100_000 }),
  currency: fc.constantFrom('usd', 'jpy'),
  brand: fc.constantFrom('visa', 'mastercard'),
  isSetup: fc.boolean(),
});

/** A charge's view and, of a payment, its intent's, which knows less and comes later. */
function viewsOf({ id, at, intentDelay, outcome, amount, currency, brand, isSetup }: Drawn): readonly View[] {
  const result = { outcome, code: '', class: '' } as const;
  const time = DAY + at;
  const name = `ch_${id}`;
  if (isSetup) {
    const facts = { kind: 'setup', source: 'setup', fields: { result } } as const;
    return [strip(view(`seti_${id}`, time, facts))];
  }
  const charge = view(name, time, { fields: { result, amount, currency, brand } });
  const masked = { result: { outcome: 'declined', code: 'generic_decline', class: 'G' }, amount, currency } as const;
  const intent = view(name, time + intentDelay, { source: 'intent', event: `evt_pi_${id}`, fields: masked });
  return [charge, intent];
}

const strip = ({ fields, ...rest }: View): View => ({
  ...rest,
  fields: fields.result ? { result: fields.result } : {},
});

/** Plainly: the charge's word, on the day of the charge. */
function bruteForce(all: readonly Drawn[]) {
  const days: Record<
    string,
    {
      outcomes: Record<string, [number, Record<string, [number, number]>]>;
      saves: Record<string, number>;
      brands: Record<string, number>;
    }
  > = {};
  for (const { at, outcome, amount, currency, brand, isSetup } of all) {
    const name = new Date((DAY + at) * 1_000).toISOString().slice(0, 10);
    days[name] ??= { outcomes: {}, saves: {}, brands: {} };
    const day = days[name];
    if (isSetup) {
      day.saves[outcome] = (day.saves[outcome] ?? 0) + 1;
      continue;
    }
    const [count, amounts] = day.outcomes[outcome] ?? [0, {}];
    const [some, sum] = amounts[currency] ?? [0, 0];
    day.outcomes[outcome] = [count + 1, { ...amounts, [currency]: [some + 1, sum + amount] }];
    if (outcome === 'succeeded') day.brands[brand] = (day.brands[brand] ?? 0) + 1;
  }
  return days;
}

/** In the form of the brute force; days without an attempt are left out. */
function plain(days: Iterable<DailyTotals>) {
  const entries = [...days].flatMap(({ day, outcomes, saves, brands }) => {
    const counted = Object.entries(outcomes).map(([outcome, { count, amounts }]) => {
      const sums = Object.entries(amounts).map(([currency, sum]) => [currency, [sum.count, sum.amount]]);
      return [outcome, [count, Object.fromEntries(sums)]];
    });
    const is = counted.length + Object.keys(saves).length > 0;
    return is ? [[day, { outcomes: Object.fromEntries(counted), saves, brands }]] : [];
  });
  return Object.fromEntries(entries);
}

describe('daily totals', () => {
  it('are the sum over the attempts, whatever way their views come', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(drawn, { selector: ({ id, isSetup }) => `${id}/${isSetup}`, maxLength: 40 }),
        fc.infiniteStream(fc.nat()),
        // Fewer than that cannot be: a pass is one of 256 at most, and two attempts may always be of the same.
        fc.constantFrom(7, 12, 1_000),
        fc.integer({ min: 1, max: 3 }),
        async (all, stream, maxHeld, runs) => {
          const own = await openTempLog(clock);
          try {
            const twice = all.flatMap(viewsOf).flatMap((one, i) => (i % 3 === 0 ? [one, one] : [one]));
            const shuffled = twice.map((one) => [stream.next().value ?? 0, one] as const).sort(([a], [b]) => a - b);
            const size = Math.ceil(shuffled.length / runs);
            let kept = await update({ log: own.log, maxHeld });
            for (let i = 0; i < shuffled.length; i += Math.max(1, size)) {
              await append(
                own.log,
                shuffled.slice(i, i + Math.max(1, size)).map(([, one]) => one),
              );
              kept = await update({ log: own.log, maxHeld });
            }
            expect(plain(kept.days.values())).toEqual(bruteForce(all));
            expect(plain((await readTotals(own.log)).days.values())).toEqual(bruteForce(all));
          } finally {
            await own.close();
          }
        },
      ),
      { numRuns: 12 },
    );
  });

  it('write nothing more when there is nothing new', async () => {
    await append(temp.log, [view('ch_1', DAY)]);
    await update();
    const before = (await temp.log.ends('daily-totals'))[0]?.next;
    await update();
    expect((await temp.log.ends('daily-totals'))[0]?.next).toBe(before);
    expect(before).toBe(2);
  });

  it('keep scopes apart', async () => {
    await append(temp.log, [
      view('ch_1', DAY),
      view('ch_1', DAY, { livemode: false }),
      view('ch_1', DAY, { account: 'acct_1' }),
    ]);
    const { days } = await update();
    expect([...days.values()].map(({ scope, outcomes }) => [scope, outcomes.declined?.count])).toEqual([
      [{ account: null, livemode: true }, 1],
      [{ account: null, livemode: false }, 1],
      [{ account: 'acct_1', livemode: true }, 1],
    ]);
  });

  it('outlive the log: what a late view says of a day that it no longer holds changes nothing', async () => {
    await append(temp.log, [view('ch_1', DAY), view('ch_2', DAY + 10)]);
    await update();
    const begun = (DAY + 2 * DAY_S) * 1_000 + 1;
    const cut: EventLog = {
      ...temp.log,
      ends: async (topic) => {
        const ends = await temp.log.ends(topic);
        return topic === 'attempts' ? ends.map((end) => ({ ...end, first: 2 })) : ends;
      },
    };
    await temp.log.append('attempts', [
      { key: 'self/live', value: encodeAttemptsRecord(view('ch_3', DAY + 20)), timeMs: begun, partition: 0 },
    ]);
    const { days } = await update({ log: cut });
    const id = totalsId({ scope: { account: null, livemode: true }, day: dayOf(DAY) });
    expect(days.get(id)).toMatchObject({ whole: true, outcomes: { declined: { count: 2 } } });
  });

  it('say of a day that was never counted whole that it is not', async () => {
    await append(temp.log, [view('ch_0', DAY + 2 * DAY_S), view('ch_1', DAY)]);
    const cut: EventLog = {
      ...temp.log,
      ends: async (topic) =>
        (await temp.log.ends(topic)).map((end) => ({ ...end, first: topic === 'attempts' ? 1 : end.first })),
    };
    const { days } = await update({ log: cut });
    expect([...days.values()].map(({ day, whole }) => [day, whole])).toEqual([[dayOf(DAY), false]]);
  });
});

describe('proofs in daily totals', () => {
  const proofs = (days: Iterable<DailyTotals>) =>
    [...days].flatMap((totals) => totals.proofs.map(({ id, kind }) => `${totals.day} ${kind} ${id}`)).sort();

  it('are disputes, warnings and refunds as fraud, each on the day of its first event, once', async () => {
    await append(temp.log, [
      signal('dp_1', DAY + DAY_S + 5, { event: 'evt_b', amount: 900, currency: 'usd' }),
      signal('dp_1', DAY + 60, { event: 'evt_a', amount: 900, currency: 'usd' }),
      signal('issfr_1', DAY + 1, { signal: 'early_fraud_warning', reason: 'misc' }),
      signal('re_1', DAY + 2, { signal: 'refund' }),
      signal('re_2', DAY + 2, { signal: 'refund', reason: 'requested_by_customer' }),
      signal('ch_9', DAY + 2, { signal: 'refund', reason: '' }),
      signal('prv_1', DAY + 2, { signal: 'review', reason: 'manual' }),
    ]);
    const expected = [
      `${dayOf(DAY)} dispute dp_1`,
      `${dayOf(DAY)} early_fraud_warning issfr_1`,
      `${dayOf(DAY)} refund re_1`,
    ];
    expect(proofs((await update()).days.values())).toEqual(expected);
    await append(temp.log, [signal('dp_1', DAY + 2 * DAY_S, { event: 'evt_c' })]);
    expect(proofs((await update()).days.values())).toEqual(expected);
  });

  it('know the payment, whether it came before, long before, or after them', async () => {
    const paid = (id: string) =>
      view(id, DAY, {
        fields: {
          result: { outcome: 'succeeded', code: '', class: '' },
          email: 'a@example.com',
          amount: 700,
          currency: 'eur',
        },
      });
    const warning = (charge: string) =>
      signal(`issfr_${charge}`, DAY + DAY_S, { signal: 'early_fraud_warning', charge, reason: 'misc' });
    await append(temp.log, [paid('ch_before'), view('ch_other', DAY)]);
    await update();
    await append(temp.log, [warning('ch_before'), warning('ch_after')]);
    const first = (await update()).days.get(
      totalsId({ scope: { account: null, livemode: true }, day: dayOf(DAY + DAY_S) }),
    );
    expect(first?.proofs.map(({ charge, amount, paid: facts }) => [charge, amount, facts?.brand])).toEqual([
      ['ch_after', null, undefined],
      ['ch_before', 700, 'visa'],
    ]);
    const entities = first?.proofs[1]?.paid?.entities ?? [];
    expect(entities.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['card', 'email']));
    expect(JSON.stringify(first)).not.toContain('example.com');
    await append(temp.log, [paid('ch_after')]);
    const second = (await update()).days.get(
      totalsId({ scope: { account: null, livemode: true }, day: dayOf(DAY + DAY_S) }),
    );
    expect(second?.proofs.map(({ charge, amount }) => [charge, amount])).toEqual([
      ['ch_after', 700],
      ['ch_before', 700],
    ]);
  });
});
