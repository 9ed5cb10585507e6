// Verdicts, corrected by what banks said later: shares with their intervals, which incident a proof belongs to, and notes
// that are written once.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encode } from '../../../src/log/codec.ts';
import type { DailyTotals, Proof } from '../../../src/model/daily-totals.ts';
import type { Incident, Verdict } from '../../../src/model/incident.ts';
import { type EndedMembers, membersId } from '../../../src/model/members.ts';
import { type Correction, gradesOf, wilson } from '../../../src/tuning/grades.ts';
import { correctionsOf } from '../../../src/tuning/grades-join.ts';
import { GRADER, notesFor } from '../../../src/tuning/grades-note.ts';
import { ANA } from '../../support/decider.ts';
import { sampleIncident } from '../../support/sample-incident.ts';
import { openTempLog, type TempLog } from '../../support/temp-log.ts';

const OPENED_AT = sampleIncident().openedAt;
const SCOPE = { account: null, livemode: true };

function resolved(id: string, verdict: Verdict | null, more: Partial<Incident> = {}): Incident {
  const plain = sampleIncident({ id, ...more });
  if (verdict === null) return plain;
  const { peak, severity, attemptCount } = plain;
  return {
    ...plain,
    status: 'resolved',
    resolved: { verdict, by: ANA, at: OPENED_AT + 60_000, note: '', peak, severity, attemptCount },
  };
}

const proof = (id: string, more: Partial<Proof> = {}): Proof => ({
  id,
  kind: 'dispute',
  charge: `ch_${id}`,
  reason: 'fraudulent',
  at: OPENED_AT / 1_000 + 86_400,
  amount: 4_200,
  currency: 'usd',
  said: { created: 1, event: 'evt_1' },
  paid: null,
  ...more,
});

const day = (proofs: readonly Proof[]): DailyTotals => ({
  scope: SCOPE,
  day: '2026-10-02',
  asOf: 1,
  whole: true,
  outcomes: {},
  saves: {},
  brands: {},
  proofs,
});

const correction = (incident: string, isFraud: boolean): Correction => ({
  incident,
  detector: 'card-declines',
  verdict: null,
  proofs: [{ proof: proof('dp_1'), by: 'member' }],
  isFraud,
});

