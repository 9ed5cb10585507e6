import { describe, expect, it } from 'vitest';
import { HISTORY_S } from '../../../src/incidents/release.ts';
import { ANA, type Desk, episode, openDesk, report, T0_S } from '../../support/decider.ts';

const CARD_B = { entity: { kind: 'card', value: 'fp_b', label: 'b' } } as const;

/** INC-1 on one card, over; a report on another card moves the live range on to `liveFromS` after T0. */
function afterwards(liveFromS: number, close: (desk: Desk) => void): Desk {
  const desk = openDesk();
  desk.tell(report(10, [episode(0, 0, { over: true })]));
  close(desk);
  desk.tell(report(1_000, [], { ...CARD_B, range: { fromS: T0_S + liveFromS, toS: null } }));
  return desk;
}

const resolve = (desk: Desk): void =>
  void desk.tell({ type: 'resolve', incident: 'INC-1', verdict: 'fraud', note: '' }, ANA);

describe('releasing', () => {
  it('keeps a closed incident as long as the history lane could look back on it', () => {
    expect(afterwards(HISTORY_S - 10, resolve).state.incidents.has('INC-1')).toBe(true);
  });

  it('then lets it go: a click is told so, an old report opens nothing, numbers go on', () => {
    const desk = afterwards(HISTORY_S + 10, resolve);
    expect(desk.state.incidents.size).toBe(0);
    expect(desk.state.keys.size).toBeLessThanOrEqual(1);
    const refusal = desk.tell({ type: 'reopen', incident: 'INC-1' }, ANA)[0]?.refusal;
    expect(refusal).toMatchObject({ code: 'not_found', message: 'INC-1 was closed too long ago to be changed.' });
    expect(desk.tell(report(10, [episode(0, 0)]))[0]?.type).toBe('seen');
    expect(desk.tell(report(2_000, [episode(0, 0)], CARD_B))[0]?.incident?.id).toBe('INC-2');
  });

  it('never lets go of what nobody has resolved', () => {
    expect(afterwards(HISTORY_S * 2, () => undefined).state.incidents.has('INC-1')).toBe(true);
  });
});
