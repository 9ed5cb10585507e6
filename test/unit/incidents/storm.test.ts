import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Change } from '../../../src/model/commands.ts';
import { ANA, type Desk, detectorSettings, episode, openDesk, report, T0_MS } from '../../support/decider.ts';

const types = (changes: readonly Change[]): readonly string[] =>
  changes.map(({ type, incident }) => (incident === null ? type : `${incident.id} ${type}`));

/** One incident a card, a second apart, from the offset of the next command. */
function attack(desk: Desk, cards: number, from = 0, ageS = 0): void {
  for (let i = from; i < from + cards; i++) {
    const offset = desk.commands.length;
    const entity = { kind: 'card', value: `fp_${i}`, label: `card ${i}` } as const;
    desk.tell(report(offset, [episode(offset - ageS, offset - ageS)], { entity }));
  }
}

describe('a storm', () => {
  it('begins with one incident more than stormAfter within a minute; its children refer to it', () => {
    const desk = openDesk(detectorSettings({ stormAfter: 3 }));
    attack(desk, 3);
    expect(types(desk.last)).toEqual(['INC-3 opened']);
    attack(desk, 1, 3);
    expect(types(desk.last)).toEqual([
      'INC-4 opened',
      'INC-5 opened',
      'INC-1 updated',
      'INC-2 updated',
      'INC-3 updated',
    ]);
    expect(desk.state.incidents.get('INC-5')).toMatchObject({
      kind: 'storm',
      status: 'open',
      peak: 4,
      threshold: 3,
      attemptCount: 12,
      entity: { label: '4 cards' },
      evidence: { outcomes: { declined: 12 }, distinct: { cards: 4 } },
      version: 1,
    });
    for (const id of ['INC-1', 'INC-2', 'INC-3', 'INC-4']) expect(desk.state.incidents.get(id)?.storm).toBe('INC-5');
    attack(desk, 1, 4);
    expect(types(desk.last)).toEqual(['INC-6 opened', 'INC-5 grew']);
    expect(desk.last[0]?.incident?.storm).toBe('INC-5');
    expect(desk.last[1]?.incident).toMatchObject({ peak: 5, version: 2 });
  });

  it('counts on with its children: attempts, codes and amounts are those of the whole attack', () => {
    const desk = openDesk(detectorSettings({ stormAfter: 3 }));
    attack(desk, 4);
    const entity = { kind: 'card', value: 'fp_1', label: 'card 1' } as const;
    const first = desk.state.incidents.get('INC-2');
    const fromS = (first?.firstBreachAt ?? 0) / 1000 - T0_MS / 1000;
    desk.tell(
      report(90, [episode(fromS, fromS + 9, { attemptCount: 9, severity: 'critical', threshold: 8 })], { entity }),
    );
    expect(types(desk.last)).toEqual(['INC-2 severity_raised', 'INC-5 grew']);
    expect(desk.state.incidents.get('INC-5')).toMatchObject({
      severity: 'critical',
      peak: 4,
      attemptCount: 18,
      evidence: {
        outcomes: { declined: 18 },
        codes: [{ code: 'generic_decline', count: 18 }],
        amounts: [{ currency: 'eur', amount: 18_000, count: 18 }],
        distinct: { cards: 4 },
      },
    });
    // A later view takes two attempts out again.
    desk.tell(report(91, [episode(fromS, fromS + 9, { attemptCount: 7 })], { entity }));
    expect(desk.state.incidents.get('INC-5')).toMatchObject({
      attemptCount: 16,
      evidence: { outcomes: { declined: 16 } },
    });
    desk.tell({ type: 'resolve', incident: 'INC-5', verdict: 'fraud', note: '' }, ANA);
    desk.tell(report(92, [episode(fromS, fromS + 19, { attemptCount: 8 })], { entity }));
    expect(desk.state.incidents.get('INC-5')?.attemptCount).toBe(16);
  });

  it('leaves out a child that is withdrawn, and counts it again when it comes back', () => {
    const desk = openDesk(detectorSettings({ stormAfter: 3 }));
    attack(desk, 4);
    const entity = { kind: 'card', value: 'fp_1', label: 'card 1' } as const;
    const fromS = (desk.state.incidents.get('INC-2')?.firstBreachAt ?? 0) / 1000 - T0_MS / 1000;
    desk.tell(report(90, [], { entity }));
    expect(types(desk.last)).toEqual(['INC-2 withdrawn', 'INC-5 grew']);
    expect(desk.state.incidents.get('INC-5')).toMatchObject({
      peak: 3,
      attemptCount: 9,
      entity: { label: '3 cards' },
      evidence: {
        outcomes: { declined: 9 },
        codes: [{ code: 'generic_decline', count: 9 }],
        amounts: [{ currency: 'eur', amount: 9_000, count: 9 }],
        distinct: { cards: 3 },
      },
    });
    desk.tell(report(91, [], { entity }));
    expect(desk.state.incidents.get('INC-5')?.peak).toBe(3);
    desk.tell(report(92, [episode(fromS, fromS + 5, { attemptCount: 5 })], { entity }));
    expect(desk.state.incidents.get('INC-2')?.status).toBe('open');
    expect(desk.state.incidents.get('INC-5')).toMatchObject({
      peak: 4,
      attemptCount: 14,
      entity: { label: '4 cards' },
      evidence: { outcomes: { declined: 14 }, distinct: { cards: 4 } },
    });
  });

  it('counts to the attempt, however its children grow', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(5), fc.integer({ min: 1, max: 40 })), { maxLength: 40 }), (growth) => {
        const desk = openDesk(detectorSettings({ stormAfter: 3 }));
        growth.forEach(([card, attemptCount], index) => {
          const entity = { kind: 'card', value: `fp_${card}`, label: '' } as const;
          // Too few are no episode: what stood is withdrawn.
          const breached = attemptCount < 3 ? [] : [episode(card, 6 + index, { attemptCount })];
          desk.tell(report(index, breached, { entity }), undefined, { at: 100 * index });
        });
        const all = [...desk.state.incidents.values()];
        const storm = all.find(({ kind }) => kind === 'storm');
        const children = all.filter(
          (incident) => storm !== undefined && incident.storm === storm.id && incident.status !== 'withdrawn',
        );
        const attempts = children.reduce((sum, child) => sum + child.attemptCount, 0);
        expect(storm?.attemptCount ?? 0).toBe(attempts);
        expect(storm?.evidence.outcomes.declined ?? 0).toBe(attempts);
        expect(storm?.peak ?? 0).toBe(children.length);
      }),
      { numRuns: 200 },
    );
  });

  it('does not begin when they are spread over more than a minute, or are late, muted or in shadow', () => {
    const spread = openDesk(detectorSettings({ stormAfter: 3 }));
    for (let i = 0; i < 6; i++) {
      const entity = { kind: 'card', value: `fp_${i}`, label: '' } as const;
      spread.tell(report(i, [episode(i * 30, i * 30)], { entity }), undefined, { at: i * 30_000 });
    }
    const shadow = openDesk(detectorSettings({ stormAfter: 3, mode: 'shadow' }));
    attack(shadow, 6);
    const late = openDesk(detectorSettings({ stormAfter: 3 }));
    attack(late, 6, 0, 7_200);
    for (const desk of [spread, shadow, late])
      expect([...desk.state.incidents.values()].filter(({ kind }) => kind === 'storm')).toEqual([]);
  });

  it('hands its acknowledgement and its verdict to its children, also to those that join later, in batches', () => {
    const desk = openDesk(detectorSettings({ stormAfter: 3 }));
    attack(desk, 4);
    const acknowledged = desk.tell({ type: 'acknowledge', incident: 'INC-5' }, ANA)[0];
    expect(acknowledged?.nextDeadline).toBe(acknowledged?.at);
    expect(types(desk.tell({ type: 'timer' }))).toEqual([
      'INC-1 acknowledged',
      'INC-2 acknowledged',
      'INC-3 acknowledged',
      'INC-4 acknowledged',
      'INC-5 seen',
    ]);
    expect(desk.state.incidents.get('INC-2')?.acknowledged?.by).toEqual(ANA);
    attack(desk, 1, 4);
    expect(types(desk.tell({ type: 'timer' }))).toEqual(['INC-6 acknowledged', 'INC-5 seen']);
    desk.tell({ type: 'resolve', incident: 'INC-5', verdict: 'fraud', note: 'card testing' }, ANA);
    desk.tell({ type: 'timer' });
    for (const id of ['INC-1', 'INC-4', 'INC-6'])
      expect(desk.state.incidents.get(id)).toMatchObject({
        status: 'resolved',
        resolved: { verdict: 'fraud', by: ANA },
      });
    expect(types(desk.tell({ type: 'timer' }))).toEqual(['seen']);
  });

  it('is over after five quiet minutes, and says how many and how long', () => {
    const desk = openDesk(detectorSettings({ stormAfter: 3 }));
    attack(desk, 4);
    const at = desk.last[1]?.nextDeadline ?? 0;
    expect(at).toBe(T0_MS + 4_000 + 300_000);
    const ended = desk.tell({ type: 'timer' }, undefined, { at: at - T0_MS });
    expect(types(ended)).toEqual(['INC-5 ended']);
    expect(ended[0]).toMatchObject({
      data: { incidents: 4, lastedMs: 0 },
      incident: { over: true },
      nextDeadline: null,
    });
    attack(desk, 1, 9);
    expect(desk.last[0]?.incident?.storm).toBeNull();
  });
});

describe('what operators must know', () => {
  const silence = (isOn: boolean, sinceS = 1_000) =>
    ({
      type: 'operator',
      scope: { account: null, livemode: true },
      subject: 'silence',
      isOn,
      title: 'No events since 14:02 UTC.',
      why: 'Look at the webhook endpoint in the Stripe dashboard.',
      severity: 'critical',
      sinceS,
    }) as const;

  it('is one incident while it lasts, and another one the next time', () => {
    const desk = openDesk();
    expect(desk.tell(silence(true))[0]?.incident).toMatchObject({ id: 'INC-1', kind: 'operator', mode: 'alert' });
    expect(types(desk.tell(silence(true)))).toEqual(['seen']);
    expect(types(desk.tell(silence(false)))).toEqual(['INC-1 ended']);
    expect(types(desk.tell(silence(true)))).toEqual(['INC-1 returned']);
    desk.tell({ type: 'resolve', incident: 'INC-1', verdict: 'own_test_or_bug', note: '' }, ANA);
    expect(types(desk.tell(silence(true)))).toEqual(['seen']);
    expect(types(desk.tell(silence(true, 2_000)))).toEqual(['INC-2 opened']);
  });
});