describe('the Wilson interval', () => {
  it('holds the share, and stays between none and all', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), fc.nat({ max: 10_000 }), (of, some) => {
        const hits = some % (of + 1);
        const share = wilson(hits, of);
        if (share === null) throw new Error('there is a share');
        expect(share.value).toBe(hits / of);
        expect(share.low).toBeGreaterThanOrEqual(0);
        expect(share.low).toBeLessThanOrEqual(share.value);
        expect(share.high).toBeGreaterThanOrEqual(share.value);
        expect(share.high).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('is narrower the more there are', () => {
    const width = (hits: number, of: number): number => {
      const { low = 0, high = 0 } = wilson(hits, of) ?? {};
      return high - low;
    };
    expect(width(80, 100)).toBeLessThan(width(8, 10));
    expect(width(800, 1_000)).toBeLessThan(width(80, 100));
  });

  it('is that of the books', () => {
    const { low = 0, high = 0 } = wilson(8, 10) ?? {};
    expect(low).toBeCloseTo(0.4902, 4);
    expect(high).toBeCloseTo(0.9433, 4);
    expect(wilson(0, 0)).toBeNull();
  });
});

describe('a grade', () => {
  it('is the share of fraud among what was judged, unsure left out', () => {
    const incidents = [
      resolved('INC-1', 'fraud'),
      resolved('INC-2', 'fraud'),
      resolved('INC-3', 'customer_trouble'),
      resolved('INC-4', 'unsure'),
      resolved('INC-5', null),
    ];
    const [grade] = gradesOf(incidents, new Map());
    expect(grade).toMatchObject({ incidents: 5, graded: 3, coverage: 0.6, fraud: 2, corrected: 0 });
    expect(grade?.precision?.value).toBeCloseTo(2 / 3);
    expect(grade?.verdicts).toEqual({ fraud: 2, customer_trouble: 1, unsure: 1 });
  });

  it('is corrected by proof, also where nobody had judged', () => {
    const incidents = [resolved('INC-1', 'customer_trouble'), resolved('INC-2', 'unsure'), resolved('INC-3', null)];
    const corrections = new Map(['INC-1', 'INC-2', 'INC-3'].map((id) => [id, correction(id, id !== 'INC-2')]));
    const [grade] = gradesOf(incidents, corrections);
    expect(grade).toMatchObject({ graded: 2, fraud: 2, corrected: 1, precision: { value: 1 } });
  });

  it('counts a storm once, with what is proven of any of its incidents', () => {
    const storm = resolved('INC-1', 'own_test_or_bug', { kind: 'storm' });
    const children = ['INC-2', 'INC-3'].map((id) => resolved(id, null, { storm: 'INC-1' }));
    const apart = [resolved('INC-4', null, { status: 'merged' }), resolved('INC-5', null, { kind: 'operator' })];
    expect(gradesOf([storm, ...children, ...apart], new Map())).toMatchObject([{ incidents: 1, graded: 1, fraud: 0 }]);
    const corrections = new Map([['INC-3', correction('INC-3', true)]]);
    expect(gradesOf([storm, ...children], corrections)).toMatchObject([{ incidents: 1, fraud: 1, corrected: 1 }]);
  });
});

describe('a proof belongs to an incident', () => {
  let temp: TempLog;
  beforeEach(async () => {
    temp = await openTempLog();
  });
  afterEach(async () => await temp.close());

  const join = async (incidents: readonly Incident[], proofs: readonly Proof[]) => {
    const corrections = await correctionsOf({ log: temp.log, incidents, days: [day(proofs)] });
    return [...corrections].map(([id, { proofs: own, isFraud }]) => [
      id,
      own.map((one) => `${one.proof.id} ${one.by}`),
      isFraud,
    ]);
  };

  async function members(incident: Incident, attempts: readonly string[], scope = SCOPE): Promise<void> {
    const { detector, entity, firstBreachAt, lastBreachAt, attemptCount } = incident;
    const times = { firstBreachAt: firstBreachAt / 1_000, lastBreachAt: lastBreachAt / 1_000 };
    const ended: EndedMembers = { detector, scope, entity, ...times, attemptCount, attempts };
    await temp.log.append('members', [{ key: membersId(ended), value: encode('members', ended), timeMs: Date.now() }]);
  }

  it('whose members have its charge, however long ago', async () => {
    const incident = resolved('INC-1', 'customer_trouble');
    await members(incident, ['ch_a', 'ch_b']);
    const late = OPENED_AT / 1_000 + 300 * 86_400;
    const proofs = [proof('dp_1', { charge: 'ch_b', at: late }), proof('dp_2', { charge: 'ch_c' })];
    expect(await join([incident], proofs)).toEqual([['INC-1', ['dp_1 member'], true]]);
  });

  it('of its own scope only', async () => {
    const incident = resolved('INC-1', null);
    await members(incident, ['ch_a'], { account: null, livemode: false });
    expect(await join([incident], [proof('dp_1', { charge: 'ch_a' })])).toEqual([]);
  });

  it('on the card that it was paid with, at that time', async () => {
    const paid = (at: number, value = 'fp_4242') => ({
      at,
      brand: 'visa',
      entities: [{ kind: 'card', value } as const],
    });
    const near = OPENED_AT / 1_000;
    const proofs = [
      proof('dp_near', { paid: paid(near) }),
      proof('dp_far', { paid: paid(near + 7 * 86_400) }),
      proof('dp_other', { paid: paid(near, 'fp_1') }),
    ];
    expect(await join([resolved('INC-1', null)], proofs)).toEqual([['INC-1', ['dp_near entity'], true]]);
  });

  it('and proves fraud only if the bank says fraud', async () => {
    const incident = resolved('INC-1', 'customer_trouble');
    await members(incident, ['ch_a']);
    const proofs = [proof('dp_1', { charge: 'ch_a', reason: 'product_not_received' })];
    expect(await join([incident], proofs)).toEqual([['INC-1', ['dp_1 member'], false]]);
    const warned = [...proofs, proof('issfr_1', { kind: 'early_fraud_warning', charge: 'ch_a', reason: 'misc' })];
    expect(await join([incident], warned)).toEqual([['INC-1', ['dp_1 member', 'issfr_1 member'], true]]);
  });
});

describe('a note of a proof', () => {
  const incident = resolved('INC-1', 'customer_trouble');
  const found: Correction = {
    ...correction('INC-1', true),
    verdict: 'customer_trouble',
    proofs: Array.from({ length: 7 }, (_, i) => ({ proof: proof(`dp_${i}`), by: 'member' })),
  };

  it('says what was said, and what it is now, for the first five', () => {
    const notes = notesFor(incident, found, []);
    expect(notes).toHaveLength(5);
    expect(notes[0]).toEqual({
      id: 'grades:INC-1:dispute:dp_0',
      actor: GRADER,
      body: {
        type: 'note',
        incident: 'INC-1',
        note: 'A payment of this incident (ch_dp_0) of 42.00 USD was disputed on 2026-10-02: dp_0, fraudulent. You said a customer in trouble; it counts as fraud now.',
      },
    });
  });

  it('is not written again, even if the incident no longer keeps it or the verdict has changed', () => {
    const told = notesFor(incident, found, []).map(({ body }) => (body.type === 'note' ? body.note : ''));
    expect(notesFor(incident, found, told)).toEqual([]);
    expect(notesFor(incident, { ...found, verdict: 'fraud' }, told)).toEqual([]);
    const notes = told.map((text) => ({ at: 1, by: GRADER, text }));
    expect(notesFor({ ...incident, notes }, found, [])).toEqual([]);
    const others = notes.map((note) => ({ ...note, by: ANA }));
    expect(notesFor({ ...incident, notes: others }, found, [])).toHaveLength(5);
  });

  it('takes nothing from outside that a reader could be deceived by', () => {
    const hostile = proof('dp_<!channel>', {
      charge: '=HYPERLINK("x")',
      reason: '<@U1> said so',
      currency: '__proto__',
    });
    const [note] = notesFor(incident, { ...found, proofs: [{ proof: hostile, by: 'entity' }] }, []);
    const text = note?.body.type === 'note' ? note.body.note : '';
    expect(text).not.toMatch(/[<>=@"!]/);
    expect(text).toMatch(/^A payment made with the same details at that time/);
  });
});
