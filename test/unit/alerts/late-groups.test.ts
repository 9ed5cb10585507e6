import { describe, expect, it } from 'vitest';
import { erasedGroups, type LateOrigin, lateGroups } from '../../../src/alerts/late-groups.ts';
import type { Delivery } from '../../../src/model/delivery.ts';
import type { Incident } from '../../../src/model/incident.ts';
import { noticeReceipt as receipt, toldOf } from '../../support/notices-told.ts';
import { resolvedBy, sampleIncident } from '../../support/sample-incident.ts';

const T0 = Date.UTC(2026, 9, 1);
const MINUTE = 60_000;
const ERASED = { at: T0, number: 1, version: 2 };

const late = (number: number, openedMs: number, facts: Partial<Incident> = {}): Incident =>
  sampleIncident({ id: `INC-${number}`, late: true, openedAt: T0 + openedMs, receivedAt: T0 + openedMs, ...facts });

type Asked = {
  readonly receipts?: readonly Delivery[];
  readonly origin?: (incident: Incident) => LateOrigin;
  readonly livemode?: boolean;
};

function groups(incidents: readonly Incident[], nowMs: number, { receipts = [], origin, livemode = true }: Asked = {}) {
  const context = { told: toldOf(receipts), livemode, now: T0 + nowMs, originOf: origin ?? (() => 'late' as const) };
  return lateGroups([...incidents].reverse(), context).map(({ subject, version, incidents: own }) => [
    subject,
    version,
    own.map(({ id }) => id).join(),
  ]);
}

describe('what was found late', () => {
  const three = [late(5, 0), late(6, 20_000), late(9, 40_000)];

  it('is told together, once nothing more has been found for a minute', () => {
    expect(groups(three, 99_000)).toEqual([]);
    expect(groups(three, 100_000)).toEqual([['late:live:5', 9, 'INC-5,INC-6,INC-9']]);
  });

  it('is told after ten minutes although more is being found', () => {
    const many = Array.from({ length: 40 }, (_, n) => late(n + 1, n * 20_000));
    expect(groups(many.slice(0, 29), 9.9 * MINUTE)).toEqual([]);
    expect(groups(many.slice(0, 31), 10 * MINUTE + 1)[0]?.[0]).toBe('late:live:1');
  });

  it('is told once: what is told is left out, what was begun is the same', () => {
    const receipts = [receipt('late:live:5', 6)];
    expect(groups(three, 5 * MINUTE, { receipts })).toEqual([['late:live:9', 9, 'INC-9']]);
    expect(groups(three, 5 * MINUTE, { receipts: [receipt('late:live:5', 6, 'posting')] })).toEqual([
      ['late:live:5', 6, 'INC-5,INC-6'],
      ['late:live:9', 9, 'INC-9'],
    ]);
    expect(groups(three, 5 * MINUTE, { receipts: [receipt('late:test:5', 9)] })).toHaveLength(1);
  });

  it('is none of what a backfill brought, and waits until that is known', () => {
    const origin = ({ id }: Incident): LateOrigin => (id === 'INC-6' ? 'backfill' : 'late');
    expect(groups(three, 5 * MINUTE, { origin })).toEqual([['late:live:5', 9, 'INC-5,INC-9']]);
    expect(groups(three, 5 * MINUTE, { origin: () => 'backfill' })).toEqual([]);
    const unknown = ({ id }: Incident): LateOrigin => (id === 'INC-6' ? null : 'late');
    expect(groups(three, 5 * MINUTE, { origin: unknown, receipts: [receipt('late:live:5', 6, 'posting')] })).toEqual(
      [],
    );
  });

  it('is none of the history lane, of the shadow, of a mute, of another mode, of what is done with or long ago', () => {
    const others = [
      late(1, 0, { asOf: { ...sampleIncident().asOf, lane: 'history' } }),
      late(2, 0, { mode: 'shadow' }),
      late(3, 0, { mutedUntil: T0 + 99 * MINUTE }),
      late(4, 0, { livemode: false }),
      late(5, 0, { status: 'withdrawn' }),
      resolvedBy(late(6, 0)),
      late(7, 0, { late: false }),
      late(8, 0, { kind: 'storm' }),
    ];
    expect(groups(others, 5 * MINUTE)).toEqual([]);
    expect(groups(others, 5 * MINUTE, { livemode: false })).toEqual([['late:test:4', 4, 'INC-4']]);
    expect(groups(three, 25 * 60 * MINUTE)).toEqual([]);
  });

  it('is told without whoever is erased later, and nothing else is told for that', () => {
    const posted = { ...receipt('late:live:5', 9), place: { channel: 'C1', ts: '1.2' } };
    const erase = (facts: Partial<Incident>[], receipts: readonly Delivery[] = [posted]) =>
      erasedGroups(
        facts.map((one, index) => late(index + 5, index, one)),
        { told: toldOf(receipts), livemode: true },
      ).map(({ subject, version }) => [subject, version]);
    expect(erase([{}, {}])).toEqual([]);
    expect(erase([{}, { erased: ERASED }, { erased: ERASED }])).toEqual([['late:live:5', 2_000_000_009]]);
    expect(erase([{ erased: ERASED }], [{ ...posted, place: null }])).toEqual([]);
    const again = { ...posted, version: 2_000_000_009 };
    expect(erase([{ erased: ERASED }, { erased: ERASED }], [again])).toEqual([['late:live:5', 2_000_000_009]]);
    expect(groups(three, 5 * MINUTE, { receipts: [again] })).toEqual([]);
    expect(groups(three, 5 * MINUTE, { receipts: [{ ...again, state: 'posting' }] })).toEqual([]);
  });
});
