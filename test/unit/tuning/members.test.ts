import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeAttemptsRecord } from '../../../src/attempts/wire.ts';
import { encode } from '../../../src/log/codec.ts';
import type { SignalView, View } from '../../../src/model/attempt.ts';
import type { DetectorSettings, Rule } from '../../../src/model/detector.ts';
import type { Entity } from '../../../src/model/entity.ts';
import type { Incident } from '../../../src/model/incident.ts';
import { maskEntity } from '../../../src/model/mask.ts';
import { membersId } from '../../../src/model/members.ts';
import { attemptsOfIncident } from '../../../src/tuning/members.ts';
import { rule, START_S, view } from '../../support/detect.ts';
import { sampleIncident } from '../../support/sample-incident.ts';
import { openTempLog, type TempLog } from '../../support/temp-log.ts';

const PII_KEY = 'a key of this test';
const HOUR_S = 3_600;

let temp: TempLog;

beforeAll(async () => {
  temp = await openTempLog();
});
afterAll(async () => await temp.close());

async function append(...records: (View | SignalView | Rule)[]): Promise<void> {
  await temp.log.append(
    'attempts',
    records.map((record) => ({
      key: 'self/live',
      value: encodeAttemptsRecord(record),
      timeMs: record.record === 'rule' ? START_S * 1_000 : record.receivedAt,
    })),
  );
}

/** An incident whose episode lasts from the first to the last second given, as of all that is in the log. */
async function incidentOn(
  entity: Entity,
  [firstS, lastS]: readonly [number, number],
  facts: Partial<Incident> = {},
): Promise<Incident> {
  const [ends] = await temp.log.ends('attempts');
  return sampleIncident({
    entity: maskEntity(entity, null, PII_KEY),
    firstAttemptAt: firstS * 1_000,
    firstBreachAt: firstS * 1_000,
    lastAttemptAt: lastS * 1_000,
    lastBreachAt: lastS * 1_000,
    asOf: { lane: 'live', topic: 'attempts', partition: 0, offset: ends?.next ?? 0 },
    ...facts,
  });
}

/** With a detector that one attempt breaches. */
const membersOf = async (incident: Incident, settings: Partial<DetectorSettings> = {}) =>
  await attemptsOfIncident({ log: temp.log, piiKey: PII_KEY }, incident, [
    { rule: rule({ thresholds: { warning: 1 }, ...settings }) },
  ]);

const idsOf = async (...parts: Parameters<typeof membersOf>): Promise<string[]> =>
  (await membersOf(...parts)).map(({ id }) => id);

describe('attemptsOfIncident', () => {
  it('gives the members newest first, with facts that are no personal data', async () => {
    const at = START_S;
    const fields = { card: 'fp_one', email: 'a@example.com', intent: 'pi_1', amount: 4_200, currency: 'eur' };
    await append(
      view('ch_b', at + 5, { fields }),
      view('ch_a', at, { fields }),
      view('ch_c', at + 5, { fields }),
      view('ch_other', at + 1, { fields: { ...fields, card: 'fp_two' } }),
      view('ch_later', at + 90, { fields }),
      view('ch_foreign', at + 2, { fields, account: 'acct_1' }),
      view('ch_test', at + 2, { fields, livemode: false }),
    );
    const incident = await incidentOn({ kind: 'card', value: 'fp_one' }, [at, at + 5], { attemptCount: 3 });
    expect(await membersOf(incident)).toEqual(
      [
        ['ch_c', at + 5],
        ['ch_b', at + 5],
        ['ch_a', at],
      ].map(([id, time]) => ({
        ...{ id, at: time, outcome: 'declined', code: 'insufficient_funds', amount: 4_200, currency: 'eur' },
        ...{ card: 'visa •••• 4242', intent: 'pi_1' },
      })),
    );
  });

  it('finds an e-mail by its hash, also if only one of the views has it', async () => {
    const at = START_S + 10 * HOUR_S;
    const email = 'payer@example.com';
    await append(
      view('ch_m1', at, { source: 'intent', event: 'evt_m1i', fields: { card: 'fp_m' } }),
      view('ch_m1', at, { event: 'evt_m1c', fields: { card: 'fp_m', email } }),
      view('ch_m2', at + 1, { fields: { card: 'fp_m', email: 'other@example.com' } }),
    );
    const incident = await incidentOn({ kind: 'email', value: email }, [at, at + 10], { attemptCount: 1 });
    expect(incident.entity.value).toMatch(/^[0-9a-f]{32}$/);
    expect(await idsOf(incident, { per: 'email' })).toEqual(['ch_m1']);
  });

  it('leaves out what a later view made a success, and what came by the other lane', async () => {
    const at = START_S + 20 * HOUR_S;
    const fields = { card: 'fp_left' };
    const success = { result: { outcome: 'succeeded', code: '', class: '' } } as const;
    await append(
      view('ch_l1', at, { fields }),
      view('ch_l2', at + 1, { fields }),
      view('ch_l2', at + 1, { event: 'evt_l2b', created: at + 2, fields: { ...fields, ...success } }),
      view('ch_l3', at + 2, { fields, lane: 'history' }),
      view('ch_l4', at + 3, { fields }),
    );
    const entity = { kind: 'card', value: 'fp_left' } as const;
    expect(await idsOf(await incidentOn(entity, [at, at + 3], { attemptCount: 2 }))).toEqual(['ch_l4', 'ch_l1']);
    const old = await incidentOn(entity, [at, at + 3], { attemptCount: 3 });
    const ofHistory: Incident = { ...old, asOf: { ...old.asOf, lane: 'history' } };
    expect(await idsOf(ofHistory)).toEqual(['ch_l4', 'ch_l3', 'ch_l1']);
  });

  it('finds what was received hours later, but nothing that came after the incident’s last news', async () => {
    const at = START_S + 30 * HOUR_S;
    const fields = { card: 'fp_late' };
    await append(
      view('ch_t1', at, { fields }),
      view('ch_t2', at + 1, { fields, receivedAt: (at + 40 * HOUR_S) * 1_000 }),
    );
    const incident = await incidentOn({ kind: 'card', value: 'fp_late' }, [at, at + 1], { attemptCount: 2 });
    await append(view('ch_t3', at + 1, { fields, receivedAt: (at + 41 * HOUR_S) * 1_000 }));
    expect(await idsOf(incident)).toEqual(['ch_t2', 'ch_t1']);
  });

  it('gives the newest 200 of an attack on the whole account', async () => {
    const at = START_S + 100 * HOUR_S;
    const attack = Array.from({ length: 3_000 }, (_, n) =>
      view(`ch_n${String(n).padStart(4, '0')}`, at + n, { fields: { card: `fp_${n}` } }),
    );
    const ordinary = attack.map(({ time }, n) =>
      view(`ch_ok${n}`, time, { fields: { result: { outcome: 'succeeded', code: '', class: '' } } }),
    );
    await append(...attack, ...ordinary);
    const incident = await incidentOn({ kind: 'account', value: 'account' }, [at, at + 2_999], { attemptCount: 3_000 });
    const ids = await idsOf(incident, { per: 'account' });
    expect(ids).toEqual(Array.from({ length: 200 }, (_, n) => `ch_n${2_999 - n}`));
  });

  it('gives signals with the card of the charge they are about', async () => {
    const at = START_S + 200 * HOUR_S;
    const signal: SignalView = {
      ...{
        record: 'signal',
        account: null,
        livemode: true,
        signal: 'dispute',
        id: 'dp_1',
        charge: 'ch_s1',
        reason: 'fraudulent',
      },
      ...{ amount: 999, currency: 'usd', event: 'evt_s1', created: at, time: at, receivedAt: at * 1_000, lane: 'live' },
    };
    const success = { result: { outcome: 'succeeded', code: '', class: '' } } as const;
    await append(view('ch_s1', at - 30 * HOUR_S, { fields: { card: 'fp_s', ...success } }), signal);
    const incident = await incidentOn({ kind: 'card', value: 'fp_s' }, [at, at], { attemptCount: 1 });
    const settings = { on: 'signal', where: 'signal == "dispute"', windowS: 60, quietForS: 60 } as const;
    expect(await membersOf(incident, settings)).toEqual([
      {
        ...{ id: 'dp_1', at, outcome: '', code: 'fraudulent', amount: 999, currency: 'usd' },
        ...{ card: 'visa •••• 4242', intent: null },
      },
    ]);
  });

  it('judges by the rule that was in force then', async () => {
    const at = START_S + 210 * HOUR_S;
    const fields = { card: 'fp_rule' };
    await append(view('ch_r1', at, { fields }), view('ch_r2', at + 1, { fields: { ...fields, amount: 5 } }));
    const incident = await incidentOn({ kind: 'card', value: 'fp_rule' }, [at, at + 1], { attemptCount: 1 });
    const first = rule({ thresholds: { warning: 1 }, where: 'amount > 100' });
    const second = rule({ thresholds: { warning: 1 } }, { version: 2, revision: 2, sinceS: at + 60 });
    const members = await attemptsOfIncident({ log: temp.log, piiKey: PII_KEY }, incident, [
      { rule: first },
      { rule: second },
    ]);
    expect(members.map(({ id }) => id)).toEqual(['ch_r1']);
  });

  it('falls back to the ids that were kept when the log has let go of the attempts', async () => {
    const at = START_S + 300 * HOUR_S;
    const entity = { kind: 'card', value: 'fp_gone' } as const;
    const incident = await incidentOn(entity, [at, at + 9], { attemptCount: 3 });
    const [known] = incident.evidence.newest;
    const ended = { detector: incident.detector, scope: { account: null, livemode: true }, entity, firstBreachAt: at };
    const record = (attempts: string[], facts: object = {}) => ({
      key: membersId({ ...ended, ...facts }),
      value: encode('members', { ...ended, lastBreachAt: at + 9, attemptCount: 3, attempts, ...facts }),
      timeMs: (at + 2 * HOUR_S) * 1_000,
    });
    await temp.log.append('members', [
      record(['ch_g1']),
      record(['ch_3Newest', 'ch_g2', 'ch_g1']),
      record(['ch_x'], { firstBreachAt: at + 1 }),
    ]);
    expect(await membersOf(incident)).toEqual([
      known,
      ...['ch_g2', 'ch_g1'].map((id) => ({
        ...{ id, at: at + 9, outcome: '', code: '', amount: null, currency: null, card: null, intent: null },
      })),
    ]);
  });

  it('has the evidence for what was never an episode, and when nothing else is known', async () => {
    const storm = sampleIncident({ kind: 'storm' });
    expect(await membersOf(storm)).toBe(storm.evidence.newest);
    const unknown = await incidentOn({ kind: 'card', value: 'fp_never' }, [START_S, START_S + 1]);
    expect(await membersOf(unknown)).toBe(unknown.evidence.newest);
  });
});
